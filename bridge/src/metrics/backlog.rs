//! What waits in the stores, looked up whenever somebody reads the metrics. A part that cannot be looked up is left out, and that is
//! counted: a page without figures must not be taken for one that says none.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use futures_util::future::join_all;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio::time::timeout;
use vox_shared::clock::Clock;

use crate::error::with_source;
use crate::fleet::reserve::Fleet;
use crate::fleet::sight::Capacity;
use crate::store::jobs::Queue;
use crate::store::{Stamp, StoreError, Stores, Waiting};

/// Longest look at one part: Prometheus gives up a page after 10 s.
const LOOK_DEADLINE: Duration = Duration::from_secs(2);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfQueue {
    queue: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SlotState {
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Part {
    part: &'static str,
}

/// Not a number while it is not known, which is true of no alert.
type Figure = Gauge<f64, AtomicU64>;

/// The part of the metrics that is read from the stores.
#[derive(Default)]
pub struct Backlog {
    slots: Family<SlotState, Gauge>,
    outbox_depth: Figure,
    outbox_oldest: Figure,
    jobs_depth: Family<OfQueue, Figure>,
    jobs_oldest: Family<OfQueue, Figure>,
    lanes: Figure,
    lanes_oldest: Figure,
    unseen: Family<Part, Counter>,
}

/// Whom to ask.
pub struct Asked<'a> {
    pub stores: &'a Stores,
    pub fleet: &'a Fleet,
    pub clock: &'a Clock,
}

impl Backlog {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("slots", "Call slots of the fleet", self.slots.clone());
        let help = "Calls from which something is still to follow";
        registry.register("outbox_depth", help, self.outbox_depth.clone());
        registry.register("outbox_oldest_seconds", "Age of the oldest of them", self.outbox_oldest.clone());
        registry.register("jobs_depth", "Jobs that wait or run", self.jobs_depth.clone());
        registry.register("jobs_oldest_seconds", "How long the first is overdue", self.jobs_oldest.clone());
        registry.register("webhook_lanes", "Endpoints with something to send now", self.lanes.clone());
        let help = "How long the first of them is overdue";
        registry.register("webhook_oldest_seconds", help, self.lanes_oldest.clone());
        registry.register("metrics_unseen", "Looks that found no figures", self.unseen.clone());
    }

    /// Look everything up, at the same time.
    pub async fn look(&self, asked: &Asked<'_>) {
        let now = Stamp(asked.clock.now());
        let queues = join_all(Queue::ALL.map(|queue| self.look_at_queue(asked, queue, now)));
        let (outbox, lanes) = (self.look_at_outbox(asked, now), self.look_at_lanes(asked, now));
        tokio::join!(self.look_at_fleet(asked), outbox, lanes, queues);
    }

    async fn look_at_fleet(&self, asked: &Asked<'_>) {
        let look = async { Ok(asked.fleet.look().await?.capacity()) };
        match self.seen("fleet", look).await {
            Some(capacity) => self.set_slots(capacity),
            None => self.slots.clear(),
        }
    }

    fn set_slots(&self, capacity: Capacity) {
        for (state, value) in
            [("free", capacity.available), ("busy", capacity.active), ("reserved", capacity.reserved)]
        {
            self.slots.get_or_create(&SlotState { state }).set(i64::from(value));
        }
    }

    async fn look_at_outbox(&self, asked: &Asked<'_>, now: Stamp) {
        let waiting = self.seen("outbox", asked.stores.all_calls().waiting_outboxes()).await;
        set((&self.outbox_depth, &self.outbox_oldest), waiting, now);
    }

    async fn look_at_lanes(&self, asked: &Asked<'_>, now: Stamp) {
        let waiting = self.seen("webhooks", asked.stores.webhook_lanes().waiting(now)).await;
        set((&self.lanes, &self.lanes_oldest), waiting, now);
    }

    async fn look_at_queue(&self, asked: &Asked<'_>, queue: Queue, now: Stamp) {
        let waiting = self.seen("jobs", asked.stores.all_jobs().waiting(queue)).await;
        let of = OfQueue { queue: queue.as_str() };
        let (depth, oldest) = (self.jobs_depth.get_or_create(&of), self.jobs_oldest.get_or_create(&of));
        set((&depth, &oldest), waiting, now);
    }

    async fn seen<T>(
        &self,
        part: &'static str,
        look: impl Future<Output = Result<T, StoreError>>,
    ) -> Option<T> {
        let why = match timeout(LOOK_DEADLINE, look).await {
            Ok(Ok(seen)) => return Some(seen),
            Ok(Err(error)) => with_source(&error),
            Err(_) => "no answer in time".to_owned(),
        };
        tracing::debug!(part, why, "the metrics lack a part");
        self.unseen.get_or_create(&Part { part }).inc();
        None
    }
}

/// How many wait, and for how many seconds the first one has.
#[expect(clippy::cast_precision_loss, reason = "a metric")]
fn set((depth, oldest): (&Figure, &Figure), seen: Option<Waiting>, now: Stamp) {
    let Some(Waiting { count, since }) = seen else {
        depth.set(f64::NAN);
        oldest.set(f64::NAN);
        return;
    };
    depth.set(count as f64);
    oldest.set(since.map_or(0.0, |since| now.0.duration_since(since.0).as_secs_f64().max(0.0)));
}
