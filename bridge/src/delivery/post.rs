//! Finds lanes with something to send and has them worked, many at a time: an endpoint that hangs holds up its own lane alone.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::lane::{Sender, Turn};
use crate::error::with_source;
use crate::store::{Cursor, Stamp, StoreError};

/// Lanes that one bridge works at the same time. Only when so many endpoints hang at once does another wait: 15 s, until the first of them
/// gives its place up.
const LANES: usize = 64;
/// How long it takes at most until a lane that another bridge woke is seen.
const LOOK: Duration = Duration::from_secs(1);
/// How long attempts that run at the end of the process may take; what is cut off is tried again.
const DRAIN: Duration = Duration::from_secs(8);

/// The post office of one bridge. Cheap to clone.
#[derive(Clone)]
pub struct Post(Arc<Inner>);

struct Inner {
    sender: Sender,
    /// Something was put into a lane here.
    rung: Notify,
    places: Arc<Semaphore>,
    /// The lanes that this bridge works.
    mine: Mutex<BTreeSet<String>>,
}

impl Post {
    pub fn new(sender: Sender) -> Self {
        let (rung, places) = (Notify::new(), Arc::new(Semaphore::new(LANES)));
        Self(Arc::new(Inner { sender, rung, places, mine: Mutex::default() }))
    }

    /// Something was put into a lane.
    pub fn ring(&self) {
        self.0.rung.notify_one();
    }

    /// Send until `stop`, then let the attempts that run come to their end.
    pub async fn run(self, stop: CancellationToken) {
        let tasks = TaskTracker::new();
        while !stop.is_cancelled() {
            if let Err(error) = self.look(&tasks, &stop).await {
                tracing::warn!(error = with_source(&error), "lanes of webhooks could not be looked at");
            }
            tokio::select! {
                () = self.0.rung.notified() => {}
                () = sleep(LOOK) => {}
                () = stop.cancelled() => {}
            }
        }
        tasks.close();
        if timeout(DRAIN, tasks.wait()).await.is_err() {
            tracing::warn!("attempts of webhooks were cut off; they are made again");
        }
    }

    /// Have every lane worked that is awake and nobody's.
    async fn look(&self, tasks: &TaskTracker, stop: &CancellationToken) -> Result<(), StoreError> {
        let (lanes, mut after) = (self.0.sender.stores.webhook_lanes(), None);
        loop {
            let now = Stamp(self.0.sender.clock.now());
            let listed = lanes.list_awake(now, after).await?;
            for lane in listed.items {
                if lane.value.leased_until > now {
                    continue;
                }
                let Some(mine) = self.begin(&lane.id) else { continue };
                let Some(Ok(place)) = stop.run_until_cancelled(self.0.places.clone().acquire_owned()).await
                else {
                    return Ok(());
                };
                let turn = Turn { stop: stop.clone(), places: self.0.places.clone() };
                let sender = self.0.sender.clone();
                tasks.spawn(async move {
                    let _held = (mine, place);
                    if let Err(error) = sender.work(&lane, &turn).await {
                        tracing::warn!(webhook.id = %lane.id, error = with_source(&error), "a lane was left");
                    }
                });
            }
            let Some(next) = listed.next_cursor else { return Ok(()) };
            after = Some(Cursor::parse(&next)?);
        }
    }

    fn mine(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.mine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None` when this bridge works the lane already.
    fn begin(&self, lane: &str) -> Option<Mine> {
        let is_new = self.mine().insert(lane.to_owned());
        is_new.then(|| Mine { post: self.clone(), lane: lane.to_owned() })
    }
}

/// A lane that this bridge works, until it is dropped.
struct Mine {
    post: Post,
    lane: String,
}

impl Drop for Mine {
    fn drop(&mut self) {
        self.post.mine().remove(&self.lane);
    }
}
