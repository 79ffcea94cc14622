//! Opening the socket: TCP, TLS, the upgrade, and the server's refusal when it has no room.

use std::{
    io,
    sync::{Arc, OnceLock},
    time::Duration,
};

use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use thiserror::Error;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        self,
        client::IntoClientRequest as _,
        protocol::{Role, WebSocketConfig},
    },
};
use url::Url;

use crate::options::{Options, OptionsError};

/// Largest message that is read: Exotel's 100 kB in base64, with room to tell that more is a violation.
const MESSAGE_BYTES_MAX: usize = 1 << 20;
/// tungstenite reads into a buffer of this size per call; its default of 128 KiB is for bulk data.
const READ_BUFFER_BYTES: usize = 16 << 10;
const WRITE_BUFFER_BYTES: usize = 4 << 10;
/// What one call may have waiting to be written.
const WRITE_BUFFER_BYTES_MAX: usize = 256 << 10;
/// How much of a refusal's body is kept.
const BODY_CHARS_MAX: usize = 512;

/// A plain or encrypted connection.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

pub(crate) type Socket = WebSocketStream<Box<dyn Io>>;

/// Why no call came about.
#[derive(Debug, Error)]
pub enum ConnectError {
    #[error("the call's options are wrong")]
    Options(#[from] OptionsError),
    #[error("could not reach {host}:{port}")]
    Unreachable { host: String, port: u16, source: io::Error },
    #[error("the TLS handshake failed")]
    Tls { source: io::Error },
    /// The server answered the upgrade with an HTTP status. 503 with `retry_after` is a full server.
    #[error("the server refused the call with status {status}: {body}")]
    Refused { status: u16, retry_after: Option<Duration>, body: String },
    #[error("the WebSocket handshake failed")]
    Handshake { source: Box<tungstenite::Error> },
    #[error("no open socket within {0:?}")]
    Deadline(Duration),
    #[error("the recording could not be opened")]
    Recording(#[from] vox_audio::wav::WavError),
}

impl ConnectError {
    /// In one word, to count failures by.
    pub fn kind(&self) -> String {
        match self {
            Self::Options(_) => "options".to_owned(),
            Self::Unreachable { .. } => "unreachable".to_owned(),
            Self::Tls { .. } => "tls".to_owned(),
            Self::Refused { status, .. } => format!("refused_{status}"),
            Self::Handshake { .. } => "handshake".to_owned(),
            Self::Deadline(_) => "connect_deadline".to_owned(),
            Self::Recording(_) => "recording".to_owned(),
        }
    }

    fn is_worth_a_retry(&self) -> bool {
        !matches!(self, Self::Options(_) | Self::Recording(_))
    }
}

/// Open the socket, with the carrier's own retries.
pub(crate) async fn open(options: &Options) -> Result<Socket, ConnectError> {
    let url = options.address()?;
    let mut attempt = 0;
    loop {
        let opened = timeout(options.deadlines.connect, Box::pin(open_once(&url, options))).await;
        match opened.unwrap_or(Err(ConnectError::Deadline(options.deadlines.connect))) {
            Err(error) if attempt < options.retries && error.is_worth_a_retry() => attempt += 1,
            outcome => return outcome,
        }
    }
}

async fn open_once(url: &Url, options: &Options) -> Result<Socket, ConnectError> {
    let handshake = |source| ConnectError::Handshake { source: Box::new(source) };
    let mut request = url.as_str().into_client_request().map_err(handshake)?;
    request.headers_mut().extend(options.headers.clone());
    let stream = dial(url).await?;
    match client_async_with_config(request, stream, Some(limits())).await {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::Error::Http(response)) => Err(refusal(&response)),
        Err(source) => Err(handshake(source)),
    }
}

/// A socket over a connection that stands: the other end speaks WebSocket on it already.
pub(crate) async fn adopt(io: Box<dyn Io>) -> Socket {
    WebSocketStream::from_raw_socket(io, Role::Client, Some(limits())).await
}

fn limits() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX))
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_write_buffer_size(WRITE_BUFFER_BYTES_MAX)
}

async fn dial(url: &Url) -> Result<Box<dyn Io>, ConnectError> {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let port = url.port_or_known_default().unwrap_or(80);
    let unreachable = |source| ConnectError::Unreachable { host: host.clone(), port, source };
    let tcp = TcpStream::connect((host.as_str(), port)).await.map_err(unreachable)?;
    tcp.set_nodelay(true).map_err(unreachable)?;
    if url.scheme() != "wss" {
        return Ok(Box::new(tcp));
    }
    let name = ServerName::try_from(host.clone())
        .map_err(|error| ConnectError::Tls { source: io::Error::other(error) })?;
    let connector = tokio_rustls::TlsConnector::from(tls_config()?);
    let tls = connector.connect(name, tcp).await.map_err(|source| ConnectError::Tls { source })?;
    Ok(Box::new(tls))
}

/// The client's TLS settings, with the machine's own roots; loaded once, it takes tens of milliseconds.
fn tls_config() -> Result<Arc<ClientConfig>, ConnectError> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(config) = CONFIG.get() {
        return Ok(config.clone());
    }
    let mut roots = RootCertStore::empty();
    // A machine's store may hold certificates that rustls does not take; the others are enough.
    let _ = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ConnectError::Tls { source: io::Error::other(error) })?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(CONFIG.get_or_init(|| Arc::new(config)).clone())
}

fn refusal(response: &http::Response<Option<Vec<u8>>>) -> ConnectError {
    let retry_after = response.headers().get(http::header::RETRY_AFTER);
    let seconds = retry_after.and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let body = response.body().as_deref().unwrap_or_default();
    ConnectError::Refused {
        status: response.status().as_u16(),
        retry_after: seconds.map(Duration::from_secs),
        body: String::from_utf8_lossy(body).chars().take(BODY_CHARS_MAX).collect(),
    }
}
