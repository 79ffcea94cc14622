//! A thread that serves connections.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpServiceBuilder, KeepAlive};
use actix_service::{Service, ServiceFactory, map_config};
use actix_web::body::MessageBody;
use actix_web::dev::{AppConfig, ServiceRequest, ServiceResponse};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::{LocalSet, spawn_local};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::ending::Ending;
use super::patient::{Patience, Patient};

/// Connections on their way to one thread.
const QUEUE: usize = 64;
/// Time that running requests get at the end.
const DRAIN_DEADLINE: Duration = Duration::from_secs(10);

/// A connection on its way to the thread that serves it. The permit is its place among all that may be open.
pub struct Accepted {
    pub stream: std::net::TcpStream,
    pub peer: SocketAddr,
    pub place: OwnedSemaphorePermit,
}

/// What a thread for connections needs to know.
pub struct Worker {
    pub patience: Patience,
    pub stop: CancellationToken,
    /// Kept while the thread runs; nothing is sent.
    pub running: mpsc::Sender<()>,
}

impl Worker {
    /// Start the thread. It ends when the sender that this answers is dropped and its connections are finished.
    pub fn start<F, T, B>(self, surface: F) -> std::io::Result<mpsc::Sender<Accepted>>
    where
        F: Fn() -> actix_web::App<T> + Send + 'static,
        T: ServiceFactory<
                ServiceRequest,
                Config = (),
                Response = ServiceResponse<B>,
                Error = actix_web::Error,
                InitError = (),
            > + 'static,
        B: MessageBody + 'static,
    {
        let (sender, sockets) = mpsc::channel(QUEUE);
        let runtime = Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new().name("http".into()).spawn(move || {
            let Self { patience, stop, running } = self;
            LocalSet::new().block_on(&runtime, serve(surface, sockets, (patience, stop)));
            // Whoever waits for the end may open the stores again: all that was served with is gone first.
            drop((runtime, running));
        })?;
        Ok(sender)
    }
}

async fn serve<F, T, B>(
    surface: F,
    mut sockets: mpsc::Receiver<Accepted>,
    (patience, stop): (Patience, CancellationToken),
) where
    F: Fn() -> actix_web::App<T>,
    T: ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse<B>,
            Error = actix_web::Error,
            InitError = (),
        > + 'static,
    B: MessageBody + 'static,
{
    let ending = Ending::new(stop.clone());
    let http = HttpServiceBuilder::default()
        .keep_alive(KeepAlive::Timeout(patience.headers))
        .client_request_timeout(patience.headers)
        .client_disconnect_timeout(patience.linger)
        .graceful_shutdown_signal(move || stop.clone().cancelled_owned())
        .on_connect_ext(move |stream: &Patient, of_connection| {
            of_connection.insert(stream.pace());
            of_connection.insert(ending.clone());
        })
        .h1::<_, B>(map_config(surface(), |()| AppConfig::default()));
    let Ok(http) = http.new_service(()).await else {
        tracing::error!("the routes could not be put together");
        return;
    };
    let (http, open) = (Rc::new(http), TaskTracker::new());
    while let Some(accepted) = sockets.recv().await {
        spawn_local(open.track_future(connection(http.clone(), accepted, patience)));
    }
    open.close();
    if timeout(DRAIN_DEADLINE, open.wait()).await.is_err() {
        tracing::warn!(connections = open.len(), "requests were still running at the deadline");
    }
}

async fn connection<S>(http: Rc<S>, accepted: Accepted, patience: Patience)
where
    S: Service<(Patient, Option<SocketAddr>), Error = DispatchError>,
{
    let Accepted { stream, peer, place } = accepted;
    let served = match TcpStream::from_std(stream) {
        Ok(stream) => http.call((Patient::new(stream, patience), Some(peer))).await.map(drop),
        Err(error) => {
            tracing::warn!(%error, "a connection was not taken over");
            return;
        }
    };
    match served {
        Ok(()) => {}
        Err(DispatchError::Body(error)) => tracing::warn!(%error, "an answer could not be sent to its end"),
        Err(error) => tracing::debug!(%error, "a connection ended early"),
    }
    drop(place);
}
