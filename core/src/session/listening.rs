//! Listening: the caller's turn, from the first sound to the words, and the recogniser that hears them.

mod caller_turn;
mod doubts;
mod late_words;
mod pause;
mod recogniser;

use std::time::Duration;

use vox_shared::model::bot::{TurnSettings, VadSettings};
use vox_shared::wire::result::{TranscriptEntry, Word};

use super::event::{PauseId, Window};
use super::spelled::{self, Wanted};
use super::timer::Timers;
use super::voicing::{Change, Voicing};
use caller_turn::CallerTurn;
pub use caller_turn::{ClosedTurn, Decision, State};
use doubts::Doubts;
use late_words::LastTurn;
pub use late_words::{Amended, FinalWords};
use pause::Pause;
use recogniser::{DEAF_AFTER, EARLY_RESULT, STT_FIRST_RESULT, STT_NEXT_RESULT, STT_READY};
pub use recogniser::{NextRecogniser, Recogniser};

/// Without a sign of life the final words are waited for this many times longer.
const SLOW_FACTOR: u32 = 2;
/// A turn that never pauses is answered after this.
const LONGEST_TURN: Duration = Duration::from_secs(90);
/// The recogniser said that the utterance is over, and no words followed: it is, whatever the detector hears.
const OVER_AFTER: Duration = Duration::from_secs(2);
/// The same when it said so a second time.
const OVER_TWICE_AFTER: Duration = Duration::from_millis(1_200);
/// Words came, and then only empty results, for this long: what the detector hears is no speech.
const EMPTY_AFTER: Duration = Duration::from_secs(4);
/// Sound without a word for this long is none of the caller's speech …
const WORDLESS: Duration = Duration::from_secs(4);
/// … and sooner when the bot fell silent for it.
const WORDLESS_OVER_BOT: Duration = Duration::from_millis(2_500);
/// A reopened recogniser hears at most this much of the past: the open turn, or what came after the last one.
const STT_REPLAY: Duration = Duration::from_secs(10);
/// Of the sound before a turn's first speech a recogniser needs this much.
const PRE_ROLL: Duration = Duration::from_millis(300);

/// What a deadline of listening is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ListenTimer {
    /// Silence after the caller's speech, or the recogniser's word for it: decide whether the turn is over.
    EndOfTurn,
    /// The recogniser said that the utterance is over though the detector hears speech.
    Over,
    /// The turn is over: the final words must come.
    Transcript,
    /// Sound without words.
    Wordless,
    /// The recogniser must be ready.
    SttReady,
    /// A recogniser that failed is opened again.
    SttRetry,
    /// The recogniser must answer while the caller speaks.
    SttSilent,
}

/// The listening side of one call.
#[derive(Debug)]
pub struct Listening {
    settings: TurnSettings,
    voicing: Voicing,
    turn: CallerTurn,
    last: LastTurn,
    pub recogniser: Recogniser,
    timers: Timers<ListenTimer>,
    pause: Pause,
    wanted: Wanted,
    /// When the recogniser last gave a sign of life, and its last words.
    sign_at: Option<Duration>,
    words_at: Option<Duration>,
    pub doubts: Doubts,
    ever_spoke: bool,
}

impl Listening {
    /// An ear that has heard nothing.
    pub fn new(vad: VadSettings, settings: TurnSettings) -> Self {
        Self {
            settings,
            voicing: Voicing::new(vad),
            turn: CallerTurn::default(),
            last: LastTurn::default(),
            recogniser: Recogniser::default(),
            timers: Timers::default(),
            pause: Pause::default(),
            wanted: Wanted::Anything,
            sign_at: None,
            words_at: None,
            doubts: Doubts::default(),
            ever_spoke: false,
        }
    }

    pub fn timers(&self) -> &Timers<ListenTimer> {
        &self.timers
    }

    /// A deadline has come.
    pub fn clear(&mut self, timer: ListenTimer) {
        self.timers.clear(timer);
    }

    /// What the detector makes of the line.
    pub fn hears_speech(&self) -> bool {
        self.voicing.is_speaking()
    }

    /// The newest sound was speech, and not the pause behind it.
    pub fn is_voiced(&self) -> bool {
        self.is_speaking() && self.voicing.is_voiced()
    }

    /// The caller is speaking right now.
    pub fn is_speaking(&self) -> bool {
        self.turn.state == State::Speaking
    }

    /// The caller fell silent and the turn is not closed yet.
    pub fn is_deciding(&self) -> bool {
        matches!(self.turn.state, State::Paused | State::Deciding)
    }

    /// A turn is under way.
    pub fn is_active(&self) -> bool {
        self.turn.state != State::Quiet
    }

    pub fn state(&self) -> State {
        self.turn.state
    }

    /// The words of the turn so far.
    pub fn text(&self) -> String {
        self.turn.text()
    }

    /// The caller said or keyed something in this call.
    pub fn ever_spoke(&self) -> bool {
        self.ever_spoke
    }

    /// The caller gave a sign of life that is no speech.
    pub fn note_sign_of_caller(&mut self) {
        self.ever_spoke = true;
    }

    /// Since when the caller's newest speech goes on.
    pub fn burst_since(&self) -> Duration {
        self.turn.burst_since
    }

    /// The turn as a line of the transcript, as far as it is known.
    pub fn line(&self, turn: u32, now: Duration) -> TranscriptEntry {
        self.turn.line(turn, self.turn.text(), now)
    }

    /// The bot was heard to say this last: what it asks for decides how long a pause may be.
    pub fn bot_said(&mut self, text: &str) {
        self.wanted = spelled::wanted(text);
    }

    /// Sound of the caller.
    pub fn window(&mut self, window: &Window) -> Option<Change> {
        self.voicing.push(window)
    }

    /// Speech began.
    pub fn speech_began(&mut self, since: Duration, now: Duration) {
        let turn = &mut self.turn;
        turn.state = State::Speaking;
        turn.unheard = false;
        turn.burst_since = since;
        turn.began.get_or_insert(since);
        for timer in [ListenTimer::Transcript, ListenTimer::Over] {
            self.timers.clear(timer);
        }
        self.timers.set(ListenTimer::EndOfTurn, now + LONGEST_TURN);
        if turn.text().is_empty() {
            self.timers.set(ListenTimer::Wordless, now + WORDLESS);
        }
        let is_open =
            !self.timers.is_set(ListenTimer::SttReady) && !self.timers.is_set(ListenTimer::SttRetry);
        if !self.recogniser.is_lost() && is_open {
            // A partial may be here before the detector is sure.
            let lives = self.sign_at.is_some_and(|at| at + EARLY_RESULT >= since);
            let limit = if lives { STT_NEXT_RESULT } else { STT_FIRST_RESULT };
            self.timers.set(ListenTimer::SttSilent, now + limit);
        }
    }

    /// Speech ended: the pause that begins. `None` when it had counted as over before.
    pub fn speech_ended(&mut self, acoustic_end: Duration, now: Duration) -> Option<PauseId> {
        for timer in [ListenTimer::SttSilent, ListenTimer::Over, ListenTimer::Wordless] {
            self.timers.clear(timer);
        }
        if self.turn.state != State::Speaking {
            return None;
        }
        self.pause.begin();
        self.turn.state = State::Paused;
        self.turn.acoustic_end = acoustic_end;
        self.turn.voiced += acoustic_end.saturating_sub(self.turn.burst_since);
        self.schedule_end(now);
        Some(self.pause.id)
    }

    /// A turn model has judged a pause.
    pub fn judged(&mut self, id: PauseId, probability: f32, now: Duration) {
        if self.pause.judged(id, probability) && self.turn.state == State::Paused {
            self.schedule_end(now);
        }
    }

    /// The bot fell silent for a sound: without words it goes on soon.
    pub fn doubt_soon(&mut self, now: Duration) {
        if self.turn.state == State::Speaking && self.turn.text().is_empty() {
            self.timers.set(ListenTimer::Wordless, now.max(self.turn.burst_since + WORDLESS_OVER_BOT));
        }
    }

    /// Arm the end of the turn by what the words so far look like.
    fn schedule_end(&mut self, now: Duration) {
        let wait = self.pause.longest(&self.turn.text(), self.wanted, &self.settings);
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
        let complete = !self.turn.finals.is_empty() && self.turn.partial.is_empty();
        if complete && !self.turn.has_sound_without_words() {
            return Decision::Close("silence after a final transcript");
        }
        self.turn.state = State::Deciding;
        let factor = if self.has_sign() { 1 } else { SLOW_FACTOR };
        self.timers.set(ListenTimer::Transcript, now + self.transcript_wait() * factor);
        Decision::Finalise
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
    pub fn is_deaf(&mut self, recognisers: usize) -> bool {
        self.turn.state == State::Deciding
            && self.turn.text().is_empty()
            && self.turn.voiced >= DEAF_AFTER
            && !self.has_sign()
            && !self.recogniser.is_lost()
            && self.recogniser.is_silent(recognisers)
    }

    /// Final words are waited for anew, from a recogniser that is opened now.
    pub fn await_transcript(&mut self, now: Duration) {
        self.timers.set(ListenTimer::Transcript, now + self.transcript_wait() * SLOW_FACTOR);
    }

    fn transcript_wait(&self) -> Duration {
        Duration::from_secs_f32(self.settings.transcript_secs.clamp(0.05, 10.0))
    }

    /// The recogniser gave a sign of life since this turn's speech began.
    fn has_sign(&self) -> bool {
        let began = self.turn.began.unwrap_or_default().saturating_sub(EARLY_RESULT);
        self.sign_at.is_some_and(|at| at >= began)
    }

    /// The recogniser says anything.
    pub fn sign(&mut self, now: Duration) {
        self.timers.clear(ListenTimer::SttReady);
        if self.timers.is_set(ListenTimer::SttSilent) {
            self.timers.set(ListenTimer::SttSilent, now + STT_NEXT_RESULT);
        }
    }

    /// The recogniser is connected.
    pub fn ready(&mut self, now: Duration) {
        if self.turn.state == State::Speaking {
            self.timers.ensure(ListenTimer::SttSilent, now + STT_FIRST_RESULT);
        }
    }

    /// The recogniser gives a result, be it empty.
    pub fn result(&mut self, now: Duration) {
        self.sign_at = Some(now);
        if self.turn.state == State::Speaking
            && !self.turn.text().is_empty()
            && self.words_at.is_some_and(|at| now >= at + EMPTY_AFTER)
        {
            self.timers.ensure(ListenTimer::Over, now);
        }
    }

    /// Words that may change. False when they are none of an open turn.
    pub fn partial(&mut self, text: &str, now: Duration) -> bool {
        let text = text.trim();
        if text.is_empty() {
            return false;
        }
        // A partial of the turn that is closed already.
        if self.turn.state == State::Quiet && self.last.owns_partial(text, now) {
            return false;
        }
        self.note_words(now);
        self.turn.set_partial(text);
        self.note_unheard_speech(now);
        match self.turn.state {
            State::Paused => self.schedule_end(now),
            // The recogniser is at work: its final words are worth waiting for.
            State::Deciding => self.timers.set(ListenTimer::Transcript, now + self.transcript_wait()),
            State::Quiet | State::Speaking => {}
        }
        true
    }

    /// Words that will not change.
    pub fn final_words(
        &mut self,
        text: &str,
        confidence: Option<f32>,
        times: Vec<Word>,
        now: Duration,
    ) -> FinalWords {
        let text = text.trim();
        let next_since = (self.turn.state != State::Quiet).then_some(self.turn.burst_since);
        if let Some(words) = self.last.take_final(text, &times, next_since, now) {
            return words;
        }
        self.turn.add_final(text, times, confidence, now);
        if text.is_empty() {
            return FinalWords::Nothing;
        }
        self.note_words(now);
        self.note_unheard_speech(now);
        if self.turn.state == State::Paused {
            self.schedule_end(now);
        }
        FinalWords::Words
    }

    /// The recogniser thinks that the utterance is over.
    pub fn utterance_end(&mut self, again: bool, now: Duration) {
        if self.turn.state == State::Speaking && !self.turn.text().is_empty() {
            let wait = if again { OVER_TWICE_AFTER } else { OVER_AFTER };
            let at = self.words_at.unwrap_or(now).max(self.turn.burst_since) + wait;
            self.timers.set(ListenTimer::Over, at.max(now));
        }
    }

    fn note_words(&mut self, now: Duration) {
        self.recogniser.gave_words();
        self.words_at = Some(now);
        self.doubts.words_came();
        self.timers.clear(ListenTimer::Over);
        self.timers.clear(ListenTimer::Wordless);
    }

    /// Words came though the detector heard no speech (a faint line, or noise that counts as none): a turn all the same.
    fn note_unheard_speech(&mut self, now: Duration) {
        if self.turn.state == State::Quiet {
            self.turn.state = State::Paused;
            self.turn.began.get_or_insert(now);
            self.turn.unheard = true;
        }
        if self.turn.unheard {
            self.turn.acoustic_end = now;
            self.schedule_end(now);
        }
    }

    /// The turn is over and its words are as good as they get.
    pub fn close(&mut self, number: u32, now: Duration) -> ClosedTurn {
        for timer in
            [ListenTimer::EndOfTurn, ListenTimer::Transcript, ListenTimer::Over, ListenTimer::Wordless]
        {
            self.timers.clear(timer);
        }
        let turn = &mut self.turn;
        if turn.state == State::Speaking {
            turn.acoustic_end = now;
            turn.voiced += now.saturating_sub(turn.burst_since);
        }
        let text = turn.text();
        let closed = ClosedTurn {
            line: turn.line(number, text.clone(), now),
            text,
            acoustic_end: turn.acoustic_end,
            voiced: turn.voiced,
        };
        if !closed.text.is_empty() {
            self.ever_spoke = true;
            self.doubts.understood();
            self.last = LastTurn::of(turn, now);
        }
        turn.reset();
        closed
    }

    /// Sound has gone on without a word. True when it is none of the caller's; false while the recogniser may only be slow.
    pub fn is_wordless(&mut self, over_bot: bool, now: Duration) -> bool {
        if self.turn.state != State::Speaking || !self.turn.text().is_empty() {
            return false;
        }
        let awaited = [ListenTimer::SttReady, ListenTimer::SttRetry, ListenTimer::SttSilent]
            .iter()
            .any(|timer| self.timers.is_set(*timer));
        if over_bot || self.has_sign() || !awaited {
            return true;
        }
        self.timers.set(ListenTimer::Wordless, now + WORDLESS / 2);
        false
    }

    /// A recogniser is being opened: how much of the past it must hear. What is known of the open turn stays if it has times,
    /// else it is heard again; words of turns that are closed must not come twice.
    pub fn open(&mut self, now: Duration) -> Duration {
        self.timers.clear(ListenTimer::SttRetry);
        self.timers.set(ListenTimer::SttReady, now + STT_READY);
        self.last = LastTurn::default();
        let turn = &mut self.turn;
        turn.partial.clear();
        let from = match (turn.began.filter(|_| turn.state != State::Quiet), turn.words.last()) {
            (None, _) => turn.acoustic_end,
            (Some(_), Some(last)) => Duration::from_millis(last.ended_ms),
            (Some(began), None) => {
                turn.finals.clear();
                turn.confidence = None;
                began.saturating_sub(PRE_ROLL)
            }
        };
        now.saturating_sub(from).min(STT_REPLAY)
    }

    /// The recogniser is opened after a while.
    pub fn open_later(&mut self, at: Duration) {
        self.timers.set(ListenTimer::SttRetry, at);
    }

    /// It broke: nothing is waited for.
    pub fn broke(&mut self) {
        self.timers.clear(ListenTimer::SttSilent);
        self.timers.clear(ListenTimer::SttReady);
    }

    /// Nobody listens any more.
    pub fn stop(&mut self) {
        self.timers.clear_all();
        self.last = LastTurn::default();
    }

    /// Nobody listens for a while: what the caller was saying is over, and what follows until [`Self::go_on`] is not for us.
    pub fn hold(&mut self, now: Duration) {
        self.stop();
        self.turn.reset();
        self.turn.acoustic_end = now;
    }

    /// Listen again, from now on; to a caller who is speaking already too.
    pub fn go_on(&mut self, now: Duration) {
        self.hold(now);
        if self.hears_speech() {
            self.speech_began(now, now);
        }
    }
}
