//! A worker that speaks the hand-over protocol and answers with plain text, under the test's control.

use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, Interest};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use vox_cli::dispatch::{Addresses, Counts, Dispatcher, Patience, Roster};
use vox_shared::wire::handover::{Hello, Kind, StateLine, WorkerState};

const DEADLINE: Duration = Duration::from_secs(10);

/// A dispatcher with nobody connected.
pub struct Desk {
    pub address: SocketAddr,
    pub roster: Roster,
    socket: PathBuf,
    stop: CancellationToken,
    serving: JoinHandle<()>,
    _directory: tempfile::TempDir,
}

impl Desk {
    pub async fn open(patience: Patience) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("dispatch.sock");
        let addresses = Addresses { port: 0, workers: socket.clone() };
        let dispatcher = Dispatcher::bind(&addresses, patience).await.unwrap();
        let (address, roster, stop) = (dispatcher.address(), dispatcher.roster(), CancellationToken::new());
        let serving = tokio::spawn(dispatcher.run(stop.clone()));
        Self { address, roster, socket, stop, serving, _directory: directory }
    }

    /// A worker that has said it is free, and is believed.
    pub async fn worker(&self, name: &str) -> FakeWorker {
        let free = self.roster.watch().borrow().free;
        let mut worker = FakeWorker::connect(&self.socket, name).await;
        worker.say(WorkerState::Free).await;
        self.until(|counts| counts.free > free).await;
        worker
    }

    /// Wait for the roster to be so.
    pub async fn until(&self, so: impl FnMut(&Counts) -> bool) {
        timeout(DEADLINE, self.roster.watch().wait_for(so)).await.expect("the roster in time").unwrap();
    }

    /// Stop; fails if a connection is left behind.
    pub async fn close(self) {
        self.stop.cancel();
        timeout(DEADLINE, self.serving).await.expect("an end in time").unwrap();
        assert!(TcpStream::connect(self.address).await.is_err(), "nobody listens any more");
    }
}

/// The worker's end of the connection.
pub struct FakeWorker {
    name: String,
    stream: Arc<UnixStream>,
    received: u64,
}

impl FakeWorker {
    async fn connect(socket: &std::path::Path, name: &str) -> Self {
        let stream = Arc::new(UnixStream::connect(socket).await.unwrap());
        let worker = Self { name: name.to_owned(), stream, received: 0 };
        let hello = Hello { worker_id: name.parse().unwrap(), pid: std::process::id() };
        worker.write(&format!("{}\n", serde_json::to_string(&hello).unwrap())).await;
        worker
    }

    /// Tell a state, with the true number of sockets.
    pub async fn say(&mut self, state: WorkerState) {
        self.write(&StateLine { state, received: self.received }.to_string()).await;
    }

    pub async fn write(&self, text: &str) {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            self.stream.writable().await.unwrap();
            if let Ok(count) = self.stream.try_write(rest) {
                rest = &rest[count..];
            }
        }
    }

    /// The next socket that is handed over.
    pub async fn receive(&mut self) -> (Kind, TcpStream) {
        let taking = self.stream.async_io(Interest::READABLE, || take(&self.stream));
        let (byte, socket) = timeout(DEADLINE, taking).await.expect("a socket in time").unwrap();
        self.received += 1;
        let socket = std::net::TcpStream::from(socket);
        socket.set_nonblocking(true).unwrap();
        (Kind::from_byte(byte).unwrap(), TcpStream::from_std(socket).unwrap())
    }

    /// Receive a socket, read its request and answer with this worker's name, the kind and the request line.
    pub async fn serve(&mut self) -> Kind {
        let (kind, socket) = self.receive().await;
        answer(socket, &self.name, kind).await;
        kind
    }
}

/// Answer on a handed-over socket as a worker would: the whole request is still in it.
pub async fn answer(mut socket: TcpStream, name: &str, kind: Kind) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        assert_ne!(socket.read_buf(&mut head).await.unwrap(), 0, "the caller closed");
    }
    let line = String::from_utf8_lossy(&head).lines().next().unwrap().to_owned();
    let body = format!("{name} {kind:?} {line}");
    let text = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    socket.write_all(text.as_bytes()).await.unwrap();
}

fn take(stream: &UnixStream) -> std::io::Result<(u8, OwnedFd)> {
    let mut byte = [0u8; 1];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let message =
        recvmsg(stream.as_fd(), &mut [IoSliceMut::new(&mut byte)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    if message.bytes == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    let sockets: Vec<OwnedFd> = control
        .drain()
        .filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(sockets) => Some(sockets),
            _ => None,
        })
        .flatten()
        .collect();
    let [socket] = <[OwnedFd; 1]>::try_from(sockets).expect("exactly one descriptor with each byte");
    Ok((byte[0], socket))
}
