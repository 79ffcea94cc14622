//! A vendor's HTTP answer that is not the one asked for.

use std::time::Duration;

use http::HeaderMap;
use serde_json::Value;

use crate::{Failure, FailureClass};

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
        class_of_status(self.status)
    }

    /// When to try again: `retry-after-ms`, `retry-after` in seconds or as a date, or when the limit that is used up is
    /// filled again.
    pub fn retry_after(&self) -> Option<Duration> {
        let text = |name: &str| self.headers.get(name)?.to_str().ok().map(str::trim);
        let number = |name: &str| text(name)?.parse::<f64>().ok();
        let seconds = number("retry-after-ms")
            .map(|ms| ms / 1000.0)
            .or_else(|| number("retry-after"))
            .or_else(|| seconds_until(text("retry-after")?, text("date")))
            .or_else(|| self.limit_reset())?;
        let wait = Duration::try_from_secs_f64(seconds).ok()?;
        Some(wait.min(RETRY_AFTER_MAX))
    }

    /// Seconds until the limits without remainder are filled again. Every answer carries these headers, so they say something
    /// only where the limit is the reason.
    fn limit_reset(&self) -> Option<f64> {
        if !matches!(self.status, 429 | 498 | 503) {
            return None;
        }
        let text = |name: &str| self.headers.get(name)?.to_str().ok().map(str::trim);
        let used_up = |kind: &&str| text(&format!("x-ratelimit-remaining{kind}")) == Some("0");
        let reset = |kind: &str| span_seconds(text(&format!("x-ratelimit-reset{kind}"))?, text("date"));
        ["-requests", "-tokens", ""].into_iter().filter(used_up).filter_map(reset).reduce(f64::max)
    }

    /// Whether the body is a page for a browser, as a gateway's is.
    pub fn is_web_page(&self) -> bool {
        self.body.trim_start_matches('\u{feff}').trim_start().starts_with('<')
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

/// What a status means, in an answer or in a message that carries one.
pub fn class_of_status(status: u16) -> FailureClass {
    match status {
        401 | 403 => FailureClass::Unauthorised,
        // 498 is Groq's "capacity exceeded".
        402 | 429 | 498 => FailureClass::OverLimit,
        408 => FailureClass::TimedOut,
        409 | 425 | 500..=599 => FailureClass::Unavailable,
        300..=499 => FailureClass::Refused,
        _ => FailureClass::Malformed,
    }
}

/// Seconds until an HTTP date, by the clock of the machine that wrote it, which may differ from ours.
fn seconds_until(date: &str, now: Option<&str>) -> Option<f64> {
    let read = |text: &str| jiff::fmt::rfc2822::parse(text).ok().map(|date| date.timestamp());
    let now = read(now?)?;
    Some(read(date)?.duration_since(now).as_secs_f64().max(0.0))
}

/// `6ms`, `7.66s`, `1m30.5s`, `2h`, plain seconds, or a moment since 1970 in seconds or milliseconds.
fn span_seconds(text: &str, now: Option<&str>) -> Option<f64> {
    if let Ok(number) = text.parse::<f64>() {
        let moment = match number {
            _ if number < 1e9 => return Some(number),
            _ if number < 1e12 => number,
            _ => number / 1e3,
        };
        let now = jiff::fmt::rfc2822::parse(now?).ok()?.timestamp();
        return Some((moment - now.as_second() as f64).max(0.0));
    }
    let mut rest = text;
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let unit_at = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(unit_at);
        let unit_end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, after) = tail.split_at(unit_end);
        let each = match unit.trim() {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            "d" => 86_400.0,
            _ => return None,
        };
        seconds += number.parse::<f64>().ok()? * each;
        rest = after;
    }
    Some(seconds)
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

    fn refusal(status: u16, fields: &[(&'static str, &str)]) -> Refusal {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.insert(*name, value.parse().unwrap());
        }
        Refusal { status, headers, body: String::new() }
    }

    #[test]
    fn a_status_has_a_class() {
        let check = |status, class| assert_eq!(refusal(status, &[]).class(), class, "{status}");
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
            assert_eq!(refusal(429, &[(name, value)]).retry_after(), expected, "{name}: {value}");
        };
        check("retry-after", "2", Some(Duration::from_secs(2)));
        check("retry-after", "0.5", Some(Duration::from_millis(500)));
        check("retry-after-ms", "250", Some(Duration::from_millis(250)));
        check("retry-after", "999999999", Some(RETRY_AFTER_MAX));
        check("retry-after", "-1", None);
        check("retry-after", "NaN", None);
        check("retry-after", "soon", None);
    }

    #[test]
    fn a_date_is_measured_by_the_clock_of_its_writer() {
        let check = |date, expected| {
            let headers = [("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT"), ("date", date)];
            let headers = if date.is_empty() { &headers[..1] } else { &headers };
            assert_eq!(refusal(503, headers).retry_after(), expected, "{date}");
        };
        check("Wed, 21 Oct 2026 07:27:30 GMT", Some(Duration::from_secs(30)));
        check("Wed, 21 Oct 2026 07:29:00 GMT", Some(Duration::ZERO));
        check("", None);
    }

    #[test]
    fn a_limit_that_is_used_up_says_when_it_is_filled() {
        let check = |status, remaining, reset, expected: Option<u64>| {
            let headers = [("x-ratelimit-remaining-tokens", remaining), ("x-ratelimit-reset-tokens", reset)];
            let expected = expected.map(Duration::from_millis);
            assert_eq!(refusal(status, &headers).retry_after(), expected, "{remaining} {reset}");
        };
        check(429, "0", "7.66s", Some(7660));
        check(429, "0", "1m30s", Some(90_000));
        check(429, "0", "250ms", Some(250));
        check(429, "0", "12", Some(12_000));
        check(429, "5", "12", None);
        check(400, "0", "12", None);
        check(429, "0", "1 week", None);
        let by_moment = [
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", "1792567690000"),
            ("date", "Wed, 21 Oct 2026 07:28:00 GMT"),
        ];
        assert_eq!(refusal(429, &by_moment).retry_after(), Some(Duration::from_secs(10)));
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
