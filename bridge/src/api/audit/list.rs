//! `GET /api/v1/audit`

use std::collections::HashMap;

use actix_web::web::{Data, Json};
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use serde::Deserialize;
use tracing::instrument;
use utoipa::IntoParams;

use super::view::{EntryPage, EntryView};
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadAudit;
use crate::edge::params::{InQuery, instant, limit_of};
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;
use crate::store::audit::{Entries, Entry, EntryFilter, Kind};
use crate::store::{Cursor, Stamp, StoreError, Stored, Stores};

/// Longest text of a filter, bytes.
const MAX_TEXT: usize = 256;
/// Ends looked up at once.
const AT_ONCE: usize = 16;

/// Which entries, and which page of them.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    /// The id of who acted.
    actor: Option<String>,
    /// The id of what was made, changed or asked for.
    object: Option<String>,
    kind: Option<Kind>,
    /// `POST`, `PUT`, …
    method: Option<String>,
    /// The route's template, exactly: `/api/v1/bots/{bot_id}`.
    route: Option<String>,
    /// RFC 3339; entries of then or later.
    #[param(value_type = Option<String>)]
    #[serde(default, deserialize_with = "instant")]
    from: Option<Timestamp>,
    /// RFC 3339; entries of before.
    #[param(value_type = Option<String>)]
    #[serde(default, deserialize_with = "instant")]
    to: Option<Timestamp>,
    /// `next_cursor` of the page before, with the same filters.
    cursor: Option<String>,
    /// 1 to 200; 50 by default.
    limit: Option<usize>,
}

/// The tenant's audit entries, newest first.
#[instrument(name = "audit.list", skip_all)]
pub async fn list(
    who: Allowed<ReadAudit>,
    query: InQuery<ListQuery>,
    stores: Data<Stores>,
) -> ApiResult<Json<EntryPage>> {
    let query = query.0;
    let cursor = query.cursor.as_deref().map(Cursor::parse).transpose().map_err(StoreError::from)?;
    let limit = limit_of(query.limit)?;
    let filter = filter(query).map_err(ApiError::invalid)?;
    let entries = stores.audit(who.tenant());
    let listed = entries.list_entries(&filter, limit, cursor).await?;
    let ends = ends(&entries, &listed.items).await?;
    let view = |stored: Stored<Entry>| {
        let end = ends.get(&stored.value.seq).copied();
        EntryView::new(stored.value, end)
    };
    let items = listed.items.into_iter().map(view).collect();
    Ok(Json(EntryPage { items, next_cursor: listed.next_cursor }))
}

/// The ends of a page's begins. Most stand on the page themselves.
async fn ends(entries: &Entries, page: &[Stored<Entry>]) -> Result<HashMap<i64, i64>, StoreError> {
    let mut known: HashMap<i64, i64> =
        page.iter().filter_map(|e| Some((e.value.begin?, e.value.seq))).collect();
    let begins = page.iter().map(|e| &e.value).filter(|e| e.kind == Kind::Begin).map(|e| e.seq);
    let open: Vec<i64> = begins.filter(|seq| !known.contains_key(seq)).collect();
    let look_up = |begin: i64| async move { Ok::<_, StoreError>((begin, entries.find_end(begin).await?)) };
    let found: Vec<_> = stream::iter(open).map(look_up).buffered(AT_ONCE).try_collect().await?;
    known.extend(found.into_iter().filter_map(|(begin, end)| Some((begin, end?))));
    Ok(known)
}

/// What is asked for. A filter that no entry can match is a mistake, and an empty list would not tell it.
fn filter(query: ListQuery) -> Result<EntryFilter, Vec<FieldError>> {
    let texts = [
        ("actor", &query.actor),
        ("object", &query.object),
        ("method", &query.method),
        ("route", &query.route),
    ];
    let is_bad = |text: &Option<String>| text.as_ref().is_some_and(|t| !(1..=MAX_TEXT).contains(&t.len()));
    let mut faults: Vec<FieldError> = texts
        .into_iter()
        .filter(|(_, text)| is_bad(text))
        .map(|(name, _)| FieldError::new(name, format!("must be 1 to {MAX_TEXT} bytes")))
        .collect();
    if query.from.zip(query.to).is_some_and(|(from, to)| from >= to) {
        faults.push(FieldError::new("to", "must be later than `from`"));
    }
    let filter = EntryFilter {
        actor: query.actor,
        object: query.object,
        kind: query.kind,
        method: query.method,
        route: query.route,
        from: query.from.map(Stamp),
        to: query.to.map(Stamp),
    };
    if faults.is_empty() { Ok(filter) } else { Err(faults) }
}
