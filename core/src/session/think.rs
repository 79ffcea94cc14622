//! Thinking: the request to the model, its tokens, its tools, and what happens when it fails.

use std::time::Duration;

use vox_shared::wire::result::DisconnectedBy;

use super::event::{Command, RequestId};
use super::rules::END_CALL;
use super::sentence::Splitter;
use super::timer::Timer;
use super::utterance::{Kind, Utterance};
use super::{GOODBYE_LIMIT, Phase, Session};
use crate::provider::Failure;
use crate::provider::llm::{Finish, LlmEvent, LlmUsage, ToolCall};

/// The model's first token must come within this, and each further one.
const MODEL_STALL: Duration = Duration::from_secs(4);
/// A caller who waits this long for a reply is told that it comes.
const FILLER_AFTER: Duration = Duration::from_secs(2);
/// Requests per reply before the bot excuses itself.
const MODEL_ATTEMPTS: u32 = 2;
/// Replies in a row that failed before the call ends.
const MODEL_FAILURES: u32 = 2;
/// Tool rounds in one turn.
const MAX_TOOL_ROUNDS: u32 = 3;
/// The same reply this often in a row ends the call.
const LOOP_LIMIT: u32 = 3;
/// Characters of one reply kept; a model that never stops is cut here.
const MAX_REPLY_CHARS: usize = 4_000;

/// A reply being made.
#[derive(Debug)]
pub struct Thought {
    request: RequestId,
    provider: usize,
    attempt: u32,
    rounds: u32,
    splitter: Splitter,
    text: String,
    tools: Vec<ToolCall>,
    /// A piece of it went on to be said; tokens that are no piece yet were never on their way.
    handed: bool,
    /// The caller speaks: pieces are held, not said.
    pub muted: bool,
}

impl Session {
    /// The caller said this: think of a reply.
    pub(super) fn answer(&mut self, text: &str, out: &mut Vec<Command>) {
        self.cancel_thought(out);
        self.held = None;
        self.cut = None;
        self.timers.clear(Timer::Resume);
        self.timers.clear(Timer::Idle);
        if let Some(before) = self.pending.take() {
            self.context.caller(&before);
        }
        self.context.caller(text);
        self.timers.set(Timer::Filler, self.now + FILLER_AFTER);
        self.ask(0, 1, 0, out);
    }

    /// The model is slow: the line must not be dead meanwhile.
    pub(super) fn say_filler(&mut self, out: &mut Vec<Command>) {
        let waits = self.thought.as_ref().is_some_and(|t| !t.muted) && self.mouth.is_none();
        if !waits || self.ear.is_active() || self.phase != Phase::Live || self.rules.phrases.hold.is_empty() {
            return;
        }
        self.report.event(self.now, "filler", "the reply takes long", out);
        let clock = self.clock;
        let hold = self.rules.phrases.hold.clone();
        self.say_phrase(hold, Kind::Prompt, out);
        // The delay that counts is that of the reply.
        self.clock = clock;
    }

    fn ask(&mut self, provider: usize, attempt: u32, rounds: u32, out: &mut Vec<Command>) {
        let request = self.next_request;
        self.next_request += 1;
        let vendor = self.rules.llm[provider].clone();
        self.report.usage("llm", &vendor.provider, &vendor.model).requests += 1;
        self.clock.asked.get_or_insert(self.now);
        self.timers.set(Timer::Model, self.now + MODEL_STALL);
        let muted = self.ear.is_speaking() && self.thought.as_ref().is_some_and(|t| t.muted);
        self.thought = Some(Thought {
            request,
            provider,
            attempt,
            rounds,
            splitter: Splitter::default(),
            text: String::new(),
            tools: Vec::new(),
            handed: false,
            muted,
        });
        out.push(Command::Ask { request, provider, ask: Box::new(self.context.request()) });
    }

    pub(super) fn cancel_thought(&mut self, out: &mut Vec<Command>) {
        self.timers.clear(Timer::Model);
        self.timers.clear(Timer::Filler);
        if let Some(thought) = self.thought.take() {
            out.push(Command::CancelAsk { request: thought.request });
        }
    }

    pub(super) fn on_llm(&mut self, request: RequestId, event: LlmEvent, out: &mut Vec<Command>) {
        if self.thought.as_ref().is_none_or(|t| t.request != request) {
            return;
        }
        match event {
            LlmEvent::Text(text) => self.on_tokens(&text, out),
            LlmEvent::ToolCall(call) => {
                self.timers.set(Timer::Model, self.now + MODEL_STALL);
                if let Some(thought) = &mut self.thought {
                    thought.tools.push(call);
                }
            }
            LlmEvent::Progress => self.timers.set(Timer::Model, self.now + MODEL_STALL),
            LlmEvent::Done { finish, usage } => self.on_done(finish, usage, out),
            LlmEvent::Failed(failure) => self.model_failed(&failure, out),
        }
    }

    fn on_tokens(&mut self, text: &str, out: &mut Vec<Command>) {
        self.timers.set(Timer::Model, self.now + MODEL_STALL);
        self.clock.first_token.get_or_insert(self.now);
        let Some(thought) = &mut self.thought else { return };
        if thought.text.len() > MAX_REPLY_CHARS {
            self.report.event(self.now, "reply_cut", "the model's reply is too long", out);
            if let Some(thought) = &self.thought {
                out.push(Command::CancelAsk { request: thought.request });
            }
            return self.on_done(Finish::Length, None, out);
        }
        thought.text.push_str(text);
        for piece in thought.splitter.push(text) {
            self.enqueue(piece, out);
        }
    }

    /// Hand a piece of the reply on: to the voice, or to the held text while the caller speaks.
    fn enqueue(&mut self, piece: String, out: &mut Vec<Command>) {
        self.clock.first_piece.get_or_insert(self.now);
        if let Some(thought) = &mut self.thought {
            thought.handed = true;
        }
        if self.thought.as_ref().is_some_and(|t| t.muted) {
            let held = self.held.get_or_insert_default();
            if !held.is_empty() {
                held.push(' ');
            }
            held.push_str(&piece);
            return;
        }
        if self.mouth.is_none() {
            self.mouth = Some(self.new_utterance(Kind::Reply));
        }
        if let Some(mouth) = &mut self.mouth {
            let later = if mouth.rest.is_some() { &mut mouth.rest } else { &mut mouth.next };
            match later {
                Some(text) => {
                    text.push(' ');
                    text.push_str(&piece);
                }
                None if mouth.end_sent => mouth.next = Some(piece),
                None => mouth.waiting.push_back(piece),
            }
        }
        self.pump(out);
    }

    pub(super) fn new_utterance(&mut self, kind: Kind) -> Utterance {
        let id = self.next_utterance;
        self.next_utterance += 1;
        Utterance::new(id, kind, self.turn)
    }

    fn on_done(&mut self, finish: Finish, usage: Option<LlmUsage>, out: &mut Vec<Command>) {
        let last = self.thought.as_mut().and_then(|t| t.splitter.finish());
        if let Some(piece) = last {
            self.enqueue(piece, out);
        }
        self.timers.clear(Timer::Model);
        let Some(thought) = self.thought.take() else { return };
        self.count_usage(&thought, usage);
        let (ends, others): (Vec<_>, Vec<_>) =
            thought.tools.iter().cloned().partition(|t| t.name == END_CALL);
        let asks_again = !others.is_empty() && thought.rounds < MAX_TOOL_ROUNDS;
        if !thought.handed && ends.is_empty() && !asks_again {
            // No text, or nothing in it that can be said.
            let failure = Failure::new(
                crate::provider::FailureClass::Malformed,
                format!("an empty reply ({finish:?})"),
            );
            self.thought = Some(thought);
            return self.model_failed(&failure, out);
        }
        self.model_failures = 0;
        if let Some(end) = ends.first() {
            return self.end_call(end, &thought, out);
        }
        if asks_again {
            for call in others {
                self.report.event(self.now, "tool_refused", format!("there is no tool '{}'", call.name), out);
                self.context.tool_result(call, "error: this tool does not exist");
            }
            return self.ask(thought.provider, 1, thought.rounds + 1, out);
        }
        if thought.muted {
            return;
        }
        if self.is_looping(&thought.text) {
            self.report.event(self.now, "loop_guard", "the same reply again and again", out);
            self.become_goodbye(DisconnectedBy::Bot);
        }
        self.close_text(out);
    }

    fn count_usage(&mut self, thought: &Thought, usage: Option<LlmUsage>) {
        let vendor = self.rules.llm[thought.provider].clone();
        let entry = self.report.usage("llm", &vendor.provider, &vendor.model);
        match usage {
            Some(usage) => {
                entry.tokens_in += usage.tokens_in;
                entry.tokens_out += usage.tokens_out;
                entry.tokens_cached += usage.tokens_cached;
            }
            // The usual four characters a token, where the vendor does not say.
            None => entry.tokens_out += thought.text.len() as u64 / 4,
        }
    }

    fn is_looping(&mut self, text: &str) -> bool {
        if self.last_reply.0 == text {
            self.last_reply.1 += 1;
        } else {
            self.last_reply = (text.to_owned(), 1);
        }
        self.last_reply.1 >= LOOP_LIMIT
    }

    /// The model ends the call: its goodbye is spoken to the end first, and nothing interrupts it.
    fn end_call(&mut self, call: &ToolCall, thought: &Thought, out: &mut Vec<Command>) {
        let message =
            call.arguments.get("message").and_then(|m| m.as_str()).unwrap_or_default().trim().to_owned();
        self.report.event(self.now, "tool_called", END_CALL, out);
        let said = super::sentence::speakable(&thought.text);
        let held = self.held.take().filter(|_| thought.muted).unwrap_or_default();
        let more =
            if message.is_empty() || said.contains(&message) { held } else { format!("{held} {message}") };
        self.phase = Phase::Ending(DisconnectedBy::Bot);
        self.quiet_ear_timers();
        self.timers.set(Timer::Goodbye, self.now + GOODBYE_LIMIT);
        let mut splitter = Splitter::default();
        let mut pieces = splitter.push(more.trim());
        pieces.extend(splitter.finish());
        for piece in pieces {
            self.enqueue(piece, out);
        }
        if self.mouth.is_none() {
            return self.hang_up_now(out);
        }
        self.become_goodbye(DisconnectedBy::Bot);
        self.pump(out);
        self.settle_mouth(out);
    }

    fn become_goodbye(&mut self, by: DisconnectedBy) {
        self.phase = Phase::Ending(by);
        self.pending = None;
        self.held = None;
        self.quiet_ear_timers();
        self.timers.ensure(Timer::Goodbye, self.now + GOODBYE_LIMIT);
        if let Some(mouth) = &mut self.mouth {
            mouth.kind = Kind::Goodbye;
            mouth.text_complete = true;
        }
    }

    pub(super) fn model_timed_out(&mut self, out: &mut Vec<Command>) {
        let failure = Failure::new(crate::provider::FailureClass::TimedOut, "no token in time");
        self.model_failed(&failure, out);
    }

    fn model_failed(&mut self, failure: &Failure, out: &mut Vec<Command>) {
        self.timers.clear(Timer::Model);
        let Some(thought) = self.thought.take() else { return };
        out.push(Command::CancelAsk { request: thought.request });
        let vendor = self.rules.llm[thought.provider].clone();
        self.report.event(self.now, "model_failed", format!("{}: {failure}", vendor.provider), out);
        if thought.handed {
            // What was said stands; the rest is lost.
            return self.close_text(out);
        }
        let next = (thought.provider + 1) % self.rules.llm.len();
        let useful = failure.class.is_transient() || next != thought.provider;
        if thought.attempt < MODEL_ATTEMPTS && useful {
            let muted = thought.muted;
            self.ask(next, thought.attempt + 1, thought.rounds, out);
            if let Some(thought) = &mut self.thought {
                thought.muted = muted;
            }
            return;
        }
        self.model_failures += 1;
        if self.phase != Phase::Live {
            return self.hang_up_now(out);
        }
        if self.model_failures >= MODEL_FAILURES {
            self.error = Some(format!("{}: {failure}", vendor.provider));
            let apology = self.rules.phrases.apology.clone();
            return self.say_goodbye(apology, DisconnectedBy::Error, out);
        }
        if self.ear.is_speaking() {
            return self.close_text(out);
        }
        let trouble = self.rules.phrases.trouble.clone();
        self.say_phrase(trouble, Kind::Prompt, out);
    }
}
