//! The one thread that touches the files: gathers commands into groups and makes each group durable with one sync.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};

use super::error::AppendError;
use super::ledger::{Charge, Ledger};
use super::rejected::{Rejected, read_rejected};
use super::remove::Removal;
use super::store::Store;
use super::{Entry, Record, Seq, StoreError};

/// A command with its place in the queue, given back when the command is done.
pub(super) struct Message {
    pub command: Command,
    pub place: OwnedSemaphorePermit,
}

pub(super) enum Command {
    Append(Append),
    Control(Control),
}

pub(super) struct Append {
    pub entry: Entry,
    pub at: Timestamp,
    pub charge: Charge,
    /// Who waits; `None` for a detached record.
    pub waiter: Option<oneshot::Sender<Result<Seq, AppendError>>>,
}

pub(super) enum Control {
    Acknowledge(Seq, oneshot::Sender<()>),
    Reject { seq: Seq, reason: String, done: oneshot::Sender<Result<(), StoreError>> },
    Pending { after: Seq, limit: usize, done: oneshot::Sender<Result<Vec<Record>, StoreError>> },
    ReadRejected(oneshot::Sender<Result<Vec<Rejected>, StoreError>>),
    Flush(oneshot::Sender<()>),
    RemoveIfEmpty(oneshot::Sender<Result<Removal, StoreError>>),
    Close,
}

impl Control {
    /// Whether somebody waits for the records before it to be durable.
    fn ends_the_wait(&self) -> bool {
        !matches!(self, Self::Acknowledge(..) | Self::Pending { .. })
    }
}

/// How groups are formed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grouping {
    pub longest_wait: Duration,
    pub most_records: usize,
}

/// What is done together.
#[derive(Default)]
struct Group {
    appends: Vec<Append>,
    controls: Vec<Control>,
    places: Vec<OwnedSemaphorePermit>,
    /// When to commit at the latest.
    deadline: Option<Instant>,
}

pub(super) struct Writer {
    pub store: Store,
    pub queue: Receiver<Message>,
    pub ledger: Arc<Ledger>,
    pub durable: watch::Sender<Seq>,
    pub grouping: Grouping,
    pub last_commit: Option<Instant>,
}

impl Writer {
    /// Until the outbox is closed or removed, or all its handles are gone.
    pub(super) fn run(mut self) {
        while let Some(group) = self.gather() {
            if self.work(group).is_break() {
                break;
            }
        }
    }

    /// The next group; `None` when nobody can send any more.
    fn gather(&mut self) -> Option<Group> {
        let mut group = Group::default();
        let mut message = self.queue.recv().ok()?;
        loop {
            let ends_the_wait =
                matches!(&message.command, Command::Control(control) if control.ends_the_wait());
            self.add(&mut group, message);
            if ends_the_wait || group.appends.len() >= self.grouping.most_records {
                return Some(group);
            }
            let left =
                group.deadline.map_or(Duration::ZERO, |at| at.saturating_duration_since(Instant::now()));
            // With nothing left to wait this still takes what is already queued.
            message = match self.queue.recv_timeout(left) {
                Ok(message) => message,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Some(group),
            };
        }
    }

    fn add(&self, group: &mut Group, message: Message) {
        group.places.push(message.place);
        match message.command {
            Command::Control(control) => group.controls.push(control),
            Command::Append(append) => {
                let deadline = self.deadline(append.waiter.is_some());
                group.deadline = Some(group.deadline.map_or(deadline, |at| at.min(deadline)));
                group.appends.push(append);
            }
        }
    }

    /// A record that somebody waits for goes at once if the disk was idle: waiting is only worth while others come.
    /// So a lone append costs one sync, and a stream of them at most one sync per `longest_wait`.
    fn deadline(&self, is_waited_for: bool) -> Instant {
        let now = Instant::now();
        match self.last_commit {
            _ if !is_waited_for => now + self.grouping.longest_wait,
            Some(last) => now.max(last + self.grouping.longest_wait),
            None => now,
        }
    }

    fn work(&mut self, group: Group) -> ControlFlow<()> {
        self.commit(group.appends);
        let mut flow = ControlFlow::Continue(());
        let mut acks = Vec::new();
        for control in group.controls {
            match control {
                Control::Acknowledge(seq, done) => acks.push((seq, done)),
                other => {
                    self.acknowledge(std::mem::take(&mut acks));
                    flow = self.obey(other);
                }
            }
        }
        self.acknowledge(acks);
        flow
    }

    fn commit(&mut self, appends: Vec<Append>) {
        if appends.is_empty() {
            return;
        }
        self.last_commit = Some(Instant::now());
        let (entries, parties): (Vec<_>, Vec<_>) =
            appends.into_iter().map(|a| ((a.entry, a.at), (a.charge, a.waiter))).unzip();
        match self.store.append_group(&entries) {
            Ok(first) => {
                self.ledger.update(|stats| stats.commits += 1);
                let last = first + entries.len() as u64 - 1;
                self.publish();
                self.durable.send_replace(last);
                for ((charge, waiter), seq) in parties.into_iter().zip(first..) {
                    charge.settle();
                    // Ignored: whoever waited has gone; the record is safe and will be delivered.
                    let _ = waiter.map(|waiter| waiter.send(Ok(seq)));
                }
            }
            Err(failure) => {
                let error = AppendError::Disk { fault: failure.fault, source: failure.source };
                self.refuse(parties.into_iter().map(|(_, waiter)| waiter), &error);
            }
        }
    }

    fn refuse(
        &self,
        waiters: impl Iterator<Item = Option<oneshot::Sender<Result<Seq, AppendError>>>>,
        error: &AppendError,
    ) {
        let mut lost = 0;
        for waiter in waiters {
            match waiter {
                // Ignored: whoever waited has gone and assumes nothing.
                Some(waiter) => drop(waiter.send(Err(error.clone()))),
                None => lost += 1,
            }
        }
        count_detached(&self.ledger, lost, error);
    }

    fn obey(&mut self, control: Control) -> ControlFlow<()> {
        // Answers are sent with the result ignored: whoever asked may have gone.
        match control {
            Control::Acknowledge(seq, done) => self.acknowledge(vec![(seq, done)]),
            Control::Reject { seq, reason, done } => drop(done.send(self.reject(seq, &reason))),
            Control::Pending { after, limit, done } => drop(done.send(self.pending(after, limit))),
            Control::ReadRejected(done) => drop(done.send(read_rejected(&self.store.dir))),
            Control::Flush(done) => _ = done.send(()),
            Control::RemoveIfEmpty(done) => return self.remove(done),
            Control::Close => {
                self.finish();
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }

    fn acknowledge(&mut self, acks: Vec<(Seq, oneshot::Sender<()>)>) {
        if acks.is_empty() {
            return;
        }
        let seqs: Vec<Seq> = acks.iter().map(|(seq, _)| *seq).collect();
        self.free(&seqs);
        for (_, done) in acks {
            // Ignored: whoever acknowledged has gone.
            let _ = done.send(());
        }
    }

    fn free(&mut self, seqs: &[Seq]) {
        let freed = self.store.acknowledge(seqs);
        self.ledger.update(|stats| stats.bytes = stats.bytes.saturating_sub(freed));
        self.publish();
    }

    fn reject(&mut self, seq: Seq, reason: &str) -> Result<(), StoreError> {
        let grown = self.store.reject(seq, reason)?;
        self.ledger.update(|stats| stats.bytes += grown);
        self.free(&[seq]);
        Ok(())
    }

    fn pending(&mut self, after: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
        let before = self.store.quarantined_count();
        let (records, set_aside) = self.store.pending(after, limit)?;
        if set_aside > 0 || self.store.quarantined_count() > before {
            self.ledger.update(|stats| stats.bytes += set_aside);
            self.publish();
        }
        Ok(records)
    }

    fn remove(&mut self, done: oneshot::Sender<Result<Removal, StoreError>>) -> ControlFlow<()> {
        let result = self.store.remove_if_empty();
        let flow = match &result {
            Ok(Removal::Removed | Removal::SetAside(_)) => ControlFlow::Break(()),
            Ok(Removal::NotEmpty(_)) | Err(_) => ControlFlow::Continue(()),
        };
        if flow.is_break() {
            self.refuse_queued();
        }
        drop(done.send(result));
        flow
    }

    /// Before closing, what is already queued is made durable.
    fn finish(&mut self) {
        while let Ok(message) = self.queue.try_recv() {
            let mut group = Group::default();
            self.add(&mut group, message);
            group.controls.retain(|control| !matches!(control, Control::Close | Control::RemoveIfEmpty(_)));
            let _ = self.work(group);
        }
    }

    fn refuse_queued(&mut self) {
        let queued: Vec<Message> = self.queue.try_iter().collect();
        let waiters = queued.into_iter().filter_map(|message| match message.command {
            Command::Append(append) => Some(append.waiter),
            Command::Control(_) => None,
        });
        self.refuse(waiters, &AppendError::Closed);
    }

    fn publish(&self) {
        let store = &self.store;
        self.ledger.update(|stats| {
            stats.depth = store.depth();
            stats.oldest = store.oldest();
            stats.rejected = store.rejected_count();
            stats.quarantined = store.quarantined_count();
        });
    }
}

/// Count and log records whose writers do not wait.
pub(super) fn count_detached(ledger: &Ledger, lost: u64, error: &AppendError) {
    if lost > 0 {
        ledger.update(|stats| stats.detached_failed += lost);
        let cause = std::error::Error::source(error).map(ToString::to_string);
        tracing::error!(records = lost, %error, cause, "outbox records were lost");
    }
}
