//! What stops the bot, and what lets it go on.

use std::time::Duration;

use super::event::{Command, Notice};
use super::kind::{EventKind, WhyKind};
use super::utterance::Utterance;
use super::{Session, words};

/// Our own voice comes back over the line at most this much later than it was played.
const ECHO_DELAY: Duration = Duration::from_millis(900);
/// An echo of the bot's last words begins at least this long before they end.
const ECHO_OVERLAP: Duration = Duration::from_millis(500);
/// The detector's times and the voice's may differ by this.
const ECHO_SLACK: Duration = Duration::from_millis(300);

impl Session {
    /// Whether the caller's speech, as far as it is known, stops the bot.
    pub(super) fn consider_interruption(&mut self, out: &mut Vec<Command>) {
        let speaks = self.speaking.is_busy() || self.thinking.is_busy() || !self.plan.is_silent();
        let may = self.rules.turn.interruptible && self.course.is_live() && !self.plan.is_paused();
        if !speaks || !may || !self.listening.is_active() {
            return;
        }
        if let Some(why) = self.why_interrupt() {
            self.interrupt(&why, out);
        }
    }

    fn why_interrupt(&self) -> Option<String> {
        let text = self.listening.text();
        let said = words::words(&text).len();
        if words::has_stop_word(&text, &self.rules.turn) {
            return Some("a stop word".into());
        }
        let began = self.listening.burst_since();
        let echoes = || {
            let spoken = self.speaking.utterance();
            spoken.is_some_and(|u| self.is_echo_of(u, &text, (began, self.now)))
        };
        if said > 0 && (words::is_backchannel(&text, &self.rules.turn) || echoes()) {
            return None;
        }
        let needed = if self.speaking.is_heard() { self.rules.min_words_interruption.max(1) } else { 1 };
        if said >= needed {
            return Some(format!("{said} words"));
        }
        let speech_for = self.now.saturating_sub(began);
        let is_long = speech_for.as_secs_f32() >= self.rules.turn.interrupt_secs;
        (self.listening.is_voiced() && is_long && self.listening.doubts.trusts_sound())
            .then(|| format!("{} ms of speech", speech_for.as_millis()))
    }

    /// Whether a text of the caller's line is what the bot itself said at that time: an answer in the bot's own words comes
    /// after them, and goes on when they are over.
    pub(super) fn is_echo_of(&self, said: &Utterance, text: &str, span: (Duration, Duration)) -> bool {
        let Some(started) = said.started_at else { return false };
        let place = |at: Duration| u32::try_from(at.saturating_sub(started).as_millis()).unwrap_or(u32::MAX);
        let (from, until) = (place(span.0.saturating_sub(ECHO_DELAY)), place(span.1 + ECHO_SLACK));
        // Recognisers write numbers in either way.
        said.said_between(from, until).iter().any(|said| words::is_echo(text, said))
    }

    /// Whether a text is what the bot said last, come back: it began while the bot spoke, and ended when the bot was done. An
    /// answer in the same words begins with the bot's last ones at the earliest.
    pub(super) fn is_echo_of_the_end(&self, text: &str, span: (Duration, Duration)) -> bool {
        self.said.as_ref().is_some_and(|said| {
            let end = said.started_at.map(|at| at + Duration::from_millis(u64::from(said.audio_ms)));
            end.is_some_and(|end| span.0 + ECHO_OVERLAP <= end) && self.is_echo_of(said, text, span)
        })
    }

    /// Fall silent because the caller speaks. What was not heard is kept until it is known what the caller wants.
    fn interrupt(&mut self, why: &str, out: &mut Vec<Command>) {
        let since = if self.listening.is_speaking() { self.listening.burst_since() } else { self.now };
        if self.rules.model_speaks() {
            // Nobody can say the rest of its sound, now or later.
            let owes = self.thinking.is_busy() || self.speaking.sound().is_some() || self.plan.has_sound();
            self.cancel_thought(out);
            if owes {
                self.plan.lose_reply();
            }
        }
        let heard = self.silence_mouth(out);
        self.plan.pause();
        self.listening.doubt_soon(self.now);
        if heard {
            self.report.barge_in.push(self.now.saturating_sub(since));
            self.report.speech(self.now, WhyKind::BotInterrupted, why);
            self.report.event(self.now, EventKind::Interrupted, why, out);
        } else {
            self.report.speech(self.now, WhyKind::CallerWentOn, why);
        }
    }

    /// Stop speaking now; what was heard stays, the rest never was. True when something was heard.
    pub(super) fn silence_mouth(&mut self, out: &mut Vec<Command>) -> bool {
        let Some((utterance, line)) = self.speaking.stop(&mut self.plan, out) else { return false };
        let heard = utterance.started_at.is_some();
        if heard {
            self.note_said(&utterance, line, true, out);
            let heard = if self.is_aside() { String::new() } else { utterance.heard() };
            out.push(Command::Notify(Notice::Interrupted { turn: utterance.turn, heard }));
        }
        self.cut = Some(utterance).filter(|_| heard);
        heard
    }

    /// The interruption was none: take up what was being said where it stopped.
    pub(super) fn resume(&mut self, out: &mut Vec<Command>) {
        if !self.plan.is_paused() {
            return;
        }
        if self.plan.go_on() {
            let why = "an interruption without words: the model is asked to go on";
            self.report.event(self.now, EventKind::Resumed, why, out);
            return self.think_anew(out);
        }
        if !self.plan.is_silent() || self.thinking.is_busy() {
            self.report.event(self.now, EventKind::Resumed, "an interruption without words", out);
        }
    }
}
