//! What follows an attempt that reached nobody.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Faults;

/// Most retries after one result.
const MAX_DELAYS: usize = 10;
/// Longest wait, minutes: 90 days.
const MAX_DELAY_MIN: u32 = 90 * 24 * 60;

macro_rules! results {
    ($($(#[$doc:meta])* $name:ident => $word:literal, [$($delay:literal),*], $part:literal;)*) => {
        /// A result that may be followed by another attempt. All others never are, or at a time of their own.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        pub enum RetryOn {
            $($(#[$doc])* #[serde(rename = $word)] $name,)*
        }

        impl RetryOn {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }

            /// The rule where the operator sets none.
            pub fn stock_rule(self) -> RetryRule {
                match self {
                    $(Self::$name => RetryRule { delays_min: vec![$($delay),*], other_day_part: $part },)*
                }
            }
        }
    };
}

results! {
    /// It rang out.
    NoAnswer => "no_answer", [180, 1_440, 1_440, 2_880, 2_880], true;
    Busy => "busy", [10, 20, 60], false;
    /// Switched off or out of reach.
    Unavailable => "unavailable", [120, 1_440, 1_440], true;
    /// The callee pressed the call away: once, a day later.
    Declined => "declined", [1_440], true;
    /// The carrier could not bring it there.
    Network => "network", [1, 5, 30], false;
    Congestion => "congestion", [1, 5, 30], false;
    /// Our number or its calls are blocked on the way.
    Blocked => "blocked", [1_440], false;
    /// A person hung up before anything was said.
    HangupEarly => "hangup_early", [1_440], true;
    /// A person answered and had to wait: three days.
    Abandoned => "abandoned", [4_320], false;
    Voicemail => "voicemail", [240, 1_440, 1_440], true;
    /// A message was left.
    VoicemailLeft => "voicemail_left", [1_440], true;
    VoicemailFull => "voicemail_full", [180, 1_440], true;
    /// A menu, a queue or a closed office.
    Ivr => "ivr", [1_440], true;
    /// The callee's telephone asked who it is, and did not pass the call on.
    Screened => "screened", [1_440], true;
    /// Nobody knows how it ended.
    Lost => "lost", [30, 1_440], false;
}

/// When it is tried again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RetryRule {
    /// Minutes to wait after the first, the second … attempt with this result, each 1 to 129,600; 10 at most. After the last one the
    /// contact is done. What was given is stretched or shortened by up to 15 %, and moved to when the number may be called.
    pub delays_min: Vec<u32>,
    /// The next attempt is in a part of the day that was not tried yet.
    pub other_day_part: bool,
}

impl RetryRule {
    pub(super) fn faults(&self, faults: &mut Faults<'_>) {
        let fits = |delay: &u32| (1..=MAX_DELAY_MIN).contains(delay);
        if self.delays_min.len() > MAX_DELAYS || !self.delays_min.iter().all(fits) {
            faults.say("delays_min", &format!("at most {MAX_DELAYS} waits of 1 to {MAX_DELAY_MIN} minutes"));
        }
    }
}

/// All the stock rules.
pub fn default_retries() -> impl Iterator<Item = (RetryOn, RetryRule)> {
    RetryOn::ALL.iter().map(|result| (*result, result.stock_rule()))
}

#[cfg(test)]
mod tests {
    use super::RetryOn;

    #[test]
    fn whoever_runs_a_campaign_for_a_test_knows_every_result() {
        let words: Vec<&str> = RetryOn::ALL.iter().map(|result| result.as_str()).collect();
        assert_eq!(words, vox_testkit::campaign::RETRIED);
    }
}
