//! One connection for the whole call: replies come and go as contexts, at most [`CONTEXTS_MAX`] at a time.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::context::Context;
use super::error::{close_failure, message_failure};
use super::event::{Alignments, Event, parse_event};
use super::{TtsEvent, TtsInput};
use crate::provider::egress::{Incoming, WebSocket};
use crate::provider::outlet::Outlet;
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
/// Messages in a row that cannot be understood before the stream counts as broken.
pub(super) const MALFORMED_MAX: u32 = 5;

/// An open connection and what is spoken over it.
pub(super) struct Link {
    pub(super) socket: WebSocket,
    pub(super) rate_hz: u32,
    pub(super) voice_settings: Value,
}

/// Serve an open connection to its end; `again` opens another.
pub(super) async fn run<F>(
    link: Link,
    again: impl Fn() -> F,
    mut input: mpsc::Receiver<TtsInput>,
    events: mpsc::Sender<TtsEvent>,
) where
    F: Future<Output = Result<WebSocket, Failure>>,
{
    let mut session = Session {
        link,
        outlet: Outlet::new(events),
        contexts: Vec::new(),
        held: VecDeque::new(),
        held_until: None,
        retired: None,
        keep_alive_at: Instant::now() + KEEP_ALIVE,
        malformed: 0,
    };
    session.outlet.push(TtsEvent::Ready);
    let Err(end) = session.serve(&mut input, &again).await;
    session.finish(end).await;
}

enum End {
    InputOver,
    ReaderGone,
    Failed(Failure),
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// What ends a wait of the session.
enum Woken {
    Input(Option<TtsInput>),
    Message(Result<Incoming, Failure>),
    Delivered,
    KeepAlive,
    NoRoom,
}

struct Session {
    link: Link,
    outlet: Outlet<TtsEvent>,
    /// In the order they were opened.
    contexts: Vec<Context>,
    /// Input of replies for which there is no room yet, in order.
    held: VecDeque<TtsInput>,
    held_until: Option<Instant>,
    /// The newest reply that is over; late text for it or an older one is not spoken.
    retired: Option<UtteranceId>,
    keep_alive_at: Instant,
    malformed: u32,
}

impl Session {
    async fn serve<F>(
        &mut self,
        input: &mut mpsc::Receiver<TtsInput>,
        again: &impl Fn() -> F,
    ) -> Result<Infallible, End>
    where
        F: Future<Output = Result<WebSocket, Failure>>,
    {
        loop {
            self.say_held().await?;
            let held_until = self.held_until.unwrap_or(self.keep_alive_at);
            // While the reader is slow the server's finals are not read, so waiting for them says nothing.
            let awaits_room = self.held_until.is_some() && self.outlet.is_empty();
            let woken = tokio::select! {
                input = input.recv(), if self.held.len() < STREAM_DEPTH => Woken::Input(input),
                message = self.link.socket.next(), if self.outlet.is_empty() => Woken::Message(message),
                delivered = self.outlet.run() => delivered.map(|()| Woken::Delivered).map_err(|_| End::ReaderGone)?,
                () = sleep_until(self.keep_alive_at) => Woken::KeepAlive,
                () = sleep_until(held_until), if awaits_room => Woken::NoRoom,
            };
            match woken {
                Woken::Input(None) => return Err(End::InputOver),
                Woken::Input(Some(input)) => self.take_input(input).await?,
                Woken::Message(message) => self.take_message(message?)?,
                Woken::Delivered => {}
                Woken::KeepAlive => self.keep_alive().await?,
                Woken::NoRoom => {
                    self.check_replaceable()?;
                    self.replace(again().await?).await;
                }
            }
        }
    }

    async fn take_input(&mut self, input: TtsInput) -> Result<(), Failure> {
        let utterance = of(&input);
        if matches!(input, TtsInput::Cancel { .. }) {
            self.held.retain(|held| of(held) != utterance);
            return self.cancel(utterance).await;
        }
        self.say(input).await
    }

    /// Pass text or its end on, or hold it while there is no room for its reply.
    async fn say(&mut self, input: TtsInput) -> Result<(), Failure> {
        let utterance = of(&input);
        if self.held.iter().any(|held| of(held) == utterance) {
            self.held.push_back(input);
            return Ok(());
        }
        let known = self.contexts.iter().position(|context| context.utterance == utterance);
        let at = match (known, &input) {
            (Some(at), _) => at,
            (None, _) if self.retired.is_some_and(|retired| utterance <= retired) => return Ok(()),
            (None, TtsInput::Speak { text, .. }) if text.trim().is_empty() => return Ok(()),
            (None, TtsInput::End { .. }) => {
                // A reply without text has no sound.
                self.retire(utterance);
                self.outlet.push(TtsEvent::Done { utterance });
                return Ok(());
            }
            (None, _) if self.contexts.len() >= CONTEXTS_MAX => {
                self.held.push_back(input);
                self.held_until = self.held_until.or(Some(Instant::now() + CONTEXT_WAIT));
                return Ok(());
            }
            (None, _) => {
                self.contexts.push(Context::new(utterance));
                self.contexts.len() - 1
            }
        };
        match input {
            TtsInput::Speak { text, .. } => {
                let messages = self.contexts[at].speak(text.trim(), &self.link.voice_settings);
                self.send_all(messages).await
            }
            TtsInput::End { .. } | TtsInput::Cancel { .. } => self.end(at).await,
        }
    }

    async fn end(&mut self, at: usize) -> Result<(), Failure> {
        if self.contexts[at].cancelled {
            return Ok(());
        }
        if self.contexts[at].is_unknown() {
            let utterance = self.forget(at);
            self.outlet.push(TtsEvent::Done { utterance });
            return Ok(());
        }
        self.close(at).await
    }

    async fn cancel(&mut self, utterance: UtteranceId) -> Result<(), Failure> {
        self.outlet.retain(|event| speaker(event) != Some(utterance));
        let Some(at) = self.contexts.iter().position(|context| context.utterance == utterance) else {
            self.retire(utterance);
            return Ok(());
        };
        if self.contexts[at].is_unknown() {
            self.forget(at);
            return Ok(());
        }
        self.contexts[at].cancelled = true;
        self.close(at).await
    }

    async fn close(&mut self, at: usize) -> Result<(), Failure> {
        let closing = self.contexts[at].close();
        let usage = self.contexts[at].take_usage();
        self.push_all(usage);
        self.send_all(closing).await
    }

    /// Let go of a context that the server does not know (any more).
    fn forget(&mut self, at: usize) -> UtteranceId {
        let mut context = self.contexts.remove(at);
        self.push_all(context.take_usage());
        self.retire(context.utterance);
        context.utterance
    }

    fn take_message(&mut self, message: Incoming) -> Result<(), Failure> {
        let text = match message {
            Incoming::Text(text) => text,
            Incoming::Binary(_) => return self.count_malformed("a binary message"),
            Incoming::Closed { code, reason } => return Err(close_failure(code, &reason)),
        };
        match parse_event(text.as_str()) {
            Ok(Event::Piece { context, pcm, alignments, is_final }) => {
                self.malformed = 0;
                self.take_piece(context.as_deref(), &pcm, &alignments, is_final);
                Ok(())
            }
            Ok(Event::Error { word, code }) => Err(message_failure(&word, code)),
            Ok(Event::Other) => Ok(()),
            Err(error) => self.count_malformed(&error.to_string()),
        }
    }

    fn take_piece(&mut self, id: Option<&str>, pcm: &[u8], alignments: &Alignments, is_final: bool) {
        let at = match id {
            Some(id) => self.contexts.iter().position(|context| context.is_named(id)),
            None if self.contexts.len() == 1 => Some(0),
            None => None,
        };
        let Some(at) = at else { return };
        let context = &mut self.contexts[at];
        if !context.cancelled && (!pcm.is_empty() || !alignments.is_empty()) {
            let events = context.take_piece(pcm, alignments, self.link.rate_hz);
            events.into_iter().for_each(|event| self.outlet.push(event));
        }
        if is_final {
            self.take_final(at);
        }
    }

    fn take_final(&mut self, at: usize) {
        let (events, over) = self.contexts[at].take_final();
        if !self.contexts[at].cancelled {
            self.push_all(events);
        }
        if over {
            let utterance = self.contexts.remove(at).utterance;
            self.retire(utterance);
        }
    }

    /// Say what was held, as far as there is room now.
    async fn say_held(&mut self) -> Result<(), Failure> {
        if self.contexts.len() < CONTEXTS_MAX && !self.held.is_empty() {
            self.held_until = None;
            for input in std::mem::take(&mut self.held) {
                self.say(input).await?;
            }
        }
        if self.held.is_empty() {
            self.held_until = None;
        }
        Ok(())
    }

    /// No old context became final in time. Where all of them were interrupted nothing is lost with their connection.
    fn check_replaceable(&self) -> Result<(), Failure> {
        if self.contexts.iter().all(|context| context.cancelled) {
            return Ok(());
        }
        Err(Failure::new(FailureClass::TimedOut, "elevenlabs: replies are not brought to their end"))
    }

    async fn replace(&mut self, socket: WebSocket) {
        tracing::warn!(provider = super::NAME, "interrupted contexts do not end; connection replaced");
        for context in std::mem::take(&mut self.contexts) {
            self.retire(context.utterance);
        }
        std::mem::replace(&mut self.link.socket, socket).close().await;
    }

    fn retire(&mut self, utterance: UtteranceId) {
        self.retired = self.retired.max(Some(utterance));
    }

    async fn keep_alive(&mut self) -> Result<(), Failure> {
        let open: Vec<Value> = self
            .contexts
            .iter()
            .filter(|context| context.is_open())
            .map(|context| json!({"text": "", "context_id": context.id()}))
            .collect();
        self.send_all(if open.is_empty() { vec![json!({"text": ""})] } else { open }).await
    }

    async fn send_all(&mut self, messages: impl IntoIterator<Item = Value>) -> Result<(), Failure> {
        for message in messages {
            self.link.socket.send_text(message.to_string()).await?;
            self.keep_alive_at = Instant::now() + KEEP_ALIVE;
        }
        Ok(())
    }

    fn push_all(&mut self, events: impl IntoIterator<Item = TtsEvent>) {
        events.into_iter().for_each(|event| self.outlet.push(event));
    }

    fn count_malformed(&mut self, what: &str) -> Result<(), Failure> {
        self.malformed += 1;
        tracing::warn!(provider = super::NAME, what, count = self.malformed, "a message was not understood");
        if self.malformed < MALFORMED_MAX {
            return Ok(());
        }
        Err(Failure::new(FailureClass::Malformed, format!("elevenlabs sends what it should not: {what}")))
    }

    async fn finish(mut self, end: End) {
        for at in 0..self.contexts.len() {
            let usage = self.contexts[at].take_usage();
            self.push_all(usage);
        }
        match end {
            End::ReaderGone => self.link.socket.close().await,
            End::InputOver => self.goodbye().await,
            End::Failed(failure) => self.outlet.finish(Some(TtsEvent::Failed(failure))).await,
        }
    }

    /// Ask the vendor to close; what it was told to speak still comes.
    async fn goodbye(mut self) {
        let deadline = Instant::now() + GOODBYE_WAIT;
        let asked = self.link.socket.send_text(json!({"close_socket": true}).to_string()).await;
        while asked.is_ok() {
            let step = tokio::select! {
                message = timeout_at(deadline, self.link.socket.next()), if self.outlet.is_empty() => message,
                delivered = self.outlet.run() => match delivered {
                    Ok(()) => continue,
                    Err(_) => break,
                },
                () = sleep_until(deadline) => break,
            };
            let Ok(Ok(Incoming::Text(text))) = step else { break };
            if self.take_message(Incoming::Text(text)).is_err() {
                break;
            }
        }
        self.link.socket.close().await;
        self.outlet.finish(None).await;
    }
}

fn of(input: &TtsInput) -> UtteranceId {
    match input {
        TtsInput::Speak { utterance, .. } | TtsInput::End { utterance } | TtsInput::Cancel { utterance } => {
            *utterance
        }
    }
}

/// Whose sound, words or end an event is.
fn speaker(event: &TtsEvent) -> Option<UtteranceId> {
    match event {
        TtsEvent::Audio { utterance, .. }
        | TtsEvent::Words { utterance, .. }
        | TtsEvent::Done { utterance } => Some(*utterance),
        TtsEvent::Ready | TtsEvent::Usage { .. } | TtsEvent::Failed(_) => None,
    }
}
