//! Responses, streamed: the vendor's newer interface at the same server.

mod answer;
mod request;

use std::time::Duration;

use axum::{
    body::Bytes,
    extract::{ConnectInfo, State},
    http::{HeaderMap, HeaderValue, Uri, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use self::answer::{Tongue, events};
use self::request::Request;
use super::gate::{App, admit, is_elsewhere, no_route};
use super::refusal::{Refusal, add_headers};
use crate::vendor::{
    faults::Dice,
    host::Ask,
    model::{self as scripted, Asked, Manner, Pace, body},
    wire::WireOf,
};

/// `POST /responses`
pub(super) async fn respond(
    State(app): State<App>,
    ConnectInfo(wire): ConnectInfo<WireOf>,
    uri: Uri,
    headers: HeaderMap,
    sent: Bytes,
) -> Response {
    let mut record = app.begin(Ask::new(&uri, wire));
    record.edit(|exchange| exchange.keep_text(&String::from_utf8_lossy(&sent)));
    record.before_head().await;
    let (script, id) = (app.script(), app.new_id());
    if is_elsewhere(&script, &uri) {
        return no_route(&uri).respond(&record, &id);
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("application/json") {
        record.violation("the content type is not application/json");
    }
    let read = || {
        Request::parse(&sent, &script)
            .inspect_err(|refusal| record.violation(format!("refused request: {}", refusal.message)))
    };
    let request = match admit(&record, &headers, &script.api_key).and_then(|()| read()) {
        Ok(request) => request,
        Err(refusal) => return refusal.respond(&record, &id),
    };
    let asked =
        Asked { user: &request.user, tool_result: request.tool_result.as_deref(), number: record.index + 1 };
    let reply = scripted::answer(&script.rules, &script.default, asked);
    let events = events(&request, &reply, &id, Dice::new(record.dice.clone().roll()));
    record.status(200);
    let mut headers = HeaderMap::new();
    add_headers(&mut headers, &id, &record);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    let pace = Pace {
        first_token: Duration::from_millis(script.first_token_ms),
        per_token: Duration::from_millis(script.per_token_ms),
    };
    let manner = Manner { pace, dialect: &Tongue, write: Box::new(write), farewell: None, broken };
    (headers, body(record, events, manner)).into_response()
}

/// An event with its name: that of the genuine one where the text is half of it.
fn write(genuine: &Value, told: &str) -> String {
    let told_value: Value = serde_json::from_str(told).unwrap_or_default();
    let name = told_value["type"].as_str().or(genuine["type"].as_str()).unwrap_or_default();
    format!("event: {name}\ndata: {told}\n\n")
}

fn broken(status: u16) -> String {
    let refusal = Refusal::scripted(status);
    let code = refusal.code.unwrap_or(refusal.kind);
    let event = json!({"type": "error", "code": code, "message": refusal.message, "param": null, "sequence_number": 99});
    write(&Value::Null, &event.to_string())
}
