//! Plivo: `/v1/Account/{auth_id}/Call/{call}/`, the slash at its end included: DELETE ends the call, POST moves its first leg to
//! another document.

use axum::Json;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::{Asked, Order, Refusal, Wish};

pub(super) fn read(asked: &Asked<'_>) -> Result<Order, Refusal> {
    if !asked.has_basic() {
        return Err(refusal(StatusCode::UNAUTHORIZED, "could not verify your access"));
    }
    let call = match asked.path.as_slice() {
        ["v1", "Account", account, "Call", call, ""] if *account == asked.account && !call.is_empty() => {
            *call
        }
        _ => return Err(refusal(StatusCode::NOT_FOUND, "not found")),
    };
    let wish = match *asked.method {
        Method::DELETE if asked.body.is_empty() => Wish::HangUp,
        Method::POST => Wish::Transfer(
            document(asked)
                .ok_or_else(|| refusal(StatusCode::BAD_REQUEST, "legs, aleg_url and aleg_method, as JSON"))?,
        ),
        _ => return Err(refusal(StatusCode::METHOD_NOT_ALLOWED, "method not allowed")),
    };
    Ok(Order { call: call.to_owned(), wish })
}

pub(super) fn answer(is_over: bool, order: Option<&Order>) -> Response {
    let is_hang_up = order.is_some_and(|order| order.wish == Wish::HangUp);
    match (is_over, is_hang_up) {
        (true, _) => (StatusCode::NOT_FOUND, Json(json!({"error": "not found"}))).into_response(),
        (false, true) => StatusCode::NO_CONTENT.into_response(),
        (false, false) => {
            let body = json!({"message": "call transferred", "api_id": "1"});
            (StatusCode::ACCEPTED, Json(body)).into_response()
        }
    }
}

fn document(asked: &Asked<'_>) -> Option<String> {
    let body = asked.json()?;
    let is_right = body["legs"] == "aleg" && body["aleg_method"] == "GET" && body.as_object()?.len() == 3;
    let url = url::Url::parse(body["aleg_url"].as_str()?).ok()?;
    is_right.then(|| url.to_string())
}

fn refusal(status: StatusCode, error: &str) -> Refusal {
    Refusal(status, json!({"error": error, "api_id": "1"}))
}
