//! `GET /api/v1/invitations`

use actix_web::web::{Data, Json};
use serde::Deserialize;
use tracing::instrument;
use utoipa::IntoParams;
use vox_shared::clock::Clock;

use super::view::{InvitationPage, InvitationView};
use crate::auth::allowed::Allowed;
use crate::auth::permission::InviteUsers;
use crate::edge::params::{InQuery, limit_of};
use crate::error::ApiResult;
use crate::store::{Cursor, StoreError, Stores};

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    /// 1 to 200; 50 by default.
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// The tenant's invitations and links to set a password, newest first; those that are over for another thirty days.
#[instrument(name = "invitations.list", skip_all)]
pub async fn list(
    who: Allowed<InviteUsers>,
    query: InQuery<ListQuery>,
    stores: Data<Stores>,
    clock: Data<Clock>,
) -> ApiResult<Json<InvitationPage>> {
    let cursor = query.0.cursor.as_deref().map(Cursor::parse).transpose().map_err(StoreError::from)?;
    let listed = stores.invitations(who.tenant()).list_invitations(limit_of(query.0.limit)?, cursor).await?;
    let items = listed.items.into_iter().map(|link| InvitationView::new(link, clock.now())).collect();
    Ok(Json(InvitationPage { items, next_cursor: listed.next_cursor }))
}
