//! Twilio: `POST /2010-04-01/Accounts/{account}/Calls/{call}.json` with one field of a form.

use axum::Json;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::{Asked, Order, Refusal, Wish};

pub(super) fn read(asked: &Asked<'_>) -> Result<Order, Refusal> {
    if !asked.has_basic() {
        return Err(refusal(StatusCode::UNAUTHORIZED, 20003, "Authenticate"));
    }
    let call = match asked.path.as_slice() {
        ["2010-04-01", "Accounts", account, "Calls", call] if *account == asked.account => {
            call.strip_suffix(".json").filter(|call| call.starts_with("CA"))
        }
        _ => None,
    };
    let call = call.filter(|_| *asked.method == Method::POST);
    let call = call.ok_or_else(|| refusal(StatusCode::NOT_FOUND, 20404, "no such resource"))?.to_owned();
    if asked.header(header::CONTENT_TYPE) != Some("application/x-www-form-urlencoded") {
        return Err(refusal(StatusCode::BAD_REQUEST, 20001, "the body is no form"));
    }
    let fields: Vec<(String, String)> = url::form_urlencoded::parse(asked.body).into_owned().collect();
    let wish = match fields.as_slice() {
        [(name, value)] if name == "Status" && value == "completed" => Wish::HangUp,
        [(name, document)] if name == "Twiml" => Wish::Transfer(
            dialled(document)
                .ok_or_else(|| refusal(StatusCode::BAD_REQUEST, 21218, "the TwiML dials nobody"))?,
        ),
        _ => return Err(refusal(StatusCode::BAD_REQUEST, 20001, "Status or Twiml, and nothing else")),
    };
    Ok(Order { call, wish })
}

pub(super) fn answer(is_over: bool) -> Response {
    match is_over {
        true => {
            let body = json!({"code": 20404, "message": "the call is not in-progress", "status": 404});
            (StatusCode::NOT_FOUND, Json(body)).into_response()
        }
        false => Json(json!({"status": "in-progress"})).into_response(),
    }
}

/// Whom a document dials: one number with its `+`, or one SIP address.
fn dialled(document: &str) -> Option<String> {
    let (_, dial) = document.split_once("<Response><Dial>")?;
    let (inside, rest) = dial.split_once("</Dial></Response>")?;
    let number = inside.strip_prefix("<Number>").and_then(|rest| rest.strip_suffix("</Number>"));
    let sip = inside.strip_prefix("<Sip>").and_then(|rest| rest.strip_suffix("</Sip>"));
    let number = number.filter(|number| number.starts_with('+'));
    rest.trim().is_empty().then(|| number.or(sip.filter(|sip| sip.starts_with("sip"))))?.map(str::to_owned)
}

fn refusal(status: StatusCode, code: u32, message: &str) -> Refusal {
    Refusal(
        status,
        Value::from_iter([
            ("code", json!(code)),
            ("message", json!(message)),
            ("status", json!(status.as_u16())),
        ]),
    )
}
