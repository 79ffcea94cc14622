//! Whether this process may begin calls: it fences itself when its last beat that the bridge has taken was sent too long ago, also when the
//! machine slept meanwhile.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use vox_shared::clock::Clock;

/// Others may take a lease over after fifteen seconds; this is well before.
const FENCED_AFTER: Duration = Duration::from_secs(10);

/// When the last beat that was taken was sent.
#[derive(Debug)]
pub struct Beat {
    clock: Clock,
    sent: Mutex<Option<(Instant, Timestamp)>>,
}

impl Beat {
    pub fn new(clock: Clock) -> Self {
        Self { clock, sent: Mutex::default() }
    }

    /// The moment, to be handed to [`Self::taken`]: the time of sending counts, not that of the answer.
    pub fn now(&self) -> (Instant, Timestamp) {
        (Instant::now(), self.clock.now())
    }

    /// A beat that was sent then has been taken.
    pub fn taken(&self, sent: (Instant, Timestamp)) {
        *self.sent.lock().unwrap_or_else(PoisonError::into_inner) = Some(sent);
    }

    /// Whether a call may begin.
    pub fn may_dial(&self) -> bool {
        let Some((instant, timestamp)) = *self.sent.lock().unwrap_or_else(PoisonError::into_inner) else {
            return false;
        };
        // Time that the machine slept is in the calendar alone.
        let slept = self.clock.now().duration_since(timestamp);
        instant.elapsed() < FENCED_AFTER && Duration::try_from(slept).is_ok_and(|slept| slept < FENCED_AFTER)
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_process_that_slept_begins_no_call() {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let beat = Beat::new(clock.clone());
        assert!(!beat.may_dial(), "it has no lease yet");
        beat.taken(beat.now());
        assert!(beat.may_dial());
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(!beat.may_dial());
        beat.taken(beat.now());
        // The machine was suspended: its own clock stood still.
        clock.advance(SignedDuration::from_secs(11));
        assert!(!beat.may_dial());
    }
}
