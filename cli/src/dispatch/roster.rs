//! The connected workers, shared by the listeners, with what changes told to whoever waits.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use vox_shared::ids::WorkerId;
use vox_shared::wire::handover::{Hello, Kind, StateLine};

use super::table::{Counts, LinkId, Table};

/// The workers. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Roster(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    table: Mutex<Table<Arc<UnixStream>>>,
    counts: watch::Sender<Counts>,
}

impl Roster {
    /// How many workers are what, now and whenever it changes.
    pub fn watch(&self) -> watch::Receiver<Counts> {
        self.0.counts.subscribe()
    }

    /// Let no call in any more; running ones are not touched.
    pub fn refuse_calls(&self) {
        self.change(Table::refuse_calls);
    }

    /// Workers with a call.
    pub fn on_call(&self) -> Vec<WorkerId> {
        self.table().on_call()
    }

    pub(super) fn join(&self, hello: Hello, link: Arc<UnixStream>) -> LinkId {
        let (id, replaced) = self.change(|table| table.join(hello.worker_id, link, Instant::now()));
        if let Some(old) = replaced {
            cut(&old);
        }
        id
    }

    pub(super) fn leave(&self, id: LinkId) {
        self.change(|table| table.leave(id));
    }

    pub(super) fn said(&self, id: LinkId, line: StateLine) {
        self.change(|table| table.said(id, line, Instant::now()));
    }

    /// Cut all connections.
    pub(super) fn close(&self) {
        self.change(Table::clear).iter().for_each(|link| cut(link));
    }

    /// Hand a socket to a worker. `false` when none can take it. A worker that cannot be reached is cut off, and the next
    /// one is tried.
    pub(super) async fn hand(&self, socket: BorrowedFd<'_>, kind: Kind, within: Duration) -> bool {
        while let Some((id, link)) = self.change(|table| table.take(kind, Instant::now())) {
            let sent = timeout(within, link.async_io(Interest::WRITABLE, || send(&link, kind, socket))).await;
            if matches!(sent, Ok(Ok(()))) {
                return true;
            }
            cut(&link);
            self.leave(id);
        }
        false
    }

    fn change<T>(&self, act: impl FnOnce(&mut Table<Arc<UnixStream>>) -> T) -> T {
        let mut table = self.table();
        let done = act(&mut table);
        let counts = table.counts();
        // Told while the table is held, so that the last word is about its last state.
        self.0.counts.send_if_modified(|old| std::mem::replace(old, counts) != counts);
        done
    }

    fn table(&self) -> MutexGuard<'_, Table<Arc<UnixStream>>> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One byte with one descriptor: the kernel delivers them together or not at all.
fn send(link: &UnixStream, kind: Kind, socket: BorrowedFd<'_>) -> io::Result<()> {
    let sockets = [socket];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let fits = control.push(SendAncillaryMessage::ScmRights(&sockets));
    debug_assert!(fits, "the space is for one descriptor");
    let byte = [kind.byte()];
    rustix::net::sendmsg(link.as_fd(), &[IoSlice::new(&byte)], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Both sides see the end; the reader of the connection ends with it.
fn cut(link: &UnixStream) {
    // A connection that is gone already needs no cutting.
    let _ = rustix::net::shutdown(link.as_fd(), rustix::net::Shutdown::Both);
}
