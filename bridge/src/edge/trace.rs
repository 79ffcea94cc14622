//! W3C trace context: the trace that a request belongs to, so that log lines of all processes can be put together.

use actix_web::http::header::HeaderMap;

const TRACEPARENT: &str = "traceparent";
const TRACE_DIGITS: usize = 32;
const SPAN_DIGITS: usize = 16;

/// The ids of the caller's trace and span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    pub trace_id: String,
    pub span_id: String,
}

/// What the `traceparent` header says; a malformed one counts as none.
pub fn of(headers: &HeaderMap) -> Option<Trace> {
    let text = headers.get(TRACEPARENT)?.to_str().ok()?;
    let mut parts = text.split('-');
    let (version, trace, span) = (parts.next()?, parts.next()?, parts.next()?);
    parts.next()?;
    let hex = |text: &str, digits: usize| {
        text.len() == digits
            && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
            && text.bytes().any(|b| b != b'0')
    };
    let good = version.len() == 2 && version != "ff" && hex(trace, TRACE_DIGITS) && hex(span, SPAN_DIGITS);
    good.then(|| Trace { trace_id: trace.to_owned(), span_id: span.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};

    fn check(header: &'static str, expected: Option<&str>) {
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static(TRACEPARENT), HeaderValue::from_static(header));
        assert_eq!(of(&headers).map(|t| t.trace_id).as_deref(), expected, "{header}");
    }

    #[test]
    fn only_a_well_formed_header_counts() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        check("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", Some(trace));
        check("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", None);
        check("00-00000000000000000000000000000000-00f067aa0ba902b7-01", None);
        check("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", None);
        check("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7", None);
        check("garbage", None);
    }
}
