//! What a call asks of its vendors, as parts of its trace: how long it took, when the first of the answer came, and whether it
//! failed. Nothing of what was asked or answered. Vendors themselves are told of no trace.

use std::time::Instant;

use tracing::Span;
use tracing::field::Empty;

use crate::provider::FailureClass;
use crate::provider::llm::LlmEvent;
use crate::provider::stt::SttEvent;
use crate::provider::tts::{TtsEvent, UtteranceId};

/// Something that was asked of a vendor. It is over when it is dropped.
#[derive(Debug)]
pub struct Asked {
    span: Span,
    since: Instant,
    has_answered: bool,
}

macro_rules! asked {
    ($name:literal, $provider:expr, $model:expr) => {
        tracing::info_span!(
            $name,
            otel.kind = "client",
            service = $name,
            provider = $provider,
            model = $model,
            first_ms = Empty,
            "error.type" = Empty
        )
    };
}

impl Asked {
    /// A stream of recognition, from its opening to its end.
    pub fn recogniser(provider: &str, model: &str) -> Self {
        Self::new(asked!("stt", provider, model))
    }

    /// A reply of a model.
    pub fn model(provider: &str, model: &str) -> Self {
        Self::new(asked!("llm", provider, model))
    }

    /// An utterance of a voice.
    pub fn voice(provider: &str, model: &str) -> Self {
        Self::new(asked!("tts", provider, model))
    }

    fn new(span: Span) -> Self {
        Self { span, since: Instant::now(), has_answered: false }
    }

    /// A piece of the answer came.
    pub fn answered(&mut self) {
        if !std::mem::replace(&mut self.has_answered, true) {
            self.span.record("first_ms", self.since.elapsed().as_secs_f64() * 1e3);
        }
    }

    /// It came to nothing.
    pub fn failed(&self, class: FailureClass) {
        self.span.record("error.type", class.as_str());
    }
}

/// What is asked of the vendors now.
#[derive(Debug, Default)]
pub struct Trace {
    pub hearing: Option<Asked>,
    pub thinking: Option<Asked>,
    pub speaking: Option<(UtteranceId, Asked)>,
}

impl Trace {
    /// The recogniser said something.
    pub fn heard(&mut self, event: &SttEvent) {
        match event {
            SttEvent::Ready => self.hearing.iter_mut().for_each(Asked::answered),
            SttEvent::Failed(failure) => {
                self.hearing.take().iter().for_each(|asked| asked.failed(failure.class))
            }
            _ => {}
        }
    }

    /// The model did.
    pub fn thought(&mut self, event: &LlmEvent) {
        match event {
            LlmEvent::Text(_) | LlmEvent::ToolCall(_) => self.thinking.iter_mut().for_each(Asked::answered),
            LlmEvent::Progress => {}
            LlmEvent::Done { .. } => self.thinking = None,
            LlmEvent::Failed(failure) => {
                self.thinking.take().iter().for_each(|asked| asked.failed(failure.class))
            }
        }
    }

    /// The voice did.
    pub fn spoke(&mut self, event: &TtsEvent) {
        match (event, &mut self.speaking) {
            (TtsEvent::Audio { utterance, .. }, Some((of, asked))) if utterance == of => asked.answered(),
            (TtsEvent::Done { utterance }, Some((of, _))) if utterance == of => self.speaking = None,
            (TtsEvent::Failed(failure), Some((_, asked))) => {
                asked.failed(failure.class);
                self.speaking = None;
            }
            _ => {}
        }
    }
}
