//! Speaking: the mouth, which takes the plan's text to the voice and knows what was heard, and the ladder of voices.

use std::time::Duration;

use super::event::{Command, RequestId};
use super::ladder::Rungs;
use super::plan::{Next, Plan, SayingId};
use super::text::Wording;
use super::timer::Timers;
use super::utterance::{Kind, Utterance};
use crate::provider::tts::{UtteranceId, WordMark};

/// The voice's first audio must come within this …
const VOICE_STALL: Duration = Duration::from_millis(1_500);
/// … or this, while it is still connecting.
const VOICE_STALL_CONNECTING: Duration = Duration::from_secs(3);
/// Playout of audio at hand must move within this, else the line is dead.
const PLAYOUT_STALL: Duration = Duration::from_secs(3);
/// A single voice is opened anew so often in a row before the bot falls back to what the cache holds.
const VOICE_ATTEMPTS: usize = 2;
/// A voice's wish to be opened later counts up to this; the caller waits meanwhile.
const VOICE_RETRY_MOST: Duration = Duration::from_secs(2);
/// Text goes to the voice while less than this is waiting to be heard.
const LOOK_AHEAD_MS: u32 = 6_000;
/// How the bot falls silent.
const FADE: Duration = Duration::from_millis(80);

/// What a deadline of speaking is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SpeakTimer {
    /// The voice's first audio, or more when playout ran dry.
    Voice,
    /// A voice that wished to be opened later is.
    Open,
    /// Playout must move on while there is audio to play.
    Playout,
    /// An interruption without words: take up what was being said.
    Resume,
    /// The bot owes sound and gives none, whatever is being done about it: let the caller hear that the line lives.
    DeadAir,
}

/// Who says the bot's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Voice {
    /// A voice that is given text.
    #[default]
    Own,
    /// The model speaks by itself, and recites what is not its own.
    Model,
}

/// What is in the mouth, and from which line of the plan.
#[derive(Debug)]
struct Mouth {
    utterance: Utterance,
    line: SayingId,
}

/// What a step of playout changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub turn: u32,
    pub kind: Kind,
    /// Its first sample is on the wire.
    pub started: bool,
    /// Its first audible sample is.
    pub audible: bool,
}

/// What follows when a voice fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextVoice {
    /// This one of the list is opened.
    Try(usize),
    /// The same, when it wished to be; until then nothing is handed to it.
    Later,
    /// None works; what the cache holds can still be said.
    CacheOnly,
    /// Not even that.
    Nothing,
}

/// The speaking side of one call.
#[derive(Debug, Default)]
pub struct Speaking {
    mouth: Option<Mouth>,
    newest: UtteranceId,
    timers: Timers<SpeakTimer>,
    wording: Wording,
    voice: Voice,
    provider: usize,
    failures: usize,
    ready: bool,
    /// It gave sound since it was opened: what broke off may work again.
    worked: bool,
    /// This one was opened anew since its last utterance.
    again: bool,
    lost: bool,
    /// The voice broke while the bot had nothing to say.
    asleep: bool,
}

impl Speaking {
    /// A mouth that has said nothing.
    pub fn new(voice: Voice) -> Self {
        Self { voice, ..Self::default() }
    }

    /// Whose text is put for its voices in this way.
    pub fn with_wording(self, wording: Wording) -> Self {
        Self { wording, ..self }
    }

    /// The voice speaks another language from now on: it is opened anew for that.
    pub fn change_wording(&mut self, wording: Wording) {
        self.wording = wording;
        (self.ready, self.asleep) = (false, false);
    }

    /// Another bot speaks from now on, with voices of its own: nothing is known of how they do.
    pub fn go_over(&mut self, wording: Wording) {
        self.wording = wording;
        (self.provider, self.failures) = (0, 0);
        (self.ready, self.worked, self.again) = (false, false, false);
        (self.lost, self.asleep) = (false, false);
    }

    pub fn timers(&self) -> &Timers<SpeakTimer> {
        &self.timers
    }

    /// A deadline has come.
    pub fn clear(&mut self, timer: SpeakTimer) {
        self.timers.clear(timer);
    }

    /// What is being said.
    pub fn utterance(&self) -> Option<&Utterance> {
        self.mouth.as_ref().map(|m| &m.utterance)
    }

    /// The line of the plan that is being said.
    pub fn line(&self) -> Option<SayingId> {
        self.mouth.as_ref().map(|m| m.line)
    }

    pub fn is_busy(&self) -> bool {
        self.mouth.is_some()
    }

    /// Something of it is on the wire.
    pub fn is_heard(&self) -> bool {
        self.utterance().is_some_and(|u| u.started_at.is_some())
    }

    /// Something at hand is still to be played.
    pub fn plays(&self) -> bool {
        self.utterance().is_some_and(|u| u.ahead_ms() > 0)
    }

    /// Whether audio of this utterance is still wanted.
    pub fn wants(&self, id: UtteranceId) -> bool {
        self.utterance().is_some_and(|u| u.id == id && !u.audio_complete)
    }

    /// The voice of the list that is in use.
    pub fn provider(&self) -> usize {
        self.provider
    }

    /// Nothing was said yet: the best of the list says it.
    pub fn begin_with(&mut self, provider: usize) {
        self.provider = provider;
    }

    /// None of the list can be opened any more.
    pub fn is_lost(&self) -> bool {
        self.lost
    }

    /// So long the voice took for the first sound of this utterance. `None` where that was told, or says nothing of the voice: a phrase
    /// may be kept as sound.
    pub fn first_sound(&self, id: UtteranceId, now: Duration) -> Option<Duration> {
        let utterance = self.utterance().filter(|u| u.id == id && u.audio_ms == 0 && !u.is_phrase)?;
        Some(now.saturating_sub(utterance.first_sent_at?))
    }

    /// Take text of the plan to the voice, as far as it should run ahead. With `begin` false nothing new is begun: the caller
    /// speaks.
    pub fn pump(&mut self, plan: &mut Plan, now: Duration, begin: bool, out: &mut Vec<Command>) {
        if self.timers.is_set(SpeakTimer::Open) {
            return;
        }
        if self.mouth.is_none() && begin {
            self.open_mouth(plan, out);
        }
        let (stall, by) = (self.stall(), (self.voice, self.provider));
        let Some(Mouth { utterance, line }) = &mut self.mouth else { return };
        if plan.is_paused() {
            return;
        }
        if utterance.sound.is_some() {
            let (words, is_open) = plan.take_words(*line);
            utterance.add_words(&words);
            utterance.end_sent |= !is_open;
        }
        while utterance.sound.is_none() && wants_text(utterance) {
            let Some(command) = hand_on(utterance, plan.take(*line), by, &self.wording, now) else { break };
            if matches!(command, Command::Phrase { .. } | Command::Recite { .. }) {
                self.timers.set(SpeakTimer::Voice, now + stall);
            }
            out.push(command);
        }
        // Dry with text outstanding: the voice owes audio. Dry because the model is slow: the model's timer stands.
        let owed = utterance.end_sent || (utterance.audio_ms == 0 && utterance.sound.is_none());
        if utterance.is_dry() && owed {
            self.timers.ensure(SpeakTimer::Voice, now + stall);
        }
    }

    /// Begin the line that is to be said now, if there is one.
    fn open_mouth(&mut self, plan: &mut Plan, out: &mut Vec<Command>) {
        let Some((line, kind, turn)) = plan.current().map(|l| (l.id, l.kind, l.turn)) else { return };
        self.newest += 1;
        let sound = plan.begin_sound(line);
        let utterance = Utterance { sound, ..Utterance::new(self.newest, kind, turn) };
        out.extend(sound.map(|request| Command::Utter { request, utterance: self.newest }));
        self.mouth = Some(Mouth { utterance, line });
    }

    /// More of the utterance is at hand. False when it is not wanted any more.
    pub fn audio(&mut self, id: UtteranceId, ms: u32, now: Duration) -> Option<Kind> {
        let utterance = self.wanted(id).filter(|_| ms > 0)?;
        utterance.audio_ms = utterance.audio_ms.saturating_add(ms);
        utterance.first_audio_at.get_or_insert(now);
        let (kind, is_phrase) = (utterance.kind, utterance.is_phrase);
        self.worked |= !is_phrase;
        self.timers.clear(SpeakTimer::Voice);
        self.timers.ensure(SpeakTimer::Playout, now + PLAYOUT_STALL);
        Some(kind)
    }

    /// Where the utterance's words lie.
    pub fn words(&mut self, id: UtteranceId, words: Vec<WordMark>) {
        if let Some(mouth) = self.mouth.as_mut().filter(|m| m.utterance.id == id) {
            mouth.utterance.marks.extend(words);
        }
    }

    /// The voice has connected.
    pub fn ready(&mut self) {
        self.ready = true;
    }

    /// The voice says that the utterance is complete. False when it gave nothing at all for it.
    pub fn done(&mut self, id: UtteranceId) -> bool {
        let Some(utterance) = self.wanted(id) else { return true };
        utterance.audio_complete = true;
        let spoke = utterance.audio_ms > 0;
        self.timers.clear(SpeakTimer::Voice);
        if spoke {
            self.failures = 0;
            self.again = false;
        }
        spoke
    }

    /// The voice owes audio and gives none. True when the caller has heard every word all the same: a voice that never says
    /// "done" is done.
    pub fn is_done_in_silence(&mut self) -> bool {
        let Some(mouth) = &mut self.mouth else { return false };
        let utterance = &mut mouth.utterance;
        let heard = utterance.end_sent && utterance.audio_ms > 0 && utterance.ahead_ms() == 0;
        utterance.audio_complete |= heard && utterance.is_covered();
        utterance.audio_complete
    }

    /// Of this utterance `played_ms` have left for the caller's ear.
    pub fn played(
        &mut self,
        id: UtteranceId,
        played_ms: u32,
        audible: bool,
        now: Duration,
    ) -> Option<Progress> {
        let stall = self.stall();
        let Mouth { utterance, .. } = self.mouth.as_mut().filter(|m| m.utterance.id == id)?;
        utterance.played_ms = utterance.played_ms.max(played_ms.min(utterance.audio_ms));
        let started = utterance.started_at.is_none();
        let audible = audible && utterance.audible_at.is_none();
        utterance.started_at.get_or_insert(now);
        if audible {
            utterance.audible_at = Some(now);
        }
        if utterance.ahead_ms() > 0 {
            self.timers.set(SpeakTimer::Playout, now + PLAYOUT_STALL);
        } else {
            self.timers.clear(SpeakTimer::Playout);
        }
        if utterance.is_dry() && utterance.end_sent {
            self.timers.ensure(SpeakTimer::Voice, now + stall);
        }
        Some(Progress { turn: utterance.turn, kind: utterance.kind, started, audible })
    }

    /// The utterance that was said to its end, if one was.
    pub fn finished(&mut self) -> Option<(Utterance, SayingId)> {
        // A model that has given all its sound may still call a tool: its words have their place when it is done.
        let is_over = |u: &Utterance| u.is_finished() && (u.sound.is_none() || u.end_sent);
        let mouth = self.mouth.take_if(|m| is_over(&m.utterance))?;
        self.timers.clear(SpeakTimer::Voice);
        self.timers.clear(SpeakTimer::Playout);
        Some((mouth.utterance, mouth.line))
    }

    /// Stop now. What was not heard of it goes back to the plan, but for a model's own sound, which nobody can say again.
    pub fn stop(&mut self, plan: &mut Plan, out: &mut Vec<Command>) -> Option<(Utterance, SayingId)> {
        let Mouth { utterance, line } = self.mouth.take()?;
        self.timers.clear(SpeakTimer::Voice);
        self.timers.clear(SpeakTimer::Playout);
        out.push(Command::StopSaying { utterance: utterance.id, fade: FADE });
        if utterance.sound.is_none() {
            plan.give_back(line, utterance.unheard(), utterance.started_at.is_some());
        }
        Some((utterance, line))
    }

    /// No words followed an interruption: say the rest then.
    pub fn resume_at(&mut self, at: Duration) {
        self.timers.set(SpeakTimer::Resume, at);
    }

    /// Whether the bot owes sound and gives none: the hold tone comes after `patience`.
    pub fn guard_silence(&mut self, owes: bool, now: Duration, patience: Duration) {
        if owes && !self.plays() {
            self.timers.ensure(SpeakTimer::DeadAir, now + patience);
        } else {
            self.timers.clear(SpeakTimer::DeadAir);
        }
    }

    /// The voice broke or stalls. One that had worked is opened anew, once, so that the caller hears the same one go on; then another
    /// one is. Where there is no other it is the same one again, after as long as it `wishes`.
    pub fn failed(&mut self, rungs: Rungs, wishes: Option<Duration>, now: Duration) -> NextVoice {
        self.timers.clear(SpeakTimer::Voice);
        self.failures += 1;
        self.ready = false;
        let may_stay = rungs.is_worth_it(self.provider);
        let reopens = std::mem::take(&mut self.worked) && !self.again && may_stay && wishes.is_none();
        let other = rungs.after(self.provider).filter(|_| !reopens);
        let most = VOICE_ATTEMPTS.max((rungs.len() * 2).saturating_sub(1));
        let next = other.or(may_stay.then_some(self.provider));
        if let Some(next) = next.filter(|_| self.failures <= most) {
            self.again = reopens || (self.again && next == self.provider);
            let wait = wishes.filter(|_| next == self.provider && self.voice == Voice::Own);
            self.provider = next;
            let Some(wait) = wait else { return NextVoice::Try(next) };
            self.timers.set(SpeakTimer::Open, now + wait.min(VOICE_RETRY_MOST));
            return NextVoice::Later;
        }
        if std::mem::replace(&mut self.lost, true) { NextVoice::Nothing } else { NextVoice::CacheOnly }
    }

    /// The next voice says what the one before it gave no audio for: that goes back to the plan, and the utterance ends with
    /// what is at hand. With nothing left to play, the utterance is over.
    pub fn change_voice(&mut self, plan: &mut Plan, out: &mut Vec<Command>) -> Option<(Utterance, SayingId)> {
        let mouth = self.mouth.as_mut()?;
        let utterance = &mut mouth.utterance;
        if (utterance.audio_complete && utterance.audio_ms > 0) || utterance.sent.is_empty() {
            return None;
        }
        let (covered, rest) = utterance.split(utterance.audio_ms);
        plan.give_back(mouth.line, rest, !covered.is_empty());
        utterance.sent = covered;
        utterance.audio_complete = true;
        if utterance.ahead_ms() > 0 {
            return None;
        }
        // Nothing left to play: the caller waits in silence, so go on at once.
        let Mouth { utterance, line } = self.mouth.take()?;
        out.push(Command::StopSaying { utterance: utterance.id, fade: Duration::ZERO });
        self.timers.clear(SpeakTimer::Playout);
        Some((utterance, line))
    }

    /// The request whose own sound is being said.
    pub fn sound(&self) -> Option<RequestId> {
        self.utterance().and_then(|u| u.sound)
    }

    /// All of what is being said is at hand.
    pub fn has_all(&self) -> bool {
        self.utterance().is_some_and(|u| u.audio_complete && u.audio_ms > 0)
    }

    /// Some of what is being said is at hand, or was.
    pub fn has_audio(&self) -> bool {
        self.utterance().is_some_and(|u| u.audio_ms > 0)
    }

    /// No more sound comes from the model: the utterance ends with what is at hand.
    pub fn cut_short(&mut self) {
        let Some(utterance) = self.mouth.as_mut().map(|m| &mut m.utterance) else { return };
        utterance.end_sent = true;
        if utterance.sound.is_some() && !utterance.audio_complete {
            utterance.sent = utterance.split(utterance.audio_ms).0;
            utterance.audio_complete = true;
            self.timers.clear(SpeakTimer::Voice);
        }
    }

    /// The voice broke when the bot has nothing to say: it is opened when there is something.
    pub fn sleep(&mut self) {
        self.asleep = true;
        self.ready = false;
    }

    /// There may be something to say: the voice to be opened, if it broke meanwhile.
    pub fn wake(&mut self) -> Option<usize> {
        std::mem::take(&mut self.asleep).then_some(self.provider)
    }

    /// What is being said is the last the bot says.
    pub fn make_last(&mut self) {
        self.timers.clear(SpeakTimer::Resume);
        if let Some(mouth) = &mut self.mouth {
            mouth.utterance.kind = Kind::Goodbye;
        }
    }

    /// Nothing that was interrupted is taken up.
    pub fn stay_silent(&mut self) {
        self.timers.clear(SpeakTimer::Resume);
    }

    /// The call is over.
    pub fn finish(&mut self) {
        self.timers.clear_all();
    }

    fn stall(&self) -> Duration {
        if self.ready { VOICE_STALL } else { VOICE_STALL_CONNECTING }
    }

    fn wanted(&mut self, id: UtteranceId) -> Option<&mut Utterance> {
        let utterance = self.mouth.as_mut().map(|m| &mut m.utterance)?;
        (utterance.id == id && !utterance.audio_complete).then_some(utterance)
    }
}

/// Hand the next of the line on to whoever says it. `None` when nothing of it is at hand.
fn hand_on(
    utterance: &mut Utterance,
    next: Next,
    (voice, provider): (Voice, usize),
    wording: &Wording,
    now: Duration,
) -> Option<Command> {
    let id = utterance.id;
    Some(match next {
        Next::Wait => return None,
        Next::End => {
            utterance.end_sent = true;
            Command::EndSay { utterance: id }
        }
        Next::Phrase(piece) | Next::Piece(piece) if voice == Voice::Model => {
            let text = piece.say().to_owned();
            utterance.send_whole(piece, now);
            Command::Recite { provider, utterance: id, text }
        }
        Next::Phrase(phrase) if utterance.sent.is_empty() => {
            let phrase = wording.put(&phrase, provider);
            let text = phrase.say().to_owned();
            utterance.send_whole(phrase, now);
            Command::Phrase { utterance: id, text }
        }
        Next::Phrase(piece) | Next::Piece(piece) => {
            let piece = wording.put(&piece, provider);
            let text = piece.say().to_owned();
            utterance.sent.push(piece);
            utterance.first_sent_at.get_or_insert(now);
            Command::Say { utterance: id, text }
        }
    })
}

/// More text of it is to be handed on.
fn wants_text(utterance: &Utterance) -> bool {
    !utterance.end_sent && !utterance.audio_complete && !runs_far_ahead(utterance)
}

/// Enough text is with the voice.
fn runs_far_ahead(utterance: &Utterance) -> bool {
    let expected = utterance.expected_ms().max(utterance.audio_ms);
    expected.saturating_sub(utterance.played_ms) > LOOK_AHEAD_MS && utterance.ahead_ms() > LOOK_AHEAD_MS / 2
}
