//! What the server's errors mean. The text of an error is not passed on: it may quote the conversation or part of the key.

use std::time::Duration;

use futures_util::StreamExt;
use serde_json::Value;
use tokio::time::timeout;

use crate::{Failure, FailureClass, Refusal, code_word};

/// How much of an error's body is read.
const BODY_MAX: usize = 64 * 1024;
const BODY_DEADLINE: Duration = Duration::from_secs(2);
/// An account without credit does not get any by waiting a little. The session asks its next model after any failure; the hint is
/// for whoever would wait for the same one.
pub const NO_CREDIT_WAIT: Duration = Duration::from_secs(3600);

/// Read a refused request's answer, in bounds.
pub async fn read_refusal(response: reqwest::Response) -> Refusal {
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let mut body = Vec::new();
    let mut pieces = response.bytes_stream();
    let reading = async {
        while let Some(Ok(piece)) = pieces.next().await {
            body.extend_from_slice(&piece);
            if body.len() >= BODY_MAX {
                break;
            }
        }
    };
    // What came in time is enough: the status alone says most.
    let _cut_short = timeout(BODY_DEADLINE, reading).await;
    body.truncate(BODY_MAX);
    Refusal { status, headers, body: String::from_utf8_lossy(&body).into_owned() }
}

/// Whether there is nothing at the address, rather than no such model.
pub fn has_no_route(refusal: &Refusal) -> bool {
    let body = refusal.json();
    let error = &body["error"];
    matches!(refusal.status, 404 | 405) && error["code"] != "model_not_found" && error["param"] != "model"
}

/// The failure that a request refused by a vendor is.
pub fn http_refusal(vendor: &str, refusal: &Refusal) -> Failure {
    let body = refusal.json();
    // Some servers wrap the error in a list, some do not wrap it at all.
    let error = [&body["error"], &body[0]["error"], &body].into_iter().find(|error| error.is_object());
    let error = error.unwrap_or(&Value::Null);
    let word = code_word(&error["code"]).or_else(|| code_word(&error["type"]));
    let field = code_word(&error["param"]);
    let said = match (word, field) {
        (Some(word), Some(field)) => Some(format!("{word} ({field})")),
        (word, field) => word.or(field).map(str::to_owned),
    };
    // A gateway's page, not the model server's answer.
    let said = said.or_else(|| refusal.is_web_page().then(|| "with a web page".to_owned()));
    let mut failure = refusal.failure(vendor, class(refusal, word), said.as_deref());
    if is_out_of_credit(word) {
        failure.retry_after = Some(NO_CREDIT_WAIT);
    }
    failure
}

/// By the word where it is known, whichever server's it is and however that writes it (`BadRequestError`, `bad_request`).
pub fn class(refusal: &Refusal, word: Option<&str>) -> FailureClass {
    let plain: String = word
        .unwrap_or_default()
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_ascii_lowercase();
    match plain.trim_end_matches("error").trim_end_matches("exception") {
        "invalidapikey" | "authentication" | "unauthenticated" | "unauthorized" | "permission"
        | "permissiondenied" => FailureClass::Unauthorised,
        "insufficientquota"
        | "insufficientcredits"
        | "billinghardlimitreached"
        | "ratelimitexceeded"
        | "ratelimit"
        | "resourceexhausted"
        | "toomanyrequests"
        | "paymentrequired" => FailureClass::OverLimit,
        "invalidrequest"
        | "badrequest"
        | "invalidargument"
        | "contextlengthexceeded"
        | "modelnotfound"
        | "notfound"
        | "unprocessableentity"
            if refusal.status >= 500 =>
        {
            FailureClass::Refused
        }
        "overloaded" | "capacityexceeded" | "serviceunavailable" => FailureClass::Unavailable,
        _ => refusal.class(),
    }
}

/// Whether waiting helps nothing.
pub fn is_out_of_credit(word: Option<&str>) -> bool {
    matches!(word, Some("insufficient_quota" | "billing_hard_limit_reached" | "insufficient_credits"))
}

/// The one of the `optional` fields of `body` that a 400 or 422 complains of: named in `param`, or in the text as servers without
/// `param` do ("Extra inputs are not permitted: store").
pub fn unknown_field<'a>(refusal: &Refusal, body: &Value, optional: &[&'a str]) -> Option<&'a str> {
    if !matches!(refusal.status, 400 | 422) {
        return None;
    }
    let sent = |field: &str| {
        let tool = &body["tools"][0]["function"];
        [body, &body["stream_options"], tool].iter().any(|part| part.get(field).is_some())
    };
    let json = refusal.json();
    let param = json["error"]["param"].as_str().and_then(|param| param.rsplit('.').next());
    if let Some(named) = optional.iter().find(|field| param == Some(**field) && sent(field)) {
        return Some(named);
    }
    // With a `param` that is not ours the complaint is about something else, whatever its text mentions.
    if param.is_some() {
        return None;
    }
    optional.iter().find(|field| sent(field) && refusal.body.contains(**field)).copied()
}
