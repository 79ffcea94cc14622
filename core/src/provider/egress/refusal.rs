//! A vendor's HTTP answer that is not the one asked for.

use std::time::Duration;

use http::HeaderMap;
use serde_json::Value;

use crate::provider::{Failure, FailureClass};

/// A vendor's wish to be left alone is honoured up to this; more is a lie or a fault.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);
/// How much of a vendor's words goes into a failure's detail.
const DETAIL_CHARS: usize = 160;

/// Status, headers and the beginning of the body of a refused request or WebSocket handshake.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Refusal {
    /// What the status means where the vendor says nothing more exact.
    pub fn class(&self) -> FailureClass {
        match self.status {
            401 | 403 => FailureClass::Unauthorised,
            // 498 is Groq's "capacity exceeded".
            402 | 429 | 498 => FailureClass::OverLimit,
            408 => FailureClass::TimedOut,
            409 | 425 | 500..=599 => FailureClass::Unavailable,
            300..=499 => FailureClass::Refused,
            _ => FailureClass::Malformed,
        }
    }

    /// When to try again, from `retry-after-ms` or `retry-after` in seconds.
    pub fn retry_after(&self) -> Option<Duration> {
        let number = |name: &str| self.headers.get(name)?.to_str().ok()?.trim().parse::<f64>().ok();
        let seconds = number("retry-after-ms").map(|ms| ms / 1000.0).or_else(|| number("retry-after"))?;
        let wait = Duration::try_from_secs_f64(seconds).ok()?;
        Some(wait.min(RETRY_AFTER_MAX))
    }

    /// The body as JSON, or null.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// The failure this refusal is, with the vendor's `word` for it where there is one.
    pub fn failure(&self, vendor: &str, class: FailureClass, word: Option<&str>) -> Failure {
        let mut detail = format!("{vendor} answered {}", self.status);
        if (300..400).contains(&self.status) {
            detail.push_str(": a redirect, which is not followed; put the final address into base_url");
        }
        if let Some(word) = word.filter(|word| !word.is_empty()) {
            detail.push_str(": ");
            detail.push_str(word);
        }
        Failure { class, detail, retry_after: self.retry_after() }
    }
}

/// A vendor's error code if it looks like one. Free text is not passed on: it may quote what was spoken.
pub fn code_word(value: &Value) -> Option<&str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-. []".contains(c);
    value.as_str().filter(|text| !text.is_empty() && text.len() <= 64 && text.chars().all(plain))
}

/// A vendor's text, fit for a log line: one line, short, without the key.
pub fn clean(text: &str, key: &str) -> String {
    let text = if key.is_empty() { text.to_owned() } else { text.replace(key, "***") };
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(DETAIL_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, header: Option<(&'static str, &str)>) -> Refusal {
        let mut headers = HeaderMap::new();
        if let Some((name, value)) = header {
            headers.insert(name, value.parse().unwrap());
        }
        Refusal { status, headers, body: String::new() }
    }

    #[test]
    fn a_status_has_a_class() {
        let check = |status, class| assert_eq!(refusal(status, None).class(), class, "{status}");
        check(301, FailureClass::Refused);
        check(400, FailureClass::Refused);
        check(401, FailureClass::Unauthorised);
        check(402, FailureClass::OverLimit);
        check(404, FailureClass::Refused);
        check(408, FailureClass::TimedOut);
        check(429, FailureClass::OverLimit);
        check(503, FailureClass::Unavailable);
        check(204, FailureClass::Malformed);
    }

    #[test]
    fn a_wait_is_read_and_bounded() {
        let check = |name, value, expected| {
            assert_eq!(refusal(429, Some((name, value))).retry_after(), expected, "{name}: {value}");
        };
        check("retry-after", "2", Some(Duration::from_secs(2)));
        check("retry-after", "0.5", Some(Duration::from_millis(500)));
        check("retry-after-ms", "250", Some(Duration::from_millis(250)));
        check("retry-after", "999999999", Some(RETRY_AFTER_MAX));
        check("retry-after", "-1", None);
        check("retry-after", "NaN", None);
        check("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT", None);
    }

    #[test]
    fn only_codes_and_no_keys_are_passed_on() {
        assert_eq!(code_word(&Value::from("invalid_api_key")), Some("invalid_api_key"));
        assert_eq!(code_word(&Value::from("you said: \"my number is 42\"")), None);
        assert_eq!(code_word(&Value::from(7)), None);
        assert_eq!(clean("bad key s3cret\nindeed", "s3cret"), "bad key *** indeed");
        assert_eq!(clean(&"x".repeat(1000), "").len(), DETAIL_CHARS);
    }
}
