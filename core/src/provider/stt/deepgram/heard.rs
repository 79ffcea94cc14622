//! What a connection has transcribed: which words are new, which come twice, and when an utterance is over.

use super::SttEvent;
use super::event::{Event, Results};

/// What a connection has transcribed so far.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// Up to where the words will not change, seconds.
    final_until: f64,
    /// An interim with words has not been followed by its final.
    open: bool,
    /// `speech_final` came since the last utterance's end.
    ended: bool,
}

/// Slack when comparing times that the vendor computed in single precision, seconds.
const SLACK: f64 = 0.01;

impl Heard {
    /// Whether words are known that are not final.
    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// What an event of the vendor means for the reader.
    pub(super) fn take(&mut self, event: Event) -> Option<SttEvent> {
        match event {
            Event::Results(results) if results.is_final => self.take_final(results),
            Event::Results(results) => self.take_interim(results),
            Event::UtteranceEnd => {
                // Only news when endpointing did not see the end itself, as in noise.
                let known = std::mem::take(&mut self.ended);
                (!known).then_some(SttEvent::UtteranceEnd)
            }
            Event::SpeechStarted { at_ms } => Some(SttEvent::SpeechStarted { at_ms }),
            Event::Metadata { seconds } => Some(SttEvent::Usage { seconds }),
            Event::Error { .. } | Event::Other => None,
        }
    }

    fn take_interim(&mut self, results: Results) -> Option<SttEvent> {
        let stale = results.start + results.duration <= self.final_until + SLACK && self.final_until > 0.0;
        if stale {
            return None;
        }
        if results.text.is_empty() {
            // It hears sound and no words: a sign of life.
            return Some(SttEvent::Partial { text: String::new() });
        }
        self.open = true;
        self.ended = false;
        Some(SttEvent::Partial { text: results.text })
    }

    fn take_final(&mut self, mut results: Results) -> Option<SttEvent> {
        let end = results.start + results.duration;
        let repeated = results.start + SLACK < self.final_until && end <= self.final_until + SLACK;
        if repeated {
            results = Results { text: String::new(), words: Vec::new(), confidence: None, ..results };
        } else {
            self.final_until = self.final_until.max(end);
            self.open = false;
        }
        let silent = results.text.is_empty();
        if !silent || results.speech_final {
            self.ended = results.speech_final;
        }
        if silent && !results.from_finalize && !results.speech_final {
            return (!repeated).then(|| SttEvent::Partial { text: String::new() });
        }
        Some(SttEvent::Final {
            confidence: results.confidence.filter(|_| !silent),
            text: results.text,
            words: results.words,
            from_finalize: results.from_finalize,
            utterance_end: results.speech_final,
        })
    }
}
