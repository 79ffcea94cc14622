//! What is said to Cartesia, and what its messages mean.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::NAME;
use super::event::{Event, parse_event};
use crate::provider::link::{Flaw, Outgoing};
use crate::provider::tts::replies::{Cancelled, Reaction, Told, Tongue, reported};
use crate::provider::tts::{UtteranceId, WordMark};

/// The smallest plan lets two contexts be at work.
const CONTEXTS_MAX: usize = 2;
/// The vendor closes what was idle for five minutes, and knows no sign of life.
const IDLE_MOST: Duration = Duration::from_secs(270);
/// The vendor gives a context up one second after its last sound; what comes so close to that goes into another.
const CONTEXT_LIFE: Duration = Duration::from_millis(600);

/// Cartesia's words.
#[derive(Debug)]
pub struct CartesiaTongue {
    fixed: Map<String, Value>,
    rate_hz: u32,
    contexts: Vec<Context>,
}

/// The context in which a reply is spoken now.
#[derive(Debug)]
struct Context {
    utterance: UtteranceId,
    /// Counts up when a context was given up before its reply was at its end.
    number: u32,
    /// Texts sent into it, each a segment of its own.
    sent: u64,
    /// Segments of which all sound came.
    spoken: u64,
    /// The vendor has let go of it.
    is_gone: bool,
    is_ended: bool,
    /// Nothing of it came since a text was sent into it.
    is_unanswered: bool,
    /// Bytes of sound of this context, and of the reply's contexts before it.
    bytes: u64,
    earlier_bytes: u64,
    heard_at: Instant,
}

impl Context {
    fn id(&self) -> String {
        format!("u{}-{}", self.utterance, self.number)
    }

    fn is_spoken(&self) -> bool {
        self.spoken >= self.sent
    }

    /// Another context of the same reply.
    fn renew(&mut self) {
        self.number += 1;
        (self.sent, self.spoken, self.is_gone) = (0, 0, false);
        self.earlier_bytes += std::mem::take(&mut self.bytes);
    }
}

impl CartesiaTongue {
    /// Every request holds `fixed`; sound is asked for at `rate_hz`.
    pub fn new(fixed: Map<String, Value>, rate_hz: u32) -> Self {
        Self { fixed, rate_hz, contexts: Vec::new() }
    }

    fn request(&self, id: String, transcript: &str, goes_on: bool) -> Value {
        let mut request = self.fixed.clone();
        request.insert("context_id".into(), id.into());
        let format = json!({"container": "raw", "encoding": "pcm_s16le", "sample_rate": self.rate_hz});
        request.insert("output_format".into(), format);
        request.insert("transcript".into(), transcript.into());
        request.insert("continue".into(), goes_on.into());
        // A segment for each text, so that it is known when all that was sent has been spoken.
        request.insert("flush".into(), goes_on.into());
        Value::Object(request)
    }

    fn find(&mut self, id: &str) -> Option<&mut Context> {
        self.contexts.iter_mut().find(|context| context.id() == id)
    }

    fn at(&self, utterance: UtteranceId) -> Option<usize> {
        self.contexts.iter().position(|context| context.utterance == utterance)
    }
}

impl Tongue for CartesiaTongue {
    fn vendor(&self) -> &'static str {
        NAME
    }

    fn replies_max(&self) -> usize {
        CONTEXTS_MAX
    }

    fn sound_hz(&self) -> u32 {
        self.rate_hz
    }

    fn open(&mut self, _to: &mut Reaction) {
        self.contexts.clear();
    }

    fn speak(&mut self, utterance: UtteranceId, text: &str, now: Instant, to: &mut Reaction) {
        let at = self.at(utterance).unwrap_or_else(|| {
            self.contexts.push(Context {
                utterance,
                number: 0,
                sent: 0,
                spoken: 0,
                is_gone: false,
                is_ended: false,
                is_unanswered: false,
                bytes: 0,
                earlier_bytes: 0,
                heard_at: now,
            });
            self.contexts.len() - 1
        });
        let context = &mut self.contexts[at];
        let is_quiet =
            context.sent > 0 && context.is_spoken() && now.duration_since(context.heard_at) >= CONTEXT_LIFE;
        if context.is_gone || is_quiet {
            context.renew();
        }
        context.sent += 1;
        context.is_unanswered = true;
        let id = context.id();
        // Transcripts are joined as they are.
        to.send(self.request(id, &format!("{text} "), true));
    }

    fn end(&mut self, utterance: UtteranceId, to: &mut Reaction) {
        let Some(at) = self.at(utterance) else { return };
        let context = &mut self.contexts[at];
        context.is_ended = true;
        let (id, is_gone, is_spoken) = (context.id(), context.is_gone, context.is_spoken());
        if !is_gone {
            to.send(self.request(id, "", false));
        }
        if is_gone || is_spoken {
            to.tell(Told::Over { of: Some(utterance) });
        }
    }

    /// What has begun to be spoken is spoken to its end, and thrown away here.
    fn cancel(&mut self, utterance: UtteranceId, to: &mut Reaction) -> Cancelled {
        if let Some(at) = self.at(utterance).filter(|at| !self.contexts[*at].is_gone) {
            to.send(json!({"context_id": self.contexts[at].id(), "cancel": true}));
        }
        Cancelled::Forgotten
    }

    fn forget(&mut self, utterance: UtteranceId) {
        self.contexts.retain(|context| context.utterance != utterance);
    }

    fn owes(&self, utterance: UtteranceId) -> bool {
        // Nothing is known of it while the vendor has not told the end of any segment.
        self.at(utterance).is_some_and(|at| {
            let context = &self.contexts[at];
            context.spoken > 0 && context.sent > context.spoken + 1
        })
    }

    fn text(&mut self, text: &str, now: Instant, to: &mut Reaction) -> Result<(), Flaw> {
        let rate_hz = self.rate_hz;
        match parse_event(text).map_err(|error| Flaw::Malformed(error.to_string()))? {
            Event::Chunk { context, pcm } => {
                if let Some(context) = self.find(&context) {
                    (context.heard_at, context.is_unanswered) = (now, false);
                    context.bytes += pcm.len() as u64;
                    to.tell(Told::Sound { of: Some(context.utterance), bytes: pcm });
                }
            }
            Event::Words { context, words } => {
                if let Some(context) = self.find(&context) {
                    context.is_unanswered = false;
                    let earlier_ms = (context.earlier_bytes * 500 / u64::from(rate_hz)) as u32;
                    let later = |word: WordMark| WordMark {
                        started_ms: word.started_ms.saturating_add(earlier_ms),
                        ended_ms: word.ended_ms.saturating_add(earlier_ms),
                        ..word
                    };
                    let words = words.into_iter().map(later).collect();
                    to.tell(Told::Words { of: Some(context.utterance), words });
                }
            }
            Event::Flushed { context, segment } => {
                if let Some(context) = self.find(&context) {
                    context.spoken = context.spoken.max(segment.min(context.sent));
                    context.heard_at = now;
                    if context.is_ended && context.is_spoken() {
                        to.tell(Told::Over { of: Some(context.utterance) });
                    }
                }
            }
            Event::Done { context } => {
                let Some(context) = self.find(&context) else { return Ok(()) };
                if !context.is_ended && context.is_unanswered {
                    // Given up while a text was on its way: that is spoken in another of the same name, whose times begin anew.
                    context.sent -= context.spoken;
                    context.spoken = 0;
                    context.earlier_bytes += std::mem::take(&mut context.bytes);
                    return Ok(());
                }
                context.is_gone = true;
                context.spoken = context.sent;
                to.tell(Told::Over { of: Some(context.utterance) });
            }
            Event::Error { context, status, word } => {
                let of = match context {
                    None => None,
                    // What is wrong with a context that nobody listens to is nobody's business.
                    Some(id) => match self.find(&id) {
                        Some(context) => Some(context.utterance),
                        None => return Ok(()),
                    },
                };
                to.tell(Told::Failed { of, failure: reported(NAME, status, word.as_deref()) });
            }
            Event::Other => {}
        }
        Ok(())
    }

    fn keep_alive(&self) -> Duration {
        IDLE_MOST
    }

    fn stay(&mut self) -> Option<Outgoing> {
        None
    }

    fn idle_most(&self) -> Option<Duration> {
        Some(IDLE_MOST)
    }
}
