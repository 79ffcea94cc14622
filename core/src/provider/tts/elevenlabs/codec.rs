//! The protocol of the multi-context WebSocket: replies come and go as contexts of one connection, at most [`CONTEXTS_MAX`] at
//! a time. Pure; [`crate::provider::link`] moves the messages.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::context::{Context, Final};
use super::error::message_failure;
use super::event::{Alignments, Event, parse_event};
use super::{NAME, TtsEvent, TtsInput};
use crate::provider::link::{Codec, Flaw, Wishes};
use crate::provider::tts::UtteranceId;
use crate::provider::{Failure, FailureClass, STREAM_DEPTH};

/// The vendor gives up what was silent for 20 s.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// The vendor closes the connection at the sixth; interrupted contexts count until they are final.
pub(super) const CONTEXTS_MAX: usize = 4;
/// How long a new reply waits for an old context to become final before the connection is replaced.
pub(super) const CONTEXT_WAIT: Duration = Duration::from_secs(2);
/// How long the vendor may take to close after it was asked to.
const GOODBYE_WAIT: Duration = Duration::from_secs(2);

type Out = Wishes<TtsEvent>;

/// What is spoken over a connection.
#[derive(Debug)]
pub struct ContextsCodec {
    rate_hz: u32,
    voice_settings: Value,
    is_ready: bool,
    /// In the order they were opened.
    contexts: Vec<Context>,
    /// Input of replies for which there is no room yet, in order.
    held: VecDeque<TtsInput>,
    held_until: Option<Instant>,
    /// The newest reply that is over; late text for it or an older one is not spoken.
    retired: Option<UtteranceId>,
}

impl Codec for ContextsCodec {
    type Order = TtsInput;
    type Event = TtsEvent;

    fn vendor(&self) -> &'static str {
        NAME
    }

    fn failed(failure: Failure) -> TtsEvent {
        TtsEvent::Failed(failure)
    }

    /// The first connection makes the voice ready. A later one replaces one whose contexts were all given up.
    fn open(&mut self, now: Instant, wishes: &mut Out) {
        if !std::mem::replace(&mut self.is_ready, true) {
            return wishes.tell(TtsEvent::Ready);
        }
        for context in std::mem::take(&mut self.contexts) {
            self.retire(context.utterance);
        }
        self.say_held(now, wishes);
    }

    fn takes_orders(&self) -> bool {
        self.held.len() < STREAM_DEPTH
    }

    fn withdraws(&self, order: &TtsInput, waiting: &TtsEvent) -> bool {
        matches!(order, TtsInput::Cancel { utterance } if waiting.utterance() == Some(*utterance))
    }

    fn order(&mut self, order: TtsInput, now: Instant, wishes: &mut Out) -> Result<(), Failure> {
        if let TtsInput::Cancel { utterance } = order {
            self.held.retain(|held| held.utterance() != utterance);
            self.cancel(utterance, wishes);
        } else {
            self.say(order, now, wishes);
        }
        self.say_held(now, wishes);
        Ok(())
    }

    fn text(&mut self, text: &str, now: Instant, wishes: &mut Out) -> Result<(), Flaw> {
        match parse_event(text).map_err(|error| Flaw::Malformed(error.to_string()))? {
            Event::Piece { context, pcm, alignments, is_final } => {
                if let Some(at) = self.position(context.as_deref()) {
                    self.take_piece(at, (&pcm, &alignments), now, wishes);
                    if is_final {
                        self.take_final(at, wishes)?;
                    }
                    self.say_held(now, wishes);
                }
            }
            Event::Error { word, code } => return Err(message_failure(&word, code).into()),
            Event::Other => {}
        }
        Ok(())
    }

    fn due(&self) -> Option<Instant> {
        self.contexts.iter().filter_map(Context::over_at).chain(self.held_until).min()
    }

    /// A reply was heard to its end and its end was not told, or stopped in its middle, or no room was made for a new one in time.
    fn tick(&mut self, now: Instant, wishes: &mut Out) -> Result<(), Failure> {
        let mut ended = false;
        for context in &mut self.contexts {
            if context.over_at().is_some_and(|at| at <= now) {
                if context.is_cut() {
                    let detail = "elevenlabs: a reply stopped before its end";
                    return Err(Failure::new(FailureClass::TimedOut, detail));
                }
                tracing::warn!(provider = NAME, "a reply was spoken and its end not told");
                wishes.events.extend(context.take_end());
                context.cancelled = true;
                ended = true;
            }
        }
        let late = self.held_until.is_some_and(|until| until <= now);
        if late && !self.is_unwanted() {
            let detail = "elevenlabs: replies are not brought to their end";
            return Err(Failure::new(FailureClass::TimedOut, detail));
        }
        // In the pause after such a reply a new connection costs nobody any time.
        let in_time = ended && self.contexts.len() + 1 >= CONTEXTS_MAX && self.is_unwanted();
        if late || in_time {
            tracing::warn!(provider = NAME, "contexts do not end; the connection is replaced");
            self.held_until = None;
            wishes.reconnect = true;
        }
        Ok(())
    }

    fn keep_alive(&self) -> Duration {
        KEEP_ALIVE
    }

    fn stay(&mut self, wishes: &mut Out) {
        let open: Vec<&Context> = self.contexts.iter().filter(|context| context.is_open()).collect();
        if open.is_empty() {
            return send(wishes, [json!({"text": ""})]);
        }
        send(wishes, open.iter().map(|context| json!({"text": "", "context_id": context.id()})));
    }

    /// What the vendor was told to speak still comes.
    fn goodbye(&mut self, wishes: &mut Out) -> Duration {
        send(wishes, [json!({"close_socket": true})]);
        GOODBYE_WAIT
    }

    fn over(&mut self, wishes: &mut Out) {
        wishes.events.extend(self.contexts.iter_mut().filter_map(Context::take_usage));
    }
}

impl ContextsCodec {
    /// A voice at `rate_hz`; every context begins with `voice_settings`.
    pub fn new(rate_hz: u32, voice_settings: Value) -> Self {
        Self {
            rate_hz,
            voice_settings,
            is_ready: false,
            contexts: Vec::new(),
            held: VecDeque::new(),
            held_until: None,
            retired: None,
        }
    }

    /// Pass text or its end on, or hold it while there is no room for its reply.
    fn say(&mut self, input: TtsInput, now: Instant, wishes: &mut Out) {
        let utterance = input.utterance();
        if self.held.iter().any(|held| held.utterance() == utterance) {
            return self.held.push_back(input);
        }
        let known = self.contexts.iter().position(|context| context.utterance == utterance);
        let at = match (known, &input) {
            (Some(at), _) => at,
            (None, _) if self.retired.is_some_and(|retired| utterance <= retired) => return,
            (None, TtsInput::Speak { text, .. }) if text.trim().is_empty() => return,
            (None, TtsInput::End { .. }) => {
                // A reply without text has no sound.
                self.retire(utterance);
                return wishes.tell(TtsEvent::Done { utterance });
            }
            (None, _) if self.contexts.len() >= CONTEXTS_MAX => {
                self.held.push_back(input);
                self.held_until = self.held_until.or(Some(now + CONTEXT_WAIT));
                return;
            }
            (None, _) => {
                self.contexts.push(Context::new(utterance, now));
                self.contexts.len() - 1
            }
        };
        self.contexts[at].touch(now);
        match input {
            TtsInput::Speak { text, .. } => {
                send(wishes, self.contexts[at].speak(text.trim(), &self.voice_settings));
            }
            TtsInput::End { .. } | TtsInput::Cancel { .. } => self.end(at, wishes),
        }
    }

    fn end(&mut self, at: usize, wishes: &mut Out) {
        if self.contexts[at].cancelled {
            return;
        }
        if self.contexts[at].is_unknown() {
            let utterance = self.forget(at, wishes);
            return wishes.tell(TtsEvent::Done { utterance });
        }
        self.close(at, wishes);
    }

    fn cancel(&mut self, utterance: UtteranceId, wishes: &mut Out) {
        let Some(at) = self.contexts.iter().position(|context| context.utterance == utterance) else {
            return self.retire(utterance);
        };
        if self.contexts[at].is_unknown() {
            self.forget(at, wishes);
            return;
        }
        self.contexts[at].cancelled = true;
        self.close(at, wishes);
    }

    fn close(&mut self, at: usize, wishes: &mut Out) {
        send(wishes, self.contexts[at].close());
        wishes.events.extend(self.contexts[at].take_usage());
    }

    /// Let go of a context that the server does not know (any more).
    fn forget(&mut self, at: usize, wishes: &mut Out) -> UtteranceId {
        let mut context = self.contexts.remove(at);
        wishes.events.extend(context.take_usage());
        self.retire(context.utterance);
        context.utterance
    }

    fn position(&self, id: Option<&str>) -> Option<usize> {
        match id {
            Some(id) => self.contexts.iter().position(|context| context.is_named(id)),
            None => (self.contexts.len() == 1).then_some(0),
        }
    }

    fn take_piece(
        &mut self,
        at: usize,
        (pcm, alignments): (&[u8], &Alignments),
        now: Instant,
        wishes: &mut Out,
    ) {
        let context = &mut self.contexts[at];
        if !context.cancelled && (!pcm.is_empty() || !alignments.is_empty()) {
            context.touch(now);
            wishes.events.extend(context.take_piece(pcm, alignments, self.rate_hz));
        }
    }

    fn take_final(&mut self, at: usize, wishes: &mut Out) -> Result<(), Failure> {
        let context = &mut self.contexts[at];
        match context.take_final(&self.voice_settings) {
            Final::Over if context.is_mute() => {
                let detail = "elevenlabs: a reply is said to be done, and there was no sound of it";
                return Err(Failure::new(FailureClass::Unavailable, detail));
            }
            Final::Over => {
                let mut context = self.contexts.remove(at);
                if !context.cancelled {
                    wishes.events.extend(context.take_end());
                }
                self.retire(context.utterance);
            }
            Final::GivenUp => wishes.events.extend(context.take_last_word()),
            Final::Again(messages) => {
                tracing::warn!(
                    provider = NAME,
                    "a reply was given up in its middle; the rest is asked for again"
                );
                wishes.events.extend(context.take_last_word());
                wishes.events.extend(context.take_usage());
                send(wishes, messages);
            }
        }
        Ok(())
    }

    /// Say what was held, as far as there is room now.
    fn say_held(&mut self, now: Instant, wishes: &mut Out) {
        if self.contexts.len() < CONTEXTS_MAX && !self.held.is_empty() {
            self.held_until = None;
            for input in std::mem::take(&mut self.held) {
                self.say(input, now, wishes);
            }
        }
        if self.held.is_empty() {
            self.held_until = None;
        }
    }

    /// Whether nothing is lost with the connection.
    fn is_unwanted(&self) -> bool {
        self.contexts.iter().all(|context| context.cancelled)
    }

    fn retire(&mut self, utterance: UtteranceId) {
        self.retired = self.retired.max(Some(utterance));
    }
}

fn send(wishes: &mut Out, messages: impl IntoIterator<Item = Value>) {
    messages.into_iter().for_each(|message| wishes.send(message.to_string()));
}
