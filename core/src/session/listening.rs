//! Listening: the caller's turn, from the first sound to the words, and the recogniser that hears them.

mod caller_turn;
mod doubts;
mod ending;
mod late_words;
mod pause;
mod recogniser;
mod stall;

use std::time::Duration;

use vox_shared::catalogue::Rhythm;
use vox_shared::model::bot::{TurnSettings, VadSettings};
use vox_shared::wire::result::{TranscriptEntry, Word};

use super::event::{PauseId, Span, Window};
use super::spelled::{self, Wanted};
use super::timer::Timers;
use super::voicing::{Change, Voicing};
use caller_turn::CallerTurn;
pub use caller_turn::{ClosedTurn, Decision, State};
use doubts::{Doubts, is_understandable};
use ending::EMPTY_AFTER;
pub use ending::Wordless;
pub use late_words::{Amended, NewWords};
use late_words::{Closed, continues};
use pause::Pause;
pub use recogniser::{NextRecogniser, Recogniser};
use stall::Stall;

/// A recogniser must be ready within this.
const STT_READY: Duration = Duration::from_secs(5);
/// A result that came this long before the detector was sure belongs to the speech it found.
const EARLY_RESULT: Duration = Duration::from_millis(500);
/// A turn that never pauses is answered after this.
const LONGEST_TURN: Duration = Duration::from_secs(90);
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
    last: Option<Closed>,
    pub recogniser: Recogniser,
    stall: Stall,
    timers: Timers<ListenTimer>,
    pause: Pause,
    wanted: Wanted,
    /// When the recogniser last gave a sign of life, and its last words.
    sign_at: Option<Duration>,
    words_at: Option<Duration>,
    pub doubts: Doubts,
    ever_spoke: bool,
    /// Nobody writes down what is said: sound alone makes a turn.
    by_sound: bool,
}

impl Listening {
    /// An ear that has heard nothing.
    pub fn new(vad: VadSettings, settings: TurnSettings) -> Self {
        Self {
            settings,
            voicing: Voicing::new(vad),
            turn: CallerTurn::default(),
            last: None,
            recogniser: Recogniser::default(),
            stall: Stall::default(),
            timers: Timers::default(),
            pause: Pause::default(),
            wanted: Wanted::Anything,
            sign_at: None,
            words_at: None,
            doubts: Doubts::default(),
            ever_spoke: false,
            by_sound: false,
        }
    }

    /// The same without a recogniser, for a model that hears by itself: a turn ends by its silence, and no words are waited for.
    pub fn by_sound(vad: VadSettings, settings: TurnSettings) -> Self {
        Self { by_sound: true, ..Self::new(vad, settings) }
    }

    /// Another bot listens from now on, by its own settings and recognisers. What is known of the line and of the caller stays.
    pub fn go_over(&mut self, vad: VadSettings, settings: TurnSettings) {
        self.settings = settings;
        self.voicing.set(vad);
        self.recogniser = Recogniser::default();
        for timer in [ListenTimer::SttReady, ListenTimer::SttRetry, ListenTimer::SttSilent] {
            self.timers.clear(timer);
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

    /// The bot was heard to prompt: what it asked for before is still wanted, unless the prompt asks for something itself.
    pub fn bot_prompted(&mut self, text: &str) {
        match spelled::wanted(text) {
            Wanted::Anything => {}
            wanted => self.wanted = wanted,
        }
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
        self.expect_words(now);
        let is_open =
            !self.timers.is_set(ListenTimer::SttReady) && !self.timers.is_set(ListenTimer::SttRetry);
        if !self.recogniser.is_lost() && is_open && !self.by_sound {
            // A partial may be here before the detector is sure.
            let lives = self.sign_at.is_some_and(|at| at + EARLY_RESULT >= since);
            if let Some(limit) = self.stall.first(lives) {
                self.timers.set(ListenTimer::SttSilent, now + limit);
            }
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
        let answered = self.sign_at.unwrap_or_default().max(self.turn.burst_since);
        self.stall.ended(acoustic_end.saturating_sub(answered));
        self.schedule_end(now);
        Some(self.pause.id)
    }

    /// A turn model has judged a pause.
    pub fn judged(&mut self, id: PauseId, probability: f32, now: Duration) {
        if self.pause.judged(id, probability) && self.turn.state == State::Paused {
            self.schedule_end(now);
        }
    }

    /// The recogniser says anything.
    pub fn sign(&mut self, now: Duration) {
        self.timers.clear(ListenTimer::SttReady);
        if let Some(limit) = self.stall.next().filter(|_| self.timers.is_set(ListenTimer::SttSilent)) {
            self.timers.set(ListenTimer::SttSilent, now + limit);
        }
    }

    /// The recogniser is connected.
    pub fn ready(&mut self, now: Duration) {
        self.recogniser.is_ready();
        if let Some(limit) = self.stall.first(false).filter(|_| self.turn.state == State::Speaking) {
            self.timers.ensure(ListenTimer::SttSilent, now + limit);
        }
    }

    /// The recogniser gives a result, be it empty.
    pub fn result(&mut self, now: Duration) {
        self.sign_at = Some(now);
        self.stall.answered();
        if self.turn.state == State::Speaking
            && !self.turn.text().is_empty()
            && self.words_at.is_some_and(|at| now >= at + EMPTY_AFTER)
        {
            self.timers.ensure(ListenTimer::Over, now);
        }
    }

    /// Whether an empty answer to the question for the last words is no sign of life.
    pub fn answers_show_nothing(&self) -> bool {
        self.stall.answers_show_nothing()
    }

    /// It was asked for the words so far, and the caller still speaks: that they are all says nothing of an end.
    pub fn is_asked_in_speech(&self) -> bool {
        self.turn.asked_at.is_some() && self.turn.state == State::Speaking
    }

    /// Words that may change.
    pub fn partial(&mut self, text: &str, now: Duration) -> NewWords {
        let mut text = text.trim().to_owned();
        let quiet = self.turn.state == State::Quiet;
        self.last.take_if(|last| !last.is_recent(now));
        match &mut self.last {
            // A partial of the turn that is closed already.
            Some(last) if quiet && continues(&text, &last.partial) => {
                return NewWords { late: last.grow(&text), open: false };
            }
            Some(last) if !quiet && self.turn.finals.is_empty() => {
                text = last.part_by_words(&text, self.turn.began.unwrap_or(now)).next;
            }
            _ => {}
        }
        if text.is_empty() {
            return NewWords::default();
        }
        self.note_words(now);
        self.turn.set_partial(&text);
        self.note_unheard_speech(now);
        if self.turn.state == State::Deciding {
            // The recogniser is at work: its final words are worth waiting for.
            self.timers.set(ListenTimer::Transcript, now + self.transcript_wait());
        }
        self.await_what_follows(now);
        NewWords { late: None, open: true }
    }

    /// Words that will not change.
    pub fn final_words(
        &mut self,
        text: &str,
        confidence: Option<f32>,
        times: Vec<Word>,
        now: Duration,
    ) -> NewWords {
        let mut text = text.trim().to_owned();
        if text.is_empty() {
            self.turn.add_final("", times, confidence, now);
            return NewWords::default();
        }
        let (mut late, mut others) = (None, 0);
        if let Some(last) = self.last.take().filter(|last| last.is_recent(now)) {
            let next_since = self.turn.began.filter(|_| self.turn.state != State::Quiet);
            let parted = last.part(&text, &times, next_since);
            late = if parted.own.is_empty() { None } else { last.amend(&parted.own) };
            (text, others) = (parted.next, parted.own_words);
        }
        if text.is_empty() {
            return NewWords { late, open: false };
        }
        self.turn.add_final(&text, times.into_iter().skip(others).collect(), confidence, now);
        self.note_words(now);
        self.note_unheard_speech(now);
        self.await_what_follows(now);
        NewWords { late, open: true }
    }

    /// After new words: more of them while there is sound, else the end of the turn.
    fn await_what_follows(&mut self, now: Duration) {
        match self.turn.state {
            State::Paused => self.schedule_end(now),
            State::Speaking => self.expect_words(now),
            State::Deciding | State::Quiet => {}
        }
    }

    fn note_words(&mut self, now: Duration) {
        self.recogniser.gave_words();
        self.words_at = Some(now);
        self.doubts.words_came();
        self.turn.over = false;
        self.turn.asked_at = None;
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
        let sound = turn.span().filter(|_| self.by_sound && is_understandable(turn.voiced));
        let text = sound.map_or_else(|| turn.text(), Span::as_text);
        let closed = ClosedTurn {
            line: turn.line(number, text.clone(), now),
            text,
            acoustic_end: turn.acoustic_end,
            voiced: turn.voiced,
            sound,
        };
        if !closed.text.is_empty() {
            self.ever_spoke = true;
            self.doubts.understood();
            self.last = (!turn.partial.is_empty()).then(|| Closed {
                finals: turn.finals.clone(),
                partial: turn.partial.clone(),
                text: closed.text.clone(),
                ended: closed.acoustic_end,
                at: now,
            });
        }
        turn.reset();
        closed
    }

    /// A recogniser is being opened: how much of the past it must hear. What is known of the open turn stays if it has times,
    /// else it is heard again; words of turns that are closed must not come twice.
    pub fn open(&mut self, rhythm: Rhythm, now: Duration) -> Duration {
        self.stall.open(rhythm);
        self.timers.clear(ListenTimer::SttRetry);
        self.timers.set(ListenTimer::SttReady, now + STT_READY);
        self.last = None;
        let turn = &mut self.turn;
        let from = match (turn.began.filter(|_| turn.state != State::Quiet), turn.words.last()) {
            (None, _) => turn.acoustic_end,
            (Some(_), Some(last)) => Duration::from_millis(last.ended_ms),
            (Some(began), None) => {
                turn.partial = turn.text();
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
        self.last = None;
    }

    /// Nothing before now is for this ear.
    pub fn begin(&mut self, now: Duration) {
        self.turn.acoustic_end = now;
    }

    /// Another recogniser goes on where the one before was well: the end of what was answered must not come as a turn of its own.
    /// The beginning of a word that the detector has not told of yet is heard.
    pub fn begin_anew(&mut self, now: Duration) {
        if !self.is_active() {
            self.begin(self.turn.acoustic_end.max(now.saturating_sub(PRE_ROLL)));
        }
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
