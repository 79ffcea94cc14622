//! What the voice and the line say about the bot's words, and what it means for the conversation.

use vox_shared::wire::answers::Service;

use super::Session;
use super::event::{Command, Notice, VoiceEvent};
use super::kind::{EventKind, WhyKind};
use super::ladder::wish;
use super::plan::SayingId;
use super::report::{bot_line, ms};
use super::speaking::{NextVoice, Progress, SpeakTimer};
use super::text::phrase;
use super::think::timed_out;
use super::utterance::{Kind, Utterance};
use crate::provider::tts::UtteranceId;
use crate::provider::{Failure, FailureClass};

impl Session {
    /// Say a fixed phrase, after what is planned.
    pub(super) fn say_phrase(&mut self, text: &str, kind: Kind, out: &mut Vec<Command>) {
        let Some(phrase) = phrase(text, &self.rules.language) else { return };
        let phrase = self.guarded_phrase(phrase, out);
        if kind != Kind::Filler && kind != Kind::Greeting {
            self.clock.first_piece.get_or_insert(self.now);
        }
        self.plan.phrase(phrase, kind, self.turn);
        self.pump(out);
    }

    /// Take what is planned to the voice; while the caller speaks nothing new is begun.
    pub(super) fn pump(&mut self, out: &mut Vec<Command>) {
        let begin = !(self.listening.is_speaking() && self.course.is_live());
        self.speaking.pump(&mut self.plan, self.now, begin, out);
    }

    pub(super) fn on_speak_timer(&mut self, timer: SpeakTimer, out: &mut Vec<Command>) {
        match timer {
            // A voice that never says "done" and gave every word is done.
            SpeakTimer::Voice if self.speaking.is_done_in_silence() => {}
            SpeakTimer::Voice => self.voice_failed(&timed_out("no audio in time"), out),
            SpeakTimer::Open => out.push(Command::OpenVoice { provider: self.speaking.provider() }),
            SpeakTimer::Playout => self.fail_line("playout does not move".into(), out),
            SpeakTimer::Resume => self.resume(out),
            SpeakTimer::DeadAir => {
                let why = "the caller has heard nothing for 3 s";
                self.report.event(self.now, EventKind::HoldTone, why, out);
                out.push(Command::HoldTone);
            }
        }
    }

    pub(super) fn on_voice(&mut self, event: VoiceEvent, out: &mut Vec<Command>) {
        match event {
            VoiceEvent::Ready => self.speaking.ready(),
            VoiceEvent::Audio { utterance, ms } => {
                let first = self.speaking.first_sound(utterance, self.now);
                let kind = self.speaking.audio(utterance, ms, self.now);
                if let Some(request) = self.speaking.sound().filter(|_| kind.is_some()) {
                    self.thinking.sounds(request, self.now);
                }
                if kind.is_some_and(|kind| kind != Kind::Filler) {
                    self.clock.first_audio.get_or_insert(self.now);
                }
                if first.is_some() && kind.is_some() && !self.rules.model_speaks() {
                    self.note_answered((Service::Tts, self.speaking.provider()), first, out);
                }
            }
            VoiceEvent::Words { utterance, words } => self.speaking.words(utterance, words),
            VoiceEvent::Done { utterance } => {
                if !self.speaking.done(utterance) {
                    self.voice_failed(&Failure::new(FailureClass::Malformed, "it gave no audio"), out);
                }
            }
            VoiceEvent::Failed(failure) => self.voice_failed(&failure, out),
        }
    }

    pub(super) fn on_played(
        &mut self,
        id: UtteranceId,
        played_ms: u32,
        audible: bool,
        out: &mut Vec<Command>,
    ) {
        let Some(progress) = self.speaking.played(id, played_ms, audible, self.now) else { return };
        if progress.started {
            out.push(Command::Notify(Notice::BotStarted { turn: progress.turn }));
            if progress.kind == Kind::Reply {
                self.plan.replied();
            }
        }
        if progress.audible {
            self.note_audible(progress, out);
        }
    }

    fn note_audible(&mut self, progress: Progress, out: &mut Vec<Command>) {
        if self.is_aside() {
            return;
        }
        let why = match progress.kind {
            Kind::Greeting => "opening message",
            Kind::Reply => "reply",
            Kind::Prompt => "fixed phrase",
            Kind::Ordered => "ordered",
            Kind::Filler => "filler",
            Kind::Goodbye => "goodbye",
        };
        match self.spending.over().filter(|_| progress.kind == Kind::Goodbye) {
            Some(limit) => {
                let why = format!("{why}: {}", limit.as_str());
                self.report.speech(self.now, WhyKind::BotStarted, why);
            }
            None => self.report.speech(self.now, WhyKind::BotStarted, why),
        }
        self.report.first_audio.get_or_insert(self.now);
        if progress.kind == Kind::Filler {
            // The reply's delay goes on.
            return;
        }
        let clock = std::mem::take(&mut self.clock);
        if let Some(mut latency) = clock.parts(progress.turn, self.now, self.rules.transport_delay) {
            latency.stt_place = self.listening.recogniser.provider();
            latency.tts_place = self.speaking.provider();
            self.report.latency.push(latency.clone());
            out.push(Command::Notify(Notice::Metrics(latency)));
        }
    }

    /// What was heard of an utterance, in the conversation and the record.
    pub(super) fn note_said(&mut self, said: &Utterance, line: SayingId, cut: bool, out: &mut Vec<Command>) {
        let heard = said.heard();
        if self.is_aside() {
            return self.note_aside("bot", &heard, out);
        }
        self.context.bot_heard(line, &heard);
        self.note_heard(&heard, out);
        match said.kind {
            Kind::Filler => {}
            Kind::Prompt => self.listening.bot_prompted(&heard),
            Kind::Greeting | Kind::Reply | Kind::Ordered | Kind::Goodbye => self.listening.bot_said(&heard),
        }
        if said.kind == Kind::Goodbye {
            self.note_message_heard(&heard);
        }
        let start = said.started_at.unwrap_or(self.now);
        let why = if cut { "cut off" } else { "all was said" };
        self.report.speech(self.now, WhyKind::BotStopped, why);
        let entry = bot_line(said.turn, heard, (start, self.now), &said.heard_words(), cut);
        debug_assert!(entry.started_ms <= ms(self.now));
        self.report.line(entry, out);
        if !cut {
            out.push(Command::Notify(Notice::BotStopped { turn: said.turn }));
        }
    }

    /// The voice broke or stalls: the next one says what is not said yet.
    fn voice_failed(&mut self, failure: &Failure, out: &mut Vec<Command>) {
        if self.speaking.sound().is_some() {
            return self.sound_failed(failure, out);
        }
        let (place, service) = (self.speaking.provider(), self.voice_service());
        let name = self.rules.voices().at(place);
        self.report.failure("tts", &name);
        let why = format!("{}: {failure}", name.provider);
        self.report.event(self.now, EventKind::VoiceFailed, why.clone(), out);
        let is_last = self.course.is_ending() && self.speaking.has_all() && self.plan.is_silent();
        if is_last || (!self.course.is_live() && !self.course.is_ending() && !self.may_speak()) {
            // Nothing is to be said: a voice that ends an idle connection fails for nobody.
            return self.speaking.sleep();
        }
        self.note_failed((service, place), failure, out);
        match self.speaking.failed(self.rungs(service), wish(failure), self.now) {
            next @ (NextVoice::Try(_) | NextVoice::Later) => {
                if let NextVoice::Try(provider) = next
                    && !self.rules.model_speaks()
                {
                    out.push(Command::OpenVoice { provider });
                }
                if let Some((said, line)) = self.speaking.change_voice(&mut self.plan, out)
                    && said.started_at.is_some()
                {
                    self.note_said(&said, line, false, out);
                }
            }
            // Whoever is asked cannot be spoken to: the caller comes back.
            _ if self.is_aside() && !self.course.is_ending() => {
                self.end_consult("the bot's voice failed", out)
            }
            next => self.give_up_speaking(next, why, out),
        }
    }

    /// The model's own sound stalls. While its request is under way that is the model's failure; after that what was given
    /// stands, and a reply without any sound is asked of the next model.
    fn sound_failed(&mut self, failure: &Failure, out: &mut Vec<Command>) {
        if self.thinking.request().is_some() && self.thinking.request() == self.speaking.sound() {
            return self.model_failed(failure.clone(), out);
        }
        let place = self.speaking.provider();
        let name = self.rules.voices().at(place);
        self.report.failure("llm", &name);
        self.note_failed((Service::Llm, place), failure, out);
        let why = format!("{}: {failure}", name.provider);
        self.report.event(self.now, EventKind::VoiceFailed, why.clone(), out);
        if self.speaking.has_audio() {
            return self.speaking.cut_short();
        }
        self.speaking.stop(&mut self.plan, out);
        match self.speaking.failed(self.rungs(Service::Llm), None, self.now) {
            NextVoice::Try(provider) if self.course.is_live() => self.think_anew_with(provider, out),
            NextVoice::Try(_) | NextVoice::Later => {}
            next => self.give_up_speaking(next, why, out),
        }
    }

    fn give_up_speaking(&mut self, next: NextVoice, why: String, out: &mut Vec<Command>) {
        match next {
            NextVoice::CacheOnly => self.last_steps(self.voice_service(), why, out),
            _ => self.end_in_silence(why, out),
        }
    }

    /// The best of the bot's voices begins.
    pub(super) fn open_first_voice(&mut self, out: &mut Vec<Command>) {
        let provider = self.rungs(self.voice_service()).first();
        self.speaking.begin_with(provider);
        if !self.rules.model_speaks() {
            out.push(Command::OpenVoice { provider });
        }
    }

    /// The bot may have something to say again: its voice must be open.
    pub(super) fn wake_voice(&mut self, out: &mut Vec<Command>) {
        let broken = self.speaking.wake().filter(|_| !self.rules.model_speaks());
        out.extend(broken.map(|provider| Command::OpenVoice { provider }));
    }
}
