//! `GET /api/v1/calls`

use actix_web::web::{Data, Json};
use jiff::Timestamp;
use serde::Deserialize;
use tracing::instrument;
use utoipa::IntoParams;
use vox_shared::clock::Clock;
use vox_shared::ids::BotId;
use vox_shared::phone::BadNumber;
use vox_shared::wire::result::DisconnectedBy;

use super::view::CallPage;
use crate::api::analytics::asked::Direction;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadCalls;
use crate::edge::params::{InQuery, instant, limit_of, number};
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;
use crate::runtime::config::MAX_NAME;
use crate::search::find;
use crate::search::keys::{Key, comparable};
use crate::search::words::asked;
use crate::store::calls::{CallFilter, CallStatus};
use crate::store::digests::Sought;
use crate::store::engine::Word;
use crate::store::{Cursor, Stamp, StoreError, Stores};

/// Which calls, and which page of them.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    #[param(value_type = Option<String>)]
    bot_id: Option<BotId>,
    status: Option<CallStatus>,
    /// A word of the contract: `bot`, `customer`, `RNR`, …
    #[param(value_type = Option<String>)]
    disconnected_by: Option<DisconnectedBy>,
    #[param(inline)]
    direction: Option<Direction>,
    /// Words of the transcript, all of which the call has; one that ends with `*` stands for all that begin so.
    text: Option<String>,
    /// The campaign that the dialler named, exactly.
    campaign_id: Option<String>,
    /// The caller's number, however it is written.
    from_number: Option<String>,
    /// The called number, however it is written.
    to_number: Option<String>,
    /// The carrier's own id of the call, exactly.
    external_call_id: Option<String>,
    /// The word for what came of it, exactly: `RNR`, `Connected`, or one of the bot's own.
    disposition: Option<String>,
    /// The caller, exactly. A number's '+' is written as `%2B`; a bare one is understood.
    caller: Option<String>,
    /// RFC 3339; calls that began then or later.
    #[param(value_type = Option<String>)]
    #[serde(default, deserialize_with = "instant")]
    from: Option<Timestamp>,
    /// RFC 3339; calls that began before.
    #[param(value_type = Option<String>)]
    #[serde(default, deserialize_with = "instant")]
    to: Option<Timestamp>,
    /// `next_cursor` of the page before, with the same filters.
    cursor: Option<String>,
    /// 1 to 200; 50 by default.
    limit: Option<usize>,
}

/// The tenant's calls, or those of the bots that a key is limited to, newest first.
#[instrument(name = "calls.list", skip_all)]
pub async fn list(
    who: Allowed<ReadCalls>,
    query: InQuery<ListQuery>,
    stores: Data<Stores>,
    clock: Data<Clock>,
) -> ApiResult<Json<CallPage>> {
    let query = query.0;
    let cursor = query.cursor.as_deref().map(Cursor::parse).transpose().map_err(StoreError::from)?;
    let limit = limit_of(query.limit)?;
    if query.is_search() {
        let sought = sought(query, Stamp(clock.now())).map_err(ApiError::invalid)?;
        return Ok(Json(find::calls(&stores, who.reach(), &sought, (limit, cursor)).await?.into()));
    }
    let filter = filter(query).map_err(ApiError::invalid)?;
    Ok(Json(stores.calls(who.reach()).list_calls(&filter, limit, cursor).await?.into()))
}

impl ListQuery {
    /// Whether it asks for what only the digests of ended calls know.
    fn is_search(&self) -> bool {
        [&self.text, &self.campaign_id, &self.from_number, &self.to_number]
            .iter()
            .any(|asked| asked.is_some())
    }
}

/// What is searched for, numbers and words first: few calls have them.
fn sought(query: ListQuery, now: Stamp) -> Result<Sought, Vec<FieldError>> {
    let mut faults = Vec::new();
    if query.caller.is_some() {
        faults.push(FieldError::new("caller", "does not go with a search; use `from_number`"));
    }
    if query.external_call_id.is_some() {
        faults.push(FieldError::new("external_call_id", "does not go with a search; ask for it alone"));
    }
    let mut words = Vec::new();
    for (field, asked) in [("from_number", &query.from_number), ("to_number", &query.to_number)] {
        let Some(asked) = asked else { continue };
        match comparable(&number(asked.clone())) {
            Some(key) if field == "from_number" => words.push(Word::Whole(Key::From(&key).word())),
            Some(key) => words.push(Word::Whole(Key::To(&key).word())),
            None => faults.push(FieldError::new(field, BadNumber.to_string())),
        }
    }
    match query.text.as_deref().map(asked).transpose() {
        Ok(asked) => words.extend(asked.into_iter().flatten()),
        Err(unclear) => faults.push(FieldError::new("text", unclear.to_string())),
    }
    if query.from.zip(query.to).is_some_and(|(from, to)| from >= to) {
        faults.push(FieldError::new("to", "must be later than `from`"));
    }
    let keys = [
        query.campaign_id.as_deref().map(Key::Campaign),
        query.disposition.as_deref().map(Key::Disposition),
        query.bot_id.as_ref().map(|bot| Key::Bot(bot.as_str())),
        query.disconnected_by.map(|end| Key::End(end.as_str())),
        query.status.map(|status| Key::Status(status.as_str())),
        query.direction.map(|direction| Key::Direction(direction.as_str())),
    ];
    words.extend(keys.into_iter().flatten().map(|key| Word::Whole(key.word())));
    let sought = Sought { words, now, from: query.from.map(Stamp), to: query.to.map(Stamp) };
    if faults.is_empty() { Ok(sought) } else { Err(faults) }
}

/// What is asked for. A filter that no call can match is a mistake, and an empty list would not tell it.
fn filter(query: ListQuery) -> Result<CallFilter, Vec<FieldError>> {
    let mut faults = Vec::new();
    let caller = query.caller.map(number);
    if caller.as_ref().is_some_and(|c| c.trim().is_empty() || c.chars().count() > MAX_NAME) {
        faults.push(FieldError::new("caller", format!("must be 1 to {MAX_NAME} characters")));
    }
    if query.disposition.as_ref().is_some_and(|d| d.trim().is_empty() || d.chars().count() > MAX_NAME) {
        faults.push(FieldError::new("disposition", format!("must be 1 to {MAX_NAME} characters")));
    }
    if query.from.zip(query.to).is_some_and(|(from, to)| from >= to) {
        faults.push(FieldError::new("to", "must be later than `from`"));
    }
    let direction = query.direction.map(|direction| direction.as_str().to_owned());
    let filter = CallFilter {
        bot: query.bot_id,
        status: query.status,
        disconnected_by: query.disconnected_by,
        direction,
        disposition: query.disposition,
        caller,
        external: query.external_call_id,
        from: query.from.map(Stamp),
        to: query.to.map(Stamp),
    };
    if faults.is_empty() { Ok(filter) } else { Err(faults) }
}
