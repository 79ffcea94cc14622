//! One address for all calls: accepts connections, looks at the request line without reading it, and hands the socket
//! itself to a worker. What nginx does in production, without a byte of audio passing through this process.

mod door;
mod link;
mod peek;
mod refuse;
mod roster;
mod route;
mod table;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, UnixListener};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use roster::Roster;
pub use table::Counts;

/// How long a stop waits for refusals that are being written.
const STOP_DEADLINE: Duration = Duration::from_secs(2);

/// Deadlines of a connection until it is handed over.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For the request line to be there.
    pub request_line: Duration,
    /// For a caller that is refused to send the rest of its request and to take the answer.
    pub refusal: Duration,
    /// For a worker's socket to take a descriptor; a worker that does not has hung.
    pub handover: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            request_line: Duration::from_secs(5),
            refusal: Duration::from_secs(2),
            handover: Duration::from_millis(500),
        }
    }
}

/// Where the dispatcher listens.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// Port of the calls on loopback; 0 takes a free one.
    pub port: u16,
    /// The unix socket that workers connect to.
    pub workers: PathBuf,
}

/// Why there is no dispatcher.
#[derive(Debug, thiserror::Error)]
pub enum DispatchError {
    #[error(
        "cannot listen for calls on 127.0.0.1:{port}: choose another port with --port, or 0 for a free one"
    )]
    Calls { port: u16, source: io::Error },
    #[error("cannot listen for workers on {path}")]
    Workers { path: PathBuf, source: io::Error },
}

/// Both listeners, bound and not yet serving.
#[derive(Debug)]
pub struct Dispatcher {
    calls: TcpListener,
    workers: UnixListener,
    address: SocketAddr,
    roster: Roster,
    patience: Patience,
}

impl Dispatcher {
    /// Bind both listeners. A socket file left by a dead process is replaced: whoever calls this holds the lock of the
    /// data directory.
    pub async fn bind(addresses: &Addresses, patience: Patience) -> Result<Self, DispatchError> {
        let port = addresses.port;
        let failed = |source| DispatchError::Calls { port, source };
        let calls = TcpListener::bind(("127.0.0.1", port)).await.map_err(failed)?;
        let address = calls.local_addr().map_err(failed)?;
        let workers = listen_unix(&addresses.workers)
            .map_err(|source| DispatchError::Workers { path: addresses.workers.clone(), source })?;
        Ok(Self { calls, workers, address, roster: Roster::default(), patience })
    }

    /// Where calls are accepted.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The workers, to watch them and to stop letting in calls.
    pub fn roster(&self) -> Roster {
        self.roster.clone()
    }

    /// Serve until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let tasks = TaskTracker::new();
        let door = Arc::new(door::Door::new(self.roster.clone(), self.patience));
        tokio::select! {
            () = stop.cancelled() => {}
            () = door::accept(&self.calls, &door, &tasks) => {}
            () = link::accept(&self.workers, &self.roster, &tasks) => {}
        }
        drop((self.calls, self.workers));
        self.roster.close();
        tasks.close();
        // What has not ended by then is a caller who does not read its refusal.
        let _ = tokio::time::timeout(STOP_DEADLINE, tasks.wait()).await;
    }
}

fn listen_unix(path: &Path) -> io::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    UnixListener::bind(path)
}
