//! The fleet as it was seen a moment ago, for whoever takes many slots a second: of 500 workers each look reads as many documents. A slot
//! is taken by its worker's own document as ever, so a look that is old costs a lost try and nothing else.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::sight::{Seat, Sight, Station};
use crate::store::reservations::Candidate;

const GOOD_FOR: Duration = Duration::from_millis(250);

/// See the module. Cheap to clone.
#[derive(Clone, Default)]
pub struct Glance(Arc<Mutex<Option<(Instant, Sight)>>>);

impl Glance {
    /// Keep a look.
    pub fn keep(&self, sight: Sight) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), sight));
    }

    /// A worker that had a slot and is not `spared`, and how the hosts stood. It is told once: whether it has more is seen with the next look. `None` where
    /// nothing of that is seen, and for hosts that are polled, whose slots are all in one document.
    pub fn take(&self, draw: u64, spared: &[String]) -> Option<(Seat, Vec<Candidate>)> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, sight) = kept.as_mut().filter(|(at, _)| at.elapsed() < GOOD_FOR)?;
        let at = sight.pick(draw, spared)?;
        if matches!(sight.seats[at].station, Station::Polled(_)) {
            return None;
        }
        let candidates = sight.candidates();
        Some((sight.seats.swap_remove(at), candidates))
    }
}
