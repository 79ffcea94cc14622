//! `POST /api/v1/calls/{session_id}/recording-link`

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use actix_web::{CustomizeResponder, Responder};
use serde::Serialize;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::ids::SessionId;

use crate::api::calls::view::Links;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ShareRecordings;
use crate::custody::Custodian;
use crate::edge::params::InPath;
use crate::error::ApiResult;

/// A new link.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewLink {
    pub recording_access_token: String,
    pub recording_url: String,
    /// When it ends by itself, RFC 3339, UTC; null when it does not.
    pub recording_link_ends_at: Option<String>,
}

/// Make a new link to a call's recording; the one before opens nothing any more.
#[instrument(name = "calls.link.make", skip_all, fields(call.id = %call.0))]
pub async fn make(
    who: Allowed<ShareRecordings>,
    call: InPath<SessionId>,
    custodian: Data<Custodian>,
    links: Data<Links>,
) -> ApiResult<CustomizeResponder<Json<NewLink>>> {
    let made = custodian.make_link(who.reach(), &call.0).await?;
    let link = NewLink {
        recording_url: links.public(&made.token),
        recording_access_token: made.token,
        recording_link_ends_at: made.ends_at.map(|end| end.to_string()),
    };
    Ok(Json(link).customize().with_status(StatusCode::CREATED))
}
