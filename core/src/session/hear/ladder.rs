//! What happens when the recogniser fails: another one, the same one after a while, an apology; and what of the past a new
//! one hears.

use std::time::Duration;

use super::Hearing;
use crate::session::event::Command;
use crate::session::timer::Timer;
use crate::session::{Phase, STT_READY, Session};

/// Reopened this often without a result in between, the recogniser counts as lost.
pub(super) const STT_ATTEMPTS: u32 = 3;
/// Before the same recogniser is tried for the third time; the fourth waits three times as long …
const STT_RETRY: Duration = Duration::from_millis(500);
/// … and a vendor's own wish counts up to this.
const STT_RETRY_MOST: Duration = Duration::from_secs(2);
/// A reopened recogniser hears at most this much of the past: the open turn, or what came after the last one.
const STT_REPLAY: Duration = Duration::from_secs(10);
/// Of the sound before a turn's first speech a recogniser needs this much.
const PRE_ROLL: Duration = Duration::from_millis(300);

impl Session {
    /// The recogniser broke or is stuck. Another one is opened at once; the same one too the first time, and then after a
    /// while, or a short trouble at the vendor would use up all attempts within a second.
    pub(in crate::session) fn stt_failed(
        &mut self,
        why: &str,
        retry_after: Option<Duration>,
        out: &mut Vec<Command>,
    ) {
        if self.ear.stt_lost || self.phase != Phase::Live {
            return;
        }
        self.ear.stt_failures += 1;
        self.timers.clear(Timer::SttSilent);
        let vendor = &self.rules.stt[self.ear.stt_provider];
        let text = format!("{}: {why}", vendor.provider);
        self.report.event(self.now, "recogniser_failed", text.clone(), out);
        if self.ear.stt_failures > STT_ATTEMPTS {
            self.ear.stt_lost = true;
            self.timers.clear(Timer::SttReady);
            self.error = Some(text);
            let apology = self.rules.phrases.apology.clone();
            return self.say_goodbye(apology, vox_shared::wire::result::DisconnectedBy::Error, out);
        }
        let next = (self.ear.stt_provider + 1) % self.rules.stt.len();
        let asked = retry_after.unwrap_or_default().min(STT_RETRY_MOST);
        let wait = STT_RETRY * (self.ear.stt_failures - 1) * self.ear.stt_failures / 2;
        let is_other = next != self.ear.stt_provider;
        self.ear.stt_provider = next;
        self.timers.clear(Timer::SttReady);
        match wait.max(asked) {
            wait if is_other || wait.is_zero() => self.open_stt(out),
            wait => self.timers.set(Timer::SttRetry, self.now + wait),
        }
    }

    pub(in crate::session) fn open_stt(&mut self, out: &mut Vec<Command>) {
        if self.ear.stt_lost || self.phase != Phase::Live {
            return;
        }
        let replay = self.now.saturating_sub(self.unanswered_from()).min(STT_REPLAY);
        out.push(Command::OpenStt { provider: self.ear.stt_provider, replay });
        self.timers.set(Timer::SttReady, self.now + STT_READY);
        if self.ear.state == Hearing::Deciding {
            out.push(Command::FinalizeStt);
        }
    }

    /// From where a new recogniser must hear: what is known of the open turn stays if it has times, else it is heard again.
    /// Words of turns that are closed must not come twice.
    fn unanswered_from(&mut self) -> Duration {
        let ear = &mut self.ear;
        ear.late_final = None;
        ear.partial.clear();
        let Some(began) = ear.began.filter(|_| ear.state != Hearing::Quiet) else { return ear.acoustic_end };
        match ear.words.last() {
            Some(last) => Duration::from_millis(last.ended_ms),
            None => {
                ear.finals.clear();
                ear.confidence = None;
                began.saturating_sub(PRE_ROLL)
            }
        }
    }
}
