//! A TCP connection: messages out of a stream of bytes.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

use super::inbox::{Inbox, Piece};
use crate::transport::{Flow, Transport};

/// Messages that wait to be sent over one connection.
const QUEUE: usize = 64;
/// How long a connection may take to come about, and to take what is sent.
const CONNECT: Duration = Duration::from_secs(5);
const WRITE: Duration = Duration::from_secs(10);
/// How long one that has said something may say nothing: a call's signs of life come more often.
const IDLE: Duration = Duration::from_secs(3600);
/// How long a message may take from its first byte to its last, and the first one of a connection that somebody made to us to come.
const WHOLE: Duration = Duration::from_secs(10);

/// What a connection tells.
#[derive(Debug)]
pub(super) enum Told {
    Message(Flow, Vec<u8>),
    /// It is gone, and what was sent last may not have come through.
    Gone(Flow),
}

/// The end to send into.
pub(super) type Writer = mpsc::Sender<Vec<u8>>;

/// Serve a connection that somebody made to us.
pub(super) fn accepted(stream: TcpStream, peer: SocketAddr, told: mpsc::Sender<Told>) -> Writer {
    let (writer, queue) = mpsc::channel(QUEUE);
    tokio::spawn(serve(stream, peer, told, queue, (writer.downgrade(), false)));
    writer
}

/// Make a connection; what is sent meanwhile waits.
pub(super) fn connect(peer: SocketAddr, told: mpsc::Sender<Told>) -> Writer {
    let (writer, queue) = mpsc::channel(QUEUE);
    let weak = writer.downgrade();
    tokio::spawn(async move {
        match timeout(CONNECT, TcpStream::connect(peer)).await {
            Ok(Ok(stream)) => serve(stream, peer, told, queue, (weak, true)).await,
            _ => {
                let _ended = told.send(Told::Gone(flow(peer))).await;
            }
        }
    });
    writer
}

const fn flow(peer: SocketAddr) -> Flow {
    Flow { transport: Transport::Tcp, peer }
}

async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    told: mpsc::Sender<Told>,
    queue: mpsc::Receiver<Vec<u8>>,
    (answers, is_ours): (mpsc::WeakSender<Vec<u8>>, bool),
) {
    let _late = stream.set_nodelay(true);
    let (read, write) = stream.into_split();
    tokio::select! {
        () = receive(read, peer, &told, &answers, is_ours) => {}
        () = send(write, queue) => {}
    }
    let _ended = told.send(Told::Gone(flow(peer))).await;
}

async fn send(mut write: OwnedWriteHalf, mut queue: mpsc::Receiver<Vec<u8>>) {
    while let Some(bytes) = queue.recv().await {
        if !matches!(timeout(WRITE, write.write_all(&bytes)).await, Ok(Ok(()))) {
            return;
        }
    }
}

async fn receive(
    mut read: OwnedReadHalf,
    peer: SocketAddr,
    told: &mpsc::Sender<Told>,
    answers: &mpsc::WeakSender<Vec<u8>>,
    is_ours: bool,
) {
    let mut inbox = Inbox::default();
    let mut chunk = vec![0; 8192];
    // Somebody who connects has something to say.
    let (opened, mut has_spoken) = (Instant::now(), is_ours);
    // When the message that is under way began.
    let mut began = None;
    loop {
        match inbox.take() {
            Ok(Some(Piece::Message(message))) => {
                (began, has_spoken) = (None, true);
                if told.send(Told::Message(flow(peer), message)).await.is_err() {
                    return;
                }
                continue;
            }
            Ok(Some(Piece::Blank(length))) => {
                began = None;
                // A client that asks whether we are there (RFC 5626, 4.4.1).
                if length >= 4
                    && let Some(answers) = answers.upgrade()
                {
                    let _full = answers.try_send(b"\r\n".to_vec());
                }
                continue;
            }
            Ok(None) => {}
            Err(_) => return,
        }
        let now = Instant::now();
        let until = if !inbox.is_empty() {
            *began.get_or_insert(now) + WHOLE
        } else if has_spoken {
            now + IDLE
        } else {
            opened + WHOLE
        };
        match timeout_at(until, read.read(&mut chunk)).await {
            Ok(Ok(read)) if read > 0 => inbox.push(&chunk[..read]),
            _ => return,
        }
    }
}
