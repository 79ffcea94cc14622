//! The way out of a vendor's task to its reader.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

use super::Failure;

/// How long the last events wait for a reader that is slow.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Events that wait for room in the reader's channel. The owner reads no more from its vendor while something waits, so a slow
/// reader slows the vendor down instead of filling memory; keep-alives and input go on meanwhile.
#[derive(Debug)]
pub struct Outlet<T> {
    events: mpsc::Sender<T>,
    waiting: VecDeque<T>,
}

/// The reader has gone.
#[derive(Debug, PartialEq, Eq)]
pub struct Gone;

/// Why a vendor's task ends before its work is done.
#[derive(Debug, PartialEq)]
pub enum End {
    ReaderGone,
    Failed(Failure),
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Gone> for End {
    fn from(_: Gone) -> Self {
        Self::ReaderGone
    }
}

impl<T> Outlet<T> {
    pub fn new(events: mpsc::Sender<T>) -> Self {
        Self { events, waiting: VecDeque::new() }
    }

    /// Queue an event.
    pub fn push(&mut self, event: T) {
        self.waiting.push_back(event);
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Forget waiting events.
    pub fn retain(&mut self, keep: impl FnMut(&T) -> bool) {
        self.waiting.retain(keep);
    }

    /// What waits, for who hands it over by himself.
    pub fn take(&mut self) -> impl Iterator<Item = T> {
        self.waiting.drain(..)
    }

    /// Hand over what waits; with nothing waiting, wait until the reader goes. Safe to cancel.
    pub async fn run(&mut self) -> Result<(), Gone> {
        if self.waiting.is_empty() {
            self.events.closed().await;
            return Err(Gone);
        }
        while !self.waiting.is_empty() {
            let slot = self.events.reserve().await.map_err(|_| Gone)?;
            if let Some(event) = self.waiting.pop_front() {
                slot.send(event);
            }
        }
        Ok(())
    }

    /// Hand over everything that waits, then `last`, and close.
    pub async fn finish(mut self, last: Option<T>) {
        self.waiting.extend(last);
        if !self.waiting.is_empty() {
            let _reader_gone_or_stuck = timeout(LAST_WORDS, self.run()).await;
        }
    }
}
