//! The HTTP that the SDK sends its requests by. Those with little content share the connections of one client; those with much have
//! one each, whose send buffer is small, so that what the connection takes is nearly what the network took: a slow line is told
//! from one that hangs.

use std::io;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::carrier::{CONNECT_DEADLINE, Carrier, Pieces};

/// Longest time in which nothing moves: no piece of a request leaves, no piece of an answer comes. A slow line moves.
const STALL: Duration = Duration::from_secs(3);
/// More content than this has a connection of its own.
const LITTLE: usize = 64 * 1024;

#[derive(Clone, Debug)]
pub(super) struct Transport {
    shared: reqwest::Client,
    carrier: Carrier,
}

impl Transport {
    pub fn new() -> Result<Self, reqwest::Error> {
        let tls = vox_egress::client_config();
        let shared = reqwest::Client::builder()
            .tls_backend_preconfigured(tls.clone())
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_DEADLINE)
            .tcp_nodelay(true)
            .build()?;
        Ok(Self { shared, carrier: Carrier::new(tls) })
    }

    /// Send a request and wait for the head of its answer, as long as something moves.
    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
        let little = request.body().bytes().is_some_and(|content| content.len() <= LITTLE);
        let (moved, mut progress) = watch::channel(());
        let answering = async {
            match little {
                true => send(&self.shared, request).await,
                false => self.carrier.send(request, moved).await.map_err(broken),
            }
        };
        let mut answering = std::pin::pin!(answering);
        let (head, content) = loop {
            tokio::select! {
                answered = &mut answering => break answered?.into_parts(),
                Ok(()) = progress.changed() => {}
                () = sleep(STALL) => return Err(timed_out("nothing was heard for 3 s".into())),
            }
        };
        let content = SdkBody::from_body_1_x(reqwest::Body::wrap_stream(patient(content)));
        HttpResponse::try_from(http::Response::from_parts(head, content))
            .map_err(|error| ConnectorError::user(error.into()))
    }
}

impl HttpConnector for Transport {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let transport = self.clone();
        HttpConnectorFuture::new(async move { transport.exchange(request).await })
    }
}

async fn send(
    client: &reqwest::Client,
    request: http::Request<SdkBody>,
) -> Result<http::Response<Pieces>, ConnectorError> {
    let request = request.map(|content| Bytes::copy_from_slice(content.bytes().unwrap_or_default()));
    let request = reqwest::Request::try_from(request).map_err(|error| ConnectorError::user(error.into()))?;
    let response = client.execute(request).await.map_err(failed)?;
    let mut answer = http::Response::new(());
    *answer.status_mut() = response.status();
    *answer.headers_mut() = response.headers().clone();
    let content =
        response.bytes_stream().map(|piece| piece.map_err(|error| io::Error::other(error.without_url())));
    Ok(answer.map(|()| content.boxed()))
}

/// The content of an answer, which fails when nothing comes. The time that the reader takes does not count.
fn patient(content: Pieces) -> Pieces {
    let pieces = stream::unfold(Some(content), |content| async move {
        let mut content = content?;
        match timeout(STALL, content.next()).await {
            Ok(None) => None,
            Ok(Some(Ok(piece))) => Some((Ok(piece), Some(content))),
            Ok(Some(Err(error))) => Some((Err(error), None)),
            Err(_) => Some((Err(io::ErrorKind::TimedOut.into()), None)),
        }
    });
    // The SDK asks once more at the end.
    pieces.fuse().boxed()
}

fn failed(error: reqwest::Error) -> ConnectorError {
    let error = error.without_url();
    if error.is_timeout() {
        return timed_out(error.into());
    }
    ConnectorError::io(error.into())
}

fn broken(error: io::Error) -> ConnectorError {
    match error.kind() {
        io::ErrorKind::TimedOut => timed_out(error.into()),
        _ => ConnectorError::io(error.into()),
    }
}

/// Of a kind that is not tried again.
fn timed_out(cause: Box<dyn std::error::Error + Send + Sync>) -> ConnectorError {
    ConnectorError::other(cause, None)
}
