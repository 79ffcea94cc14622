//! Thinking: the request to the model that is under way, the tools it called, and the ladder of models.

mod loop_guard;
mod second;
mod tool_guard;
mod tool_runs;

use std::time::Duration;

use super::event::{RequestId, ToolRunId};
use super::ladder::{Rungs, wish};
use super::text::{Item, Splitter, ToolText, append};
use super::timer::Timers;
use crate::provider::Failure;
use crate::provider::llm::{Finish, LlmEvent, LlmUsage, ToolCall};

pub use loop_guard::LoopGuard;
pub use second::{Race, Second, Seconds};
pub use tool_guard::{MAX_TOOL_ROUNDS, Refusal, ToolGuard};
pub use tool_runs::{Answered, Left, NO_ANSWER, Results, Started, ToolRuns, Waits};

/// The model's first sign of life must come within this, and each further one.
const MODEL_STALL: Duration = Duration::from_secs(4);
/// A model that works and says nothing for the caller gets this long in all.
const LONGEST_REASONING: Duration = Duration::from_secs(30);
/// A caller who waits this long for a reply is told that it comes …
const FILLER_AFTER: Duration = Duration::from_secs(2);
/// … and this long for a tool.
const TOOL_FILLER_AFTER: Duration = Duration::from_millis(700);
/// A vendor's wish to be asked later counts up to this; the caller waits meanwhile.
const PATIENCE: Duration = Duration::from_millis(2_500);
/// A sentence that is complete waits so long for what may belong to it: scripts without spaces show no end of their own.
const SETTLES_AFTER: Duration = Duration::from_millis(250);
/// Requests per reply before the bot excuses itself; of more models each is asked once.
const MODEL_ATTEMPTS: usize = 2;
/// Replies in a row that failed before the call ends.
const MODEL_FAILURES: u32 = 2;
/// Characters of one reply kept; a model that never stops is cut here.
const MAX_REPLY_CHARS: usize = 4_000;
/// The same with what is not for the caller: a model may reason in its text.
const MAX_RAW_CHARS: usize = 64_000;

/// What a deadline of thinking is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ThinkTimer {
    /// The model's first token, or the next one.
    Model,
    /// The first token is late: the model is asked once more.
    Second,
    /// The model reasons and reasons.
    Reasoning,
    /// The model asked to be asked later.
    AskAgain,
    /// The model pauses behind a sentence: it is said.
    Sentence,
    /// The reply is late: say so.
    Filler,
    /// A tool must answer.
    Tools,
}

/// Which model is asked, for which time, and in which round of tools.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Try {
    pub provider: usize,
    /// From 1.
    pub attempt: usize,
    /// Rounds of tools before it.
    pub round: u32,
    /// The model has ended the call, and only says what came of what it called beside that.
    pub ends: bool,
}

/// A reply being made.
#[derive(Debug, Default)]
pub struct Thought {
    /// `None` while it waits to be asked again, or for tools.
    pub request: Option<RequestId>,
    pub at: Try,
    asked_at: Duration,
    /// Its first token, or the first tool that it calls, is there.
    answered: bool,
    /// The same was asked once more.
    second: Option<Second>,
    splitter: Splitter,
    /// Length of what the model wrote in this round, characters.
    pub written_chars: usize,
    /// What of it is for the caller, and its length.
    pub said: String,
    said_chars: usize,
    /// Those that it called; while others run, the one that ends the call after them.
    pub tools: Vec<ToolCall>,
    /// A piece of it went on to be said; tokens that are no piece yet were never on their way.
    pub handed: bool,
}

impl Thought {
    /// The model answered, and what it answered is that there is nothing to say: dots or a thumb, not a broken reply.
    pub fn is_silence(&self) -> bool {
        let are_signs = !self.said.trim().is_empty() && !self.said.contains(char::is_alphanumeric);
        !self.handed && (self.splitter.is_wordless() || are_signs)
    }
}

/// What the model's newest event comes to.
#[derive(Debug)]
pub enum Told {
    Nothing,
    /// Pieces to be said, and tools that were called in the text.
    Items(Vec<Item>),
    /// The reply is longer than any that can be listened to.
    TooLong,
    Done {
        finish: Finish,
        usage: Option<LlmUsage>,
    },
    Failed(Failure),
}

/// What follows a failed request.
#[derive(Debug)]
pub enum AfterFailure {
    /// What was said of it stands.
    Keep,
    /// Ask now.
    Ask(Try),
    /// Ask when the time has come: [`ThinkTimer::AskAgain`].
    Later,
    /// Excuse: the caller is asked to say it again.
    Excuse,
    /// The model fails for good.
    GiveUp,
}

/// The thinking side of one call.
#[derive(Debug, Default)]
pub struct Thinking {
    thought: Option<Thought>,
    newest: RequestId,
    pub runs: ToolRuns,
    failures: u32,
    pub loop_guard: LoopGuard,
    timers: Timers<ThinkTimer>,
    /// The voice's language and the model's tools: what the text may hold.
    language: String,
    tools: Vec<String>,
}

impl Thinking {
    /// A mind without a thought, whose words are said in this language.
    pub fn new(language: &str, tools: Vec<String>) -> Self {
        Self { language: language.to_owned(), tools, ..Self::default() }
    }

    /// What the model may call from now on.
    pub fn set_tools(&mut self, tools: Vec<String>) {
        self.tools = tools;
    }

    /// What is said from now on is said in this language.
    pub fn set_language(&mut self, language: &str) {
        language.clone_into(&mut self.language);
    }

    /// Another bot thinks from now on: nothing is known of how its models do, nor of what it said before.
    pub fn go_over(&mut self, language: &str, tools: Vec<String>) {
        language.clone_into(&mut self.language);
        self.tools = tools;
        self.failures = 0;
        self.loop_guard = LoopGuard::default();
    }

    pub fn timers(&self) -> &Timers<ThinkTimer> {
        &self.timers
    }

    /// A deadline has come.
    pub fn clear(&mut self, timer: ThinkTimer) {
        self.timers.clear(timer);
    }

    /// A reply is being made.
    pub fn is_busy(&self) -> bool {
        self.thought.is_some()
    }

    /// The caller waits from now on.
    pub fn expect_reply(&mut self, now: Duration) {
        self.timers.set(ThinkTimer::Filler, now + FILLER_AFTER);
    }

    /// Something is being said when the caller should be told that a tool takes a while: after it.
    pub fn say_so_later(&mut self, now: Duration) {
        if self.thought.as_ref().is_some_and(|t| t.request.is_none()) {
            self.timers.set(ThinkTimer::Filler, now + TOOL_FILLER_AFTER);
        }
    }

    /// Ask a model: the request's name.
    pub fn ask(&mut self, at: Try, now: Duration) -> RequestId {
        self.newest += 1;
        self.timers.set(ThinkTimer::Model, now + MODEL_STALL);
        self.timers.set(ThinkTimer::Reasoning, now + LONGEST_REASONING);
        self.timers.clear(ThinkTimer::Sentence);
        let splitter = Splitter::new(&self.language, self.tools.clone());
        let (request, asked_at) = (Some(self.newest), now);
        self.thought = Some(Thought { request, at, asked_at, splitter, ..Thought::default() });
        self.newest
    }

    /// The name of a request that is no reply: its answer is not for the caller.
    pub fn ask_aside(&mut self) -> RequestId {
        self.newest += 1;
        self.newest
    }

    /// The model that wished to be asked later is asked now.
    pub fn ask_again(&mut self, now: Duration) -> Option<(RequestId, Try)> {
        let at = self.thought.as_ref().filter(|t| t.request.is_none())?.at;
        Some((self.ask(at, now), at))
    }

    /// The reply is not wanted any more: what it was so far, with the request to be cancelled. Its tools are left by themselves
    /// ([`ToolRuns::leave`]).
    pub fn cancel(&mut self) -> Option<(RequestId, Thought)> {
        self.timers.clear_all();
        let thought = self.thought.take()?;
        Some((thought.request?, thought))
    }

    /// Take what the model says.
    pub fn take(&mut self, request: RequestId, event: LlmEvent, now: Duration) -> Told {
        let Some(thought) = self.thought.as_mut().filter(|t| t.request == Some(request)) else {
            return Told::Nothing;
        };
        if !matches!(event, LlmEvent::Done { .. } | LlmEvent::Failed(_)) {
            self.timers.set(ThinkTimer::Model, now + MODEL_STALL);
        }
        match event {
            LlmEvent::Text(text) => {
                if thought.said_chars > MAX_REPLY_CHARS || thought.written_chars > MAX_RAW_CHARS {
                    return Told::TooLong;
                }
                thought.written_chars += text.chars().count();
                let items = thought.splitter.push(&text);
                match thought.splitter.is_settled() {
                    true => self.timers.set(ThinkTimer::Sentence, now + SETTLES_AFTER),
                    false => self.timers.clear(ThinkTimer::Sentence),
                }
                if !thought.splitter.is_hiding() {
                    self.timers.clear(ThinkTimer::Reasoning);
                }
                Told::Items(items)
            }
            LlmEvent::ToolCall(call) => {
                self.timers.clear(ThinkTimer::Reasoning);
                thought.tools.push(call);
                Told::Nothing
            }
            LlmEvent::Progress => Told::Nothing,
            LlmEvent::Done { finish, usage } => Told::Done { finish, usage },
            LlmEvent::Failed(failure) => Told::Failed(failure),
        }
    }

    /// The model that speaks by itself has sound for this request: it is handed on as it is. False when nobody waits for it.
    pub fn sounds(&mut self, request: RequestId, now: Duration) -> bool {
        let Some(thought) = self.thought.as_mut().filter(|t| t.request == Some(request)) else {
            return false;
        };
        thought.handed = true;
        self.timers.set(ThinkTimer::Model, now + MODEL_STALL);
        self.timers.clear(ThinkTimer::Reasoning);
        true
    }

    /// The model's own sound says this. True when it is taken; `None` when it has been far too much.
    pub fn spoken(&mut self, request: RequestId, text: &str, now: Duration) -> Option<bool> {
        let Some(thought) = self.thought.as_mut().filter(|t| t.request == Some(request)) else {
            return Some(false);
        };
        self.timers.set(ThinkTimer::Model, now + MODEL_STALL);
        if thought.said_chars > MAX_REPLY_CHARS {
            return None;
        }
        let chars = text.chars().count();
        thought.written_chars += chars;
        thought.said_chars += chars;
        thought.said.push_str(text);
        Some(true)
    }

    /// Whether what the model writes just now is for the caller.
    pub fn is_for_caller(&self) -> bool {
        self.thought.as_ref().is_some_and(|t| !t.splitter.is_hiding())
    }

    /// A piece of the reply went on to be said: these are the model's own words.
    pub fn note_handed(&mut self, words: &str) {
        if let Some(thought) = &mut self.thought {
            thought.handed = true;
            thought.said_chars += words.chars().count();
            append(&mut thought.said, words);
        }
    }

    /// What seemed to be the reply was the model's reasoning.
    pub fn note_reasoning(&mut self) {
        if let Some(thought) = &mut self.thought {
            thought.handed = false;
            thought.said_chars = 0;
            thought.said.clear();
        }
    }

    /// The model called a tool in its text.
    pub fn note_tool(&mut self, tool: ToolText) {
        if let Some(thought) = &mut self.thought {
            let id = format!("text_{}_{}", self.newest, thought.tools.len());
            thought.tools.push(ToolCall { id, name: tool.name, arguments: tool.arguments });
        }
    }

    /// The sentence that the model paused behind.
    pub fn settle(&mut self) -> Option<Item> {
        self.thought.as_mut().and_then(|t| t.splitter.settle())
    }

    /// What of the text so far is no piece yet.
    pub fn flush(&mut self) -> Vec<Item> {
        self.thought.as_mut().map(|t| t.splitter.finish()).unwrap_or_default()
    }

    /// The request of the reply that is being made.
    pub fn request(&self) -> Option<RequestId> {
        self.thought.as_ref().and_then(|t| t.request)
    }

    /// The place of the model that makes it.
    pub fn place(&self) -> usize {
        self.thought.as_ref().map_or(0, |t| t.at.provider)
    }

    /// The reply is complete.
    pub fn complete(&mut self) -> Option<Thought> {
        for timer in [ThinkTimer::Model, ThinkTimer::Second, ThinkTimer::Reasoning, ThinkTimer::Sentence] {
            self.timers.clear(timer);
        }
        self.thought.take()
    }

    /// The reply was one.
    pub fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// The request failed.
    pub fn failed(
        &mut self,
        mut thought: Thought,
        failure: &Failure,
        rungs: Rungs,
        now: Duration,
    ) -> AfterFailure {
        if thought.handed {
            return AfterFailure::Keep;
        }
        let other = rungs.after(thought.at.provider);
        let asked = wish(failure).unwrap_or_default();
        let useful = other.is_some() || (failure.class.is_transient() && asked <= PATIENCE);
        if thought.at.attempt < MODEL_ATTEMPTS.max(rungs.len()) && useful {
            let provider = other.unwrap_or(thought.at.provider);
            let at = Try { provider, attempt: thought.at.attempt + 1, ..thought.at };
            if other.is_some() || asked.is_zero() {
                return AfterFailure::Ask(at);
            }
            thought.request = None;
            thought.at = at;
            self.thought = Some(thought);
            self.timers.set(ThinkTimer::AskAgain, now + asked);
            return AfterFailure::Later;
        }
        self.failures += 1;
        if self.failures >= MODEL_FAILURES { AfterFailure::GiveUp } else { AfterFailure::Excuse }
    }

    /// The reply goes on when these tools have answered: the calls to be made now. What is left in its own `tools` waits for them.
    pub fn run_tools(
        &mut self,
        thought: Thought,
        calls: Vec<(ToolCall, Waits)>,
        now: Duration,
    ) -> Vec<(ToolRunId, ToolCall)> {
        let Thought { at, said, tools, .. } = thought;
        self.thought = Some(Thought { at, said, tools, ..Thought::default() });
        self.timers.set(ThinkTimer::Filler, now + TOOL_FILLER_AFTER);
        let started = self.runs.begin(calls, now);
        self.timers.set(ThinkTimer::Tools, now + tool_runs::LONGEST_RUN);
        started
    }

    /// All tools of the reply have answered: their results, and the reply so far.
    pub fn tool_results(&mut self) -> Option<(Results, Thought)> {
        self.thought.as_ref().filter(|t| t.request.is_none())?;
        let results = self.runs.results()?;
        self.timers.clear(ThinkTimer::Tools);
        Some((results, self.thought.take()?))
    }

    /// The call that waits for the other tools of its reply, and will not be carried out.
    pub fn take_waiting(&mut self) -> Option<ToolCall> {
        self.thought.as_mut().filter(|t| t.request.is_none())?.tools.pop()
    }
}
