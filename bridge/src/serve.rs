//! The listener. Connections are bounded, must send their headers and take their answers in time, and are finished gracefully at the end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

/// Connections at the same time; more wait in the listener's queue.
const MAX_CONNECTIONS: usize = 2048;
/// Longest time for a request's headers, and for an idle connection between requests.
const HEADER_DEADLINE: Duration = Duration::from_secs(30);
/// Longest time in which a peer takes nothing of an answer that is sent to it.
const WRITE_DEADLINE: Duration = Duration::from_secs(30);
/// Time that running requests get at the end.
const DRAIN_DEADLINE: Duration = Duration::from_secs(10);
/// Pause after a failed accept: out of file descriptors, most often.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long a peer may keep its connection without doing its part.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a request's headers, and between two requests.
    pub headers: Duration,
    /// For the next piece of an answer to be taken.
    pub write: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { headers: HEADER_DEADLINE, write: WRITE_DEADLINE }
    }
}

/// Serve until `stop`, then finish what runs.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    serve_with(listener, router, Patience::default(), stop).await;
}

/// As [`serve`], with other deadlines.
pub async fn serve_with(listener: TcpListener, router: Router, patience: Patience, stop: CancellationToken) {
    let (room, open) = (Arc::new(Semaphore::new(MAX_CONNECTIONS)), TaskTracker::new());
    while let Some((stream, peer, permit)) = accept(&listener, &room, &stop).await {
        // Answers are small and complete; waiting to fill a packet only delays them. A socket that refuses is still usable.
        let _ = stream.set_nodelay(true);
        let serving = connection((stream, peer), router.clone(), patience, stop.clone());
        open.spawn(serving.then_release(permit));
    }
    drop(listener);
    open.close();
    if timeout(DRAIN_DEADLINE, open.wait()).await.is_err() {
        tracing::warn!(connections = open.len(), "requests were still running at the deadline");
    }
}

async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
    stop: &CancellationToken,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    loop {
        let next = async {
            let permit = room.clone().acquire_owned().await.expect("the semaphore is never closed");
            (listener.accept().await, permit)
        };
        match stop.run_until_cancelled(next).await? {
            (Ok((stream, peer)), permit) => return Some((stream, peer, permit)),
            (Err(error), _) => {
                tracing::warn!(%error, "a connection was not accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(
    (stream, peer): (TcpStream, SocketAddr),
    router: Router,
    patience: Patience,
    stop: CancellationToken,
) {
    // A peer that never reads would keep its connection for ever, and enough of them all connections.
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(patience.write));
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        let router = router.clone();
        async move { Ok::<_, Infallible>(router.oneshot(request).await.unwrap_or_else(|never| match never {})) }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience.headers)
        .serve_connection(TokioIo::new(Box::pin(stream)), service);
    let mut serving = std::pin::pin!(serving);
    let outcome = tokio::select! {
        outcome = serving.as_mut() => outcome,
        () = stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Frees the connection's place when it is over.
trait ThenRelease: Future + Sized {
    async fn then_release(self, permit: OwnedSemaphorePermit) -> Self::Output {
        let output = self.await;
        drop(permit);
        output
    }
}

impl<F: Future> ThenRelease for F {}
