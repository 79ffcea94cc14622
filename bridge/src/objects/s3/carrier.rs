//! A connection for one request with much content.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream as SdkStream;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, stream};
use http::{HeaderValue, Request, Response, Uri, header};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_util::task::AbortOnDropHandle;

/// Time to connect.
pub(super) const CONNECT_DEADLINE: Duration = Duration::from_millis(1500);
/// What the kernel takes ahead of the network. Left to itself it takes megabytes, which a slow line needs many seconds for.
const SEND_BUFFER: u32 = 256 * 1024;
/// Content is handed to the connection in such pieces.
const PIECE: usize = 64 * 1024;

/// The content of an answer on its way.
pub(super) type Pieces = BoxStream<'static, io::Result<Bytes>>;

type Error = Box<dyn std::error::Error + Send + Sync>;
type Content = StreamBody<BoxStream<'static, Result<Frame<Bytes>, Error>>>;

#[derive(Clone)]
pub(super) struct Carrier {
    tls: TlsConnector,
}

impl std::fmt::Debug for Carrier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Carrier")
    }
}

impl Carrier {
    pub fn new(tls: rustls::ClientConfig) -> Self {
        Self { tls: TlsConnector::from(Arc::new(tls)) }
    }

    /// Send a request; `moved` is told of each piece that the connection takes.
    pub async fn send(
        &self,
        request: Request<SdkBody>,
        moved: watch::Sender<()>,
    ) -> io::Result<Response<Pieces>> {
        let late = |_| io::Error::from(io::ErrorKind::TimedOut);
        let (mut sender, connection) =
            timeout(CONNECT_DEADLINE, self.connect(request.uri())).await.map_err(late)??;
        let request = for_server(request)?.map(|content| outgoing(content, moved));
        let response = sender.send_request(request).await.map_err(io::Error::other)?;
        Ok(response.map(|content| {
            let content = content.into_data_stream().map(|piece| piece.map_err(io::Error::other));
            // The connection lives as long as somebody reads its answer.
            content.inspect(move |_| _ = &connection).boxed()
        }))
    }

    async fn connect(&self, uri: &Uri) -> io::Result<(SendRequest<Content>, AbortOnDropHandle<()>)> {
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let is_tls = uri.scheme() == Some(&http::uri::Scheme::HTTPS);
        let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let stream = open(host, port).await?;
        if !is_tls {
            return speak(stream).await;
        }
        let name = rustls::pki_types::ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        speak(self.tls.connect(name, stream).await?).await
    }
}

/// The first address that takes a connection.
async fn open(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut refused = io::Error::new(io::ErrorKind::NotFound, "the server's name has no address");
    for address in lookup_host((host, port)).await? {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_send_buffer_size(SEND_BUFFER)?;
        socket.set_nodelay(true)?;
        match socket.connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

async fn speak<S>(stream: S) -> io::Result<(SendRequest<Content>, AbortOnDropHandle<()>)>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    // How it ends is told to whoever waits for the answer.
    let driving = tokio::spawn(async move { drop(connection.await) });
    Ok((sender, AbortOnDropHandle::new(driving)))
}

/// As it is written to the server itself: the path as its address, the host in a header.
fn for_server(mut request: Request<SdkBody>) -> io::Result<Request<SdkBody>> {
    let host = request.uri().authority().map(ToString::to_string).unwrap_or_default();
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse().map_err(io::Error::other)?;
    let host = HeaderValue::from_str(&host).map_err(io::Error::other)?;
    request.headers_mut().entry(header::HOST).or_insert(host);
    Ok(request)
}

/// Its length is in the header already.
fn outgoing(content: SdkBody, moved: watch::Sender<()>) -> Content {
    let state = (SdkStream::new(content), Bytes::new(), moved);
    let pieces = stream::unfold(state, |(mut content, mut rest, moved)| async move {
        // Nobody may be listening any more.
        let _ = moved.send(());
        if rest.is_empty() {
            rest = match content.next().await? {
                Ok(more) => more,
                Err(error) => return Some((Err(error.into()), (content, rest, moved))),
            };
        }
        let piece = rest.split_to(rest.len().min(PIECE));
        Some((Ok(Frame::data(piece)), (content, rest, moved)))
    });
    StreamBody::new(pieces.fuse().boxed())
}
