//! Answers that the dispatcher gives itself.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Largest request head that is read before the answer.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// Seconds after which a refused caller may try again.
const RETRY_AFTER_SECONDS: u32 = 2;

/// Why a request is not handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No worker can take it now.
    Busy,
    /// No such path.
    NotFound,
    /// Not HTTP/1.
    Malformed,
    TooLong,
    TooSlow,
}

impl Refusal {
    fn status(self) -> &'static str {
        match self {
            Self::Busy => "503 Service Unavailable",
            Self::NotFound => "404 Not Found",
            Self::Malformed => "400 Bad Request",
            Self::TooLong => "414 URI Too Long",
            Self::TooSlow => "408 Request Timeout",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::NotFound => "not_found",
            Self::Malformed => "bad_request",
            Self::TooLong => "uri_too_long",
            Self::TooSlow => "timeout",
        }
    }

    fn response(self) -> String {
        let body = format!(r#"{{"error":"{}"}}"#, self.word());
        let retry = match self {
            Self::Busy => format!("Retry-After: {RETRY_AFTER_SECONDS}\r\n"),
            _ => String::new(),
        };
        format!(
            "HTTP/1.1 {}\r\n{retry}Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.status(),
            body.len(),
        )
    }
}

/// Answer and close. The request is read first and the close is waited for: a socket that is closed with unread bytes in it
/// is reset, and the reset may overtake the answer.
pub async fn refuse(mut stream: TcpStream, refusal: Refusal, within: Duration) {
    let head = timeout(within, read_head(&mut stream)).await;
    if matches!(head, Ok(false)) {
        return;
    }
    // A caller who is gone needs no answer.
    let _ = timeout(within, answer(&mut stream, refusal)).await;
}

async fn answer(stream: &mut TcpStream, refusal: Refusal) -> std::io::Result<()> {
    stream.write_all(refusal.response().as_bytes()).await?;
    stream.shutdown().await?;
    let mut rest = vec![0; 4096];
    for _ in 0..MAX_HEAD_BYTES / rest.len() {
        if stream.read(&mut rest).await? == 0 {
            break;
        }
    }
    Ok(())
}

/// Read to the end of the request's head, or as much as a head may have. `false` when the caller is gone.
async fn read_head(stream: &mut TcpStream) -> bool {
    let mut head = Vec::new();
    while !is_complete(&head) && head.len() < MAX_HEAD_BYTES {
        match stream.read_buf(&mut head).await {
            Ok(0) => return !head.is_empty(),
            Ok(_) => {}
            Err(_) => return false,
        }
    }
    true
}

fn is_complete(head: &[u8]) -> bool {
    head.windows(4).any(|end| end == b"\r\n\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_is_what_load_balancers_and_diallers_expect() {
        let response = Refusal::Busy.response();
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        assert_eq!(body, r#"{"error":"busy"}"#);
        assert!(head.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{head}");
        assert!(
            head.contains("\r\nRetry-After: 2\r\n") && head.contains("\r\nContent-Length: 16\r\n"),
            "{head}"
        );
        assert!(!Refusal::NotFound.response().contains("Retry-After"));
    }
}
