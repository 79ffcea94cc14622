//! The worker's listeners: TCP, a Unix socket for the host's proxy, and connections handed over by `vox up`.

pub mod patient;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use http::{HeaderValue, StatusCode, header};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Semaphore;

use crate::access::Origin;
use crate::app::App;
use crate::routes;
use crate::routes::call::Asker;
use crate::transport::socket::Connection;
use patient::Patient;

/// A client must send its request's head within this.
const HEAD_DEADLINE: Duration = Duration::from_secs(5);
/// Connections at once: one call, and the health checks of proxies and people.
pub const MAX_CONNECTIONS: usize = 64;
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
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let Self { tcp, unix } = self;
        let over_tcp = async {
            loop {
                let Ok(place) = places.clone().acquire_owned().await else { return };
                match tcp.accept().await {
                    Ok((stream, peer)) => {
                        let _unsupported = stream.set_nodelay(true);
                        let (app, asker) = (app.clone(), Asker::at(Origin::Peer(peer.ip())));
                        tokio::spawn(async move {
                            connection(stream, app, asker, Requests::Many).await;
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
                        let (app, asker) = (app.clone(), Asker::at(Origin::LocalProxy));
                        tokio::spawn(async move {
                            connection(stream, app, asker, Requests::Many).await;
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
    // Open to whom its directory is open: an operator makes one for the group of the proxy.
    let mode = std::fs::metadata(dir)?.permissions().mode() & 0o660 | 0o600;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode))?;
    Ok((listener, SocketFile(path)))
}

/// How many requests a connection may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requests {
    Many,
    /// It was handed over: a second one would come past the dispatcher. An upgrade stays what it is.
    One,
}

/// Serve one connection to its end, upgrades included.
pub async fn connection<S: Connection>(stream: S, app: Arc<App>, asker: Asker, requests: Requests) {
    let service = service_fn(|request| {
        let (app, asker) = (app.clone(), asker.clone());
        async move {
            let mut answer = routes::answer::<S>(app, asker, request).await;
            if requests == Requests::One && answer.status() != StatusCode::SWITCHING_PROTOCOLS {
                answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(answer)
        }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_DEADLINE)
        .serve_connection(TokioIo::new(Patient::new(stream)), service)
        .with_upgrades()
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended badly");
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt, duplex};
    use tokio::time::timeout;

    use super::*;

    /// Enough of them held every place for connections, and nobody else was answered.
    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_of_its_answers_loses_its_connection() {
        let dir = tempfile::tempdir().unwrap();
        let app = App::for_tests(dir.path());
        let (mut client, server) = duplex(512);
        let served = tokio::spawn(connection(server, app, Asker::at(Origin::LocalProxy), Requests::Many));
        for _ in 0..4 {
            client.write_all(b"GET /metrics HTTP/1.1\r\nhost: worker\r\n\r\n").await.unwrap();
        }
        timeout(Duration::from_secs(60), served).await.expect("the connection is cut").unwrap();
    }
}
