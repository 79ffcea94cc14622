//! `GET /api/v1/proofs`

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{Bytes, Data};
use futures_util::stream;
use serde::Deserialize;
use tracing::instrument;
use utoipa::IntoParams;

use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadProofs;
use crate::edge::params::InQuery;
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;
use crate::store::proofs::Proofs;
use crate::store::{Cursor, Stores};

/// From where.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ExportQuery {
    /// The number of the first entry; 1 by default.
    from: Option<i64>,
}

/// The tenant's proofs as JSON lines, from some number on, in their order.
#[instrument(name = "proofs.export", skip_all)]
pub async fn export(
    who: Allowed<ReadProofs>,
    query: InQuery<ExportQuery>,
    stores: Data<Stores>,
) -> ApiResult<HttpResponse> {
    let from = query.0.from.unwrap_or(1);
    if from < 1 {
        return Err(ApiError::invalid(vec![FieldError::new("from", "must be 1 or more")]));
    }
    let place = Place { proofs: stores.proofs(who.tenant()), from, after: None };
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CONTENT_TYPE, "application/x-ndjson"));
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    response.insert_header((header::CONTENT_DISPOSITION, "attachment; filename=\"proofs.jsonl\""));
    Ok(response.streaming(stream::unfold(Some(place), page)))
}

struct Place {
    proofs: Proofs,
    from: i64,
    after: Option<Cursor>,
}

async fn page(place: Option<Place>) -> Option<(std::io::Result<Bytes>, Option<Place>)> {
    let Place { proofs, from, after } = place?;
    let listed = match proofs.list_from(from, after).await {
        Ok(listed) => listed,
        Err(error) => return Some((Err(std::io::Error::other(error)), None)),
    };
    let after = listed.next_cursor.as_deref().and_then(|cursor| Cursor::parse(cursor).ok());
    let mut lines = Vec::new();
    for stored in &listed.items {
        if let Err(error) = serde_json::to_writer(&mut lines, &stored.value) {
            return Some((Err(std::io::Error::other(error)), None));
        }
        lines.push(b'\n');
    }
    let next = after.map(|after| Place { proofs, from, after: Some(after) });
    // A piece without bytes would be the end of the answer.
    if lines.is_empty() { None } else { Some((Ok(Bytes::from(lines)), next)) }
}
