//! The listener. One thread accepts; each of a few others serves connections on a runtime of its own with actix. Connections
//! are bounded, must send their headers and take their answers in time, and are finished gracefully at the end.

mod ending;
mod patient;
mod worker;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

pub use ending::Ending;
pub use patient::{Pace, Patience};
use worker::{Accepted, Worker};

/// Connections at the same time; more wait in the listener's queue.
const MAX_CONNECTIONS: usize = 2048;
/// Pause after a failed accept: out of file descriptors, most often.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How a surface is served.
#[derive(Clone, Copy, Debug)]
pub struct Serving {
    /// Threads that serve connections.
    pub threads: usize,
    pub patience: Patience,
}

impl Serving {
    /// With the usual deadlines.
    pub fn on_threads(threads: usize) -> Self {
        Self { threads, patience: Patience::default() }
    }
}

/// Serve what `surface` makes, once per thread, until `stop`; then finish what runs. A dropped future stops too. Fails when
/// the threads cannot be started, or when one of them ends.
pub async fn serve<F, T, B>(
    listener: TcpListener,
    surface: F,
    serving: Serving,
    stop: CancellationToken,
) -> std::io::Result<()>
where
    F: Fn() -> actix_web::App<T> + Clone + Send + 'static,
    T: ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse<B>,
            Error = actix_web::Error,
            InitError = (),
        > + 'static,
    B: MessageBody + 'static,
{
    let stop = stop.child_token();
    let _stops_when_dropped = stop.clone().drop_guard();
    let (running, mut all_ended) = mpsc::channel(1);
    let mut workers = Vec::new();
    for _ in 0..serving.threads.max(1) {
        let worker = Worker { patience: serving.patience, stop: stop.clone(), running: running.clone() };
        workers.push(worker.start(surface.clone())?);
    }
    drop(running);
    let ended = accept_all(listener, &workers, &stop).await;
    stop.cancel();
    drop(workers);
    // Each thread holds a sender and sends nothing: this ends with the last of them.
    let _ = all_ended.recv().await;
    ended
}

/// Hand connections to the threads in turn, until `stop`. Fails when a thread has ended: every so-many-th client would meet
/// it, so it is better to be started anew.
async fn accept_all(
    listener: TcpListener,
    workers: &[mpsc::Sender<Accepted>],
    stop: &CancellationToken,
) -> std::io::Result<()> {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    for worker in workers.iter().cycle() {
        let Some(accepted) = accept(&listener, &room, stop).await else { break };
        match stop.run_until_cancelled(worker.send(accepted)).await {
            Some(Ok(())) => {}
            Some(Err(_)) => return Err(std::io::Error::other("a thread for connections has ended")),
            None => break,
        }
    }
    Ok(())
}

async fn accept(listener: &TcpListener, room: &Arc<Semaphore>, stop: &CancellationToken) -> Option<Accepted> {
    loop {
        let next = async {
            let place = room.clone().acquire_owned().await.expect("the semaphore is never closed");
            (listener.accept().await.and_then(detached), place)
        };
        match stop.run_until_cancelled(next).await? {
            (Ok((stream, peer)), place) => return Some(Accepted { stream, peer, place }),
            (Err(error), _) => {
                tracing::warn!(%error, "a connection was not accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// From this runtime, to be taken to another.
fn detached((stream, peer): (TcpStream, SocketAddr)) -> std::io::Result<(std::net::TcpStream, SocketAddr)> {
    // Answers are small and complete; waiting to fill a packet only delays them. A socket that refuses is still usable.
    let _ = stream.set_nodelay(true);
    Ok((stream.into_std()?, peer))
}
