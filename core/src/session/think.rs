//! What the model and its tools say, and what it means for the conversation.

use vox_shared::wire::answers::Service;

use super::Session;
use super::event::{Command, RequestId};
use super::kind::EventKind;
use super::rules::{END_CALL, TRANSFER_CALL};
use super::spending::CHARS_PER_TOKEN;
use super::standing::Did;
use super::text::Item;
use super::thinking::{AfterFailure, MAX_TOOL_ROUNDS, Refusal, ThinkTimer, Thought, Told, Try};
use super::tools::{BROKE_OFF, GIVEN_UP};
use super::utterance::Kind;
use crate::provider::llm::{Finish, LlmEvent, LlmUsage};
use crate::provider::{Failure, FailureClass};

impl Session {
    /// The caller said this: think of a reply.
    pub(super) fn answer(&mut self, text: &str, out: &mut Vec<Command>) {
        if self.is_being_handed_on() {
            return self.wait_for_a_person(text);
        }
        // What tools have answered comes before the caller's words.
        self.leave_tools(out);
        self.drop_handing();
        if let Some(before) = self.plan.take_unanswered() {
            self.context.caller(&before);
        }
        self.context.caller(text);
        self.guardrails.begin_anew();
        text.clone_into(&mut self.asked);
        self.think_anew(out);
    }

    /// Think of a reply to what the conversation is now; one that was being made is not wanted any more.
    pub(super) fn think_anew(&mut self, out: &mut Vec<Command>) {
        self.think_anew_with(self.rungs(Service::Llm).first(), out);
    }

    /// The same with this model.
    pub(super) fn think_anew_with(&mut self, provider: usize, out: &mut Vec<Command>) {
        self.course.not_silent();
        if self.is_being_handed_on() {
            return;
        }
        if self.refuses_to_ask(out) {
            return;
        }
        self.cancel_thought(out);
        let is_reply = self.speaking.utterance().is_some_and(|u| u.kind == Kind::Reply);
        if is_reply && !self.speaking.is_heard() {
            self.silence_mouth(out);
        }
        self.plan.answer(self.speaking.line());
        self.context.drop_promises();
        self.cut = None;
        if self.rungs(Service::Llm).are_all_out() && self.say_common_answer(out) {
            return;
        }
        self.thinking.expect_reply(self.now);
        self.ask(Try { provider, attempt: 1, ..Try::default() }, out);
    }

    pub(super) fn ask(&mut self, at: Try, out: &mut Vec<Command>) {
        let request = self.thinking.ask(at, self.now);
        self.send_request(request, at.provider, out);
    }

    fn send_request(&mut self, request: RequestId, provider: usize, out: &mut Vec<Command>) {
        self.drop_recap(out);
        let vendor = self.rules.llm.at(provider);
        self.report.usage("llm", &vendor.provider, &vendor.model).requests += 1;
        self.clock.asked.get_or_insert(self.now);
        self.clock.model = provider;
        self.untold = false;
        self.expect_first_token(provider);
        let (ask, heard) = (Box::new(self.context.request()), self.plan.sounds().to_vec());
        out.push(Command::Ask { request, provider, ask, heard });
    }

    /// The reply that is being made is not wanted, nor is sound of a model's own that waits to be said.
    pub(super) fn cancel_thought(&mut self, out: &mut Vec<Command>) {
        self.leave_tools(out);
        self.drop_second(out);
        let mut unwanted = self.plan.drop_unbegun();
        if let Some((request, thought)) = self.thinking.cancel() {
            self.count_usage(&thought, None, out);
            for call in &thought.tools {
                self.note_refused(call, GIVEN_UP, out);
            }
            unwanted.retain(|other| *other != request);
            unwanted.push(request);
            if self.speaking.sound() == Some(request) {
                self.speaking.cut_short();
            }
        }
        out.extend(unwanted.into_iter().map(|request| Command::CancelAsk { request }));
    }

    pub(super) fn on_think_timer(&mut self, timer: ThinkTimer, out: &mut Vec<Command>) {
        match timer {
            ThinkTimer::Model => self.model_failed(timed_out("no token in time"), out),
            ThinkTimer::Second => self.ask_second(out),
            ThinkTimer::Reasoning => self.model_failed(timed_out("it reasons for too long"), out),
            ThinkTimer::AskAgain => {
                if let Some((request, at)) = self.thinking.ask_again(self.now) {
                    self.send_request(request, at.provider, out);
                }
            }
            ThinkTimer::Sentence => {
                let settled = self.thinking.settle().into_iter().collect();
                self.hand_on(settled, out);
            }
            ThinkTimer::Filler => self.say_filler(out),
            ThinkTimer::Tools => self.give_up_tools(out),
        }
    }

    /// The reply is slow: the line must not be dead meanwhile.
    fn say_filler(&mut self, out: &mut Vec<Command>) {
        let waits = self.thinking.is_busy()
            && !self.plan.is_paused()
            && self.plan.is_silent()
            && !self.speaking.is_busy();
        let hold = self.hold_phrase();
        if self.speaking.is_busy() {
            self.thinking.say_so_later(self.now);
        }
        // A model that speaks by itself cannot say that it is still thinking.
        let can = !self.rules.model_speaks() || self.thinking.request().is_none();
        if can && waits && !self.listening.is_active() && self.course.is_live() && !hold.is_empty() {
            self.report.event(self.now, EventKind::Filler, "the reply takes long", out);
            self.say_phrase(&hold, Kind::Filler, out);
        }
    }

    pub(super) fn on_llm(&mut self, request: RequestId, event: LlmEvent, out: &mut Vec<Command>) {
        if self.take_summary(request, &event, out) || self.take_recap(request, &event, out) {
            return;
        }
        if let LlmEvent::Text(text) = &event
            && self.rules.model_speaks()
        {
            return self.on_spoken(request, text, out);
        }
        if self.is_of_no_interest(request, &event, out) {
            return;
        }
        self.note_first_token(request, &event, out);
        let is_text = matches!(event, LlmEvent::Text(_));
        match self.thinking.take(request, event, self.now) {
            Told::Nothing => {}
            Told::Items(items) => {
                if is_text && self.thinking.is_for_caller() {
                    self.clock.first_token.get_or_insert(self.now);
                }
                self.hand_on(items, out);
            }
            Told::TooLong => self.cut_reply(request, out),
            Told::Done { finish, usage } => self.on_done(finish, usage, out),
            Told::Failed(failure) => self.model_failed(failure, out),
        }
    }

    fn cut_reply(&mut self, request: RequestId, out: &mut Vec<Command>) {
        self.report.event(self.now, EventKind::ReplyCut, "the model's reply is too long", out);
        out.push(Command::CancelAsk { request });
        if self.speaking.sound() == Some(request) {
            self.speaking.cut_short();
        }
        self.on_done(Finish::Length, None, out);
    }

    /// What a model's own sound says: nothing of it goes to a voice.
    fn on_spoken(&mut self, request: RequestId, text: &str, out: &mut Vec<Command>) {
        match self.thinking.spoken(request, text, self.now) {
            Some(true) => {
                self.clock.first_token.get_or_insert(self.now);
                self.plan.words(request, text, self.turn);
                self.pump(out);
            }
            Some(false) => {}
            None => self.cut_reply(request, out),
        }
    }

    /// The model has sound of its own for this request: it is said when its place in the plan comes.
    pub(super) fn model_speaks(&mut self, request: RequestId, out: &mut Vec<Command>) {
        if self.rules.model_speaks() && self.thinking.sounds(request, self.now) {
            self.clock.first_token.get_or_insert(self.now);
            self.clock.first_piece.get_or_insert(self.now);
            self.plan.sound(request, self.turn);
            self.pump(out);
        }
    }

    /// A model failed in the middle of its own sound. True when some of it was given: that stands, and the rest never was.
    fn keep_sound(&mut self, request: Option<RequestId>, out: &mut Vec<Command>) -> bool {
        let Some(request) = request.filter(|_| self.rules.model_speaks()) else { return false };
        let is_said = self.speaking.sound() == Some(request);
        if is_said && self.speaking.has_audio() {
            self.speaking.cut_short();
            return true;
        }
        if is_said {
            self.speaking.stop(&mut self.plan, out);
        }
        self.plan.drop_sound(request);
        false
    }

    /// Pieces of the reply go to the plan: said at once, or when the caller turns out not to interrupt.
    fn hand_on(&mut self, items: Vec<Item>, out: &mut Vec<Command>) {
        for item in items {
            match item {
                Item::Piece(piece) => {
                    self.clock.first_piece.get_or_insert(self.now);
                    self.plan_piece(piece, out);
                }
                Item::Tool(tool) if self.rules.tools.iter().any(|t| t.name == tool.name) => {
                    self.thinking.note_tool(tool);
                }
                Item::Tool(tool) => {
                    let why = format!("there is no tool '{}', which the model called in its text", tool.name);
                    self.report.event(self.now, EventKind::ToolRefused, why, out);
                }
                Item::WasReasoning => self.unsay_reasoning(out),
            }
        }
        self.pump(out);
    }

    /// What was taken for the reply was the model's reasoning: nothing of it is for the caller.
    fn unsay_reasoning(&mut self, out: &mut Vec<Command>) {
        let open = self.plan.open_saying().map(|l| l.id);
        if open.is_some() && self.speaking.line() == open {
            self.silence_mouth(out);
        }
        self.cut = None;
        self.plan.drop_open();
        self.guardrails.begin_anew();
        self.thinking.note_reasoning();
    }

    fn on_done(&mut self, finish: Finish, usage: Option<LlmUsage>, out: &mut Vec<Command>) {
        let rest = self.thinking.flush();
        self.hand_on(rest, out);
        let Some(thought) = self.thinking.complete() else { return };
        self.count_usage(&thought, usage, out);
        if !thought.handed {
            self.keep_sound(thought.request, out);
        }
        let Some(thought) = self.call_tools(thought, out) else { return };
        if !thought.handed && !thought.is_silence() {
            // No text, or nothing in it that can be said.
            let failure = Failure::new(FailureClass::Malformed, format!("an empty reply ({finish:?})"));
            return self.after_failure(thought, &failure, out);
        }
        self.thinking.succeeded();
        self.plan.close_reply();
        if thought.at.ends {
            return self.end_after(&thought.said, out);
        }
        if !thought.handed {
            return self.report.event(self.now, EventKind::NothingSaid, "the model has nothing to say", out);
        }
        let may_loop = !self.plan.is_paused() && !thought.said.is_empty();
        if may_loop && self.thinking.loop_guard.is_looping(&self.asked, &thought.said) {
            self.report.event(self.now, EventKind::LoopGuard, "the same reply again and again", out);
            return self.plan.end_with_this();
        }
        self.begin_recap(thought.at.provider, out);
    }

    /// Carry out what the reply calls; it is given back when nothing more follows of that. Other tools come before the end of the
    /// call, which waits for them. In the round after the last none is begun, and the model is told so once.
    fn call_tools(&mut self, mut thought: Thought, out: &mut Vec<Command>) -> Option<Thought> {
        let calls = std::mem::take(&mut thought.tools);
        if let Some(call) = calls.iter().find(|call| self.tells_of_machine(call)).cloned() {
            for other in calls.into_iter().filter(|other| other.id != call.id) {
                self.note_refused(&other, "a machine answered", out);
            }
            self.thinking.succeeded();
            self.detected_voicemail(call, &thought, out);
            return None;
        }
        let (ends, mut others): (Vec<_>, Vec<_>) = calls.into_iter().partition(|t| t.name == END_CALL);
        let mut ends = ends.into_iter();
        let end = ends.next();
        for more in ends {
            self.note_refused(&more, &Refusal::Again.why(), out);
        }
        let is_last =
            thought.at.round > MAX_TOOL_ROUNDS || (end.is_some() && thought.at.round == MAX_TOOL_ROUNDS);
        if is_last {
            for call in others.drain(..) {
                self.note_refused(&call, &Refusal::TooManyRounds.why(), out);
            }
        }
        if end.is_none()
            && let [call] = &others[..]
            && call.name == TRANSFER_CALL
            && self.takes_transfer(&call.clone(), thought.at.round)
        {
            self.thinking.succeeded();
            self.transfer_call(call.clone(), &thought, out);
            return None;
        }
        match end {
            _ if !others.is_empty() => {
                self.thinking.succeeded();
                thought.tools.extend(end);
                self.run_tools(thought, others, out);
            }
            Some(end) => {
                self.thinking.succeeded();
                self.end_call(&end, &thought, out);
            }
            None => return Some(thought),
        }
        None
    }

    fn count_usage(&mut self, thought: &Thought, usage: Option<LlmUsage>, out: &mut Vec<Command>) {
        let context = self.context.tokens();
        let vendor = self.rules.llm.at(thought.at.provider);
        let entry = self.report.usage("llm", &vendor.provider, &vendor.model);
        let tokens = match usage {
            Some(usage) => {
                entry.tokens_in += usage.tokens_in;
                entry.tokens_out += usage.tokens_out;
                entry.tokens_cached += usage.tokens_cached;
                entry.tokens_cache_write += usage.tokens_cache_write;
                usage.tokens_in + usage.tokens_out
            }
            // The usual four characters a token, where the vendor does not say.
            None => {
                let written = thought.written_chars as u64 / CHARS_PER_TOKEN;
                entry.tokens_out += written;
                written + context
            }
        };
        self.spending.tokens(tokens);
        let did = Did::Used { tokens, needlessly: false };
        out.push(Command::Vendor { service: Service::Llm, place: thought.at.provider, did });
    }

    /// The same of a request of ours that is no reply, and was told the conversation.
    pub(super) fn count_aside(&mut self, usage: Option<LlmUsage>, written_chars: u64) {
        self.count_beside(usage, (self.context.tokens(), written_chars / CHARS_PER_TOKEN));
    }

    /// The same, with about how many tokens went in and out, where the vendor does not say.
    pub(super) fn count_beside(&mut self, usage: Option<LlmUsage>, (told, written): (u64, u64)) {
        let vendor = self.rules.llm.at(0);
        let entry = self.report.usage("llm", &vendor.provider, &vendor.model);
        let (tokens_in, tokens_out) = match usage {
            Some(usage) => {
                entry.tokens_cached += usage.tokens_cached;
                entry.tokens_cache_write += usage.tokens_cache_write;
                (usage.tokens_in, usage.tokens_out)
            }
            None => (told, written),
        };
        if usage.is_some() {
            entry.tokens_in += tokens_in;
        }
        entry.tokens_out += tokens_out;
        self.spending.tokens(tokens_in + tokens_out);
    }

    pub(super) fn model_failed(&mut self, failure: Failure, out: &mut Vec<Command>) {
        self.drop_second(out);
        let request = self.thinking.request();
        // Words that are no sentence yet: what broke off is said if the reply has begun.
        let rest = self.thinking.flush();
        let Some(mut thought) = self.thinking.complete() else { return };
        if self.rules.model_speaks() {
            thought.handed = self.keep_sound(request, out);
        }
        if let Some(request) = request {
            // A vendor that breaks off does not say what it bills.
            self.count_usage(&thought, None, out);
            out.push(Command::CancelAsk { request });
        }
        for call in std::mem::take(&mut thought.tools) {
            self.note_refused(&call, BROKE_OFF, out);
        }
        for item in rest {
            if let Item::Piece(piece) = item
                && thought.handed
            {
                self.plan_piece(piece, out);
            }
        }
        self.after_failure(thought, &failure, out);
    }

    fn after_failure(&mut self, thought: Thought, failure: &Failure, out: &mut Vec<Command>) {
        let place = thought.at.provider;
        let name = self.rules.llm.at(place);
        self.report.failure("llm", &name);
        self.note_failed((Service::Llm, place), failure, out);
        let vendor = name.provider;
        self.report.event(self.now, EventKind::ModelFailed, format!("{vendor}: {failure}"), out);
        let ends = (thought.at.ends && self.course.is_live()).then(|| thought.said.clone());
        let next = self.thinking.failed(thought, failure, self.rungs(Service::Llm), self.now);
        if let Some(said) = ends.filter(|_| !matches!(next, AfterFailure::Ask(_) | AfterFailure::Later)) {
            return self.end_after(&said, out);
        }
        let is_dead = matches!(next, AfterFailure::Excuse | AfterFailure::GiveUp);
        if is_dead && self.course.is_live() && self.say_common_answer(out) {
            return;
        }
        match next {
            AfterFailure::Keep => self.plan.close_reply(),
            AfterFailure::Ask(at) => self.ask(at, out),
            AfterFailure::Later => {}
            AfterFailure::Excuse if self.course.is_live() => {
                if !self.listening.is_speaking() {
                    let trouble = self.rules.phrases.trouble.clone();
                    self.say_phrase(&trouble, Kind::Prompt, out);
                }
            }
            AfterFailure::GiveUp if self.course.is_live() => {
                self.last_steps(Service::Llm, format!("{vendor}: {failure}"), out);
            }
            AfterFailure::Excuse | AfterFailure::GiveUp => {}
        }
    }
}

pub(super) fn timed_out(detail: &str) -> Failure {
    Failure::new(FailureClass::TimedOut, detail)
}
