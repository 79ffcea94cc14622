//! `GET|POST /api/v1/config/{bot_id}`

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use tracing::instrument;
use utoipa::IntoParams;
use vox_shared::ids::{BotId, SessionId, WorkerId};
use vox_shared::json::is_deeper_than;
use vox_shared::wire::WIRE_VERSION;
use vox_shared::wire::config::{ConfigRequest, RuntimeConfig};

use crate::auth::internal::Internal;
use crate::auth::of_call::{MIN_CLAIM_CHARS, hash_of_claim};
use crate::auth::secret_token::MAX_TOKEN_BYTES;
use crate::edge::body::{Whole, not_json, parse};
use crate::edge::params::{InPath, InQuery, number};
use crate::error::{ApiError, ApiResult};
use crate::fields::{FieldError, MAX_LEVELS, typed};
use crate::runtime::config::{Configs, prepare};
use crate::runtime::refused::Refused;

/// The transport's first message, among the fields of a body.
const EVENT: &str = "connected_event";

/// What core says about the call.
#[derive(Debug, Deserialize, IntoParams)]
pub struct FetchQuery {
    caller_id: Option<String>,
    stream_id: Option<String>,
    /// The transport's first message, URL-encoded JSON; what is no JSON object, or nests deeper than
    /// 64 levels, counts as `{}`.
    connected_event: Option<String>,
    /// The id that core proposes. Fetching again with the same one is harmless.
    #[param(value_type = Option<String>)]
    session_id: Option<SessionId>,
    /// `ws`, `exotel` or `talk`; `talk` needs a ticket.
    transport: Option<String>,
    ticket: Option<String>,
    /// What the caller presented as the bot's line token.
    line_token: Option<String>,
    /// The address that the line came from.
    peer: Option<String>,
    /// The worker that has the call.
    #[param(value_type = Option<String>)]
    worker_id: Option<WorkerId>,
}

/// Runtime config for a call that begins, asked for with a body.
#[instrument(name = "config.fetch", skip_all, fields(bot.id = %bot.0, call.id))]
pub async fn fetch_by_body(
    _: Internal,
    bot: InPath<BotId>,
    configs: Data<Configs>,
    body: Whole,
) -> ApiResult<Json<RuntimeConfig>> {
    let request: ConfigRequest =
        typed(Value::Object(read(&body.0)?)).map_err(|fault| ApiError::invalid(vec![fault]))?;
    if request.claim.as_deref().is_some_and(|claim| hash_of_claim(claim).is_none()) {
        let rule = format!("is {MIN_CLAIM_CHARS} to {MAX_TOKEN_BYTES} of a-z, A-Z, 0-9, '_' and '-'");
        return Err(ApiError::invalid(vec![FieldError::new("claim", rule)]));
    }
    Ok(Json(prepare(&configs, &bot.0, request).await?))
}

/// The fields of a request, without nulls. Its first message comes from a stranger: one that is no object, or nests too
/// deep, counts as none and refuses no call.
fn read(body: &[u8]) -> ApiResult<Map<String, Value>> {
    let fields: BTreeMap<String, &RawValue> = serde_json::from_slice(body).map_err(|_| not_json())?;
    let mut request = Map::new();
    for (name, raw) in fields {
        let value = match name.as_str() {
            EVENT => Value::Object(event(raw)),
            _ => parse(raw.get().as_bytes())?,
        };
        if !value.is_null() {
            request.insert(name, value);
        }
    }
    Ok(request)
}

fn event(raw: &RawValue) -> Map<String, Value> {
    match serde_json::from_str::<String>(raw.get()) {
        Ok(text) => object(Some(&text)),
        Err(_) => object(Some(raw.get())),
    }
}

/// Runtime config for a call that begins.
#[instrument(name = "config.fetch", skip_all, fields(bot.id = %bot.0, call.id))]
pub async fn fetch(
    _: Internal,
    bot: InPath<BotId>,
    query: InQuery<FetchQuery>,
    configs: Data<Configs>,
) -> ApiResult<Json<RuntimeConfig>> {
    let query = query.0;
    let request = ConfigRequest {
        version: WIRE_VERSION,
        session_id: query.session_id,
        transport: query.transport,
        caller_id: query.caller_id.map(number),
        stream_id: query.stream_id,
        connected_event: object(query.connected_event.as_deref()),
        ticket: query.ticket,
        line_token: query.line_token,
        peer: query.peer,
        signature: None,
        worker_id: query.worker_id,
        claim: None,
        handed_from: None,
    };
    Ok(Json(prepare(&configs, &bot.0, request).await?))
}

fn object(text: Option<&str>) -> Map<String, Value> {
    let text = text.filter(|t| !is_deeper_than(t.as_bytes(), MAX_LEVELS));
    text.and_then(|t| serde_json::from_str(t).ok()).unwrap_or_default()
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        let (status, code) = refused.word();
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        match refused {
            Refused::Spent(spent) => spent.into(),
            Refused::OverBudget(over) => over.into(),
            Refused::Store(error) => error.into(),
            Refused::Token(error) => Self::internal("make a call's token", &error),
            refused => Self::new(status, code, refused.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{object, read};

    #[test]
    fn what_is_no_object_counts_as_empty() {
        for text in
            [None, Some(""), Some("{"), Some("[1]"), Some("null"), Some("\"x\""), Some(&"[".repeat(10_000))]
        {
            assert!(object(text).is_empty(), "{text:?}");
        }
        assert_eq!(object(Some(r#"{"a":1}"#)).len(), 1);
        let nested =
            |levels: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(levels - 1), "]".repeat(levels - 1));
        assert_eq!(object(Some(&nested(64))).len(), 1);
        assert!(object(Some(&nested(65))).is_empty(), "too deep");
    }

    #[test]
    fn a_body_is_refused_for_its_fields_and_never_for_its_event() {
        let event = |text: &str| {
            let body = format!(r#"{{"transport":"ws","ticket":null,"connected_event":{text}}}"#);
            let read = read(body.as_bytes()).unwrap();
            assert_eq!((read.len(), read["transport"].as_str()), (2, Some("ws")));
            read["connected_event"].as_object().unwrap().len()
        };
        let nested = |levels: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(levels), "]".repeat(levels));
        for (text, fields) in [
            (r#"{"a":1,"b":2}"#, 2),
            (r#""{\"a\":1}""#, 1),
            ("null", 0),
            ("7", 0),
            ("[{}]", 0),
            (r#""{""#, 0),
            (nested(63).as_str(), 1),
            (nested(64).as_str(), 0),
            (nested(200_000).as_str(), 0),
        ] {
            assert_eq!(event(text), fields, "{:.60}", text);
        }
        for bad in ["", "[]", "{", r#"{"a":1}x"#, r#"{"connected_event":{}"#] {
            assert!(read(bad.as_bytes()).is_err(), "{bad}");
        }
        let deep = format!(r#"{{"caller_id":{}}}"#, nested(65));
        assert!(read(deep.as_bytes()).is_err());
    }
}
