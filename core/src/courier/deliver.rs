//! What lies in an outbox reaches the bridge, for as long as it takes. A round reads each record once: behind its cursor it
//! knows what waits for delivery by number alone, and what a call's end will let go of.

use std::collections::{HashMap, VecDeque};
use std::future::pending;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tracing::field::Empty;
use tracing::{Instrument, Span};
use vox_shared::ids::SessionId;
use vox_shared::outbox::{Backoff, Outbox, Record, Seq};
use vox_shared::wire::journal::{Label, Labelled, RecordingFile, result_body};
use vox_shared::wire::proof::Proof;

use super::desk::Desk;
use super::upload;
use crate::bridge::DeliveryError;

/// Records read at once.
const PAGE: usize = 256;
/// A pass ends when the bridge could not be reached so often in a row: it is away, and whoever is next would wait in vain.
const AWAY_AFTER: u32 = 2;
/// An outbox that could not be read or written.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// Numbers of records of one kind that wait for delivery. What they hold is read when their turn comes: a bridge that is away
/// for a day must not fill memory.
#[derive(Debug, Default)]
struct Tray {
    fresh: VecDeque<Seq>,
    /// Tried at least once, the longest untried first.
    tried: VecDeque<Seq>,
    backoff: Backoff,
    /// What was tried is not tried again before this.
    due: Option<Instant>,
}

impl Tray {
    fn len(&self) -> usize {
        self.fresh.len() + self.tried.len()
    }

    fn take(&mut self) -> Option<Seq> {
        self.fresh.pop_front().or_else(|| self.tried.pop_front())
    }

    /// What is new does not wait for what is tried again.
    fn is_due(&self) -> bool {
        let has_waited = self.due.is_none_or(|due| Instant::now() >= due);
        !self.fresh.is_empty() || (has_waited && !self.tried.is_empty())
    }

    fn next_try(&self) -> Option<Instant> {
        (self.len() > 0).then(|| self.due.unwrap_or_else(Instant::now))
    }

    /// How the deliveries of a pass went.
    fn settle(&mut self, fault: Option<String>) {
        match fault {
            None => {
                self.backoff.reset();
                self.due = None;
            }
            Some(why) => {
                let wait = self.backoff.next_wait(rand::random());
                self.due = Some(Instant::now() + wait);
                tracing::warn!(why, wait_ms = wait.as_millis() as u64, "a delivery is tried again");
            }
        }
    }
}

/// A delivery as a part of its call's trace, however late it is, and what it is delivered with.
fn delivery(what: &'static str, payload: &[u8]) -> (Span, Proof) {
    let label = serde_json::from_slice::<Label>(payload).ok();
    let proof = label.as_ref().map(|label| label.proof.clone()).unwrap_or_default();
    let span = tracing::info_span!(
        "delivery",
        otel.kind = "client",
        trace.parent = label.as_ref().and_then(|label| label.traceparent).map(|place| place.to_string()),
        call.id = label.map(|label| label.session_id.to_string()),
        service = what,
        "error.type" = Empty
    );
    (span, proof)
}

/// What is left of an outbox that was delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    Nothing,
    /// Something that was not taken for a while.
    Stuck,
}

/// The delivery of one outbox.
pub(super) struct Round<'a> {
    desk: &'a Desk,
    outbox: &'a Outbox,
    /// Everything up to this number was read.
    cursor: Seq,
    /// Records of calls whose end was not read yet.
    open: HashMap<SessionId, Vec<Seq>>,
    results: Tray,
    recordings: Tray,
    /// Records to be set aside, and why.
    refused: Vec<(Seq, String)>,
    /// When the outbox, which did not do what it was asked, is asked again.
    ask_again: Option<Instant>,
    uploading: JoinSet<(Seq, Result<(), DeliveryError>)>,
    /// When something of it was settled last.
    settled_at: Instant,
}

impl<'a> Round<'a> {
    pub(super) fn new(desk: &'a Desk, outbox: &'a Outbox) -> Self {
        Self {
            desk,
            outbox,
            cursor: 0,
            open: HashMap::new(),
            results: Tray::default(),
            recordings: Tray::default(),
            refused: Vec::new(),
            ask_again: None,
            uploading: JoinSet::new(),
            settled_at: Instant::now(),
        }
    }

    /// Deliver what is there and what comes, as `news` tells.
    pub(super) async fn for_ever(mut self, news: &Notify) {
        loop {
            self.turn().await;
            self.wait(Some(news)).await;
        }
    }

    /// Deliver what is there until the call whose journal goes on here is over.
    pub(super) async fn until(&mut self, mut over: oneshot::Receiver<()>) {
        loop {
            self.turn().await;
            tokio::select! {
                _over = &mut over => return,
                () = self.wait(None) => {}
            }
        }
    }

    /// Deliver until nothing is left.
    pub(super) async fn until_empty(self) {
        self.until_empty_or_stuck(Duration::MAX).await;
    }

    /// The same, unless nothing of it is settled for so long, and no upload is under way.
    pub(super) async fn until_empty_or_stuck(mut self, patience: Duration) -> Left {
        loop {
            self.turn().await;
            let is_idle = self.uploading.is_empty() && self.ask_again.is_none();
            if is_idle && self.results.len() + self.recordings.len() + self.refused.len() == 0 {
                return Left::Nothing;
            }
            if self.uploading.is_empty() && self.settled_at.elapsed() >= patience {
                return Left::Stuck;
            }
            self.wait(None).await;
        }
    }

    /// For an outbox in which every call has its end: lines of a journal without a birth owe nothing to anybody.
    pub(super) async fn let_strays_go(&mut self) {
        self.turn().await;
        let strays = self.open.drain().flat_map(|(_, seqs)| seqs).collect();
        self.acknowledge(strays).await;
    }

    /// Read what is new and deliver what is due.
    pub(super) async fn turn(&mut self) {
        self.ask_again = None;
        if let Err(error) = self.read().await {
            tracing::error!(%error, "the outbox cannot be read");
            self.ask_again = Some(Instant::now() + ASK_AGAIN);
        }
        self.set_aside().await;
        if self.results.is_due() {
            self.deliver_results().await;
        }
        if self.uploading.is_empty() && self.recordings.is_due() {
            self.begin_upload().await;
        }
    }

    async fn wait(&mut self, news: Option<&Notify>) {
        let uploads = if self.uploading.is_empty() { self.recordings.next_try() } else { None };
        let due = [self.results.next_try(), uploads, self.ask_again].into_iter().flatten().min();
        let news = async {
            match news {
                Some(news) => news.notified().await,
                None => pending().await,
            }
        };
        let again = async {
            match due {
                Some(due) => sleep_until(due).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = news => {}
            () = again => {}
            Some(done) = self.uploading.join_next(), if !self.uploading.is_empty() => {
                match done {
                    Ok((seq, outcome)) => self.uploaded(seq, outcome).await,
                    Err(error) => tracing::error!(%error, "an upload broke off; the next worker makes it"),
                }
            }
        }
    }

    /// Read what came behind the cursor.
    async fn read(&mut self) -> Result<(), vox_shared::outbox::StoreError> {
        loop {
            let page = self.outbox.pending(self.cursor, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            self.cursor = last.seq;
            let served = page.iter().flat_map(|record| self.sort(record)).collect();
            self.acknowledge(served).await;
        }
    }

    /// At once, so that the outbox writes them as one group. One that is closed has given its records to somebody else.
    async fn acknowledge(&self, seqs: Vec<Seq>) {
        let _closed = join_all(seqs.into_iter().map(|seq| self.outbox.acknowledge(seq))).await;
    }

    /// Put a record where it belongs; the numbers of those that have served with it.
    fn sort(&mut self, record: &Record) -> Vec<Seq> {
        let label = match serde_json::from_slice::<Label>(&record.payload) {
            Ok(label) => label,
            Err(error) => {
                self.refused.push((record.seq, format!("not a journal record: {error}")));
                return Vec::new();
            }
        };
        match label.record {
            // Of a call that runs, or was accepted a moment ago.
            Labelled::Accepted | Labelled::Turn | Labelled::Event | Labelled::Seated | Labelled::Tally => {
                self.open.entry(label.session_id).or_default().push(record.seq);
                Vec::new()
            }
            // The journal has served when the call's end is on disk behind it.
            Labelled::Result => {
                self.results.fresh.push_back(record.seq);
                self.open.remove(&label.session_id).unwrap_or_default()
            }
            Labelled::Refused => {
                let mut served = self.open.remove(&label.session_id).unwrap_or_default();
                served.push(record.seq);
                served
            }
            Labelled::Recording => {
                self.recordings.fresh.push_back(record.seq);
                Vec::new()
            }
        }
    }

    /// One pass over the results.
    async fn deliver_results(&mut self) {
        let (mut fault, mut away) = (None, 0);
        for _ in 0..self.results.len() {
            let Some(seq) = self.results.take() else { break };
            let outcome = match self.payload(seq).await {
                Ok(Some(payload)) => {
                    let (span, proof) = delivery("result", &payload);
                    let bridge = self.desk.bridge_of(&proof);
                    let sent = bridge.deliver(Some(seq), result_body(payload), &proof);
                    sent.instrument(span).await
                }
                Ok(None) => continue,
                Err(why) => Err(DeliveryError::Retry(why)),
            };
            away = if matches!(outcome, Err(DeliveryError::Away(_))) { away + 1 } else { 0 };
            if let Some(why) = self.settle(seq, outcome).await {
                self.results.tried.push_back(seq);
                fault = Some(why);
            }
            if away >= AWAY_AFTER {
                break;
            }
        }
        self.results.settle(fault);
    }

    async fn begin_upload(&mut self) {
        let Some(seq) = self.recordings.take() else { return };
        let (recording, span) = match self.payload(seq).await {
            Ok(Some(payload)) => {
                (serde_json::from_slice::<RecordingFile>(&payload), delivery("recording", &payload).0)
            }
            Ok(None) => return,
            Err(why) => return self.uploaded(seq, Err(DeliveryError::Retry(why))).await,
        };
        match recording {
            Ok(recording) => {
                let desk = self.desk.clone();
                let upload = async move { (seq, upload::upload(&desk, &recording).await) };
                self.uploading.spawn(upload.instrument(span));
            }
            Err(error) => {
                self.refused.push((seq, format!("not an order to upload: {error}")));
                self.set_aside().await;
            }
        }
    }

    async fn uploaded(&mut self, seq: Seq, outcome: Result<(), DeliveryError>) {
        self.desk.books.note_upload(&outcome);
        let fault = self.settle(seq, outcome).await;
        if fault.is_some() {
            self.recordings.tried.push_back(seq);
        }
        self.recordings.settle(fault);
    }

    /// Note what became of a delivery; why it must be tried again, if it must.
    async fn settle(&mut self, seq: Seq, outcome: Result<(), DeliveryError>) -> Option<String> {
        match outcome {
            Ok(()) => {
                self.settled_at = Instant::now();
                self.acknowledge(vec![seq]).await;
                None
            }
            Err(DeliveryError::Retry(why) | DeliveryError::Away(why)) => Some(why),
            Err(DeliveryError::Rejected(why)) => {
                self.settled_at = Instant::now();
                self.refused.push((seq, why));
                self.set_aside().await;
                None
            }
        }
    }

    /// Move what will never be taken to the rejected log; what the disk does not let go is tried again.
    async fn set_aside(&mut self) {
        for (seq, why) in std::mem::take(&mut self.refused) {
            match self.outbox.reject(seq, &why).await {
                Ok(()) => tracing::error!(
                    why,
                    seq,
                    "the bridge will never take this record; it is kept in the rejected log"
                ),
                Err(error) => {
                    tracing::error!(%error, seq, why, "a record cannot be moved to the rejected log");
                    self.refused.push((seq, why));
                    self.ask_again = Some(Instant::now() + ASK_AGAIN);
                }
            }
        }
    }

    /// What the record holds; `None` when it is gone (damaged, and set aside by the outbox).
    async fn payload(&self, seq: Seq) -> Result<Option<Vec<u8>>, String> {
        let page = self.outbox.pending(seq - 1, 1).await.map_err(|e| e.to_string())?;
        Ok(page.into_iter().find(|record| record.seq == seq).map(|record| record.payload))
    }
}
