//! The worker's listeners: TCP, a Unix socket for the host's proxy, and connections handed over by `vox up`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Semaphore;
use tower::ServiceExt;

use crate::access::Origin;
use crate::app::App;
use crate::routes::line::HeldSlot;
use crate::routes::router;

/// A client must send its request's head within this.
const HEAD_DEADLINE: Duration = Duration::from_secs(5);
/// Connections at once: one call, and the health checks of proxies and people.
const MAX_CONNECTIONS: usize = 64;
/// After accept failed (out of descriptors).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The listeners of a worker.
#[derive(Debug)]
pub struct Listeners {
    tcp: TcpListener,
    unix: Option<(UnixListener, SocketFile)>,
}

/// Removes the socket's file when the worker goes.
#[derive(Debug)]
struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _gone = std::fs::remove_file(&self.0);
    }
}

impl Listeners {
    /// Bind what the settings say.
    pub async fn bind(app: &App) -> anyhow::Result<Self> {
        let addr = app.config.addr;
        let tcp =
            TcpListener::bind(addr).await.with_context(|| format!("listening on {addr} (VOXCORE_ADDR)"))?;
        let unix = match &app.config.socket_dir {
            Some(dir) => Some(bind_unix(dir, app.worker_id.as_str())?),
            None => None,
        };
        Ok(Self { tcp, unix })
    }

    /// Where TCP is served.
    pub fn addr(&self) -> std::io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// Serve until the future is dropped.
    pub async fn serve(self, app: Arc<App>) {
        let router = router(app);
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let Self { tcp, unix } = self;
        let over_tcp = async {
            loop {
                let Ok(place) = places.clone().acquire_owned().await else { return };
                match tcp.accept().await {
                    Ok((stream, peer)) => {
                        let _unsupported = stream.set_nodelay(true);
                        let router = from(router.clone(), Origin::Peer(peer.ip()));
                        tokio::spawn(async move {
                            connection(stream, router).await;
                            drop(place);
                        });
                    }
                    Err(error) => pause(&error).await,
                }
            }
        };
        let over_unix = async {
            let Some((listener, _file)) = &unix else { return std::future::pending().await };
            loop {
                let Ok(place) = places.clone().acquire_owned().await else { return };
                match listener.accept().await {
                    Ok((stream, _)) => {
                        let router = from(router.clone(), Origin::LocalProxy);
                        tokio::spawn(async move {
                            connection(stream, router).await;
                            drop(place);
                        });
                    }
                    Err(error) => pause(&error).await,
                }
            }
        };
        tokio::join!(over_tcp, over_unix);
    }
}

/// The routes for requests that come from there.
pub fn from(router: Router, origin: Origin) -> Router {
    router.layer(axum::Extension(origin))
}

async fn pause(error: &std::io::Error) {
    tracing::warn!(%error, "a connection could not be accepted");
    tokio::time::sleep(ACCEPT_PAUSE).await;
}

fn bind_unix(dir: &Path, worker: &str) -> anyhow::Result<(UnixListener, SocketFile)> {
    std::fs::create_dir_all(dir).with_context(|| format!("making the socket directory {}", dir.display()))?;
    let path = dir.join(format!("{worker}.sock"));
    // A crashed process leaves its file.
    let _fresh = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).with_context(|| format!("listening on {}", path.display()))?;
    Ok((listener, SocketFile(path)))
}

/// Serve one connection to its end, upgrades included.
pub async fn connection<S>(stream: S, router: Router)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = TowerToHyperService::new(
        router.map_request(|r: http::Request<hyper::body::Incoming>| r.map(axum::body::Body::new)),
    );
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_DEADLINE)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended badly");
    }
}

/// Serve one request of a connection that was handed over: a second one on it would come past the dispatcher. An upgrade
/// stays what it is.
pub async fn one_request<S>(stream: S, router: Router)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let last = axum::middleware::map_response(async |mut response: Response| {
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    });
    connection(stream, router.layer(last)).await;
}

/// Serve a connection that came with the slot already taken for it.
pub async fn handed_over<S>(stream: S, router: Router, held: HeldSlot)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    one_request(stream, router.layer(axum::Extension(held))).await;
}
