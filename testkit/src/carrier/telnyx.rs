//! Telnyx: `POST /v2/calls/{call_control_id}/actions/hangup` and `…/transfer`, JSON, a bearer token.

use axum::Json;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::{Asked, Order, Refusal, Wish};

pub(super) fn read(asked: &Asked<'_>) -> Result<Order, Refusal> {
    if asked.bearer() != Some(asked.secret) {
        return Err(refusal(StatusCode::UNAUTHORIZED, "10009"));
    }
    let (call, action) = match asked.path.as_slice() {
        ["v2", "calls", call, "actions", action] if *asked.method == Method::POST && !call.is_empty() => {
            (*call, *action)
        }
        _ => return Err(refusal(StatusCode::NOT_FOUND, "10005")),
    };
    let body = asked.json().ok_or_else(|| refusal(StatusCode::BAD_REQUEST, "10015"))?;
    let fields = body.as_object().map_or(0, serde_json::Map::len);
    let wish = match (action, fields, body["to"].as_str()) {
        ("hangup", 0, None) => Wish::HangUp,
        ("transfer", 1, Some(to)) if to.starts_with('+') || to.starts_with("sip:") => {
            Wish::Transfer(to.to_owned())
        }
        _ => return Err(refusal(StatusCode::UNPROCESSABLE_ENTITY, "10015")),
    };
    // In a path a colon may be written as it is, or not.
    Ok(Order { call: call.replace("%3A", ":"), wish })
}

pub(super) fn answer(is_over: bool) -> Response {
    match is_over {
        true => {
            let error = json!({"code": "90018", "title": "Call has already ended"});
            (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({"errors": [error]}))).into_response()
        }
        false => Json(json!({"data": {"result": "ok"}})).into_response(),
    }
}

fn refusal(status: StatusCode, code: &str) -> Refusal {
    Refusal(status, json!({"errors": [{"code": code, "title": "refused"}]}))
}
