//! The request id: taken from the client if it is harmless, made otherwise, and on every log line and answer.

use actix_web::http::header::{HeaderMap, HeaderName};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// Longest id taken over from a client, bytes.
const MAX_BYTES: usize = 64;

tokio::task_local! {
    /// The id of the request that this task answers.
    pub static CURRENT: String;
}

/// The id of the running request, if there is one.
pub fn current() -> Option<String> {
    CURRENT.try_with(Clone::clone).ok()
}

/// The id of a request with these headers.
pub fn of(headers: &HeaderMap) -> String {
    let given = headers.get(HEADER).and_then(|v| v.to_str().ok());
    match given {
        Some(id) if (1..=MAX_BYTES).contains(&id.len()) && id.bytes().all(harmless) => id.to_owned(),
        _ => {
            let mut random = [0u8; 12];
            rand::fill(&mut random);
            format!("req_{}", URL_SAFE_NO_PAD.encode(random))
        }
    }
}

fn harmless(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}
