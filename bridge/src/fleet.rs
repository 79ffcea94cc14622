//! The workers that answer calls: who they are, what they can hold, and the files they still have.

pub mod files;

use crate::store::workers::Registration;

/// Slots of a set of workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capacity {
    pub total: u32,
    pub active: u32,
    pub available: u32,
}

/// The slots of these workers. One that drains takes no new calls.
pub fn capacity<'a>(workers: impl IntoIterator<Item = &'a Registration>) -> Capacity {
    workers.into_iter().fold(Capacity::default(), |sum, worker| {
        let report = &worker.report;
        let free = if report.draining { 0 } else { report.slots.saturating_sub(report.calls) };
        Capacity {
            total: sum.total.saturating_add(report.slots),
            active: sum.active.saturating_add(report.calls),
            available: sum.available.saturating_add(free),
        }
    })
}
