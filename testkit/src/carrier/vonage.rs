//! Vonage: `PUT /v1/calls/{uuid}`, JSON, a token that the application's key signed and that is good for no more than a day.

use axum::Json;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Asked, Order, Refusal, Wish};

const PUBLIC_KEY: &[u8] = include_bytes!("../../keys/application.pub.der");
/// Longest life of a token, seconds.
const MAX_LIFE_SECS: u64 = 86_400;

#[derive(Deserialize)]
struct Claims {
    application_id: String,
    iat: u64,
    exp: u64,
    jti: String,
}

pub(super) fn read(asked: &Asked<'_>) -> Result<Order, Refusal> {
    if !asked.bearer().is_some_and(|token| is_signed(token, asked.account)) {
        return Err(refusal(StatusCode::UNAUTHORIZED, "Unauthorized"));
    }
    let call = match asked.path.as_slice() {
        ["v1", "calls", call] if *asked.method == Method::PUT && !call.is_empty() => *call,
        _ => return Err(refusal(StatusCode::NOT_FOUND, "Not Found")),
    };
    let wish = asked.json().as_ref().and_then(wish);
    let wish = wish.ok_or_else(|| refusal(StatusCode::BAD_REQUEST, "Bad Request"))?;
    Ok(Order { call: call.to_owned(), wish })
}

pub(super) fn answer(is_over: bool) -> Response {
    match is_over {
        true => (StatusCode::NOT_FOUND, Json(json!({"title": "Not Found"}))).into_response(),
        false => StatusCode::NO_CONTENT.into_response(),
    }
}

fn is_signed(token: &str, application: &str) -> bool {
    let mut rules = Validation::new(Algorithm::RS256);
    rules.set_required_spec_claims(&["exp"]);
    let claims =
        decode::<Claims>(token, &DecodingKey::from_rsa_der(PUBLIC_KEY), &rules).map(|read| read.claims);
    claims.is_ok_and(|claims| {
        claims.application_id == application
            && !claims.jti.is_empty()
            && claims.exp.saturating_sub(claims.iat) <= MAX_LIFE_SECS
    })
}

fn wish(body: &Value) -> Option<Wish> {
    if *body == json!({"action": "hangup"}) {
        return Some(Wish::HangUp);
    }
    let ncco = body["destination"]["ncco"].as_array()?;
    let [connect] = ncco.as_slice() else { return None };
    let shape = json!({"action": "transfer", "destination": {"type": "ncco", "ncco": ncco}});
    let [endpoint] = connect["endpoint"].as_array()?.as_slice() else { return None };
    let whom = match endpoint["type"].as_str()? {
        "phone" => endpoint["number"].as_str().filter(|number| number.bytes().all(|b| b.is_ascii_digit())),
        "sip" => endpoint["uri"].as_str().filter(|uri| uri.starts_with("sip:")),
        _ => None,
    };
    let from = connect["from"].as_str().is_none_or(|from| from.bytes().all(|b| b.is_ascii_digit()));
    let is_right = *body == shape && connect["action"] == "connect" && from;
    is_right.then(|| whom.map(|whom| Wish::Transfer(whom.to_owned())))?
}

fn refusal(status: StatusCode, title: &str) -> Refusal {
    Refusal(status, json!({"title": title, "type": "https://developer.vonage.com/api-errors"}))
}
