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
use tokio::time::{Instant, sleep, timeout};

use super::carrier::{CONNECT_DEADLINE, Carrier, Pieces};

/// Longest time in which nothing moves: no piece of a request leaves, no piece of an answer comes. A slow line moves.
const STALL: Duration = Duration::from_millis(2_500);
/// Then the server is asked something else: one that answers to that within this time is slow and not dead. Both together are less
/// than the four seconds in which whoever waits has an answer.
const PROBE: Duration = Duration::from_millis(1_000);
/// But no request waits for longer than this without a move.
const PATIENCE: Duration = Duration::from_secs(20);
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
        let origin = origin(request.uri());
        let little = request.body().bytes().is_some_and(|content| content.len() <= LITTLE);
        let (moved, mut progress) = watch::channel(());
        let answering = async {
            match little {
                true => send(&self.shared, request).await,
                false => self.carrier.send(request, moved).await.map_err(broken),
            }
        };
        let mut answering = std::pin::pin!(answering);
        let mut moved_at = Instant::now();
        let (head, content) = loop {
            tokio::select! {
                answered = &mut answering => break answered?.into_parts(),
                Ok(()) = progress.changed() => moved_at = Instant::now(),
                is_alive = self.is_alive_after(STALL, &origin) => {
                    if !is_alive || moved_at.elapsed() >= PATIENCE {
                        return Err(timed_out("nothing was heard, and nothing else is answered".into()));
                    }
                }
            }
        };
        let content = SdkBody::from_body_1_x(reqwest::Body::wrap_stream(patient(content)));
        HttpResponse::try_from(http::Response::from_parts(head, content))
            .map_err(|error| ConnectorError::user(error.into()))
    }
}

impl Transport {
    /// Whether the server answers to anything, whatever it is.
    async fn is_alive_after(&self, stall: Duration, origin: &str) -> bool {
        sleep(stall).await;
        timeout(PROBE, self.shared.get(origin).send()).await.is_ok_and(|answer| answer.is_ok())
    }
}

/// Of the server that a request goes to.
fn origin(uri: &http::Uri) -> String {
    let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
    format!("{}://{authority}/", uri.scheme_str().unwrap_or("http"))
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use aws_smithy_types::byte_stream::ByteStream;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    /// Whoever waits for the API has an answer by then.
    const ANSWER: Duration = Duration::from_secs(4);
    const PART: usize = 300_000;

    /// What a server does with requests about an object and with others.
    #[derive(Clone, Copy)]
    struct Manner {
        /// It answers to those after this; never without.
        answers: Option<Duration>,
        /// Of what it announces it sends the beginning.
        hangs_within: bool,
        answers_others: bool,
    }

    const SILENT: Manner = Manner { answers: None, hangs_within: false, answers_others: false };

    async fn serve(listener: TcpListener, manner: Manner, others: Arc<AtomicUsize>) {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, manner, others.clone()));
        }
    }

    async fn answer(mut stream: TcpStream, manner: Manner, others: Arc<AtomicUsize>) {
        let (mut read, mut asked) = (vec![0; 64 * 1024], Vec::new());
        while !asked.windows(4).any(|end| end == b"\r\n\r\n") {
            let Ok(more @ 1..) = stream.read(&mut read).await else { return };
            asked.extend_from_slice(&read[..more]);
        }
        let is_put = asked.starts_with(b"PUT");
        if is_put || asked.starts_with(b"GET /recordings/") {
            while is_put && asked.len() < PART {
                let Ok(more @ 1..) = stream.read(&mut read).await else { return };
                asked.extend_from_slice(&read[..more]);
            }
            match manner.answers {
                Some(slow) => sleep(slow).await,
                None => std::future::pending().await,
            }
            if manner.hangs_within {
                let _begun = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nRIFF").await;
                std::future::pending::<()>().await;
            }
        } else {
            others.fetch_add(1, Ordering::Relaxed);
            if !manner.answers_others {
                std::future::pending::<()>().await;
            }
        }
        let _gone = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    }

    /// How an upload or a read goes, to the end of its answer, how long it takes by the clock of the test, and how often the server was
    /// asked something else.
    async fn exchange(method: &str, manner: Manner) -> (bool, Duration, usize) {
        let _chosen_before = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/recordings/call_1.wav", listener.local_addr().unwrap());
        let others = Arc::<AtomicUsize>::default();
        let serving = tokio::spawn(serve(listener, manner, others.clone()));
        let content = if method == "PUT" { vec![7; PART] } else { Vec::new() };
        let length = content.len().to_string();
        let mut request = HttpRequest::new(SdkBody::from(content));
        request.set_method(method).unwrap();
        request.set_uri(url).unwrap();
        request.headers_mut().insert("content-length", length);
        let (transport, began) = (Transport::new().unwrap(), Instant::now());
        let is_taken = match transport.exchange(request).await {
            Ok(answer) => ByteStream::new(answer.into_body()).collect().await.is_ok(),
            Err(_) => false,
        };
        serving.abort();
        (is_taken, began.elapsed(), others.load(Ordering::Relaxed))
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_answers_nothing_is_given_up_in_time() {
        for method in ["PUT", "GET"] {
            let (is_taken, took, asked) = exchange(method, SILENT).await;
            assert!(!is_taken && took < ANSWER && asked == 1, "{method}: {took:?}, asked {asked} times");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_hangs_in_midst_of_an_object_is_given_up_in_time() {
        for answers_others in [false, true] {
            let manner = Manner { answers: Some(Duration::ZERO), hangs_within: true, answers_others };
            let (is_read, took, _) = exchange("GET", manner).await;
            assert!(!is_read && took < ANSWER, "{took:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_takes_long_over_a_part_is_not_taken_for_a_dead_one() {
        let slow = Duration::from_secs(12);
        for method in ["PUT", "GET"] {
            let late = Manner { answers: Some(slow), answers_others: true, ..SILENT };
            let (is_taken, took, asked) = exchange(method, late).await;
            assert!(is_taken && took >= slow && asked > 1, "{method}: {took:?}, asked {asked} times");
            // But not for ever.
            let (is_taken, took, _) = exchange(method, Manner { answers_others: true, ..SILENT }).await;
            assert!(!is_taken && took < PATIENCE + ANSWER, "{method}: {took:?}");
        }
    }
}
