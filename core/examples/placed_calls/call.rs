//! A call that was placed, in virtual time: the worker's own detector, session and mouth, and around them a line, a recogniser, a voice and
//! a model that are scripts.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use vox_amd::Said;
use vox_audio::level::rms_db;
use vox_core::call::mouth::{Given, LineSound, Mouth};
use vox_core::call::screener::{Screener, Watched};
use vox_core::media::playout::Pacing;
use vox_core::provider::llm::{Finish, LlmEvent};
use vox_core::provider::stt::SttEvent;
use vox_core::provider::tts::{TtsEvent, UtteranceId};
use vox_core::session::Session;
use vox_core::session::event::{Command, Event, RequestId, Window};
use vox_core::session::rules::Rules;
use vox_shared::model::bot::Answering;
use vox_shared::wire::config::RuntimeConfig;

const RATE_HZ: u32 = 8_000;
/// Step of a call, milliseconds: frames, windows and ticks begin at one.
const STEP_MS: u64 = 4;
const FRAME_MS: u64 = 20;
const WINDOW_MS: u64 = 32;
/// What the bot leaves on a machine.
const MESSAGE: &str = "This is the clinic. Please call us back.";
/// The voice speaks so long for each letter, gives pieces of so many milliseconds, and twice as fast as they last.
const LETTER_MS: u64 = 60;
const PIECE_MS: u64 = 100;
/// A phrase that is kept as sound is read from the disk in so long.
const KEPT_MS: u64 = 4;
/// Recogniser and voice connect in so long, and the model answers.
const CONNECTS_MS: u64 = 140;
const THINKS_MS: u64 = 600;
/// The actor tells the detector of silence when sound is so late.
const LATE_MS: u64 = 1_000;

/// Whoever answers, and what the recogniser makes of them.
pub struct Callee {
    /// From the answer on, 8 kHz. A line that is dead gives none.
    pub pcm: Vec<i16>,
    /// In the order of its times.
    pub said: Vec<Said>,
    /// When somebody speaks, for the detector of speech: from and until, milliseconds.
    pub speaks: Vec<(u32, u32)>,
    /// How long it rang.
    pub rang: Option<Duration>,
    /// What they say when the bot has spoken, and waits.
    pub reply: Option<Reply>,
}

/// The same from its own beginning on.
pub struct Reply {
    pub pcm: Vec<i16>,
    pub said: Vec<Said>,
    pub speaks: Vec<(u32, u32)>,
    /// So long behind the bot's last sound.
    pub after_ms: u64,
}

/// How the bot's fixed texts become sound.
#[derive(Clone, Copy, Debug)]
pub enum Voice {
    /// They are kept as sound, as those that are the same in every call are.
    Kept,
    /// They are synthesised: the first of it is there after so many milliseconds.
    Made(u64),
}

/// What was to be heard and seen, milliseconds since the answer.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The bot's first sound.
    pub first_audio: Option<u64>,
    /// Whom the session took the callee for, and when.
    pub verdicts: Vec<(u64, String)>,
    /// Each time that the message began to be heard.
    pub messages: Vec<u64>,
    /// The message is on the machine.
    pub is_left: bool,
}

#[derive(Debug)]
enum Due {
    Stt(SttEvent),
    Voice(TtsEvent),
    Llm(RequestId, LlmEvent),
}

struct World {
    callee: Callee,
    voice: Voice,
    session: Session,
    screener: Screener,
    mouth: Mouth,
    now: u64,
    due: Vec<(u64, Due)>,
    /// Until when the voice has been given what to say, by utterance.
    spoken: HashMap<UtteranceId, u64>,
    events: VecDeque<Event>,
    /// When the callee replies.
    replies_at: Option<u64>,
    /// The message was ordered, and is this utterance.
    is_ordered: bool,
    message: Option<UtteranceId>,
    is_over: bool,
    seen: Seen,
}

/// The call, until it ends or `until` milliseconds have passed.
pub fn run(callee: Callee, voice: Voice, until: u64) -> Seen {
    let mut world = World::new(callee, voice);
    world.happens(Event::Answered);
    while world.now < until && !world.is_over {
        world.now += STEP_MS;
        world.step();
    }
    world.seen.is_left = world.session.has_left_message();
    world.seen
}

fn config() -> RuntimeConfig {
    let text = r#"{"session_id":"call_x","webhook_url":"","system_prompt":"Be kind.",
        "opening_message":"Hello, this is Asha of the clinic. Is it a good moment?"}"#;
    let mut config: RuntimeConfig = serde_json::from_str(text).expect("it stands here");
    config.voicemail_message = MESSAGE.to_owned();
    config.answering = Answering { detect: true, ..Answering::default() };
    config
}

impl World {
    fn new(callee: Callee, voice: Voice) -> Self {
        let session = Session::new(Rules::from_config(&config(), Duration::ZERO));
        let call = Watched { language: "en", rate_hz: RATE_HZ, since: Duration::ZERO, rang: callee.rang };
        let answering = session.answering().expect("the config asks for it");
        let screener = Screener::new(answering, call).expect("the call begins here");
        let pacing = Pacing { chunk: 160, lead: 320 };
        let line = LineSound { rate_hz: RATE_HZ, pacing, buffers: false, echoes_marks: false };
        let said = callee.said.iter().map(|said| (u64::from(said.at_ms), Due::Stt(heard(said))));
        Self {
            due: said.collect(),
            session,
            screener,
            mouth: Mouth::new(line),
            callee,
            voice,
            now: 0,
            spoken: HashMap::new(),
            events: VecDeque::new(),
            replies_at: None,
            is_ordered: false,
            message: None,
            is_over: false,
            seen: Seen::default(),
        }
    }

    fn samples(&self) -> u64 {
        self.now * u64::from(RATE_HZ) / 1_000
    }

    fn happens(&mut self, event: Event) {
        self.events.push_back(event);
        self.settle();
    }

    fn step(&mut self) {
        if self.now.is_multiple_of(FRAME_MS)
            && let Some(frame) = self.heard_in(FRAME_MS)
        {
            self.screener.hear(&frame);
        }
        if self.now.is_multiple_of(WINDOW_MS)
            && let Some(window) = self.window()
        {
            self.happens(Event::Window(window));
        }
        let now = self.now;
        let due: Vec<(u64, Due)> = self.due.extract_if(.., |(at, _)| *at <= now).collect();
        for (_, due) in due {
            self.take(due);
        }
        if self.session.next_deadline().is_some_and(|at| at <= Duration::from_millis(now)) {
            self.happens(Event::Tick);
        }
        let samples = self.samples();
        let mut given = Given::default();
        if now.is_multiple_of(FRAME_MS) {
            self.mouth.step(samples, &mut given);
        }
        if self.mouth.may_begin(samples) {
            self.mouth.begin(samples, &mut given);
        }
        self.take_given(given);
        self.look_at_screener();
        self.look_at_callee();
    }

    /// Whoever has been spoken to replies, when both have fallen silent.
    fn look_at_callee(&mut self) {
        let now = self.now;
        let they_speak = self.callee.speaks.iter().any(|(_, until)| u64::from(*until) > now);
        if self.seen.first_audio.is_none() || self.mouth.is_heard(self.samples()) || they_speak {
            self.replies_at = None;
            return;
        }
        let Some(reply) = &self.callee.reply else { return };
        if now >= *self.replies_at.get_or_insert(now + reply.after_ms)
            && let Some(reply) = self.callee.reply.take()
        {
            self.reply(reply);
        }
    }

    /// Over what is on the line.
    fn reply(&mut self, reply: Reply) {
        let from = self.samples() as usize;
        let Some(line) = self.callee.pcm.get_mut(from..) else { return };
        for (to, sample) in line.iter_mut().zip(&reply.pcm) {
            *to = to.saturating_add(*sample);
        }
        let said = reply.said.iter().map(|said| (self.now + u64::from(said.at_ms), Due::Stt(heard(said))));
        self.due.extend(said);
        let later = |ms: u32| ms + self.now as u32;
        self.callee.speaks.extend(reply.speaks.iter().map(|(from, to)| (later(*from), later(*to))));
    }

    /// As the actor does it, behind everything that happens.
    fn look_at_screener(&mut self) {
        self.screener.speaks(self.mouth.is_heard(self.samples()));
        self.screener.passes(Duration::from_millis(self.now.saturating_sub(LATE_MS)));
        self.screener.news(&mut self.events);
        self.settle();
    }

    /// The callee's sound of the last so many milliseconds.
    fn heard_in(&self, ms: u64) -> Option<Vec<i16>> {
        let at = |ms: u64| (ms * u64::from(RATE_HZ) / 1_000) as usize;
        self.callee.pcm.get(at(self.now - ms)..at(self.now)).map(<[i16]>::to_vec)
    }

    fn window(&self) -> Option<Window> {
        let sound = self.heard_in(WINDOW_MS)?;
        let (from, to) = (self.now - WINDOW_MS, self.now);
        let speaks = self
            .callee
            .speaks
            .iter()
            .any(|(begun, ended)| u64::from(*begun) < to && u64::from(*ended) > from);
        let mut levels_db = [0.0; 4];
        for (level, quarter) in levels_db.iter_mut().zip(sound.chunks(64)) {
            *level = rms_db(quarter);
        }
        let probability = if speaks { 0.93 } else { 0.03 };
        Some(Window { ends_at: Duration::from_millis(to), probability, levels_db })
    }

    fn take(&mut self, due: Due) {
        match due {
            Due::Stt(event) => {
                self.screener.understand(&event);
                self.happens(Event::Stt(event));
            }
            Due::Voice(event) => {
                let wanted = match &event {
                    TtsEvent::Audio { utterance, .. } | TtsEvent::Done { utterance } => {
                        self.session.is_saying(*utterance)
                    }
                    _ => true,
                };
                let mut given = Given::default();
                self.mouth.hear(event, wanted, self.samples(), &mut given);
                self.take_given(given);
            }
            Due::Llm(request, event) => self.happens(Event::Llm { request, event }),
        }
    }

    /// What the mouth has sent is on the line.
    fn take_given(&mut self, given: Given) {
        for event in &given.events {
            let Event::Played { utterance, audible: true, played_ms: 1.. } = event else { continue };
            self.seen.first_audio.get_or_insert(self.now);
            if self.message == Some(*utterance) {
                self.message = None;
                self.seen.messages.push(self.now);
            }
        }
        self.events.extend(given.events);
        self.settle();
    }

    fn settle(&mut self) {
        while let Some(event) = self.events.pop_front() {
            let mut commands = Vec::new();
            self.session.on(Duration::from_millis(self.now), event, &mut commands);
            for command in commands {
                self.carry_out(command);
            }
        }
    }

    fn carry_out(&mut self, command: Command) {
        match command {
            Command::OpenStt { .. } => self.later(CONNECTS_MS, Due::Stt(SttEvent::Ready)),
            Command::OpenVoice { .. } => {
                self.mouth.change_voice();
                self.later(CONNECTS_MS, Due::Voice(TtsEvent::Ready));
            }
            Command::Say { utterance, text } => {
                self.screener.says(&text);
                self.make(utterance, &text, 300);
            }
            Command::EndSay { utterance } => self.made(utterance),
            Command::Phrase { utterance, text } => {
                self.screener.says(&text);
                if std::mem::take(&mut self.is_ordered) {
                    self.message = Some(utterance);
                }
                match self.voice {
                    Voice::Kept => {
                        let pcm = sound(length_ms(&text));
                        self.later(KEPT_MS, Due::Voice(TtsEvent::Audio { utterance, pcm }));
                        self.later(KEPT_MS, Due::Voice(TtsEvent::Done { utterance }));
                    }
                    Voice::Made(after) => {
                        self.make(utterance, &text, after);
                        self.made(utterance);
                    }
                }
            }
            Command::StopSaying { utterance, fade } => {
                self.due.retain(|(_, due)| !is_of(due, utterance));
                let mut given = Given::default();
                self.mouth.stop(utterance, fade, self.samples(), &mut given);
                self.events.extend(given.events);
            }
            Command::KeepSilent { until } => {
                self.mouth.keep_silent(until.as_millis() as u64 * u64::from(RATE_HZ) / 1_000);
            }
            Command::HoldTone => self.mouth.hold_tone(),
            Command::Ask { request, .. } => {
                self.later(THINKS_MS, Due::Llm(request, LlmEvent::Text("I see. What can I do?".into())));
                let done = LlmEvent::Done { finish: Finish::Stop, usage: None };
                self.later(THINKS_MS, Due::Llm(request, done));
            }
            Command::CancelAsk { request } => {
                self.due.retain(|(_, due)| !matches!(due, Due::Llm(of, _) if *of == request));
            }
            Command::JournalEvent(event) => match event.event.as_str() {
                "answered_by" => self.seen.verdicts.push((self.now, event.why)),
                "voicemail_message" => self.is_ordered = true,
                _ => {}
            },
            Command::Finish(_) => self.is_over = true,
            _ => {}
        }
    }

    fn later(&mut self, ms: u64, due: Due) {
        self.due.push((self.now + ms, due));
    }

    /// The voice speaks, and gives its sound in pieces.
    fn make(&mut self, utterance: UtteranceId, text: &str, after: u64) {
        let length = length_ms(text);
        let mut at = self.spoken.get(&utterance).map_or(self.now + after, |until| *until);
        for piece in (0..length).step_by(PIECE_MS as usize) {
            let pcm = sound(PIECE_MS.min(length - piece));
            self.due.push((at, Due::Voice(TtsEvent::Audio { utterance, pcm })));
            at += PIECE_MS / 2;
        }
        self.spoken.insert(utterance, at);
    }

    fn made(&mut self, utterance: UtteranceId) {
        let at = self.spoken.get(&utterance).map_or(self.now, |until| *until);
        self.due.push((at, Due::Voice(TtsEvent::Done { utterance })));
    }
}

fn heard(said: &Said) -> SttEvent {
    let text = said.text.clone();
    if !said.is_final {
        return SttEvent::Partial { text };
    }
    let words = Vec::new();
    SttEvent::Final { text, confidence: Some(0.9), words, from_finalize: false, utterance_end: true }
}

fn length_ms(text: &str) -> u64 {
    text.chars().count() as u64 * LETTER_MS
}

/// Loud from its first sample on.
fn sound(ms: u64) -> Vec<i16> {
    vec![9_000; (ms * u64::from(RATE_HZ) / 1_000) as usize]
}

fn is_of(due: &Due, utterance: UtteranceId) -> bool {
    matches!(due, Due::Voice(event) if event.utterance() == Some(utterance))
}
