//! What an attempt came to, and what follows: the one table of results. Pure.

pub mod set_up;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vox_shared::wire::answered::Callee;
use vox_shared::wire::dialler::attempt::Ending;
use vox_shared::wire::result::Callback;

use super::settings::RetryOn;
use crate::store::Stamp;

pub use set_up::SetUp;

/// Whoever waits longer than this for the bot after their greeting was called in vain.
const LONGEST_SILENCE_MS: f64 = 2_000.0;
/// Where nobody said anything, the greeting is taken to be over then.
const SILENT_GREETING_MS: f64 = 2_000.0;
/// When a number is tried again that the carrier refuses.
pub const FORBIDDEN_AGAIN: Duration = Duration::from_secs(900);
/// A person who hangs up sooner did not want the call.
const EARLY: f64 = 6.0;

macro_rules! results {
    ($($(#[$doc:meta])* $name:ident => $word:literal,)*) => {
        /// The result of an attempt.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        pub enum AttemptResult {
            $($(#[$doc])* #[serde(rename = $word)] $name,)*
        }

        impl AttemptResult {
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The word in reports, events and figures.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }
    };
}

results! {
    /// It rang out.
    NoAnswer => "no_answer",
    Busy => "busy",
    /// Switched off or out of reach.
    Unavailable => "unavailable",
    /// The callee pressed the call away.
    Declined => "declined",
    /// The network blocks the number that was shown.
    BlockedAnalytics => "blocked_analytics",
    /// The callee's network says that they do not want it.
    Unwanted => "unwanted",
    RejectedByAnalytics => "rejected_by_analytics",
    InvalidNumber => "invalid_number",
    /// The carrier refuses this number.
    Forbidden => "forbidden",
    /// The carrier refuses us.
    Auth => "auth",
    MediaMismatch => "media_mismatch",
    Network => "network",
    Congestion => "congestion",
    /// We dialled faster than the carrier takes it.
    Throttled => "throttled",
    Loop => "loop",
    /// The account may not call there.
    BlockedDest => "blocked_dest",
    /// The request was not sent.
    Infra => "infra",
    /// It rang and was taken back: the campaign was paused.
    Cancelled => "cancelled",
    /// A person was spoken with.
    Done => "done",
    /// A person hung up within six seconds, and the bot had spoken.
    HangupEarly => "hangup_early",
    /// A person answered, and the bot was not heard in time.
    Abandoned => "abandoned",
    Voicemail => "voicemail",
    VoicemailLeft => "voicemail_left",
    VoicemailFull => "voicemail_full",
    Ivr => "ivr",
    Screened => "screened",
    Fax => "fax",
    /// They wish to be called at another time.
    Callback => "callback",
    /// They wish not to be called any more.
    OptOut => "opt_out",
    /// It was answered, and nobody told how it went.
    Answered => "answered",
    /// It may have rung, and its end is not known.
    Lost => "lost",
    /// Nothing was dialled.
    Aborted => "aborted",
}

/// As what an attempt is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tally {
    /// A person answered and was served.
    Human,
    /// A person answered and was not.
    Abandoned,
    Machine,
    /// It rang, and nobody answered.
    Unanswered,
    /// It failed at once.
    Failed,
    /// Nothing rang, for reasons of ours or of the carrier's.
    Uncounted,
}

impl Tally {
    pub const ALL: [Self; 6] =
        [Self::Human, Self::Abandoned, Self::Machine, Self::Unanswered, Self::Failed, Self::Uncounted];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Abandoned => "abandoned",
            Self::Machine => "machine",
            Self::Unanswered => "unanswered",
            Self::Failed => "failed",
            Self::Uncounted => "uncounted",
        }
    }
}

/// What follows a result, before the operator's rules, caps and windows are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing: the contact is done.
    End,
    /// The operator's rule for this.
    Rule(RetryOn),
    /// The number is of no use; the contact's next one, if there is one.
    StopNumber,
    /// Again after about this, twice as long each time: it is no fault of the contact's.
    Again(Duration),
    /// At the time that was promised.
    Callback,
    /// Never again, for the whole tenant.
    OptOut,
    /// By the campaign's `lost_policy`.
    Lost,
}

/// What the worker told of a call that was answered. By what it was known who answered is the call's alone, and goes with it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Word {
    /// How the call ended.
    pub disconnected_by: String,
    /// Who answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<Callee>,
    #[serde(default)]
    pub message_left: bool,
    #[serde(default)]
    pub mailbox_full: bool,
    /// The network said, by its tones, that there is no such number.
    #[serde(default)]
    pub invalid_number: bool,
    /// The network said, by its tones, that no line was free.
    #[serde(default)]
    pub no_line: bool,
    #[serde(default)]
    pub passed_on: bool,
    #[serde(default)]
    pub talk_seconds: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub greeting_end_ms: Option<f64>,
    /// When the bot was first heard; absent when it never was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_audio_ms: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback: Option<Callback>,
    #[serde(default)]
    pub opt_out: bool,
    /// The worker was lost, or gave up.
    #[serde(default)]
    pub failed: bool,
    /// Nobody answered in the worker's eyes.
    #[serde(default)]
    pub unanswered: bool,
    pub at: Option<Stamp>,
}

impl Word {
    /// Whether it is the word of a call that somebody, or something, answered.
    pub fn heard_somebody(&self) -> bool {
        !self.unanswered && (self.first_audio_ms.is_some() || self.class.is_some())
    }

    /// The same without whom to call back, and what about.
    pub fn without_person(mut self) -> Self {
        if let Some(callback) = &mut self.callback {
            callback.number.clear();
            callback.note.clear();
        }
        self
    }

    /// What an answered call came to.
    pub fn result(&self) -> AttemptResult {
        use AttemptResult as R;
        if self.opt_out {
            return R::OptOut;
        }
        match self.class {
            Some(Callee::Fax) => return R::Fax,
            Some(Callee::Voicemail) if self.message_left => return R::VoicemailLeft,
            Some(Callee::Voicemail) if self.mailbox_full => return R::VoicemailFull,
            Some(Callee::Voicemail) => return R::Voicemail,
            Some(Callee::Ivr) => return R::Ivr,
            Some(Callee::Announcement) if self.invalid_number => return R::InvalidNumber,
            Some(Callee::Announcement) if self.no_line => return R::Congestion,
            Some(Callee::Announcement) => return R::Unavailable,
            Some(Callee::Screening) if !self.passed_on => return R::Screened,
            _ => {}
        }
        if self.callback.is_some() {
            return R::Callback;
        }
        let Some(first_audio_ms) = self.first_audio_ms else {
            // A worker that died tells nothing of what was heard before.
            return if self.disconnected_by == "worker_lost" { R::Lost } else { R::Abandoned };
        };
        if first_audio_ms - self.greeting_end_ms.unwrap_or(SILENT_GREETING_MS) > LONGEST_SILENCE_MS {
            return R::Abandoned;
        }
        let early = self.disconnected_by == "customer" && self.talk_seconds < EARLY;
        if early { R::HangupEarly } else { R::Done }
    }
}

impl From<Ending> for AttemptResult {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Answered => Self::Answered,
            Ending::NoAnswer => Self::NoAnswer,
            Ending::Busy => Self::Busy,
            Ending::Unavailable => Self::Unavailable,
            Ending::Declined => Self::Declined,
            Ending::BlockedAnalytics => Self::BlockedAnalytics,
            Ending::Unwanted => Self::Unwanted,
            Ending::RejectedByAnalytics => Self::RejectedByAnalytics,
            Ending::InvalidNumber => Self::InvalidNumber,
            Ending::Forbidden => Self::Forbidden,
            Ending::Auth => Self::Auth,
            Ending::MediaMismatch => Self::MediaMismatch,
            Ending::Network => Self::Network,
            Ending::Congestion => Self::Congestion,
            Ending::Throttled => Self::Throttled,
            Ending::Loop => Self::Loop,
            Ending::BlockedDest => Self::BlockedDest,
            Ending::Infra => Self::Infra,
            Ending::Cancelled => Self::Cancelled,
        }
    }
}

impl AttemptResult {
    /// Whether it counts against the contact's cap. What is a fault of ours or of the carrier's does not.
    pub fn counts(self) -> bool {
        !matches!(
            self,
            Self::Forbidden
                | Self::Auth
                | Self::MediaMismatch
                | Self::Network
                | Self::Congestion
                | Self::Throttled
                | Self::Loop
                | Self::Infra
                | Self::Callback
                | Self::Aborted
        )
    }

    /// Whether a telephone rang, or may have: such a ring counts against the caps of its number.
    pub fn rang(self) -> bool {
        self == Self::Callback || self.counts()
    }

    /// Whether the least pause between two rings of a number holds after it.
    pub fn keeps_gap(self) -> bool {
        self.rang() && self != Self::Busy
    }

    pub fn tally(self) -> Tally {
        match self {
            Self::Done | Self::HangupEarly | Self::Callback | Self::OptOut | Self::Answered => Tally::Human,
            Self::Abandoned => Tally::Abandoned,
            Self::Voicemail
            | Self::VoicemailLeft
            | Self::VoicemailFull
            | Self::Ivr
            | Self::Screened
            | Self::Fax => Tally::Machine,
            Self::NoAnswer | Self::Cancelled | Self::Lost => Tally::Unanswered,
            Self::Busy
            | Self::Unavailable
            | Self::Declined
            | Self::BlockedAnalytics
            | Self::Unwanted
            | Self::RejectedByAnalytics
            | Self::InvalidNumber
            | Self::Forbidden
            | Self::BlockedDest => Tally::Failed,
            Self::Auth
            | Self::MediaMismatch
            | Self::Network
            | Self::Congestion
            | Self::Throttled
            | Self::Loop
            | Self::Infra
            | Self::Aborted => Tally::Uncounted,
        }
    }

    /// What follows. `before` are the contact's results in this run, without this one.
    pub fn next(self, before: &[Self]) -> Next {
        let again = |seconds| Next::Again(Duration::from_secs(seconds));
        let repeated = before.last() == Some(&self);
        match self {
            Self::Done | Self::Answered => Next::End,
            Self::NoAnswer | Self::Cancelled => Next::Rule(RetryOn::NoAnswer),
            Self::Busy => Next::Rule(RetryOn::Busy),
            Self::Unavailable => Next::Rule(RetryOn::Unavailable),
            Self::Declined => Next::Rule(RetryOn::Declined),
            Self::BlockedAnalytics | Self::RejectedByAnalytics => Next::Rule(RetryOn::Blocked),
            Self::HangupEarly => Next::Rule(RetryOn::HangupEarly),
            Self::Abandoned => Next::Rule(RetryOn::Abandoned),
            Self::Voicemail => Next::Rule(RetryOn::Voicemail),
            Self::VoicemailLeft => Next::Rule(RetryOn::VoicemailLeft),
            Self::VoicemailFull => Next::Rule(RetryOn::VoicemailFull),
            Self::Ivr => Next::Rule(RetryOn::Ivr),
            Self::Screened => Next::Rule(RetryOn::Screened),
            Self::Network => Next::Rule(RetryOn::Network),
            Self::Congestion => Next::Rule(RetryOn::Congestion),
            Self::Unwanted | Self::InvalidNumber | Self::BlockedDest | Self::Fax => Next::StopNumber,
            // A prefix that is not open, or the trunk's own fault: the second time it is the number's.
            Self::Forbidden | Self::MediaMismatch if repeated => Next::StopNumber,
            Self::Forbidden => Next::Again(FORBIDDEN_AGAIN),
            Self::Loop => again(900),
            Self::MediaMismatch => again(60),
            Self::Auth => again(300),
            Self::Throttled => again(60),
            Self::Infra | Self::Aborted => again(30),
            Self::Callback => Next::Callback,
            Self::OptOut => Next::OptOut,
            Self::Lost => Next::Lost,
        }
    }

    /// Whether it speaks against the number that was shown.
    pub fn blames_caller(self) -> bool {
        matches!(self, Self::BlockedAnalytics | Self::RejectedByAnalytics | Self::Unwanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use AttemptResult as R;

    fn word(change: impl FnOnce(&mut Word)) -> R {
        let mut word = Word {
            disconnected_by: "bot".into(),
            talk_seconds: 40.0,
            greeting_end_ms: Some(900.0),
            first_audio_ms: Some(1_700.0),
            ..Word::default()
        };
        change(&mut word);
        word.result()
    }

    #[test]
    fn each_ending_has_a_result_of_the_same_word() {
        for ending in Ending::ALL {
            assert_eq!(R::from(ending).as_str(), ending.as_str());
        }
        for result in R::ALL {
            assert_eq!(serde_json::to_value(result).unwrap(), result.as_str());
        }
    }

    #[test]
    fn what_does_not_count_is_neither_a_human_nor_unanswered() {
        for result in R::ALL {
            let uncounted = result.tally() == Tally::Uncounted;
            assert!(!uncounted || !result.counts(), "{result:?}");
            assert!(!uncounted || !result.rang(), "{result:?}");
        }
    }

    #[test]
    fn an_answered_call_is_what_the_worker_heard() {
        assert_eq!(word(|_| {}), R::Done);
        assert_eq!(word(|w| (w.disconnected_by, w.talk_seconds) = ("customer".into(), 4.0)), R::HangupEarly);
        assert_eq!(word(|w| w.class = Some(Callee::Voicemail)), R::Voicemail);
        assert_eq!(word(|w| (w.class, w.message_left) = (Some(Callee::Voicemail), true)), R::VoicemailLeft);
        assert_eq!(word(|w| w.class = Some(Callee::Announcement)), R::Unavailable);
        let none = |w: &mut Word| (w.class, w.invalid_number) = (Some(Callee::Announcement), true);
        assert_eq!((word(none), word(none).next(&[])), (R::InvalidNumber, Next::StopNumber));
        assert_eq!(word(|w| (w.class, w.no_line) = (Some(Callee::Announcement), true)), R::Congestion);
        assert_eq!(word(|w| w.class = Some(Callee::Screening)), R::Screened);
        assert_eq!(word(|w| (w.class, w.passed_on) = (Some(Callee::Screening), true)), R::Done);
        assert_eq!(word(|w| (w.class, w.opt_out) = (Some(Callee::Human), true)), R::OptOut);
        assert_eq!(word(|w| w.disconnected_by = "error".into()), R::Done, "it was heard in time");
    }

    #[test]
    fn two_seconds_of_silence_after_the_greeting_are_an_abandoned_call() {
        let heard_at = |ms: f64| word(|w| w.first_audio_ms = Some(ms));
        assert_eq!((heard_at(2_900.0), heard_at(2_901.0)), (R::Done, R::Abandoned));
        assert_eq!(word(|w| w.first_audio_ms = None), R::Abandoned);
        let silent = |ms: f64| word(|w| (w.greeting_end_ms, w.first_audio_ms) = (None, Some(ms)));
        assert_eq!((silent(4_000.0), silent(4_001.0)), (R::Done, R::Abandoned));
        let lost = |w: &mut Word| (w.disconnected_by, w.first_audio_ms) = ("worker_lost".into(), None);
        assert_eq!(word(lost), R::Lost);
    }

    #[test]
    fn a_carrier_that_refuses_twice_has_the_number_stopped() {
        assert_eq!(R::Forbidden.next(&[R::Busy]), Next::Again(Duration::from_secs(900)));
        assert_eq!(R::Forbidden.next(&[R::Busy, R::Forbidden]), Next::StopNumber);
    }
}
