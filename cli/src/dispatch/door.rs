//! The callers' side: each connection is looked at and handed over or refused.

use std::os::fd::AsFd as _;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::sleep;
use tokio_util::task::TaskTracker;
use vox_shared::wire::handover::Kind;

use super::Patience;
use super::link::ACCEPT_PAUSE;
use super::peek::{self, PeekError};
use super::refuse::{Refusal, refuse};
use super::roster::Roster;
use super::route::{self, Route};

/// Connections that may be looked at or refused at once; more wait in the kernel's queue.
const MAX_WAITING: usize = 512;

/// What every connection needs.
#[derive(Debug)]
pub struct Door {
    roster: Roster,
    patience: Patience,
    places: Arc<Semaphore>,
}

impl Door {
    pub fn new(roster: Roster, patience: Patience) -> Self {
        Self { roster, patience, places: Arc::new(Semaphore::new(MAX_WAITING)) }
    }

    async fn serve(&self, stream: TcpStream) {
        let refusal = match peek::request_line(&stream, self.patience.request_line).await {
            Ok(line) => match route::of(&line) {
                Route::Call => return self.hand(stream, Kind::Call).await,
                Route::Other => return self.hand(stream, Kind::Other).await,
                Route::Unknown => Refusal::NotFound,
                Route::Malformed => Refusal::Malformed,
            },
            Err(PeekError::TooLong) => Refusal::TooLong,
            Err(PeekError::TooSlow) => Refusal::TooSlow,
            Err(PeekError::Closed | PeekError::Broken(_)) => return,
        };
        refuse(stream, refusal, self.patience.refusal).await;
    }

    async fn hand(&self, stream: TcpStream, kind: Kind) {
        if !self.roster.hand(stream.as_fd(), kind, self.patience.handover).await {
            refuse(stream, Refusal::Busy, self.patience.refusal).await;
        }
    }
}

/// Accept callers for ever.
pub async fn accept(listener: &TcpListener, door: &Arc<Door>, tasks: &TaskTracker) {
    loop {
        let Ok(place) = Arc::clone(&door.places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let door = Arc::clone(door);
                tasks.spawn(async move {
                    door.serve(stream).await;
                    drop(place);
                });
            }
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
}
