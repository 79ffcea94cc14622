//! One WebSocket session, of many contexts or of one.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    context::{Context, Step},
    habit::Habit,
    message::Message,
    query::Wanted,
    refusal::{POLICY, Trouble},
    script::Script,
    speech::Manner,
};
use crate::vendor::{
    lies::Dialect,
    line::{Heard, Line},
};

/// The vendor's bound on the contexts of one connection, unfinished ones included.
const MAX_CONTEXTS: usize = 5;
/// `try_trigger_generation` needs this much text.
const MIN_TRIGGER_CHARS: usize = 50;

/// Which endpoint the session is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Multi,
    Single,
}

/// What the handshake settled.
pub(crate) struct Opening {
    pub(crate) endpoint: Endpoint,
    pub(crate) wanted: Result<(Wanted, Manner), Trouble>,
    /// The key offered with the handshake, if any.
    pub(crate) key: Option<String>,
}

pub(crate) struct Session {
    line: Line,
    script: Arc<Script>,
    endpoint: Endpoint,
    wanted: Wanted,
    manner: Manner,
    /// In the order of their opening; an absent id is the default context.
    contexts: Vec<(Option<String>, Context)>,
    authorised: bool,
    closing: bool,
    /// One context of the session was given up early, which is enough.
    gave_up: bool,
    last_heard: Instant,
}

impl Session {
    /// Serve a session whose handshake has been accepted.
    pub(crate) async fn run(mut line: Line, script: Arc<Script>, opening: Opening) {
        let key_is_wrong = opening.key.as_deref().is_some_and(|key| key != script.api_key);
        let wanted = if key_is_wrong { Err(Trouble::wrong_key()) } else { opening.wanted };
        match wanted {
            Err(trouble) => {
                refuse(&mut line, &trouble);
                while !matches!(line.hear(None).await, Heard::Over) {}
            }
            Ok((wanted, manner)) => {
                let session = Self {
                    authorised: opening.key.is_some(),
                    endpoint: opening.endpoint,
                    contexts: Vec::new(),
                    closing: false,
                    gave_up: false,
                    last_heard: Instant::now(),
                    line,
                    script,
                    wanted,
                    manner,
                };
                session.serve().await;
            }
        }
    }

    async fn serve(mut self) {
        loop {
            match self.line.hear(self.next_moment()).await {
                Heard::Over => return,
                Heard::Due => self.tick(),
                Heard::Binary(_) => {
                    self.refuse(&Trouble::new("invalid_message", "Binary messages are not supported."))
                }
                Heard::Text(text) => {
                    self.last_heard = Instant::now();
                    let heard = Message::parse(&text).and_then(|message| self.message(&message));
                    if let Err(trouble) = heard {
                        self.refuse(&trouble);
                    }
                }
            }
        }
    }

    fn message(&mut self, message: &Message) -> Result<(), Trouble> {
        if self.closing {
            self.line.record.violation("a message after the end of the stream");
            return Ok(());
        }
        self.authorise(message)?;
        for name in message.unknown.keys() {
            self.line.record.violation(format!("unknown field '{name}'"));
        }
        match self.endpoint {
            Endpoint::Multi => self.multi(message),
            Endpoint::Single => self.single(message),
        }
    }

    fn authorise(&mut self, message: &Message) -> Result<(), Trouble> {
        let bearer =
            message.authorization.as_deref().map(|given| given.trim_start_matches("Bearer ").to_owned());
        match message.api_key.clone().or(bearer) {
            Some(key) if key != self.script.api_key => Err(Trouble::wrong_key()),
            Some(_) => {
                self.authorised = true;
                Ok(())
            }
            None if self.authorised => Ok(()),
            None => Err(Trouble::no_key()),
        }
    }

    fn multi(&mut self, message: &Message) -> Result<(), Trouble> {
        if message.close_socket == Some(true) {
            self.finish();
            return Ok(());
        }
        let open = self.position(&message.context_id);
        if message.close_context == Some(true) {
            match open {
                Some(at) => self.close_context(at),
                None => self.line.record.note("close_context for a context that is not open"),
            }
            return Ok(());
        }
        match (open, message.text.as_deref()) {
            (Some(at), _) => self.more(at, message),
            (None, Some("")) if message.context_id.is_none() => Ok(()),
            (None, None) if message.flush == Some(true) => {
                self.line.record.violation("flush for a context that is not open");
                Ok(())
            }
            (None, _) => self.open(message),
        }
    }

    fn single(&mut self, message: &Message) -> Result<(), Trouble> {
        if message.context_id.is_some() || message.close_context.is_some() || message.close_socket.is_some() {
            self.line.record.violation("a field of the multi-context endpoint");
        }
        match (self.contexts.first(), message.text.as_deref()) {
            (None, _) => self.open(message),
            (Some(_), Some("")) => {
                self.finish();
                Ok(())
            }
            (Some(_), _) => self.more(0, message),
        }
    }

    fn open(&mut self, message: &Message) -> Result<(), Trouble> {
        let settings = message.settings()?;
        if self.contexts.len() >= MAX_CONTEXTS {
            return Err(Trouble::new(
                "max_active_conversations",
                format!(
                    "Maximum simultaneous contexts per WebSocket connection exceeded ({MAX_CONTEXTS}). Close a context before opening another."
                ),
            ));
        }
        let text = message.text.as_deref().unwrap_or_default();
        if text != " " {
            let objection = "The first message of a context must have the text ' ' (one space).";
            if self.script.strict_opening {
                return Err(Trouble::new("invalid_first_message", objection));
            }
            self.line.record.violation(objection);
        }
        let mut context = Context::new(self.manner, settings, self.wanted.auto_mode);
        if self.script.habits.contains(&Habit::EarlyFinal) && !std::mem::replace(&mut self.gave_up, true) {
            context.give_up_early();
        }
        self.contexts.push((message.context_id.clone(), context));
        let at = self.contexts.len() - 1;
        self.speak(at, message, text.trim_start());
        Ok(())
    }

    /// A later message of an open context.
    fn more(&mut self, at: usize, message: &Message) -> Result<(), Trouble> {
        if message.has_settings() {
            return Err(Trouble::new(
                "invalid_message",
                "voice_settings, generation_config and pronunciation dictionaries may only be sent in the first message of a context.",
            ));
        }
        if self.contexts[at].1.is_closing() {
            self.line.record.violation("text for a context that is being closed");
            return Ok(());
        }
        self.speak(at, message, message.text.as_deref().unwrap_or_default());
        Ok(())
    }

    fn speak(&mut self, at: usize, message: &Message, text: &str) {
        if !text.is_empty() && !text.ends_with(' ') {
            self.line.record.violation("text that does not end with a space");
        }
        let context = &mut self.contexts[at].1;
        context.last_heard = Instant::now();
        if !text.trim().is_empty() {
            context.append(text, &self.script);
        }
        let triggered =
            message.try_trigger_generation == Some(true) && context.unspoken() >= MIN_TRIGGER_CHARS;
        if message.flush == Some(true) || triggered {
            context.flush(&self.script);
        }
    }

    fn close_context(&mut self, at: usize) {
        let context = &mut self.contexts[at].1;
        if context.is_closing() {
            self.line.record.note("close_context for a context that is being closed");
        } else if context.unspoken() > 0 {
            self.line.record.note("a context was closed with text that was never flushed");
        }
        context.close();
    }

    /// Flush and close everything; the socket closes after the last context.
    fn finish(&mut self) {
        self.closing = true;
        for (_, context) in &mut self.contexts {
            if !context.is_closing() {
                context.flush(&self.script);
                context.close();
            }
        }
        self.close_when_done();
    }

    fn close_when_done(&mut self) {
        if self.closing && self.contexts.is_empty() {
            self.line.close(1000, "");
        }
    }

    fn position(&self, id: &Option<String>) -> Option<usize> {
        self.contexts.iter().position(|(known, _)| known == id)
    }

    fn inactivity(&self) -> Duration {
        Duration::from_millis(self.script.inactivity_second_ms) * self.wanted.inactivity_s
    }

    fn next_moment(&self) -> Option<Instant> {
        if self.line.is_mute() {
            return None;
        }
        let speech = self.contexts.iter().filter_map(|(_, context)| context.due());
        let idle = self.idle_moments();
        speech.chain(idle).min()
    }

    /// When the session, or one of its contexts, has been idle for too long.
    fn idle_moments(&self) -> impl Iterator<Item = Instant> {
        let limit = self.inactivity();
        let busy = self.closing || self.contexts.iter().any(|(_, context)| context.due().is_some());
        let session = (!busy).then_some(self.last_heard + limit);
        let idle = |(_, context): &(Option<String>, Context)| {
            (context.due().is_none()).then_some(context.last_heard + limit)
        };
        session.into_iter().chain(self.contexts.iter().filter_map(idle).collect::<Vec<_>>())
    }

    fn tick(&mut self) {
        let now = Instant::now();
        let mut at = 0;
        while at < self.contexts.len() {
            match self.contexts[at].1.step(now, &self.script) {
                None => at += 1,
                Some(Step::Audio(piece)) => {
                    self.line.record.edit(|exchange| {
                        exchange.audio_bytes += piece.audio.len() as u64;
                        exchange.audio_samples += piece.samples;
                    });
                    let message = piece.message(self.script.alignment);
                    self.say(at, message);
                }
                Some(Step::Final) => {
                    if !self.script.habits.contains(&Habit::NeverDone) {
                        self.say(at, final_message(self.endpoint));
                    }
                    self.contexts.remove(at);
                    self.close_when_done();
                }
            }
        }
        self.time_out(now);
    }

    fn time_out(&mut self, now: Instant) {
        let limit = self.inactivity();
        let busy = self.closing || self.contexts.iter().any(|(_, context)| context.due().is_some());
        if !busy && self.last_heard + limit <= now {
            let seconds = f64::from(self.wanted.inactivity_s);
            self.refuse(&Trouble::new(
                "input_timeout_exceeded",
                format!(
                    "Have not received a new text input within the timeout of {seconds:.1} seconds. Streaming input terminated. Make sure to send more text inputs to keep the connection alive."
                ),
            ));
            return;
        }
        for (_, context) in &mut self.contexts {
            if context.due().is_none() && context.last_heard + limit <= now {
                self.line.record.note("a context was closed for inactivity");
                context.close();
            }
        }
    }

    fn say(&mut self, at: usize, mut message: Value) {
        if self.endpoint == Endpoint::Multi {
            message["contextId"] = json!(self.contexts[at].0);
        }
        self.line.say(&message);
    }

    fn refuse(&mut self, trouble: &Trouble) {
        if !self.closing {
            self.closing = true;
            self.contexts.clear();
            refuse(&mut self.line, trouble);
        }
    }
}

fn final_message(endpoint: Endpoint) -> Value {
    match endpoint {
        Endpoint::Multi => json!({"isFinal": true}),
        Endpoint::Single => {
            json!({"audio": null, "isFinal": true, "normalizedAlignment": null, "alignment": null})
        }
    }
}

fn refuse(line: &mut Line, trouble: &Trouble) {
    line.record.violation(format!("refused: {}: {}", trouble.error, trouble.message));
    line.say(&trouble.frame());
    // A close reason holds at most 123 bytes (RFC 6455, section 5.5).
    line.close(POLICY, trouble.error);
}

/// How this vendor lies.
pub(crate) struct Tongue;

impl Dialect for Tongue {
    fn unknown_event(&self) -> Value {
        json!({"prophecy": true, "contextId": "c-unheard", "certainty": 0.3})
    }

    fn to_a_stranger(&self, genuine: &Value) -> Value {
        let mut message = genuine.clone();
        message["contextId"] = json!("a-context-nobody-opened");
        message
    }

    fn missequenced(&self, genuine: &Value) -> Value {
        let mut message = genuine.clone();
        for name in ["alignment", "normalizedAlignment"] {
            message[name] =
                json!({"chars": ["a", "b"], "charStartTimesMs": [900, 0], "charDurationsMs": [-60, 60]});
        }
        message["audio"] = json!("");
        message
    }
}
