//! The people behind the telephones: everything that a call can come to.

use jiff::SignedDuration;
use vox_bridge::campaign::outcome::AttemptResult as R;
use vox_bridge::campaign::rehearsal::stage::{Answer, Dial, Telephones};
use vox_dialler::pacing::dice::Dice;
use vox_dialler::pacing::laws::By;

/// How long people talk, machines are listened to, and a telephone rings in vain, seconds.
const TALKS: f64 = 70.0;
const LISTENS: f64 = 10.0;
const RINGS: f64 = 30.0;

/// Of a thousand calls so many come to this, who answers, and after how long.
const CALLS: [(u32, R, Option<By>, f64); 19] = [
    (226, R::Done, Some(By::Human), 9.0),
    (8, R::OptOut, Some(By::Human), 9.0),
    (14, R::Callback, Some(By::Human), 9.0),
    (18, R::HangupEarly, Some(By::Human), 9.0),
    (180, R::Voicemail, Some(By::Machine), 21.0),
    (12, R::VoicemailFull, Some(By::Machine), 21.0),
    (40, R::Ivr, Some(By::Machine), 4.0),
    (20, R::Screened, Some(By::Machine), 6.0),
    (5, R::Fax, Some(By::Machine), 6.0),
    (60, R::Busy, None, 2.0),
    (50, R::Unavailable, None, 4.0),
    (30, R::Declined, None, 7.0),
    (10, R::InvalidNumber, None, 1.0),
    (12, R::Network, None, 1.0),
    (5, R::Congestion, None, 1.0),
    (5, R::Forbidden, None, 1.0),
    (3, R::Unwanted, None, 1.0),
    (2, R::MediaMismatch, None, 1.0),
    (300, R::NoAnswer, None, RINGS),
];

/// See the module.
pub struct People(Dice);

impl People {
    pub fn new(seed: u64) -> Self {
        Self(Dice::new(!seed))
    }
}

impl Telephones for People {
    fn ring(&mut self, dial: Dial<'_>) -> Answer {
        let all: u32 = CALLS.iter().map(|(share, ..)| share).sum();
        let mut thrown = self.0.share() * f64::from(all);
        let come_to = CALLS.iter().find(|(share, ..)| {
            thrown -= f64::from(*share);
            thrown < 0.0
        });
        let (result, by, median) =
            come_to.map_or((R::NoAnswer, None, RINGS), |(_, result, by, median)| (*result, *by, *median));
        let Some(by) = by else { return Answer::nobody(median, result) };
        let rings = self.0.log_normal(median, 0.4);
        let talks = match (by, result) {
            (By::Human, R::HangupEarly) => 4.0,
            (By::Human, _) => self.0.exponential(TALKS),
            (By::Machine, _) => LISTENS,
        };
        let answer = Answer::by(by, (rings, talks), result);
        let hours = 1.0 + 70.0 * self.0.share();
        let later = SignedDuration::try_from_secs_f64(hours * 3_600.0).ok();
        let wished = later.filter(|_| result == R::Callback).map(|later| dial.at + later);
        Answer { callback: wished, ..answer }
    }
}
