//! The handle that callers hold: charges the quota, queues commands for the writer, waits for answers.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};

use super::disk::{Disk, KernelDisk};
use super::ledger::{Charge, Hold, Ledger};
use super::lock::{self, Missing};
use super::recover;
use super::store::Store;
use super::writer::{Append, Command, Control, Grouping, Message, Writer, count_detached};
use super::{
    AppendError, Closed, Entry, MAX_PAYLOAD_BYTES, OpenError, Record, Recovered, Rejected, Removal, Seq,
};
use super::{Settings, Stats, StoreError};
use crate::clock::Clock;

/// Places in the queue before the writer; a record takes one per [`PLACE_BYTES`], so the queue is bounded in bytes too.
const QUEUE_PLACES: usize = 512;
const PLACE_BYTES: usize = 32 * 1024;

/// A quota is at least this many segments, or nothing could be freed before it is reached.
const SEGMENTS_PER_QUOTA: u64 = 4;

/// A handle; clones share the outbox. When the last is dropped the writer finishes what is queued and lets the
/// directory go, without anybody waiting for it; [`Outbox::close`] waits.
#[derive(Clone, Debug)]
pub struct Outbox {
    queue: SyncSender<Message>,
    places: Arc<Semaphore>,
    ledger: Arc<Ledger>,
    durable: watch::Receiver<Seq>,
    clock: Clock,
}

impl Outbox {
    /// Open the outbox in `dir`, making the directory if there is none. Reads the whole log and blocks meanwhile.
    pub fn open(dir: &Path, settings: Settings) -> Result<(Self, Recovered), OpenError> {
        Self::open_on(dir, Missing::Create, settings, Box::new(KernelDisk))
    }

    /// Like [`Outbox::open`] for somebody else's directory: one that was removed meanwhile is not made anew
    /// ([`OpenError::Gone`]).
    pub fn adopt(dir: &Path, settings: Settings) -> Result<(Self, Recovered), OpenError> {
        Self::open_on(dir, Missing::Refuse, settings, Box::new(KernelDisk))
    }

    pub(super) fn open_on(
        dir: &Path,
        missing: Missing,
        settings: Settings,
        disk: Box<dyn Disk>,
    ) -> Result<(Self, Recovered), OpenError> {
        let lock = lock::acquire(dir, missing)?;
        let mut found = recover::recover(dir, &*disk)?;
        let bytes = found.bytes();
        let records = std::mem::take(&mut found.records);
        let recovered = Recovered { records, quarantined: found.damaged, torn_bytes: found.torn_bytes };
        let last = found.next_seq - 1;
        let segment_bytes = settings.segment_bytes.min(settings.quota_bytes / SEGMENTS_PER_QUOTA);
        let mut store = Store::new(dir.to_owned(), lock, found, segment_bytes, disk);
        let stats = Stats {
            depth: store.depth(),
            oldest: store.oldest(),
            bytes: bytes - store.reclaim(),
            rejected: store.rejected_count(),
            quarantined: store.quarantined_count(),
            ..Stats::default()
        };
        let ledger = Ledger::new(settings.quota_bytes, stats);
        let (queue, inbound) = sync_channel(QUEUE_PLACES);
        let (durable_sender, durable) = watch::channel(last);
        let grouping =
            Grouping { longest_wait: settings.group_wait, most_records: settings.group_records.max(1) };
        let writer = Writer {
            store,
            queue: inbound,
            ledger: ledger.clone(),
            durable: durable_sender,
            grouping,
            last_commit: None,
        };
        std::thread::Builder::new().name("outbox".to_owned()).spawn(move || writer.run()).map_err(
            |source| OpenError::Io { doing: "starting the writer of", path: dir.to_owned(), source },
        )?;
        let places = Arc::new(Semaphore::new(QUEUE_PLACES));
        Ok((Self { queue, places, ledger, durable, clock: settings.clock }, recovered))
    }

    /// Append a record; returns when it is durable. Dropping the future does not take the record back once it is
    /// queued. A hung disk makes this wait as long as it hangs: callers with a deadline set their own.
    pub async fn append(&self, entry: Entry) -> Result<Seq, AppendError> {
        let charge = self.ledger.charge(checked_cost(&entry)?)?;
        self.append_charged(entry, charge).await
    }

    /// Append a record without waiting. Order among records of one caller is kept. An error is counted
    /// ([`Stats::detached_failed`]) and logged.
    pub fn append_detached(&self, entry: Entry) {
        let charge = checked_cost(&entry).and_then(|cost| self.ledger.charge(cost));
        self.append_detached_charged(entry, charge);
    }

    /// Keep `bytes` of the quota for records yet to come (count [`Entry::cost_bytes`] for each), so that a call that
    /// was let in can always write its end.
    pub fn reserve(&self, bytes: u64) -> Result<Reservation, AppendError> {
        Ok(Reservation { outbox: self.clone(), hold: self.ledger.reserve(bytes)? })
    }

    /// Return when everything queued before is durable or was refused.
    pub async fn flush(&self) -> Result<(), Closed> {
        let (done, answer) = oneshot::channel();
        self.control(Control::Flush(done)).await?;
        answer.await.map_err(|_| Closed)
    }

    /// The record was delivered for good: forget it. Repeating is fine.
    pub async fn acknowledge(&self, seq: Seq) -> Result<(), Closed> {
        let (done, answer) = oneshot::channel();
        self.control(Control::Acknowledge(seq, done)).await?;
        answer.await.map_err(|_| Closed)
    }

    /// The record will never be taken: move it to the rejected log with the reason (cut at 1 KiB). On an error it
    /// stays where it is. Repeating is fine.
    pub async fn reject(&self, seq: Seq, reason: &str) -> Result<(), StoreError> {
        let (done, answer) = oneshot::channel();
        self.ask(Control::Reject { seq, reason: reason.to_owned(), done }, answer).await
    }

    /// Up to `limit` unacknowledged records with numbers above `after`, oldest first.
    pub async fn pending(&self, after: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
        let (done, answer) = oneshot::channel();
        self.ask(Control::Pending { after, limit, done }, answer).await
    }

    /// Everything in the rejected log.
    pub async fn rejected(&self) -> Result<Vec<Rejected>, StoreError> {
        let (done, answer) = oneshot::channel();
        self.ask(Control::ReadRejected(done), answer).await
    }

    /// How many records are in the rejected log.
    pub fn rejected_count(&self) -> u64 {
        self.stats().rejected
    }

    /// Remove the directory if nothing in it needs delivery; the outbox is closed then. Atomic: of two processes that
    /// want the directory one gets it, and one that comes late does not bring it back.
    pub async fn remove_if_empty(&self) -> Result<Removal, StoreError> {
        let (done, answer) = oneshot::channel();
        self.ask(Control::RemoveIfEmpty(done), answer).await
    }

    /// Make durable what is queued, let the directory go, and return when that is done. Other handles get
    /// [`Closed`] from now on.
    pub async fn close(self) {
        // Ignored: an error means that another handle closed it first.
        let _ = self.control(Control::Close).await;
        let mut durable = self.durable.clone();
        drop(self);
        // The writer drops this channel after it let the directory go.
        while durable.changed().await.is_ok() {}
    }

    /// The figures of this instant.
    pub fn stats(&self) -> Stats {
        self.ledger.stats()
    }

    /// How long the oldest unacknowledged record has waited.
    pub fn oldest_age(&self) -> Option<Duration> {
        let oldest = self.stats().oldest?;
        Some(Duration::try_from(self.clock.now().duration_since(oldest)).unwrap_or_default())
    }

    /// The number of the last durable record; changes wake whoever delivers.
    pub fn watch_durable(&self) -> watch::Receiver<Seq> {
        self.durable.clone()
    }

    async fn append_charged(&self, entry: Entry, charge: Charge) -> Result<Seq, AppendError> {
        let place = self.place(places_of(&entry)).await.map_err(|_| AppendError::Closed)?;
        let (waiter, answer) = oneshot::channel();
        let append = Append { entry, at: self.clock.now(), charge, waiter: Some(waiter) };
        self.send(Command::Append(append), place).map_err(|_| AppendError::Closed)?;
        answer.await.unwrap_or(Err(AppendError::Closed))
    }

    fn append_detached_charged(&self, entry: Entry, charge: Result<Charge, AppendError>) {
        let result = charge.and_then(|charge| {
            let place = self.places.clone().try_acquire_many_owned(places_of(&entry));
            let place = place.map_err(|_| AppendError::QueueFull)?;
            let append = Append { entry, at: self.clock.now(), charge, waiter: None };
            self.send(Command::Append(append), place).map_err(|_| AppendError::Closed)
        });
        if let Err(error) = result {
            count_detached(&self.ledger, 1, &error);
        }
    }

    async fn place(&self, places: u32) -> Result<OwnedSemaphorePermit, Closed> {
        self.places.clone().acquire_many_owned(places).await.map_err(|_| Closed)
    }

    /// Never waits: the queue has a slot for every place that can be given out.
    fn send(&self, command: Command, place: OwnedSemaphorePermit) -> Result<(), Closed> {
        self.queue.try_send(Message { command, place }).map_err(|_| Closed)
    }

    async fn control(&self, control: Control) -> Result<(), Closed> {
        let place = self.place(1).await?;
        self.send(Command::Control(control), place)
    }

    async fn ask<T>(
        &self,
        control: Control,
        answer: oneshot::Receiver<Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.control(control).await.map_err(|_| StoreError::Closed)?;
        answer.await.unwrap_or(Err(StoreError::Closed))
    }
}

fn checked_cost(entry: &Entry) -> Result<u64, AppendError> {
    let bytes = entry.payload.len();
    if bytes > MAX_PAYLOAD_BYTES {
        return Err(AppendError::TooLarge { bytes, max: MAX_PAYLOAD_BYTES });
    }
    Ok(entry.cost_bytes())
}

fn places_of(entry: &Entry) -> u32 {
    let places = entry.payload.len().div_ceil(PLACE_BYTES).clamp(1, QUEUE_PLACES);
    u32::try_from(places).expect("clamped to QUEUE_PLACES")
}

/// A part of the quota kept for one call. What is left is given back when it is dropped.
#[derive(Debug)]
pub struct Reservation {
    outbox: Outbox,
    hold: Hold,
}

impl Reservation {
    /// Like [`Outbox::append`], even when the quota is reached, up to the bytes reserved.
    pub async fn append(&self, entry: Entry) -> Result<Seq, AppendError> {
        let charge = self.hold.charge(checked_cost(&entry)?)?;
        self.outbox.append_charged(entry, charge).await
    }

    /// Like [`Outbox::append_detached`], even when the quota is reached, up to the bytes reserved.
    pub fn append_detached(&self, entry: Entry) {
        let charge = checked_cost(&entry).and_then(|cost| self.hold.charge(cost));
        self.outbox.append_detached_charged(entry, charge);
    }

    /// The outbox that it is a part of.
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Bytes not used yet.
    pub fn left_bytes(&self) -> u64 {
        self.hold.left()
    }
}
