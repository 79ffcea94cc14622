//! Looks at the beginning of a connection and leaves it there: whoever gets the socket reads it all.

use std::io;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout_at};

/// Longest request line, bytes: a ticket and a few parameters are far shorter.
const MAX_LINE_BYTES: usize = 8 * 1024;
/// While part of a line lies in the socket it is always readable, so the rest of it cannot be waited for: it is looked for
/// this often.
const PAUSE: Duration = Duration::from_millis(10);

/// Why there is no request line.
#[derive(Debug, thiserror::Error)]
pub enum PeekError {
    #[error("the caller closed the connection before its request was there")]
    Closed,
    #[error("the request line was not there in time")]
    TooSlow,
    #[error("the request line is longer than {MAX_LINE_BYTES} bytes")]
    TooLong,
    #[error("the connection broke")]
    Broken(#[source] io::Error),
}

/// The request line without its end; nothing is taken from the socket.
pub async fn request_line(stream: &TcpStream, within: Duration) -> Result<Vec<u8>, PeekError> {
    let deadline = Instant::now() + within;
    let mut seen = vec![0; MAX_LINE_BYTES];
    loop {
        let looked = timeout_at(deadline, stream.peek(&mut seen)).await;
        let count = looked.map_err(|_| PeekError::TooSlow)?.map_err(PeekError::Broken)?;
        if count == 0 {
            return Err(PeekError::Closed);
        }
        if let Some(end) = seen[..count].iter().position(|byte| *byte == b'\n') {
            seen.truncate(end);
            if seen.last() == Some(&b'\r') {
                seen.pop();
            }
            return Ok(seen);
        }
        if count == MAX_LINE_BYTES {
            return Err(PeekError::TooLong);
        }
        if Instant::now() + PAUSE >= deadline {
            return Err(PeekError::TooSlow);
        }
        sleep(PAUSE).await;
    }
}
