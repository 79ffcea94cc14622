//! A WebSocket to a vendor: connected to a checked address, bounded in both directions, every wait with a deadline.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::{HeaderMap, Request};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::{Message, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Utf8Bytes};
use url::Url;

use super::Refusal;
use super::gate::Gate;
use crate::{Failure, FailureClass};

/// Name, connection, TLS and handshake together.
pub const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
/// One address of several: a dead one must leave time for the next.
const ADDRESS_DEADLINE: Duration = Duration::from_secs(2);
/// A vendor that takes no bytes for so long is gone.
const SEND_DEADLINE: Duration = Duration::from_secs(5);
/// How long a closing frame may take.
const CLOSE_DEADLINE: Duration = Duration::from_millis(200);

/// How much memory a connection may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Largest message taken, bytes.
    pub message_bytes: usize,
    /// Most bytes waiting to be written.
    pub write_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        // ElevenLabs sends messages of many seconds of audio as base64: its reference asks for 16 MB.
        Self { message_bytes: 16 << 20, write_bytes: 1 << 20 }
    }
}

impl Limits {
    fn config(self) -> WebSocketConfig {
        WebSocketConfig::default()
            .max_message_size(Some(self.message_bytes))
            .max_frame_size(Some(self.message_bytes))
            .max_write_buffer_size(self.write_bytes)
            // The defaults (128 KiB each) would be allocated for every call; a 20 ms frame is 640 bytes.
            .read_buffer_size(16 * 1024)
            .write_buffer_size(8 * 1024)
    }
}

/// A connection's bytes, plain or encrypted.
trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// What a vendor sent.
#[derive(Clone, Debug, PartialEq)]
pub enum Incoming {
    Text(Utf8Bytes),
    Binary(Bytes),
    /// The end, with the code and reason of a close frame; a connection that merely ended has neither.
    Closed {
        code: Option<u16>,
        reason: String,
    },
}

/// Why there is no WebSocket.
#[derive(Debug)]
pub enum ConnectError {
    /// The vendor answered the handshake with an HTTP status.
    Refused(Refusal),
    Failed(Failure),
}

impl From<Failure> for ConnectError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// An open WebSocket.
pub struct WebSocket {
    inner: Box<WebSocketStream<Box<dyn Duplex>>>,
}

impl WebSocket {
    pub(super) async fn connect(
        gate: &Gate,
        tls: impl Fn() -> Arc<rustls::ClientConfig>,
        url: &Url,
        headers: HeaderMap,
    ) -> Result<Self, ConnectError> {
        let deadline = Instant::now() + CONNECT_DEADLINE;
        let late =
            |_| Failure::new(FailureClass::TimedOut, format!("no connection within {CONNECT_DEADLINE:?}"));
        let addresses = timeout_at(deadline, gate.addresses(url)).await.map_err(late)??;
        let tcp = timeout_at(deadline, dial(&addresses)).await.map_err(late)??;
        let stream: Box<dyn Duplex> = match url.scheme() {
            "wss" | "https" => timeout_at(deadline, encrypt(tls(), url, tcp)).await.map_err(late)??,
            _ => Box::new(tcp),
        };
        let request = request(url, headers)?;
        let handshake =
            tokio_tungstenite::client_async_with_config(request, stream, Some(Limits::default().config()));
        match timeout_at(deadline, Box::pin(handshake)).await.map_err(late)? {
            Ok((inner, _)) => Ok(Self { inner: Box::new(inner) }),
            Err(Error::Http(answer)) => Err(ConnectError::Refused(refusal(*answer))),
            Err(error) => Err(failure(&error).into()),
        }
    }

    /// Both ends of a WebSocket within the process: ours and the vendor's.
    #[cfg(feature = "pair")]
    pub async fn pair() -> (Self, Self) {
        use tokio_tungstenite::tungstenite::protocol::Role;
        // Small, so that a side that does not read is felt soon.
        let (ours, theirs) = tokio::io::duplex(4096);
        let over = async |stream: tokio::io::DuplexStream, role| {
            let stream: Box<dyn Duplex> = Box::new(stream);
            let inner =
                WebSocketStream::from_raw_socket(stream, role, Some(Limits::default().config())).await;
            Self { inner: Box::new(inner) }
        };
        (over(ours, Role::Client).await, over(theirs, Role::Server).await)
    }

    /// Close with a code, as a vendor does.
    #[cfg(feature = "pair")]
    pub async fn close_with(mut self, code: u16, reason: &str) {
        use tokio_tungstenite::tungstenite::protocol::CloseFrame;
        let frame = CloseFrame { code: code.into(), reason: reason.into() };
        self.send(Message::Close(Some(frame))).await.expect("both ends are in this process");
        let _answer = self.next().await;
    }

    /// Send a text message and hand it to the system.
    pub async fn send_text(&mut self, text: impl Into<Utf8Bytes>) -> Result<(), Failure> {
        self.send(Message::Text(text.into())).await
    }

    /// Send a binary message and hand it to the system.
    pub async fn send_binary(&mut self, bytes: impl Into<Bytes>) -> Result<(), Failure> {
        self.send(Message::Binary(bytes.into())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), Failure> {
        match timeout(SEND_DEADLINE, self.inner.send(message)).await {
            Ok(sent) => sent.map_err(|error| failure(&error)),
            Err(_) => Err(Failure::new(FailureClass::TimedOut, "the vendor takes no more data")),
        }
    }

    /// The next message; pings are answered on the way. Safe to cancel.
    pub async fn next(&mut self) -> Result<Incoming, Failure> {
        loop {
            match self.inner.next().await {
                Some(Ok(Message::Text(text))) => return Ok(Incoming::Text(text)),
                Some(Ok(Message::Binary(bytes))) => return Ok(Incoming::Binary(bytes)),
                Some(Ok(Message::Close(frame))) => {
                    let (code, reason) = match frame {
                        Some(frame) => (Some(frame.code.into()), frame.reason.to_string()),
                        None => (None, String::new()),
                    };
                    return Ok(Incoming::Closed { code, reason });
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Err(Error::ConnectionClosed | Error::AlreadyClosed)) | None => {
                    return Ok(Incoming::Closed { code: None, reason: String::new() });
                }
                Some(Err(error)) => return Err(failure(&error)),
            }
        }
    }

    /// Say goodbye; whether it arrives does not matter.
    pub async fn close(mut self) {
        let _unheard = timeout(CLOSE_DEADLINE, self.inner.close()).await;
    }
}

/// The first address that answers.
async fn dial(addresses: &[SocketAddr]) -> Result<TcpStream, Failure> {
    let mut last = Failure::new(FailureClass::Unavailable, "no address to connect to");
    for address in addresses {
        match timeout(ADDRESS_DEADLINE, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // 20 ms audio frames must not wait for each other's acknowledgement.
                stream.set_nodelay(true).map_err(|error| broken("TCP_NODELAY", &error))?;
                return Ok(stream);
            }
            Ok(Err(error)) => last = broken("connecting", &error),
            Err(_) => last = Failure::new(FailureClass::TimedOut, "connecting: no answer"),
        }
    }
    Err(last)
}

async fn encrypt(
    config: Arc<rustls::ClientConfig>,
    url: &Url,
    tcp: TcpStream,
) -> Result<Box<dyn Duplex>, Failure> {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| Failure::new(FailureClass::Refused, "the host's name cannot be used with TLS"))?;
    let stream = tokio_rustls::TlsConnector::from(config)
        .connect(name, tcp)
        .await
        .map_err(|error| broken("TLS handshake", &error))?;
    Ok(Box::new(stream))
}

fn request(url: &Url, headers: HeaderMap) -> Result<Request<()>, Failure> {
    let mut request = url.as_str().into_client_request().map_err(|error| failure(&error))?;
    request.headers_mut().extend(headers);
    Ok(request)
}

fn refusal(answer: http::Response<Option<Vec<u8>>>) -> Refusal {
    let (head, body) = answer.into_parts();
    let body = String::from_utf8_lossy(&body.unwrap_or_default()).into_owned();
    Refusal { status: head.status.as_u16(), headers: head.headers, body }
}

fn broken(doing: &str, error: &std::io::Error) -> Failure {
    Failure::new(FailureClass::Unavailable, format!("{doing}: {error}"))
}

fn failure(error: &Error) -> Failure {
    use tokio_tungstenite::tungstenite::error::ProtocolError;
    let class = match error {
        Error::Capacity(_) | Error::Utf8(_) | Error::AttackAttempt => FailureClass::Malformed,
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake | ProtocolError::HandshakeIncomplete) => {
            FailureClass::Unavailable
        }
        Error::Protocol(_) => FailureClass::Malformed,
        Error::Url(_) | Error::HttpFormat(_) => FailureClass::Refused,
        _ => FailureClass::Unavailable,
    };
    // A full write buffer's message holds the data itself, which its text does not show.
    Failure::new(class, error.to_string())
}
