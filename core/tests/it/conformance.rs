//! What every vendor's client must do, whoever the vendor is: the same questions, put through the traits, against a strict
//! scripted server. `vendor_*.rs` puts them to each vendor.

pub mod llm;
pub mod stt;
pub mod tts;

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use vox_core::provider::egress::Egress;
use vox_core::provider::{Failure, FailureClass};
use vox_shared::egress::{AllowList, Policy};
use vox_testkit::vendor::{Cut, Faults, Lie, Server, Vendor};

/// Longer than anything that is expected to happen takes.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// Time for something that must not happen.
pub const QUIET: Duration = Duration::from_millis(700);
/// Larger than any client takes: every limit on a message is 16 MiB or less.
const OVERSIZED_MB: u32 = 17;

/// A vendor's scripted server and the client that talks to it.
pub struct Bench<S: Vendor, C> {
    pub server: Server<S>,
    pub client: C,
}

impl<S: Vendor, C> Bench<S, C> {
    /// The server has nothing to complain of and nothing is left open on it.
    pub async fn finish(self) {
        drop(self.client);
        self.server.assert_no_leftovers().await;
        assert_eq!(self.server.observed().violations(), Vec::<String>::new());
    }
}

/// Connections to this machine are allowed, as a deployment with self-hosted engines would.
pub fn local_egress() -> Arc<Egress> {
    let allow = AllowList::parse("127.0.0.0/8").expect("a range");
    Arc::new(Egress::new(Policy::new(allow)))
}

/// The next event, or the end of the stream.
pub async fn next<E>(events: &mut mpsc::Receiver<E>) -> Option<E> {
    timeout(PATIENCE, events.recv()).await.expect("the stream stands still")
}

/// Wait until something has come true.
pub async fn eventually(mut is_true: impl FnMut() -> bool) {
    let watching = async {
        while !is_true() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, watching).await.expect("it does not come true");
}

/// Everything up to the end of the stream.
pub async fn rest<E>(events: &mut mpsc::Receiver<E>) -> Vec<E> {
    let mut got = Vec::new();
    while let Some(event) = next(events).await {
        got.push(event);
    }
    got
}

/// Refusals and what they must be called.
pub fn refusals() -> Vec<(Faults, FailureClass)> {
    let status = |status, class| (Faults { status: Some(status), ..Faults::default() }, class);
    vec![
        status(401, FailureClass::Unauthorised),
        status(403, FailureClass::Unauthorised),
        status(429, FailureClass::OverLimit),
        status(500, FailureClass::Unavailable),
        status(502, FailureClass::Unavailable),
        status(503, FailureClass::Unavailable),
    ]
}

/// Ways for a connection to be lost, each soon after its first message at the latest.
pub fn cuts() -> Vec<Faults> {
    let at = |cut| Faults { cut_after: Some(cut), ..Faults::default() };
    let before_a_word = Faults { first_byte_delay_ms: 5000, ..at(Cut::Ms(50)) };
    vec![at(Cut::Messages(1)), at(Cut::Bytes(300)), before_a_word]
}

/// Everything a vendor may lie about.
pub const LIES: [Lie; 7] = [
    Lie::MalformedJson,
    Lie::WrongTypes,
    Lie::UnknownEvent,
    Lie::OutOfOrder,
    Lie::Duplicate,
    Lie::UnknownContext,
    Lie::WrongSequence,
];

/// One kind of lie before every message.
pub fn lying(lie: Lie) -> Faults {
    Faults { lies: vec![lie], ..Faults::default() }
}

/// A first message that no client should take.
pub fn oversized() -> Faults {
    Faults { oversized_mb: Some(OVERSIZED_MB), ..Faults::default() }
}

/// Slow to accept, slow to begin, uneven afterwards.
pub fn slow() -> Faults {
    Faults { accept_delay_ms: 300, first_byte_delay_ms: 300, jitter_ms: 40, ..Faults::default() }
}

/// Accepts and then says nothing.
pub fn silent() -> Faults {
    Faults { silent: true, ..Faults::default() }
}

/// Accepts and then neither says nor reads anything.
pub fn deaf() -> Faults {
    Faults { half_open: true, ..Faults::default() }
}

/// What a server says that speaks no vendor's language.
#[derive(Clone, Copy, Debug)]
pub enum Garble {
    /// A text message that is no UTF-8.
    NotUtf8,
    /// Bytes where a text should be, again and again.
    Bytes,
}

/// The address of a WebSocket server that says this to everybody.
pub async fn garbler(garble: Garble) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut socket) = accept_async(stream).await else { continue };
            let messages = match garble {
                Garble::NotUtf8 => {
                    let frame = Frame::message(vec![0xff_u8, 0xfe], OpCode::Data(Data::Text), true);
                    vec![Message::Frame(frame)]
                }
                Garble::Bytes => vec![Message::binary(vec![1_u8]); 5],
            };
            for message in messages {
                let _gone = socket.send(message).await;
            }
            while let Some(Ok(_)) = socket.next().await {}
        }
    });
    url
}

/// A failure that may be shown: it does not hold the key.
pub fn assert_shows_no_key(failure: &Failure) {
    assert!(!failure.detail.contains("test-key"), "{failure}");
}
