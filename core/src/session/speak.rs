//! Speaking: text to the voice, audio to the ear, and what was heard back into the record.

use std::time::Duration;

use vox_shared::wire::result::DisconnectedBy;

use super::event::{Command, Notice, VoiceEvent};
use super::report::{bot_line, ms};
use super::timer::Timer;
use super::utterance::{Kind, Utterance};
use super::{Phase, Session};
use crate::provider::tts::UtteranceId;

/// The voice's first audio must come within this …
const VOICE_STALL: Duration = Duration::from_millis(1_500);
/// … or this, while it is still connecting.
const VOICE_STALL_CONNECTING: Duration = Duration::from_secs(3);
/// Playout of audio at hand must move within this, else the line is dead.
const PLAYOUT_STALL: Duration = Duration::from_secs(3);
/// Voices tried in a row before the bot falls back to what the cache holds.
const VOICE_ATTEMPTS: u32 = 2;
/// Text goes to the voice while less than this is waiting to be heard.
const LOOK_AHEAD_MS: u32 = 6_000;
/// Length of a character while its audio is not there yet.
const MS_PER_CHAR: u32 = 65;
/// How the bot falls silent.
const FADE: Duration = Duration::from_millis(80);

/// How far the voice has failed.
#[derive(Debug, Default)]
pub struct VoiceLadder {
    provider: usize,
    failures: u32,
    ready: bool,
    /// No voice works: only cached phrases can be said.
    lost: bool,
}

impl Session {
    /// Say a fixed phrase.
    pub(super) fn say_phrase(&mut self, text: String, kind: Kind, out: &mut Vec<Command>) {
        self.timers.clear(Timer::Idle);
        if let Some(mouth) = &mut self.mouth {
            // Something is being said (it may not be interrupted): the phrase follows it.
            let next = mouth.next.get_or_insert_default();
            next.push(' ');
            next.push_str(&text);
            return self.close_text(out);
        }
        let mut utterance = self.new_utterance(kind);
        utterance.add_sent(&text);
        utterance.text_complete = true;
        utterance.end_sent = true;
        utterance.first_sent_at = Some(self.now);
        if kind != Kind::Greeting {
            self.clock.first_piece.get_or_insert(self.now);
        }
        self.timers.set(Timer::Voice, self.now + self.voice_stall());
        out.push(Command::Phrase { utterance: utterance.id, text });
        self.mouth = Some(utterance);
    }

    /// The model is done: what is being said has no more text to come.
    pub(super) fn close_text(&mut self, out: &mut Vec<Command>) {
        if let Some(mouth) = self.mouth.as_mut().filter(|_| self.thought.is_none()) {
            mouth.text_complete = true;
        }
        self.pump(out);
        self.settle_mouth(out);
    }

    /// Say the rest of a reply.
    pub(super) fn say_reply(&mut self, text: String, out: &mut Vec<Command>) {
        let mut utterance = self.new_utterance(Kind::Reply);
        utterance.waiting.push_back(text);
        utterance.text_complete = self.thought.is_none();
        self.mouth = Some(utterance);
        self.pump(out);
    }

    fn voice_stall(&self) -> Duration {
        if self.voice.ready { VOICE_STALL } else { VOICE_STALL_CONNECTING }
    }

    /// Send waiting text to the voice, as far as it should run ahead.
    pub(super) fn pump(&mut self, out: &mut Vec<Command>) {
        let (now, stall) = (self.now, self.voice_stall());
        let caller_speaks = self.ear.is_speaking() && self.phase == Phase::Live;
        let Some(mouth) = &mut self.mouth else { return };
        if caller_speaks && mouth.started_at.is_none() && mouth.sent.is_empty() {
            return;
        }
        while let Some(piece) = mouth.waiting.front() {
            let chars = u32::try_from(mouth.sent.chars().count()).unwrap_or(u32::MAX);
            let expected = chars.saturating_mul(MS_PER_CHAR).max(mouth.audio_ms);
            if expected.saturating_sub(mouth.played_ms) > LOOK_AHEAD_MS
                && mouth.ahead_ms() > LOOK_AHEAD_MS / 2
            {
                break;
            }
            let piece = piece.clone();
            mouth.waiting.pop_front();
            mouth.add_sent(&piece);
            mouth.first_sent_at.get_or_insert(now);
            out.push(Command::Say { utterance: mouth.id, text: piece });
        }
        if mouth.waiting.is_empty() && mouth.text_complete && !mouth.end_sent && !mouth.sent.is_empty() {
            mouth.end_sent = true;
            out.push(Command::EndSay { utterance: mouth.id });
        }
        // Dry with text outstanding: the voice owes audio. Dry because the model is slow: the model's timer stands.
        if mouth.is_dry() && (mouth.end_sent || mouth.audio_ms == 0) {
            self.timers.ensure(Timer::Voice, now + stall);
        }
    }

    pub(super) fn on_voice(&mut self, event: VoiceEvent, out: &mut Vec<Command>) {
        match event {
            VoiceEvent::Ready => {
                self.voice.ready = true;
            }
            VoiceEvent::Audio { utterance, ms } => self.on_audio(utterance, ms),
            VoiceEvent::Words { utterance, words } => {
                if let Some(mouth) = self.mouth_of(utterance) {
                    mouth.marks.extend(words);
                }
            }
            VoiceEvent::Done { utterance } => self.on_voice_done(utterance, out),
            VoiceEvent::Usage { characters } => {
                let vendor = self.rules.tts[self.voice.provider].clone();
                let usage = self.report.usage("tts", &vendor.provider, &vendor.model);
                usage.characters += characters;
                usage.requests += 1;
            }
            VoiceEvent::Failed(failure) => {
                if !failure.class.is_transient() && self.rules.tts.len() == 1 {
                    self.voice.failures = VOICE_ATTEMPTS;
                }
                self.voice_failed(&failure.to_string(), out);
            }
        }
    }

    fn mouth_of(&mut self, utterance: UtteranceId) -> Option<&mut Utterance> {
        self.mouth.as_mut().filter(|m| m.id == utterance && m.rest.is_none())
    }

    fn on_audio(&mut self, utterance: UtteranceId, ms: u32) {
        let now = self.now;
        let Some(mouth) = self.mouth_of(utterance).filter(|_| ms > 0) else { return };
        mouth.audio_ms = mouth.audio_ms.saturating_add(ms);
        mouth.first_audio_at.get_or_insert(now);
        self.clock.first_audio.get_or_insert(now);
        self.timers.clear(Timer::Voice);
        self.timers.ensure(Timer::Playout, now + PLAYOUT_STALL);
    }

    fn on_voice_done(&mut self, utterance: UtteranceId, out: &mut Vec<Command>) {
        let Some(mouth) = self.mouth_of(utterance) else { return };
        mouth.audio_complete = true;
        let silent = mouth.audio_ms == 0;
        self.timers.clear(Timer::Voice);
        if silent {
            return self.voice_failed("it gave no audio", out);
        }
        self.voice.failures = 0;
        self.settle_mouth(out);
    }

    pub(super) fn on_played(
        &mut self,
        utterance: UtteranceId,
        played_ms: u32,
        audible: bool,
        out: &mut Vec<Command>,
    ) {
        let now = self.now;
        let stall = self.voice_stall();
        let Some(mouth) = self.mouth.as_mut().filter(|m| m.id == utterance) else { return };
        mouth.played_ms = mouth.played_ms.max(played_ms.min(mouth.audio_ms));
        let (turn, kind) = (mouth.turn, mouth.kind);
        let started = mouth.started_at.is_none();
        let became_audible = audible && mouth.audible_at.is_none();
        mouth.started_at.get_or_insert(now);
        if became_audible {
            mouth.audible_at = Some(now);
        }
        let (ahead, dry) = (mouth.ahead_ms(), mouth.is_dry() && mouth.end_sent);
        if started {
            out.push(Command::Notify(Notice::BotStarted { turn }));
        }
        if became_audible {
            self.note_audible(turn, kind, out);
        }
        if ahead > 0 {
            self.timers.set(Timer::Playout, now + PLAYOUT_STALL);
        } else {
            self.timers.clear(Timer::Playout);
        }
        if dry {
            self.timers.ensure(Timer::Voice, now + stall);
        }
        self.pump(out);
        self.settle_mouth(out);
    }

    fn note_audible(&mut self, turn: u32, kind: Kind, out: &mut Vec<Command>) {
        let why = match kind {
            Kind::Greeting => "opening message",
            Kind::Reply => "reply",
            Kind::Prompt => "fixed phrase",
            Kind::Goodbye => "goodbye",
        };
        self.report.speech(self.now, "bot_started", why);
        self.report.first_audio.get_or_insert(self.now);
        if kind == Kind::Prompt && self.thought.is_some() {
            // A filler: the reply's delay goes on.
            return;
        }
        let clock = std::mem::take(&mut self.clock);
        if let Some(latency) = clock.parts(turn, self.now, self.rules.transport_delay) {
            self.report.latency.push(latency.clone());
            out.push(Command::Notify(Notice::Metrics(latency)));
        }
    }

    /// The mouth may have said all it has: go on with the conversation.
    pub(super) fn settle_mouth(&mut self, out: &mut Vec<Command>) {
        if self.mouth.as_ref().is_none_or(|m| !m.is_finished()) {
            return;
        }
        let Some(mouth) = self.mouth.take() else { return };
        self.timers.clear(Timer::Voice);
        self.timers.clear(Timer::Playout);
        self.write_line(&mouth, false, out);
        if let Some(rest) = mouth.rest.filter(|r| !r.is_empty()) {
            self.say_rest(rest, mouth.kind, out);
            if let Some(said) = &mut self.mouth {
                said.next = mouth.next;
            }
            return;
        }
        if let Some(next) = mouth.next {
            let kind = if mouth.kind == Kind::Goodbye { Kind::Goodbye } else { Kind::Reply };
            return self.say_rest(next, kind, out);
        }
        if mouth.kind == Kind::Goodbye {
            return self.hang_up_now(out);
        }
        if let Some(text) = self.pending.take() {
            self.turn += 1;
            return self.answer(&text, out);
        }
        if !self.ear.is_active() && self.thought.is_none() {
            self.arm_idle();
        }
    }

    fn say_rest(&mut self, rest: String, kind: Kind, out: &mut Vec<Command>) {
        let mut utterance = self.new_utterance(kind);
        utterance.waiting.push_back(rest.trim().to_owned());
        utterance.text_complete = self.thought.is_none();
        self.mouth = Some(utterance);
        self.pump(out);
    }

    /// Stop speaking now; what was heard stays, the rest never was.
    pub(super) fn stop_mouth(&mut self, out: &mut Vec<Command>) {
        let Some(mouth) = self.mouth.take() else { return };
        self.timers.clear(Timer::Voice);
        self.timers.clear(Timer::Playout);
        out.push(Command::StopSaying { utterance: mouth.id, fade: FADE });
        if mouth.started_at.is_some() {
            self.write_line(&mouth, true, out);
            out.push(Command::Notify(Notice::Interrupted { turn: mouth.turn, heard: mouth.heard() }));
        }
    }

    fn write_line(&mut self, mouth: &Utterance, interrupted: bool, out: &mut Vec<Command>) {
        let heard = mouth.heard();
        self.context.bot_heard(&heard);
        let start = mouth.started_at.unwrap_or(self.now);
        self.report.speech(self.now, "bot_stopped", if interrupted { "cut off" } else { "all was said" });
        let line = bot_line(mouth.turn, heard, (start, self.now), &mouth.marks, interrupted);
        debug_assert!(line.started_ms <= ms(self.now));
        self.report.line(line, out);
        if !interrupted {
            out.push(Command::Notify(Notice::BotStopped { turn: mouth.turn }));
        }
    }

    /// The voice broke or stalls: the next one says what is not said yet.
    pub(super) fn voice_failed(&mut self, why: &str, out: &mut Vec<Command>) {
        self.timers.clear(Timer::Voice);
        self.voice.failures += 1;
        self.voice.ready = false;
        let vendor = self.rules.tts[self.voice.provider].provider.clone();
        self.report.event(self.now, "voice_failed", format!("{vendor}: {why}"), out);
        if self.voice.failures > VOICE_ATTEMPTS {
            return self.voice_lost(format!("{vendor}: {why}"), out);
        }
        self.voice.provider = (self.voice.provider + 1) % self.rules.tts.len();
        out.push(Command::OpenVoice { provider: self.voice.provider });
        let Some(mouth) = &mut self.mouth else { return };
        if (mouth.audio_complete && mouth.audio_ms > 0) || mouth.sent.is_empty() {
            return self.pump(out);
        }
        let (covered, mut rest) = mouth.split(mouth.audio_ms);
        for piece in mouth.waiting.drain(..) {
            rest.push(' ');
            rest.push_str(&piece);
        }
        let old = mouth.id;
        mouth.marks.truncate(covered.split_whitespace().count());
        mouth.sent = covered;
        mouth.rest = Some(rest.trim().to_owned());
        mouth.audio_complete = true;
        mouth.text_complete = true;
        if mouth.ahead_ms() > 0 {
            return;
        }
        // Nothing left to play: the caller waits in silence, so go on at once.
        let Some(mouth) = self.mouth.take() else { return };
        out.push(Command::StopSaying { utterance: old, fade: Duration::ZERO });
        self.timers.clear(Timer::Playout);
        if mouth.started_at.is_some() {
            self.write_line(&mouth, false, out);
        }
        let mut rest = mouth.rest.unwrap_or_default();
        if let Some(next) = mouth.next {
            rest.push(' ');
            rest.push_str(&next);
        }
        let rest = rest.trim().to_owned();
        if rest.is_empty() && mouth.kind == Kind::Goodbye {
            return self.hang_up_now(out);
        }
        if rest.is_empty() && self.thought.is_none() {
            return self.arm_idle();
        }
        if !rest.is_empty() {
            self.say_rest(rest, mouth.kind, out);
        }
    }

    /// No voice works. The apology may be in the cache; if it is not, the call ends without it.
    fn voice_lost(&mut self, why: String, out: &mut Vec<Command>) {
        self.error = Some(why);
        if self.voice.lost {
            self.phase = Phase::Ending(DisconnectedBy::Error);
            return self.hang_up_now(out);
        }
        self.voice.lost = true;
        let apology = self.rules.phrases.apology.clone();
        self.say_goodbye(apology, DisconnectedBy::Error, out);
    }
}
