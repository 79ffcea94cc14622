//! The ear that finds out who has answered a call that was placed: the detector of `vox-amd`, fed with the caller's sound, the
//! recogniser's words and what the bot says, and, where words leave it open, the bot's model. It tells the session, and the record why.

use std::future::pending;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, timeout_at};
use vox_amd::{
    Because, Callee, Class, Detector, ModelVerdict, News, Question, Said, Settings, SitKind, Verdict,
};
use vox_shared::model::bot::Answering;
use vox_shared::wire::answered::{self, AnsweredBy};

use crate::provider::llm::{LlmEvent, LlmRequest, LlmStream, LlmUsage, Message, Role};
use crate::provider::stt::SttEvent;
use crate::session::event::Event;
use crate::session::verdict::{Answered, AnsweringEvent};

/// An answer of the model that comes later than this corrects nothing any more.
const MODEL_PATIENCE: Duration = Duration::from_secs(5);
/// Of the bot's own words, what the model is shown, bytes.
const OWN_WORDS: usize = 400;
/// Of the model's answer, a word and a number, so much is waited for, bytes.
const LONGEST_ANSWER: usize = 200;

/// A question that is with the model.
#[derive(Debug)]
struct Asking {
    stream: LlmStream,
    asked_ms: u32,
    /// What it was told, characters.
    told: u64,
    text: String,
    until: Instant,
}

impl Asking {
    /// For the call's books. A vendor that breaks off, or is broken off, does not say what it bills.
    fn used(&self, usage: Option<LlmUsage>) -> AnsweringEvent {
        AnsweringEvent::Used { usage, told: self.told, written: self.text.chars().count() as u64 }
    }
}

/// What is known of a call at its end beside the detector.
#[derive(Clone, Copy, Debug, Default)]
pub struct Closing {
    /// The bot's message was left, to its end.
    pub message_left: bool,
    /// A telephone that asked who calls has passed the call on.
    pub passed_on: bool,
    /// What callers say is hidden from the record: the recogniser's words come in pieces, in which no rule finds a number.
    pub hides_words: bool,
}

/// The detector of one call.
pub struct Screener {
    detector: Detector,
    asking: Option<Asking>,
    /// What the model was asked and has used, which the session is still to be told.
    books: Vec<AnsweringEvent>,
    /// What the bot was given to say, the newest of it.
    own_words: String,
    speaks: bool,
    first_audio_ms: Option<u32>,
    greeting_end_ms: Option<u32>,
    is_settled: bool,
}

/// The call that a detector is for.
#[derive(Clone, Copy, Debug)]
pub struct Watched<'a> {
    /// What the bot speaks (BCP-47), or empty.
    pub language: &'a str,
    /// Of the line.
    pub rate_hz: u32,
    /// The media time at which this worker begins with it.
    pub since: Duration,
    /// From the dial to the answer, where the line saw it ring.
    pub rang: Option<Duration>,
}

impl Screener {
    /// None for a call that another worker has begun: whoever is in the middle of a conversation talks as long as a machine does. Settings
    /// that make no sense are the detector's own: a call is not lost for them.
    pub fn new(answering: &Answering, call: Watched<'_>) -> Option<Self> {
        let Watched { language, rate_hz, since, rang } = call;
        if !since.is_zero() {
            return None;
        }
        let settings = Settings::read(Value::Object(answering.detector.clone())).unwrap_or_else(|error| {
            tracing::warn!(%error, "settings of the detector of machines make no sense; it has its own");
            Settings::default()
        });
        let ring_ms = rang.map(|rang| u32::try_from(rang.as_millis()).unwrap_or(u32::MAX));
        let callee = Callee { rate_hz, language: language.to_owned(), ring_ms, has_words: true };
        let detector = Detector::new(settings, callee).expect("settings that were read are checked");
        Some(Self {
            detector,
            asking: None,
            books: Vec::new(),
            own_words: String::new(),
            speaks: false,
            first_audio_ms: None,
            greeting_end_ms: None,
            is_settled: false,
        })
    }

    /// The caller's sound. Beeps are told as long as the call lasts.
    pub fn hear(&mut self, pcm: &[i16]) {
        self.detector.hear(pcm);
    }

    /// Time has passed since the answer, with sound or without.
    pub fn passes(&mut self, since: Duration) {
        if !self.is_settled {
            self.detector.silent_until(u32::try_from(since.as_millis()).unwrap_or(u32::MAX));
        }
    }

    /// What the recogniser has understood.
    pub fn understand(&mut self, event: &SttEvent) {
        let (text, is_final) = match event {
            SttEvent::Partial { text } | SttEvent::EagerEnd { text } => (text, false),
            SttEvent::Final { text, .. } => (text, true),
            _ => return,
        };
        if !self.is_settled {
            let said = Said { text: text.clone(), is_final, at_ms: self.detector.now_ms() };
            self.detector.word(said);
        }
    }

    /// The voice is given this to say.
    pub fn says(&mut self, text: &str) {
        self.own_words.push_str(text);
        self.own_words.push(' ');
        if let Some(over) = self.own_words.len().checked_sub(OWN_WORDS) {
            let at = (over..self.own_words.len()).find(|at| self.own_words.is_char_boundary(*at));
            self.own_words.drain(..at.unwrap_or(self.own_words.len()));
        }
    }

    /// Whether the bot is heard just now.
    pub fn speaks(&mut self, speaks: bool) {
        if self.is_settled || std::mem::replace(&mut self.speaks, speaks) == speaks {
            return;
        }
        let now = self.detector.now_ms();
        if speaks {
            self.first_audio_ms.get_or_insert(now);
            return self.detector.bot_speaks(now);
        }
        let asked = self.own_words.trim_end().ends_with(['?', '？', '؟', '।']);
        self.detector.bot_ends(now, asked);
    }

    /// What the session is to be told.
    pub fn news(&mut self, events: &mut impl Extend<Event>) {
        while let Some(news) = self.detector.news() {
            let told = match news {
                News::Verdict(verdict) | News::Corrected(verdict) => {
                    if let Because::Silence { silence_ms, .. } = verdict.because {
                        self.greeting_end_ms.get_or_insert(verdict.at_ms.saturating_sub(silence_ms));
                    }
                    let because = word(&verdict.because);
                    Event::Answering(AnsweringEvent::Verdict { answered: answered(&verdict), because })
                }
                News::Beep { ended_ms, .. } => {
                    let ago = self.detector.now_ms().saturating_sub(ended_ms);
                    Event::Beep { ago: Duration::from_millis(ago.into()) }
                }
                News::GreetingEnd { .. } => Event::Answering(AnsweringEvent::GreetingEnded),
                News::Settled(_) => {
                    self.is_settled = true;
                    self.give_up_asking();
                    continue;
                }
            };
            events.extend([told]);
        }
        events.extend(self.books.drain(..).map(Event::Answering));
    }

    /// What the model is to be asked now, if nothing is with it.
    pub fn question(&mut self) -> Option<LlmRequest> {
        if self.asking.is_some() || self.is_settled {
            return None;
        }
        let question = self.detector.question()?;
        Some(request(&question, &self.own_words))
    }

    /// It was asked, and told so many characters.
    pub fn asks(&mut self, stream: LlmStream, told: u64) {
        self.books.push(AnsweringEvent::Asked);
        let until = Instant::now() + MODEL_PATIENCE;
        let asked_ms = self.detector.now_ms();
        self.asking = Some(Asking { stream, asked_ms, told, text: String::new(), until });
    }

    /// Wait for the model's answer, and take it. Waits for ever while nothing was asked; cancel-safe.
    pub async fn answered(&mut self) {
        let Some(asking) = &mut self.asking else { return pending().await };
        match timeout_at(asking.until, asking.stream.events.recv()).await {
            Ok(Some(LlmEvent::Text(text))) => {
                asking.text.push_str(&text);
                if asking.text.len() > LONGEST_ANSWER {
                    self.take_answer(None);
                }
            }
            Ok(Some(LlmEvent::Done { usage, .. })) => self.take_answer(usage),
            Ok(Some(LlmEvent::ToolCall(_) | LlmEvent::Progress)) => {}
            Ok(Some(LlmEvent::Failed(_)) | None) | Err(_) => self.give_up_asking(),
        }
    }

    fn take_answer(&mut self, usage: Option<LlmUsage>) {
        let Some(asking) = self.asking.take() else { return };
        let verdict = ModelVerdict::read(&asking.text, asking.asked_ms, self.detector.now_ms());
        self.detector.model_says(verdict);
        self.books.push(asking.used(usage));
    }

    /// The rules decide alone.
    fn give_up_asking(&mut self) {
        if let Some(asking) = self.asking.take() {
            self.books.push(asking.used(None));
        }
    }

    /// For the record: the last verdict, and why.
    pub fn finish(&self, closing: Closing) -> AnsweredBy {
        let Closing { message_left, passed_on, hides_words } = closing;
        let evidence = self.detector.evidence();
        let evidence = if hides_words { evidence.without_words() } else { evidence };
        let verdict = self.detector.verdict();
        let sit = verdict.and_then(|verdict| match verdict.because {
            Because::Sit(kind) => Some(kind),
            _ => None,
        });
        AnsweredBy {
            class: verdict.map_or(answered::Callee::Unsure, callee),
            message_left,
            mailbox_full: self.detector.takes_no_message(),
            invalid_number: sit.is_some_and(SitKind::is_invalid_number),
            no_line: sit.is_some_and(SitKind::is_congestion),
            passed_on,
            greeting_end_ms: self.greeting_end_ms.map(f64::from),
            first_audio_ms: self.first_audio_ms.map(f64::from),
            evidence: serde_json::to_value(evidence).unwrap_or_default(),
        }
    }
}

fn request(question: &Question, own_words: &str) -> LlmRequest {
    LlmRequest {
        messages: vec![
            Message::text(Role::System, question.system()),
            Message::text(Role::User, question.user(own_words.trim())),
        ],
        tools: Vec::new(),
        cache_key: None,
    }
}

fn answered(verdict: &Verdict) -> Answered {
    match verdict.class {
        Class::Human => Answered::Person,
        Class::Voicemail => Answered::Voicemail,
        Class::Screening => Answered::Screening,
        Class::Ivr => Answered::Menu,
        Class::Tone if verdict.because == Because::Ringback => Answered::Rings,
        Class::Carrier | Class::Tone => Answered::Nobody,
        Class::Silent => Answered::Silence,
        Class::Unsure => Answered::Unsure,
    }
}

fn callee(verdict: &Verdict) -> answered::Callee {
    match verdict.class {
        Class::Human => answered::Callee::Human,
        Class::Voicemail => answered::Callee::Voicemail,
        Class::Screening => answered::Callee::Screening,
        Class::Ivr => answered::Callee::Ivr,
        Class::Tone if verdict.because == Because::Fax => answered::Callee::Fax,
        // Another time somebody may be reached there; a fax's number is never called again.
        Class::Carrier | Class::Tone => answered::Callee::Announcement,
        Class::Silent => answered::Callee::Silent,
        Class::Unsure => answered::Callee::Unsure,
    }
}

/// For the call's events.
fn word(because: &Because) -> String {
    match because {
        Because::Silence { block_ms, silence_ms } => {
            format!("spoke for {block_ms} ms, and waits for {silence_ms} ms")
        }
        Because::Keyword { phrase } => format!("said '{phrase}'"),
        Because::LongSpeech { ms } => format!("speaks for {ms} ms without a pause"),
        Because::Beep => "it beeped".into(),
        Because::Sit(kind) => format!("the carrier's three tones ({kind:?})"),
        Because::Fax => "a fax".into(),
        Because::Busy => "a busy tone".into(),
        Because::Ringback => "it rings".into(),
        Because::Music => "music".into(),
        Because::NoSpeech => "nobody spoke".into(),
        Because::Deadline => "the time is over".into(),
        Because::Model => "the model and another sign".into(),
        Because::NoReaction { ms } => format!("rang as long as machines do, and does not react for {ms} ms"),
        Because::HandedOver => "a person spoke after it".into(),
        Because::Cadence(rule) => format!("the rule '{rule}'"),
    }
}

#[cfg(test)]
mod tests;
