//! `GET /api/v1/events`

use actix_web::web::{Data, Json};
use serde::Deserialize;
use tracing::instrument;
use utoipa::IntoParams;

use super::view::{EventPage, shown};
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadEvents;
use crate::edge::params::{InQuery, limit_of};
use crate::error::ApiResult;
use crate::store::{StoreError, Stores};

/// From where, and how many.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    /// `next_cursor` of the page before; without it the list begins with the oldest event that is kept.
    cursor: Option<String>,
    /// 1 to 200; 50 by default. With a key that is limited to bots a page may hold fewer, or none, and go on all the same.
    limit: Option<usize>,
}

/// The tenant's events in their order, the oldest first.
#[instrument(name = "events.list", skip_all)]
pub async fn list(
    who: Allowed<ReadEvents>,
    query: InQuery<ListQuery>,
    stores: Data<Stores>,
) -> ApiResult<Json<EventPage>> {
    let limit = limit_of(query.0.limit)?;
    let after: i64 = match query.0.cursor.as_deref() {
        Some(cursor) => cursor.parse().map_err(|_| StoreError::BadCursor)?,
        None => 0,
    };
    let events = stores.events(who.reach().tenant()).list_after(after, limit).await?;
    let last = events.last().and_then(|event| event.value.seq).unwrap_or(after);
    Ok(Json(EventPage { items: shown(events, who.reach()), next_cursor: last.to_string() }))
}
