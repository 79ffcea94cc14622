//! `GET /api/v1/config/{bot_id}`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value};
use tracing::instrument;
use utoipa::IntoParams;
use vox_shared::ids::{BotId, SessionId};
use vox_shared::json::is_deeper_than;
use vox_shared::wire::WIRE_VERSION;
use vox_shared::wire::config::{ConfigRequest, LINE_FORBIDDEN, RuntimeConfig};

use crate::app::App;
use crate::auth::internal::Internal;
use crate::edge::body::MAX_LEVELS;
use crate::edge::params::{InPath, InQuery};
use crate::error::{ApiError, ApiResult};
use crate::runtime::config::{Refused, prepare};

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
}

/// Runtime config for a call that begins.
#[instrument(name = "config.fetch", skip_all, fields(bot.id = %bot.0, call.id))]
pub async fn fetch(
    _: Internal,
    bot: InPath<BotId>,
    query: InQuery<FetchQuery>,
    State(app): State<App>,
) -> ApiResult<Json<RuntimeConfig>> {
    let query = query.0;
    let request = ConfigRequest {
        version: WIRE_VERSION,
        session_id: query.session_id,
        transport: query.transport,
        caller_id: query.caller_id,
        stream_id: query.stream_id,
        connected_event: object(query.connected_event.as_deref()),
        ticket: query.ticket,
        line_token: query.line_token,
        peer: query.peer,
    };
    Ok(Json(prepare(&app, &bot.0, request).await?))
}

fn object(text: Option<&str>) -> Map<String, Value> {
    let text = text.filter(|t| !is_deeper_than(t.as_bytes(), MAX_LEVELS));
    text.and_then(|t| serde_json::from_str(t).ok()).unwrap_or_default()
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        let (status, code) = match refused {
            Refused::UnknownBot => (StatusCode::NOT_FOUND, "unknown_bot"),
            Refused::Suspended => (StatusCode::PAYMENT_REQUIRED, "tenant_suspended"),
            Refused::OutsideHours { .. } => (StatusCode::SERVICE_UNAVAILABLE, "outside_active_hours"),
            Refused::BadTicket => (StatusCode::UNAUTHORIZED, "bad_ticket"),
            Refused::LineForbidden => (StatusCode::FORBIDDEN, LINE_FORBIDDEN),
            Refused::SessionTaken => (StatusCode::CONFLICT, "session_taken"),
            Refused::Store(error) => return error.into(),
        };
        Self::new(status, code, refused.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::object;

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
}
