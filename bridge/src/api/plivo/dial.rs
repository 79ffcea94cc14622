//! `GET /api/v1/public/plivo/dial`

use actix_web::HttpResponse;
use serde::Deserialize;
use tracing::instrument;
use utoipa::IntoParams;
use vox_shared::dial::Destination;

use crate::edge::params::InQuery;
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;

/// Whom to dial. Plivo adds parameters of its own, which say nothing here.
#[derive(Debug, Deserialize, IntoParams)]
pub struct DialQuery {
    /// `+` and digits, or a SIP address.
    dial: String,
}

/// The document in which Plivo is told to dial somebody: a worker that hands a caller over sends Plivo here. It says back what it
/// was asked, so it needs no credential; what it holds is a number or a SIP address and nothing else.
#[instrument(name = "plivo.dial", skip_all)]
pub async fn dial(query: InQuery<DialQuery>) -> ApiResult<HttpResponse> {
    let whom = query.0.dial.parse::<Destination>();
    let whom = whom.map_err(|why| ApiError::invalid(vec![FieldError::new("dial", why.to_string())]))?;
    Ok(HttpResponse::Ok().content_type("application/xml; charset=utf-8").body(whom.plivo_xml()))
}
