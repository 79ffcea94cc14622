//! From a request line to who may take the request.

/// Paths of call sockets; behind each is a bot's id.
const CALLS: [&str; 7] = ["/ws/", "/exotel/", "/twilio/", "/plivo/", "/telnyx/", "/vonage/", "/talk/"];
/// Paths that order a call: a free worker takes it.
const ORDERED: [&str; 4] = ["/attach", "/livekit/widget", "/livekit/dialout", "/livekit/dispatch"];
/// Paths that any worker answers.
const WHOLE: [&str; 3] = ["/health", "/health/fleet", "/metrics"];
const RECORDINGS: &str = "/recordings/";

/// Where a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// To a free worker.
    Call,
    /// To any worker.
    Other,
    /// There is no such path.
    Unknown,
    /// It is no request line of HTTP/1.
    Malformed,
}

/// The route of `GET /path?query HTTP/1.1`.
pub fn of(line: &[u8]) -> Route {
    let Some(path) = std::str::from_utf8(line).ok().and_then(path) else { return Route::Malformed };
    let is_below = |folder: &str| path.len() > folder.len() && path.starts_with(folder);
    if CALLS.into_iter().any(is_below) || ORDERED.contains(&path) {
        Route::Call
    } else if WHOLE.contains(&path) || is_below(RECORDINGS) {
        Route::Other
    } else {
        Route::Unknown
    }
}

fn path(line: &str) -> Option<&str> {
    let mut words = line.split(' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    let is_method = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase());
    if !is_method || !version.starts_with("HTTP/1.") || words.next().is_some() {
        return None;
    }
    let target = origin_form(target)?;
    Some(target.split_once(['?', '#']).map_or(target, |(path, _)| path))
}

/// A client behind a proxy names the host in the target (RFC 9112, 3.2.2).
fn origin_form(target: &str) -> Option<&str> {
    if target.starts_with('/') {
        return Some(target);
    }
    let rest = ["http://", "ws://"].iter().find_map(|scheme| target.strip_prefix(scheme))?;
    rest.find('/').map(|at| &rest[at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_has_its_route() {
        let check = |line: &str, expected| assert_eq!(of(line.as_bytes()), expected, "{line}");
        for call in ["/twilio/faq", "/plivo/faq", "/telnyx/faq?codec=L16", "/vonage/faq"] {
            check(&format!("GET {call} HTTP/1.1"), Route::Call);
        }
        for call in
            ["/ws/faq", "/exotel/faq?sample-rate=16000", "/talk/bot_1?ticket=x", "http://h:1/ws/b", "/ws/a/b"]
        {
            check(&format!("GET {call} HTTP/1.1"), Route::Call);
        }
        for ordered in ORDERED {
            check(&format!("POST {ordered} HTTP/1.1"), Route::Call);
        }
        for other in ["/health", "/health/fleet", "/metrics?x=1", "/recordings/call_1.wav"] {
            check(&format!("GET {other} HTTP/1.1"), Route::Other);
        }
        for unknown in
            ["/", "/ws", "/ws/", "/healthy", "/recordings/", "/api/v1/bots", "/WS/faq", "/x/ws/faq"]
        {
            check(&format!("GET {unknown} HTTP/1.1"), Route::Unknown);
        }
        for malformed in
            ["", "GET /ws/faq", "get /ws/faq HTTP/1.1", "GET  /ws/faq HTTP/1.1", "GET ws/faq HTTP/1.1"]
        {
            check(malformed, Route::Malformed);
        }
        assert_eq!(of(b"GET /ws/\xff HTTP/1.1"), Route::Malformed);
        assert_eq!(of(b"\x16\x03\x01\x02\x00\x01"), Route::Malformed, "a TLS client at the wrong port");
    }
}
