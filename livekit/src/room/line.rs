//! The signalling line: a WebSocket with one message of the protocol in each of its own, kept alive by pings of both.
//!
//! A task of its own owns the socket, so that a peer that takes no bytes cannot hold up sound; both ways are bounded.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderValue, header};
use tokio_tungstenite::tungstenite::protocol::{Message as Frame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self};
use url::Url;

use super::wall;
use crate::error::JoinError;
use crate::wire::Message;
use crate::wire::signal::{Ping, Request, Response, SignalRequest, SignalResponse};

/// Messages that wait, each way.
const QUEUE: usize = 256;
/// The server takes no larger ones (2 MiB); it sends none.
const MESSAGE_BYTES: usize = 4 << 20;
/// Until the server has said what it wants.
const PING_INTERVAL: Duration = Duration::from_secs(5);
const PING_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a goodbye may take.
const CLOSE_WITHIN: Duration = Duration::from_millis(300);
const SEND_WITHIN: Duration = Duration::from_secs(5);

pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}
type Socket = WebSocketStream<Box<dyn Duplex>>;

/// An open line. Dropping it says goodbye after what was sent before.
#[derive(Debug)]
pub(crate) struct Line {
    pub incoming: mpsc::Receiver<Response>,
    outgoing: mpsc::Sender<Request>,
    pump: JoinHandle<()>,
    /// Our address on the way to the server.
    pub local: IpAddr,
}

impl Line {
    /// Connect and wait for the first message.
    pub(crate) async fn open(
        url: &Url,
        token: &str,
        tls: Option<&Arc<rustls::ClientConfig>>,
        within: Duration,
    ) -> Result<(Self, Response), JoinError> {
        let opened = timeout(within, Box::pin(connect(url, token, tls))).await;
        opened.map_err(|_| JoinError::Unreachable(format!("no answer within {within:?}")))?
    }

    /// Whether it was taken: a line that takes no more is dead.
    pub(crate) fn send(&self, request: Request) -> bool {
        self.outgoing.try_send(request).is_ok()
    }

    /// Say goodbye, and wait until all has been said.
    pub(crate) async fn finish(self) {
        drop(self.outgoing);
        let _ended = timeout(2 * CLOSE_WITHIN, self.pump).await;
    }
}

async fn connect(
    url: &Url,
    token: &str,
    tls: Option<&Arc<rustls::ClientConfig>>,
) -> Result<(Line, Response), JoinError> {
    let unreachable = |error: &dyn std::fmt::Display| JoinError::Unreachable(error.to_string());
    let host = url.host_str().expect("checked when it was parsed");
    let port = url.port_or_known_default().expect("ws and wss have one");
    let tcp = TcpStream::connect((host.trim_matches(['[', ']']), port)).await.map_err(|e| unreachable(&e))?;
    tcp.set_nodelay(true).map_err(|e| unreachable(&e))?;
    let local = tcp.local_addr().map_err(|e| unreachable(&e))?.ip();
    let stream: Box<dyn Duplex> = if url.scheme() == "wss" {
        let settings = match tls {
            Some(settings) => Arc::clone(settings),
            None => system_tls()?,
        };
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())
            .map_err(|e| JoinError::Address(e.to_string()))?;
        let connector = tokio_rustls::TlsConnector::from(settings);
        Box::new(connector.connect(name, tcp).await.map_err(|e| unreachable(&e))?)
    } else {
        Box::new(tcp)
    };
    let mut request = url.as_str().into_client_request().map_err(|e| JoinError::Address(e.to_string()))?;
    let bearer = HeaderValue::from_str(&format!("Bearer {token}"));
    let bearer =
        bearer.map_err(|_| JoinError::Address("the token has letters that no token has".to_owned()))?;
    request.headers_mut().insert(header::AUTHORIZATION, bearer);
    let limits = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_BYTES))
        .max_frame_size(Some(MESSAGE_BYTES))
        .read_buffer_size(16 * 1024)
        .write_buffer_size(8 * 1024)
        .max_write_buffer_size(MESSAGE_BYTES);
    let handshake = tokio_tungstenite::client_async_with_config(request, stream, Some(limits)).await;
    let (mut socket, _) = handshake.map_err(refusal)?;
    let first = read(&mut socket).await?;
    let (outgoing, requests) = mpsc::channel(QUEUE);
    let (responses, incoming) = mpsc::channel(QUEUE);
    let pings = Pings::new(&first);
    let pump = tokio::spawn(pump(socket, pings, requests, responses));
    Ok((Line { incoming, outgoing, pump, local }, first))
}

/// The body is not told: with a bad token it repeats the token.
fn refusal(error: tungstenite::Error) -> JoinError {
    match error {
        tungstenite::Error::Http(answer) => {
            let status = answer.status().as_u16();
            let reason = match status {
                401 | 403 => "the token is not good for this room",
                404 => "there is no such room, and it is not made, or no LiveKit server at this path",
                429 => "the server or the room is full",
                _ => answer.status().canonical_reason().unwrap_or("no reason"),
            };
            JoinError::Refused { status, reason: reason.to_owned() }
        }
        other => JoinError::Unreachable(other.to_string()),
    }
}

/// The next message of the protocol; those that we do not know are skipped.
async fn read(socket: &mut Socket) -> Result<Response, JoinError> {
    loop {
        match socket.next().await {
            Some(Ok(Frame::Binary(bytes))) => {
                let message = SignalResponse::decode(&bytes[..])
                    .map_err(|error| JoinError::Protocol(error.to_string()))?;
                if let Some(response) = message.message {
                    return Ok(response);
                }
            }
            Some(Ok(Frame::Close(_))) | None => {
                return Err(JoinError::Unreachable("the server closed the line".to_owned()));
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(JoinError::Unreachable(error.to_string())),
        }
    }
}

/// When to ask whether the server is still there, and since when it has not answered.
struct Pings {
    interval: Duration,
    timeout: Duration,
    heard: Instant,
    rtt_ms: i64,
}

impl Pings {
    fn new(first: &Response) -> Self {
        let asked = match first {
            Response::Join(join) => (join.ping_interval, join.ping_timeout),
            _ => (0, 0),
        };
        let seconds = |number: i32, usual| match u64::try_from(number) {
            Ok(number @ 1..) => Duration::from_secs(number),
            _ => usual,
        };
        Self {
            interval: seconds(asked.0, PING_INTERVAL),
            timeout: seconds(asked.1, PING_TIMEOUT),
            heard: Instant::now(),
            rtt_ms: 0,
        }
    }
}

/// Carry messages both ways until one side ends.
async fn pump(
    mut socket: Socket,
    mut pings: Pings,
    mut requests: mpsc::Receiver<Request>,
    responses: mpsc::Sender<Response>,
) {
    let mut due = Instant::now() + pings.interval;
    loop {
        tokio::select! {
            request = requests.recv() => {
                let Some(request) = request else { break };
                if !send(&mut socket, request).await {
                    return;
                }
            }
            message = read(&mut socket) => {
                let Ok(message) = message else { return };
                pings.heard = Instant::now();
                match message {
                    Response::Pong(pong) => pings.rtt_ms = wall::millis() - pong.last_ping_timestamp,
                    // A reader that has not taken 256 messages is gone.
                    message => if responses.try_send(message).is_err() { return },
                }
            }
            () = tokio::time::sleep_until(due) => {
                if pings.heard.elapsed() > pings.timeout {
                    tracing::debug!("the server answers no pings");
                    return;
                }
                due += pings.interval;
                let ping = Request::Ping(Ping { timestamp: wall::millis(), rtt: pings.rtt_ms });
                if !send(&mut socket, ping).await {
                    return;
                }
            }
        }
    }
    let _unheard = timeout(CLOSE_WITHIN, socket.close(None)).await;
}

async fn send(socket: &mut Socket, request: Request) -> bool {
    let bytes = SignalRequest { message: Some(request) }.encode_to_vec();
    matches!(timeout(SEND_WITHIN, socket.send(Frame::Binary(bytes.into()))).await, Ok(Ok(())))
}

/// The roots of the system.
pub(super) fn system_tls() -> Result<Arc<rustls::ClientConfig>, JoinError> {
    let wrong = |error: &dyn std::fmt::Display| JoinError::Tls(error.to_string());
    let mut roots = rustls::RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        return Err(wrong(&"the system has no root certificates"));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let settings = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(&error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(settings))
}
