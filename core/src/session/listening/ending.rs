//! When the caller's turn is over: by silence, by the recogniser's word, or because nothing that goes on is speech.

use std::time::Duration;

use super::caller_turn::{Decision, State};
use super::stall::STALL;
use super::{EARLY_RESULT, ListenTimer, Listening};
use crate::session::ladder::Rungs;

/// A recogniser that gave no sign of life for so much speech, not even when it was asked to, is deaf.
const DEAF_AFTER: Duration = Duration::from_millis(1_000);
/// Without a sign of life the final words are waited for this many times longer.
const SLOW_FACTOR: u32 = 2;
/// The recogniser said that the utterance is over, and no words followed: it is, whatever the detector hears.
const OVER_AFTER: Duration = Duration::from_secs(2);
/// The same when it said so a second time.
const OVER_TWICE_AFTER: Duration = Duration::from_millis(1_200);
/// Words came, and then only empty results, for this long: what the detector hears is no speech.
pub(super) const EMPTY_AFTER: Duration = Duration::from_secs(4);
/// Sound without a word for this long is none of the caller's speech …
const WORDLESS: Duration = Duration::from_secs(4);
/// … and sooner when the bot fell silent for it …
const WORDLESS_OVER_BOT: Duration = Duration::from_millis(2_500);
/// … or when the recogniser had called the utterance over before it …
const WORDLESS_AFTER_END: Duration = Duration::from_secs(3);
/// … but later behind words, when the recogniser says nothing at all: it may be slow.
const WORDLESS_AFTER_WORDS: Duration = Duration::from_secs(6);
/// The newest of many bursts gets at least this long …
const WORDLESS_BURST: Duration = Duration::from_millis(500);
/// … and speech behind a pause in a sentence this long.
const WORDLESS_AFTER_PAUSE: Duration = Duration::from_millis(2_500);
/// The recogniser found no words when it was asked: they may be late, and nobody minds being asked again a little later.
const NO_WORDS_AFTER: Duration = Duration::from_millis(1_500);
/// Words that the detector did not hear come in steps of about a second: this long nothing, and the last step was the last.
const UNHEARD_PAUSE: Duration = Duration::from_secs(1);

/// What sound without a word means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wordless {
    /// The recogniser may only be slow.
    Waits,
    /// It says nothing by itself: it is asked for the words so far.
    Ask,
    /// It was asked and said nothing: it is opened anew, or another one.
    Deaf,
    /// It is none of the caller's speech.
    Noise,
}

impl Listening {
    /// How long the caller may pause after these words.
    fn pause(&self) -> Duration {
        self.pause.longest(&self.turn.text(), self.wanted, &self.settings)
    }

    /// Arm the end of the turn by what the words so far look like.
    pub(super) fn schedule_end(&mut self, now: Duration) {
        let unheard = self.turn.unheard && !self.turn.over;
        let wait = if unheard { self.pause().max(UNHEARD_PAUSE) } else { self.pause() };
        self.timers.set(ListenTimer::EndOfTurn, (self.turn.acoustic_end + wait).max(now));
    }

    /// The silence was long enough: are the words complete?
    pub fn decide(&mut self, now: Duration) -> Decision {
        if self.turn.state == State::Speaking {
            self.turn.acoustic_end = now;
            self.turn.voiced += now.saturating_sub(self.turn.burst_since);
        }
        for timer in
            [ListenTimer::SttSilent, ListenTimer::EndOfTurn, ListenTimer::Over, ListenTimer::Wordless]
        {
            self.timers.clear(timer);
        }
        if self.by_sound {
            return Decision::Close("silence");
        }
        let complete = !self.turn.finals.is_empty() && self.turn.partial.is_empty();
        if complete && !self.turn.has_sound_without_words() {
            return Decision::Close("silence after a final transcript");
        }
        self.turn.state = State::Deciding;
        let factor = if self.has_sign() { 1 } else { SLOW_FACTOR };
        self.timers.set(ListenTimer::Transcript, now + self.transcript_wait() * factor);
        Decision::Finalise
    }

    /// The words are here, but they came so late that the pause behind the caller's speech was judged without them. True when
    /// they read as if more must follow, and that is waited for.
    pub fn waits_for_more(&mut self, now: Duration) -> bool {
        let until = self.turn.acoustic_end + self.pause();
        if self.turn.state != State::Deciding || self.turn.text().is_empty() || until <= now {
            return false;
        }
        self.turn.state = State::Paused;
        self.timers.clear(ListenTimer::Transcript);
        self.timers.set(ListenTimer::EndOfTurn, until);
        true
    }

    /// No words are known when the recogniser was asked for the last ones. True when they may still come, and are waited for.
    pub fn waits_for_any(&mut self, now: Duration) -> bool {
        let until = self.turn.acoustic_end + NO_WORDS_AFTER;
        if self.turn.state != State::Deciding || !self.turn.text().is_empty() || until <= now {
            return false;
        }
        self.timers.set(ListenTimer::Transcript, until);
        true
    }

    /// The recogniser says that the utterance is over though noise keeps the detector open, and no words followed.
    pub fn decide_over(&mut self, now: Duration) -> Decision {
        // What the detector heard since the last words is not the caller's.
        let end = self.words_at.unwrap_or(now).min(now);
        if self.turn.state == State::Speaking {
            self.turn.state = State::Paused;
            self.turn.acoustic_end = end.max(self.turn.began.unwrap_or_default());
            self.turn.voiced += self.turn.acoustic_end.saturating_sub(self.turn.burst_since);
        }
        self.turn.believe_words();
        self.decide(now)
    }

    /// The final words did not come. True when the recogniser gave no sign of life at all for the whole turn and another try
    /// is worth it.
    pub fn is_deaf(&mut self, rungs: Rungs) -> bool {
        self.turn.state == State::Deciding
            && self.turn.text().is_empty()
            && self.turn.voiced >= DEAF_AFTER
            && !self.has_sign()
            && !self.recogniser.is_lost()
            && self.recogniser.is_silent(rungs)
    }

    /// Final words are waited for anew, from a recogniser that is opened now.
    pub fn await_transcript(&mut self, now: Duration) {
        self.timers.set(ListenTimer::Transcript, now + self.transcript_wait() * SLOW_FACTOR);
    }

    pub(super) fn transcript_wait(&self) -> Duration {
        Duration::from_secs_f32(self.settings.transcript_secs.clamp(0.05, 10.0))
    }

    /// The recogniser thinks that the utterance is over.
    pub fn utterance_end(&mut self, again: bool, now: Duration) {
        if self.turn.text().is_empty() {
            return;
        }
        self.turn.over = true;
        match self.turn.state {
            State::Speaking => {
                let wait = if again { OVER_TWICE_AFTER } else { OVER_AFTER };
                let at = self.words_at.unwrap_or(now).max(self.turn.burst_since) + wait;
                self.timers.set(ListenTimer::Over, at.max(now));
            }
            State::Paused if self.turn.unheard => self.schedule_end(now),
            State::Paused | State::Deciding | State::Quiet => {}
        }
    }

    /// Speech began, or words came and it goes on: more words must come. Bursts that follow each other without a word are one
    /// sound.
    pub(super) fn expect_words(&mut self, now: Duration) {
        if self.by_sound {
            return;
        }
        let at = match self.turn.text().is_empty() {
            true => (self.turn.began.unwrap_or(now) + WORDLESS).max(now + WORDLESS_BURST),
            false => {
                let limit = if self.turn.over { WORDLESS_AFTER_END } else { WORDLESS_AFTER_WORDS };
                (self.words_at.unwrap_or(now) + limit).max(now + WORDLESS_AFTER_PAUSE)
            }
        };
        self.timers.set(ListenTimer::Wordless, at);
    }

    /// The bot fell silent for a sound: without words it goes on soon.
    pub fn doubt_soon(&mut self, now: Duration) {
        if self.turn.state == State::Speaking && self.turn.text().is_empty() && !self.by_sound {
            self.timers.set(ListenTimer::Wordless, now.max(self.turn.burst_since + WORDLESS_OVER_BOT));
        }
    }

    /// Sound has gone on without a word: what that means.
    pub fn wordless(&mut self, over_bot: bool, rungs: Rungs, now: Duration) -> Wordless {
        if self.turn.state != State::Speaking {
            return Wordless::Waits;
        }
        if self.stall.must_be_asked() && !self.recogniser.is_lost() {
            return self.wordless_until_asked(rungs, now);
        }
        let awaited = [ListenTimer::SttReady, ListenTimer::SttRetry, ListenTimer::SttSilent]
            .iter()
            .any(|timer| self.timers.is_set(*timer));
        if over_bot || self.has_sign() || !awaited || !self.turn.text().is_empty() {
            return Wordless::Noise;
        }
        self.timers.set(ListenTimer::Wordless, now + WORDLESS / 2);
        Wordless::Waits
    }

    /// The same of a recogniser that says nothing by itself while somebody speaks.
    fn wordless_until_asked(&mut self, rungs: Rungs, now: Duration) -> Wordless {
        if self.timers.is_set(ListenTimer::SttReady) || self.timers.is_set(ListenTimer::SttRetry) {
            self.timers.set(ListenTimer::Wordless, now + STALL);
            return Wordless::Waits;
        }
        let Some(asked_at) = self.turn.asked_at else {
            self.turn.asked_at = Some(now);
            self.timers.set(ListenTimer::Wordless, now + STALL);
            return Wordless::Ask;
        };
        let answered = self.sign_at.is_some_and(|at| at >= asked_at);
        if answered || !self.recogniser.is_silent(rungs) {
            return Wordless::Noise;
        }
        // The one that is opened hears it again, and is asked too.
        self.turn.asked_at = None;
        self.timers.set(ListenTimer::Wordless, now + WORDLESS / 2);
        Wordless::Deaf
    }

    /// The recogniser gave a sign of life since this turn's speech began.
    fn has_sign(&self) -> bool {
        let began = self.turn.began.unwrap_or_default().saturating_sub(EARLY_RESULT);
        self.sign_at.is_some_and(|at| at >= began)
    }
}
