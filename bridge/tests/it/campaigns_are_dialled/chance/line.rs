//! One attempt of a dialler, by the dialler's own state machine.

use jiff::Timestamp;
use vox_dialler::attempt::Step;
use vox_shared::ids::AttemptId;
use vox_shared::wire::dialler::attempt::{Ending, Joined, Recovery};
use vox_shared::wire::dialler::claim::Claimed;

/// A step that has to be done again waits so long, doubled each time, milliseconds.
const FIRST_PAUSE: u64 = 250;
const LONGEST_PAUSE: u64 = 10_000;

/// See the module. What it knows is what the dialler's `line` does.
#[derive(Clone, Debug)]
pub struct Line {
    pub dialler: usize,
    pub attempt: AttemptId,
    pub number: String,
    pub epoch: u32,
    pub step: Step,
    /// Answers of earlier steps are nobody's.
    pub turn: u64,
    pause: u64,
    /// When the commit was asked for first.
    pub committing: Option<u64>,
    /// Until when a request to dial is good, milliseconds of the run.
    pub good_until: u64,
    pub answered_at: Option<Timestamp>,
    pub joined: Joined,
    pub ending: Option<Ending>,
}

impl Line {
    pub fn claimed(dialler: usize, epoch: u32, claimed: &Claimed) -> Self {
        let (attempt, number) = (claimed.attempt.clone(), claimed.number.expose().clone());
        Self::new((dialler, epoch), (attempt, number), Step::claimed())
    }

    pub fn left_behind(dialler: usize, epoch: u32, left: &Recovery) -> Self {
        let of = (left.attempt.clone(), left.number.expose().clone());
        let joined = if left.dial_at.is_some() { Joined::Unknown } else { Joined::No };
        let line = Self::new((dialler, epoch), of, Step::left_behind());
        Self { joined, answered_at: left.answered_at, ..line }
    }

    fn new((dialler, epoch): (usize, u32), (attempt, number): (AttemptId, String), step: Step) -> Self {
        Self {
            dialler,
            attempt,
            number,
            epoch,
            step,
            turn: 0,
            pause: FIRST_PAUSE,
            committing: None,
            good_until: 0,
            answered_at: None,
            joined: Joined::Unknown,
            ending: None,
        }
    }

    /// Goes on to a step; answers after which pause it is done.
    pub fn goes_on(&mut self, next: Step, is_again: bool) -> u64 {
        self.turn += 1;
        self.step = next;
        if !is_again {
            self.pause = FIRST_PAUSE;
            return 0;
        }
        let pause = self.pause;
        self.pause = (pause * 2).min(LONGEST_PAUSE);
        pause
    }
}
