//! The worker's end of the hand-over: `vox up` accepts a connection and gives its descriptor to a free worker, so that
//! no process stands between the caller's audio and the worker.
//!
//! Protocol: the worker connects to `VOXCORE_DISPATCH` and says who it is in one JSON line. Down come single bytes, each
//! with one descriptor: `C` for a call (the slot is taken on receipt), `O` for another request. Up go lines `F n`, `B n`
//! or `D n` (free, busy, draining; `n` descriptors received so far): on every change and every half second.

use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::net::TcpStream as StdTcpStream;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use tokio::io::{AsyncWriteExt, Interest};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

use crate::access::Origin;
use crate::admission::{Standing, standing};
use crate::app::App;
use crate::routes::call::{Asker, HeldSlot};
use crate::server::{MAX_CONNECTIONS, Requests, connection};

/// State goes up at least this often.
const STATE_EVERY: Duration = Duration::from_millis(500);
/// After the dispatcher was lost.
const RECONNECT: Duration = Duration::from_millis(200);

/// Stay connected to the dispatcher until the process ends.
pub async fn run(app: Arc<App>, socket: std::path::PathBuf) {
    loop {
        if let Err(error) = serve(&app, &socket).await {
            tracing::debug!(%error, "no connection to the dispatcher");
        }
        sleep(RECONNECT).await;
    }
}

async fn serve(app: &Arc<App>, socket: &Path) -> std::io::Result<()> {
    let mut stream = UnixStream::connect(socket).await?;
    let hello = serde_json::json!({"worker_id": app.worker_id, "pid": std::process::id()});
    stream.write_all(format!("{hello}\n").as_bytes()).await?;
    let received = Arc::new(AtomicU64::new(0));
    let stream = Arc::new(stream);
    tokio::select! {
        result = receive(app, &stream, &received) => result,
        result = report(app, &stream, &received) => result,
    }
}

/// Tell the dispatcher how the worker stands.
async fn report(app: &App, stream: &UnixStream, received: &AtomicU64) -> std::io::Result<()> {
    let mut changes = app.slot.watch();
    let mut draining = false;
    loop {
        let state = match standing(app) {
            Standing::Draining => 'D',
            Standing::Busy => 'B',
            Standing::Free => 'F',
        };
        changes.borrow_and_update();
        let line = format!("{state} {}\n", received.load(Ordering::Acquire));
        write_all(stream, line.as_bytes()).await?;
        tokio::select! {
            _either = timeout(STATE_EVERY, changes.changed()) => {}
            () = app.drain.cancelled(), if !draining => draining = true,
        }
    }
}

async fn write_all(stream: &UnixStream, mut bytes: &[u8]) -> std::io::Result<()> {
    while !bytes.is_empty() {
        stream.writable().await?;
        match stream.try_write(bytes) {
            Ok(n) => bytes = &bytes[n..],
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

async fn receive(app: &Arc<App>, stream: &UnixStream, received: &AtomicU64) -> std::io::Result<()> {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        stream.readable().await?;
        let message = match stream.try_io(Interest::READABLE, || take_descriptor(stream)) {
            Ok(message) => message,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error),
        };
        let Some((kind, descriptor)) = message else {
            return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof));
        };
        let Some(descriptor) = descriptor else {
            // Out of descriptors: the kernel dropped it. A new link counts from nothing, with both sides agreeing.
            return Err(std::io::Error::other("a connection was lost on its way: too many open files"));
        };
        let held = (kind == b'C').then(|| app.slot.take()).flatten();
        received.fetch_add(1, Ordering::AcqRel);
        let place = places.clone().try_acquire_owned().ok();
        // There is always room for the one call. Whatever else is too much is closed.
        if place.is_some() || held.is_some() {
            accept(app.clone(), descriptor, held.map(HeldSlot::new), place)?;
        }
    }
}

fn accept(
    app: Arc<App>,
    descriptor: OwnedFd,
    held: Option<HeldSlot>,
    place: Option<OwnedSemaphorePermit>,
) -> std::io::Result<()> {
    let stream = StdTcpStream::from(descriptor);
    stream.set_nonblocking(true)?;
    let _unsupported = stream.set_nodelay(true);
    let stream = TcpStream::from_std(stream)?;
    // Gone already, before anybody looked at it.
    let Ok(peer) = stream.peer_addr() else { return Ok(()) };
    let asker = Asker { origin: Origin::Peer(peer.ip()), held: held.clone() };
    tokio::spawn(async move {
        connection(stream, app, asker, Requests::One).await;
        // The slot is freed here if the request turned out to be no call.
        drop(held.and_then(|held| held.take()));
        drop(place);
    });
    Ok(())
}

/// One byte and the descriptor that came with it; `None` at the end of the stream.
fn take_descriptor(stream: &UnixStream) -> std::io::Result<Option<(u8, Option<OwnedFd>)>> {
    let mut byte = [0u8; 1];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received =
        recvmsg(stream.as_fd(), &mut [IoSliceMut::new(&mut byte)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    if received.bytes == 0 {
        return Ok(None);
    }
    let mut descriptor = None;
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            descriptor = descriptors.into_iter().next();
        }
    }
    Ok(Some((byte[0], descriptor)))
}

#[cfg(test)]
mod tests {
    use std::io::IoSlice;

    use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    use super::*;

    async fn hand_over(dispatcher: &UnixStream, connection: &TcpStream) {
        let descriptors = [connection.as_fd()];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        assert!(ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)));
        dispatcher.writable().await.unwrap();
        sendmsg(dispatcher.as_fd(), &[IoSlice::new(b"O")], &mut ancillary, SendFlags::empty()).unwrap();
    }

    /// Each is a task and a descriptor for as long as its client likes.
    #[tokio::test]
    async fn what_is_handed_over_beyond_all_places_is_closed_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let app = App::for_tests(dir.path());
        let (dispatcher, worker) = UnixStream::pair().unwrap();
        tokio::spawn(async move { receive(&app, &worker, &AtomicU64::new(0)).await });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut clients = Vec::new();
        for _ in 0..=MAX_CONNECTIONS {
            clients.push(TcpStream::connect(listener.local_addr().unwrap()).await.unwrap());
            hand_over(&dispatcher, &listener.accept().await.unwrap().0).await;
        }
        let mut last = clients.pop().unwrap();
        // Well before the deadline for a request's head, which closes all of them.
        let closed = timeout(Duration::from_secs(3), last.read(&mut [0])).await;
        assert_eq!(closed.expect("it is closed at once").unwrap(), 0);
    }
}
