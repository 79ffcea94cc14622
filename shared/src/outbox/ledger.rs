//! Who may write how much: the quota, reservations, and the figures shown to operators.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::error::AppendError;

/// A snapshot for metrics and health pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Durable records that are not acknowledged.
    pub depth: u64,
    /// When the oldest of them was appended.
    pub oldest: Option<Timestamp>,
    /// Bytes used, of the quota: records, rejected and damaged ones, and those waiting to be written.
    pub bytes: u64,
    /// Bytes promised to running calls.
    pub reserved_bytes: u64,
    /// Records in the rejected log.
    pub rejected: u64,
    /// Damaged stretches set aside, all told.
    pub quarantined: u64,
    /// Records that a caller who did not wait lost to an error since the outbox was opened.
    pub detached_failed: u64,
    /// Times the disk was made to confirm a group since the outbox was opened.
    pub commits: u64,
}

/// Shared by the handles and the writer; never locked across I/O.
#[derive(Debug)]
pub(super) struct Ledger {
    quota: u64,
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    stats: Stats,
    next_reservation: u64,
    /// What is left of each reservation.
    reservations: HashMap<u64, u64>,
}

impl Ledger {
    pub(super) fn new(quota: u64, stats: Stats) -> Arc<Self> {
        Arc::new(Self { quota, book: Mutex::new(Book { stats, ..Book::default() }) })
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn stats(&self) -> Stats {
        self.book().stats
    }

    /// Change the figures that the writer knows.
    pub(super) fn update(&self, change: impl FnOnce(&mut Stats)) {
        change(&mut self.book().stats);
    }

    fn check(&self, stats: &Stats, wanted: u64) -> Result<(), AppendError> {
        let free = self.quota.saturating_sub(stats.bytes).saturating_sub(stats.reserved_bytes);
        if wanted <= free {
            Ok(())
        } else {
            Err(AppendError::QuotaExceeded { wanted, free, quota: self.quota })
        }
    }

    /// Claim `bytes` for a record, out of the quota.
    pub(super) fn charge(self: &Arc<Self>, bytes: u64) -> Result<Charge, AppendError> {
        let mut book = self.book();
        self.check(&book.stats, bytes)?;
        book.stats.bytes += bytes;
        Ok(Charge { ledger: self.clone(), bytes, reservation: None })
    }

    /// Claim `bytes` out of a reservation; only what exceeds it must fit the quota.
    fn charge_reserved(self: &Arc<Self>, id: u64, bytes: u64) -> Result<Charge, AppendError> {
        let mut book = self.book();
        let left = book.reservations.get(&id).copied().unwrap_or(0);
        let taken = left.min(bytes);
        if taken < bytes {
            self.check(&book.stats, bytes - taken)?;
        }
        book.reservations.insert(id, left - taken);
        book.stats.reserved_bytes -= taken;
        book.stats.bytes += bytes;
        Ok(Charge { ledger: self.clone(), bytes, reservation: Some((id, taken)) })
    }

    pub(super) fn reserve(self: &Arc<Self>, bytes: u64) -> Result<Hold, AppendError> {
        let mut book = self.book();
        self.check(&book.stats, bytes)?;
        book.stats.reserved_bytes += bytes;
        let id = book.next_reservation;
        book.next_reservation += 1;
        book.reservations.insert(id, bytes);
        Ok(Hold { ledger: self.clone(), id })
    }
}

/// A part of the quota kept for one caller; given back when dropped.
#[derive(Debug)]
pub(super) struct Hold {
    ledger: Arc<Ledger>,
    id: u64,
}

impl Hold {
    pub(super) fn charge(&self, bytes: u64) -> Result<Charge, AppendError> {
        self.ledger.charge_reserved(self.id, bytes)
    }

    pub(super) fn left(&self) -> u64 {
        self.ledger.book().reservations.get(&self.id).copied().unwrap_or(0)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut book = self.ledger.book();
        let left = book.reservations.remove(&self.id).unwrap_or(0);
        book.stats.reserved_bytes -= left;
    }
}

/// Bytes claimed for a record on its way to the disk; given back if it never gets there.
#[derive(Debug)]
pub(super) struct Charge {
    ledger: Arc<Ledger>,
    bytes: u64,
    reservation: Option<(u64, u64)>,
}

impl Charge {
    /// The record is durable: the bytes are given back when its segment is deleted.
    pub(super) fn settle(mut self) {
        self.bytes = 0;
        self.reservation = None;
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        if self.bytes == 0 {
            return;
        }
        let mut book = self.ledger.book();
        book.stats.bytes = book.stats.bytes.saturating_sub(self.bytes);
        if let Some((id, taken)) = self.reservation
            && let Some(left) = book.reservations.get_mut(&id)
        {
            *left += taken;
            book.stats.reserved_bytes += taken;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reservation_is_kept_while_others_are_refused() {
        let ledger = Ledger::new(100, Stats::default());
        let hold = ledger.reserve(40).unwrap();
        ledger.charge(60).unwrap().settle();
        assert!(matches!(ledger.charge(1), Err(AppendError::QuotaExceeded { free: 0, .. })));
        hold.charge(40).unwrap().settle();
        assert!(hold.charge(1).is_err());
        assert_eq!((ledger.stats().bytes, ledger.stats().reserved_bytes), (100, 0));
    }

    #[test]
    fn what_was_not_written_is_given_back() {
        let ledger = Ledger::new(100, Stats::default());
        let hold = ledger.reserve(40).unwrap();
        drop(hold.charge(30).unwrap());
        assert_eq!((hold.left(), ledger.stats().bytes), (40, 0));
        let late = hold.charge(30).unwrap();
        drop(hold);
        drop(late);
        assert_eq!((ledger.stats().bytes, ledger.stats().reserved_bytes), (0, 0));
    }
}
