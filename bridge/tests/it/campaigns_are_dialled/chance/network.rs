//! The bridge, and the way to it: it dies between any two operations of its stores, and what is asked of it is lost or late.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::FutureExt as _;
use vox_bridge::campaign::calls::{CallDesk, CallError};
use vox_bridge::store::Stores;
use vox_bridge::store::engine::{Collection, EngineError};
use vox_dialler::attempt::Event;
use vox_shared::ids::AttemptId;
use vox_shared::wire::dialler::attempt::{Abort, Commit, Joined, Live, Lost, ResultRequest, Why};

use super::line::Line;
use super::{ALIVE, Next, SECOND, World};
use crate::harness::interposed::Documents;

/// A request that is not answered is given up after this.
pub const DEADLINE: u64 = 5 * SECOND;

/// What a dialler asks of the bridge of an attempt.
#[derive(Clone, Debug)]
pub enum Ask {
    Commit,
    Live(Live),
    Abort,
    Result(ResultRequest),
    Adopt,
    Recover,
    Lost(Joined),
}

impl World {
    /// A bridge that remembers nothing, over stores that it dies at when its fuse is burnt.
    pub(super) async fn bridge_starts(&mut self) {
        self.fuse.store(ALIVE, Ordering::SeqCst);
        let (fuse, died) = (self.fuse.clone(), self.died.clone());
        let before = move |_, _: &'static Collection| {
            let (fuse, died) = (fuse.clone(), died.clone());
            async move {
                if fuse.load(Ordering::SeqCst) != ALIVE && fuse.fetch_sub(1, Ordering::SeqCst) <= 0 {
                    died.notify_one();
                    pending::<()>().await;
                }
                Ok::<(), EngineError>(())
            }
            .boxed()
        };
        let engine = Documents { inner: self.floor.bridge.engine.clone(), before: Box::new(before) };
        let stores = Stores::open(Arc::new(engine)).await.unwrap();
        let desk = self.floor.bridge.second_app().await.call_desk.clone();
        self.desk = Some(CallDesk { stores, ..desk });
    }

    /// How long something is on its way.
    pub(super) fn way(&mut self) -> u64 {
        if self.mishap(4) { self.between(SECOND, 70 * SECOND) } else { self.between(5, 120) }
    }

    /// Do something at the bridge, if it lives; it may die in midst of it. Inside: what it answered. `None`: it is not there.
    pub(super) async fn at_bridge<T>(&mut self, work: impl AsyncFnOnce(CallDesk) -> T) -> Option<T> {
        let desk = self.desk.clone()?;
        if self.mishap(1) {
            self.fuse.store(self.dice.below(9) as i64, Ordering::SeqCst);
        }
        let died = self.died.clone();
        let done = tokio::select! {
            biased;
            () = died.notified() => None,
            done = work(desk) => Some(done),
        };
        if self.fuse.load(Ordering::SeqCst) != ALIVE {
            // It dies after what it did, if not before.
            self.done.bridges += 1;
            self.desk = None;
            let away = self.between(200, 20 * SECOND);
            self.later(away, Next::BridgeIsBack);
        }
        done
    }

    /// A dialler asks the bridge; `None` when it hears nothing of it, and after how long it knows.
    pub(super) async fn ask<T>(&mut self, work: impl AsyncFnOnce(CallDesk) -> T) -> (Option<T>, u64) {
        if self.mishap(3) {
            self.done.lost += 1;
            return (None, DEADLINE);
        }
        let done = self.at_bridge(work).await;
        if self.desk.is_none() {
            return (None, 50);
        }
        if self.mishap(3) {
            self.done.lost += 1;
            return (None, DEADLINE);
        }
        (done, self.between(5, 60))
    }

    /// The same of an attempt. It may arrive when nobody waits for it any more.
    pub(super) async fn tell(&mut self, line: &Line, ask: Ask) -> (Event, u64, Option<u64>) {
        if self.mishap(5) {
            self.done.late += 1;
            let late = self.between(DEADLINE, 40 * SECOND);
            self.later(late, Next::Late(line.attempt.clone(), line.epoch, ask));
            return (Event::Unclear, DEADLINE, None);
        }
        let (id, epoch) = (line.attempt.clone(), line.epoch);
        let (answer, after) = self.ask(async move |desk| tell(&desk, (&id, epoch), ask).await).await;
        let (event, wait) = match answer {
            None | Some(Err(CallError::Store(_))) => (Event::Unclear, None),
            Some(Ok(None)) => (Event::Done, None),
            Some(Ok(Some(wait))) => (Event::Done, Some(wait)),
            Some(Err(CallError::Fenced)) => (Event::Fenced, None),
            Some(Err(_)) => (Event::NotDone, None),
        };
        (event, after, wait)
    }
}

/// What the bridge does when it is told of an attempt; inside, how long a commit has to wait.
pub async fn tell(
    desk: &CallDesk,
    (id, epoch): (&AttemptId, u32),
    ask: Ask,
) -> Result<Option<u64>, CallError> {
    match ask {
        Ask::Commit => {
            return Ok(match desk.commit(id, epoch).await? {
                Commit::Dial => None,
                Commit::Wait { wait_ms, .. } => Some(wait_ms.max(10)),
            });
        }
        Ask::Live(live) => desk.live(id, &live).await?,
        Ask::Abort => desk.abort(id, &Abort { epoch, why: Why::Room, detail: String::new() }).await?,
        Ask::Result(result) => drop(desk.ended(id, &result).await?),
        Ask::Adopt => desk.adopt(id, epoch).await?,
        Ask::Recover => desk.recover(id, epoch).await?,
        Ask::Lost(joined) => desk.lost(id, Lost { epoch, joined }).await?,
    }
    Ok(None)
}
