//! The workers' side: their connections and what they say.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;
use vox_shared::wire::handover::{Hello, MAX_LINE_BYTES};

use super::roster::Roster;

/// For a worker to say who it is.
const HELLO_DEADLINE: Duration = Duration::from_secs(5);
/// Pause after a connection could not be accepted: descriptors have run out, and take a moment to come back.
pub(super) const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Accept workers for ever.
pub async fn accept(listener: &UnixListener, roster: &Roster, tasks: &TaskTracker) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tasks.spawn(serve(stream, roster.clone()));
            }
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn serve(stream: UnixStream, roster: Roster) {
    // The reader waits for lines while others send descriptors through the same socket.
    let link = Arc::new(stream);
    let mut lines = BufReader::new(Readable(Arc::clone(&link)));
    let Ok(Some(line)) = timeout(HELLO_DEADLINE, next_line(&mut lines)).await else { return };
    let Ok(hello) = serde_json::from_str::<Hello>(&line) else { return };
    let id = roster.join(hello, link);
    while let Some(line) = next_line(&mut lines).await {
        match line.parse() {
            Ok(state) => roster.said(id, state),
            Err(_) => break,
        }
    }
    roster.leave(id);
}

/// The next line; `None` at the end, and when it is longer than any line of the protocol.
async fn next_line(lines: &mut (impl AsyncBufRead + Unpin)) -> Option<String> {
    let mut line = Vec::new();
    let mut limited = lines.take(MAX_LINE_BYTES as u64);
    limited.read_until(b'\n', &mut line).await.ok()?;
    (line.pop() == Some(b'\n')).then(|| String::from_utf8(line).ok()).flatten()
}

/// Reads a stream that others hold too.
struct Readable(Arc<UnixStream>);

impl AsyncRead for Readable {
    fn poll_read(
        self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        loop {
            std::task::ready!(self.0.poll_read_ready(context))?;
            match self.0.try_read_buf(buffer) {
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                read => return std::task::Poll::Ready(read.map(|_| ())),
            }
        }
    }
}
