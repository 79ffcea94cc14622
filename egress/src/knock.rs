//! Whether a vendor opens its WebSocket for a key: the cheapest that can be asked of those that have nothing over HTTP to ask.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use tokio::time::{Instant, timeout};
use vox_shared::catalogue::Vendor;

use super::{
    ConnectError, Egress, Failure, FailureClass, Incoming, WebSocket, class_of_status, clean, code_word,
    secret_header,
};

/// Who takes a key says nothing, and who does not says so at once: after this it is taken.
const SETTLES: Duration = Duration::from_secs(1);
/// Where a vendor's message has a status, below its root.
const STATUSES: [&str; 5] = ["/status_code", "/error_code", "/error/status_code", "/error/code", "/code"];
/// Where it has a word for what is wrong.
const WORDS: [&str; 7] =
    ["/error/code", "/code", "/data/code", "/error_type", "/error_name", "/error_code", "/error"];

/// It did not open, or closed again.
#[derive(Clone, Debug, PartialEq)]
pub struct Shut {
    /// The vendor said so; else it was not reached.
    pub was_answered: bool,
    pub failure: Failure,
}

/// Open the WebSocket of a vendor that has [`Vendor::knock`], and close it; answers how long the opening took.
///
/// # Errors
/// Why it does not open, in words without the key.
pub async fn knock(
    egress: &Egress,
    vendor: &Vendor,
    (base_url, key): (Option<&str>, &str),
) -> Result<Duration, Shut> {
    let name = vendor.name;
    let unasked = |class, why: &str| Shut {
        was_answered: false,
        failure: Failure::new(class, format!("{name}: {why}")),
    };
    let (Some(knock), Some(url)) = (vendor.knock(), vendor.knock_url(base_url)) else {
        return Err(unasked(FailureClass::Refused, "there is no address to knock at"));
    };
    let key = key.trim();
    let mut headers = HeaderMap::new();
    if !key.is_empty() {
        let value = secret_header(name, &format!("{}{key}", knock.prefix));
        let value = value.map_err(|failure| Shut { was_answered: false, failure })?;
        headers.insert(HeaderName::from_static(knock.header), value);
    }
    for (header, value) in vendor.fixed_headers() {
        headers.insert(HeaderName::from_static(header), HeaderValue::from_static(value));
    }
    let began = Instant::now();
    let mut socket = match egress.websocket(&url, headers).await {
        Ok(socket) => socket,
        Err(ConnectError::Failed(failure)) => return Err(Shut { was_answered: false, failure }),
        Err(ConnectError::Refused(refusal)) => {
            let word = refusal.json();
            let word = WORDS.iter().find_map(|place| code_word(word.pointer(place)?));
            let failure = refusal.failure(name, refusal.class(), word);
            return Err(Shut { was_answered: true, failure });
        }
    };
    let took = began.elapsed();
    let said = timeout(SETTLES, first_word(&mut socket, knock.first)).await;
    let judged = match said {
        // It says nothing, so it waits for work.
        Err(_) => Ok(()),
        Ok(said) => judge(name, key, said),
    };
    // One that has closed by itself hears nothing.
    socket.close().await;
    judged.map(|()| took).map_err(|failure| Shut { was_answered: true, failure })
}

async fn first_word(socket: &mut WebSocket, first: &[&str]) -> Result<Incoming, Failure> {
    for message in first {
        socket.send_text(*message).await?;
    }
    socket.next().await
}

/// What the first word means; anything that is no refusal is welcome.
fn judge(name: &str, key: &str, said: Result<Incoming, Failure>) -> Result<(), Failure> {
    match said? {
        Incoming::Binary(_) => Ok(()),
        Incoming::Text(text) => refusal_in(name, &serde_json::from_str(&text).unwrap_or_default()),
        Incoming::Closed { code: Some(1000) | None, reason } if reason.is_empty() => {
            Err(Failure::new(FailureClass::Refused, format!("{name} closed the connection without a word")))
        }
        Incoming::Closed { code, reason } => {
            let code = code.map_or_else(String::new, |code| format!(" with {code}"));
            let detail = format!("{name} closed the connection{code}: {}", clean(&reason, key));
            Err(Failure::new(class_of_words(&reason).unwrap_or(FailureClass::Refused), detail))
        }
    }
}

fn refusal_in(name: &str, said: &Value) -> Result<(), Failure> {
    let at = |place: &&str| said.pointer(place);
    let status =
        STATUSES.iter().filter_map(at).find_map(Value::as_u64).and_then(|status| u16::try_from(status).ok());
    let word = WORDS.iter().filter_map(at).find_map(code_word);
    let is_error = said["type"] == "error" || said.get("error").is_some_and(|error| !error.is_null());
    let class = match (status, word) {
        (Some(status), _) if status >= 400 => Some(class_of_status(status)),
        (_, Some(word)) if is_error => Some(class_of_words(word).unwrap_or(FailureClass::Refused)),
        _ if is_error => Some(FailureClass::Refused),
        _ => None,
    };
    let Some(class) = class else { return Ok(()) };
    let status = status.map_or_else(String::new, |status| format!(" {status}"));
    let word = word.map_or_else(String::new, |word| format!(": {word}"));
    Err(Failure::new(class, format!("{name} answered{status}{word}")))
}

/// Where there is no number.
fn class_of_words(words: &str) -> Option<FailureClass> {
    let words = words.to_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
    match () {
        () if has(&["quota", "credit", "rate_limit", "rate limit", "too many", "concurren"]) => {
            Some(FailureClass::OverLimit)
        }
        () if has(&["api_key", "api key", "auth", "forbidden", "permission"]) => {
            Some(FailureClass::Unauthorised)
        }
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(said: Incoming, expected: Result<(), FailureClass>) {
        let found = judge("vendor", "s3cret", Ok(said.clone())).map_err(|failure| {
            assert!(!failure.detail.contains("s3cret"), "{failure}");
            failure.class
        });
        assert_eq!(found, expected, "{said:?}");
    }

    fn closed(code: u16, reason: &str) -> Incoming {
        Incoming::Closed { code: Some(code), reason: reason.into() }
    }

    #[test]
    fn a_refusal_is_told_from_a_welcome_in_each_vendors_words() {
        use FailureClass::{OverLimit, Refused, Unauthorised, Unavailable};
        for (said, expected) in [
            (r#"{"error_code": 401, "error_message": "Invalid API key."}"#, Err(Unauthorised)),
            (r#"{"tokens": [], "finished": true}"#, Ok(())),
            (
                r#"{"type": "error", "success": false, "status_code": 403, "message": "no"}"#,
                Err(Unauthorised),
            ),
            (
                r#"{"type": "error", "data": {"error": "x", "code": "invalid_api_key_error"}}"#,
                Err(Unauthorised),
            ),
            (r#"{"type": "error", "status_code": 429, "error_code": "concurrency_limited"}"#, Err(OverLimit)),
            (r#"{"type": "error", "data": {"code": "insufficient_quota_error"}}"#, Err(OverLimit)),
            (r#"{"error_code": 503, "error_message": "Cannot continue"}"#, Err(Unavailable)),
            (r#"{"type": "error", "message": "hm"}"#, Err(Refused)),
            (r#"{"type": "hello", "error": null}"#, Ok(())),
            ("no JSON", Ok(())),
        ] {
            check(Incoming::Text(said.into()), expected);
        }
        check(Incoming::Binary(Vec::new().into()), Ok(()));
        check(closed(1003, "Invalid api key s3cret"), Err(Unauthorised));
        check(closed(1003, "Rate limit exceeded"), Err(OverLimit));
        check(closed(1008, "bye"), Err(Refused));
        check(closed(1000, ""), Err(Refused));
    }
}
