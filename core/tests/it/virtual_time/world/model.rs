//! A model that hears and speaks by itself: the sound of its replies, and what it writes down of the caller's.

use std::collections::HashMap;

use vox_core::provider::llm::LlmEvent;
use vox_core::provider::tts::UtteranceId;
use vox_core::session::event::{Event, ModelEvent, RequestId, Span, VoiceEvent};

use super::super::vendors::failure;
use super::{Happening, World};

/// The sound of one reply.
#[derive(Debug, Default)]
struct Reply {
    utterance: Option<UtteranceId>,
    /// It waits for its utterance. `None` is the end of it.
    waiting: Vec<Option<String>>,
}

#[derive(Debug, Default)]
pub struct OwnVoice {
    /// There is no voice.
    pub speaks: bool,
    replies: HashMap<RequestId, Reply>,
    asked_about: Vec<Span>,
    /// What was written down of the caller's sound.
    pub written: Vec<String>,
}

impl OwnVoice {
    pub fn of(speaks: bool) -> Self {
        Self { speaks, ..Self::default() }
    }
}

impl World {
    /// The model writes down, after a while, what it heard.
    pub(super) fn write_down(&mut self, heard: &[Span]) {
        for span in heard {
            if !self.own_voice.asked_about.contains(span) {
                self.own_voice.asked_about.push(*span);
                let after = self.random.range(100, 6_000);
                self.at(self.now + after, Happening::ModelHeard { span: *span, text: text_of(*span) });
            }
        }
    }

    /// Sound follows its text after a while; it may be missing, break off, or never be called complete.
    pub(super) fn sound_of(&mut self, request: RequestId, events: &[(u64, LlmEvent)]) {
        self.own_voice.replies.insert(request, Reply::default());
        let mut at = self.now;
        let mut left = if self.random.chance(5) { self.random.range(0, 12) } else { u64::MAX };
        self.faults += usize::from(left < u64::MAX);
        for (after, event) in events {
            at = at.max(self.now + after + self.random.range(0, 60));
            match event {
                LlmEvent::Text(text) if left > 0 => {
                    left -= 1;
                    let text = Some(text.clone());
                    self.at(at, Happening::ModelSound { request, text });
                }
                LlmEvent::Done { .. } if left > 0 && self.random.chance(95) => {
                    self.at(at + 5, Happening::ModelSound { request, text: None });
                }
                _ => {}
            }
        }
    }

    /// More of it has come, or the end.
    pub(super) fn model_sound(&mut self, request: RequestId, text: Option<String>) {
        let Some(reply) = self.own_voice.replies.get_mut(&request) else { return };
        let is_new = text.is_some() && reply.utterance.is_none();
        reply.waiting.push(text);
        match is_new {
            true => self.feed(Event::Model(ModelEvent::Speaks { request })),
            false => self.give(request),
        }
    }

    pub(super) fn utter(&mut self, request: RequestId, utterance: UtteranceId) {
        if let Some(reply) = self.own_voice.replies.get_mut(&request) {
            reply.utterance = Some(utterance);
            self.at(self.now, Happening::ModelGives { request });
        }
    }

    /// What waits goes to the ear.
    pub(super) fn give(&mut self, request: RequestId) {
        let Some(reply) = self.own_voice.replies.get_mut(&request) else { return };
        let Some(utterance) = reply.utterance else { return };
        for text in std::mem::take(&mut reply.waiting) {
            let Some(text) = text else {
                self.voice(u64::MAX, VoiceEvent::Done { utterance }, Vec::new(), 0);
                continue;
            };
            let (words, ms) = self.marks(utterance, &text);
            self.voice(u64::MAX, VoiceEvent::Audio { utterance, ms }, words, ms);
        }
    }

    pub(super) fn recite(&mut self, utterance: UtteranceId, text: &str) {
        if self.random.chance(4) {
            self.faults += 1;
            let after = self.random.range(0, 900);
            let event = VoiceEvent::Failed(failure("cut"));
            return self.at(self.now + after, Happening::Session(Event::Voice(event)));
        }
        self.cached(utterance, text);
    }

    pub(super) fn cancel_ask(&mut self, request: RequestId) {
        self.llm.remove(&request);
        self.own_voice.replies.remove(&request);
    }

    /// The words of this sound are known.
    pub(super) fn is_written(&self, span: Span) -> bool {
        self.own_voice.written.contains(&text_of(span))
    }

    pub(super) fn model_heard(&mut self, span: Span, text: String) {
        self.own_voice.written.push(text.clone());
        self.feed(Event::Model(ModelEvent::Heard { span, text }));
    }
}

fn text_of(span: Span) -> String {
    format!("said at {} ms", span.from.as_millis())
}
