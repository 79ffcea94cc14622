//! What a conversation was until its worker died, as the journal has it, and the conversation that goes on from there.

mod handed;

use std::time::Duration;

use serde_json::{Value, json};
use vox_shared::ids::SessionId;
use vox_shared::wire::result::{CallEvent, Speaker, TranscriptEntry, TurnLatency, Usage};
use vox_shared::wire::seat::{Steered, Tally};

use super::Session;
use super::callbacks::last_in;
use super::event::Command;
use super::farewell::stock_line_back;
use super::kind::EventKind;
use super::party::Party;
use super::phase::PhaseTimer;
use super::report::{MAX_ENTRIES, ms};
use super::rules::{DETECTED_VOICEMAIL, END_CALL, Rules, TRANSFER_CALL};
use super::spending::object;
use super::thinking::NO_ANSWER;
use super::utterance::Kind;
use crate::provider::llm::ToolCall;

/// What the model is told. The caller hears of it too, before the model says anything.
const GOES_ON: &str = "The line broke off for a moment and is back; the caller has just been told so. What you said last may not have \
                       been heard to its end. Go on with the conversation where it stood, and do not greet again.";

/// A conversation that broke off.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Past {
    /// In their order; what is hidden in the record is hidden here.
    pub transcript: Vec<TranscriptEntry>,
    pub events: Vec<CallEvent>,
    pub why: Vec<CallEvent>,
    pub latency: Vec<TurnLatency>,
    pub first_audio: Option<Duration>,
    pub barge_in: Vec<Duration>,
    /// Of all vendors, until the last tally.
    pub usage: Vec<Usage>,
    pub tokens: u64,
    pub steered: Vec<Steered>,
    /// How often a worker went on with it, this time too.
    pub times: u32,
}

/// How much of each list the last tally told.
#[derive(Debug, Default)]
pub(super) struct Tallied {
    latency: usize,
    barge_in: usize,
    why: usize,
    steered: usize,
}

/// Something that the model knew.
enum Memory<'a> {
    Line(&'a TranscriptEntry),
    Tool(&'a CallEvent),
    Steered(&'a Steered),
}

impl Past {
    /// What the model knew, in its order: what was said where it began, what a tool answered where it came.
    fn memories(&self) -> Vec<Memory<'_>> {
        let lines = self.transcript.iter().map(|line| (line.started_ms, Memory::Line(line)));
        let tools = self.events.iter().filter(|event| tool_of(event).is_some());
        let tools = tools.map(|event| (event.at_ms, Memory::Tool(event)));
        let steered = self.steered.iter().map(|word| (word.at_ms, Memory::Steered(word)));
        let mut all: Vec<_> = lines.chain(tools).chain(steered).collect();
        all.sort_by_key(|(at, _)| *at);
        all.into_iter().map(|(_, memory)| memory).collect()
    }

    fn said(&self, speaker: Speaker) -> impl DoubleEndedIterator<Item = &TranscriptEntry> {
        self.transcript.iter().filter(move |line| line.speaker == speaker)
    }
}

/// The tool that ran, of the bot's own.
fn tool_of(event: &CallEvent) -> Option<&str> {
    let name = event.data.get("tool").and_then(Value::as_str)?;
    let is_built_in = matches!(name, END_CALL | TRANSFER_CALL | DETECTED_VOICEMAIL);
    (event.event == EventKind::ToolCalled.as_str() && !is_built_in).then_some(name)
}

fn field(event: &CallEvent, name: &str) -> Value {
    event.data.get(name).cloned().unwrap_or_default()
}

impl Session {
    /// The conversation goes on from its past when the line is there again: [`super::event::Event::Answered`], at the media time at
    /// which it is.
    pub fn going_on(rules: Rules, past: Past) -> Self {
        let mut session = Self::new(rules);
        let (mut turn, mut runs) = (0, 0);
        for memory in past.memories() {
            match memory {
                Memory::Line(line) => {
                    turn = turn.max(line.turn);
                    session.remember_line(line);
                }
                Memory::Tool(event) => {
                    runs += 1;
                    session.remember_tool(event, runs, turn);
                }
                Memory::Steered(word) => session.context.note(&word.text),
            }
        }
        session.turn = past.transcript.iter().map(|line| line.turn).max().unwrap_or_default();
        if past.said(Speaker::Caller).next().is_some() {
            session.listening.note_sign_of_caller();
        }
        if let Some(line) = past.said(Speaker::Bot).next_back() {
            session.listening.bot_said(&line.text);
        }
        if let Some(line) = past.said(Speaker::Caller).next_back() {
            session.asked.clone_from(&line.text);
        }
        session.spending.remember(past.tokens);
        session.remember_transfer(&past.events);
        session.callback = last_in(&past.events);
        session.remember_report(past);
        session
    }

    fn remember_line(&mut self, line: &TranscriptEntry) {
        match line.speaker {
            Speaker::Caller => self.context.caller(&line.text),
            // A line of its own: none that is planned has this number.
            Speaker::Bot => {
                self.context.bot_heard(0, &line.text);
                let _told_then = self.guardrails.heard(&line.text);
            }
            Speaker::Agent => {
                self.context.heard(Party::Agent, &line.text, Duration::from_millis(line.started_ms));
            }
            Speaker::System => {}
        }
    }

    fn remember_tool(&mut self, event: &CallEvent, run: u32, turn: u32) {
        let Some(name) = tool_of(event) else { return };
        let arguments = Some(field(event, "input")).filter(Value::is_object).unwrap_or_else(|| json!({}));
        let call = ToolCall { id: format!("past_{run}"), name: name.to_owned(), arguments };
        self.guard.recall(&call, turn);
        let answer = Some(field(event, "output")).filter(|answer| !answer.is_null());
        self.context.tool_results(vec![(call, answer.unwrap_or_else(|| NO_ANSWER.into()))]);
    }

    fn remember_report(&mut self, past: Past) {
        let Past {
            transcript, mut events, why, latency, first_audio, barge_in, usage, steered, times, ..
        } = past;
        events.truncate(MAX_ENTRIES);
        let shown = |event: &CallEvent| {
            ["input", "output"].iter().map(|name| field(event, name).to_string().len()).sum::<usize>()
        };
        self.shown_bytes = events.iter().filter(|event| tool_of(event).is_some()).map(shown).sum();
        self.tallied = Tallied {
            latency: latency.len(),
            barge_in: barge_in.len(),
            why: why.len(),
            steered: steered.len(),
        };
        self.steered = steered;
        self.report.transcript = transcript;
        self.report.events = events;
        self.report.why = why;
        self.report.latency = latency;
        self.report.first_audio = first_audio;
        self.report.barge_in = barge_in;
        self.report.usage = usage;
        self.again = Some(times);
    }

    /// Another worker has the line now: the caller is told, and the bot goes on. The longest duration counts from the answer.
    pub(super) fn begin_again(&mut self, times: u32, out: &mut Vec<Command>) {
        self.course.begin(Duration::ZERO, self.rules.max_duration);
        let is_warned =
            self.report.events.iter().any(|event| event.event == EventKind::DurationWarning.as_str());
        if is_warned {
            self.course.clear(PhaseTimer::DurationWarning);
        }
        let told = ("a worker died, and another one goes on".to_owned(), object(json!({"times": times})));
        self.report.event_with(self.now, EventKind::Rejoined, told, out);
        self.take_caller_back(out);
        self.open_first_voice(out);
        self.open_stt(Party::Caller, out);
        let met = |kind: EventKind| self.report.events.iter().any(|event| event.event == kind.as_str());
        if met(EventKind::VoicemailDetected) {
            // The machine records, or has: what it has of the message is not whole.
            return self.leave_message("another worker leaves it", out);
        }
        let own = self.rules.phrases.line_back.trim();
        let phrase = if own.is_empty() { stock_line_back(&self.rules.language) } else { own }.to_owned();
        self.say_phrase(&phrase, Kind::Prompt, out);
        if self.report.transcript.is_empty() {
            let opening = self.rules.opening_message.clone();
            return self.say_phrase(&opening, Kind::Greeting, out);
        }
        self.context.note(GOES_ON);
        // What was used up before ends the call, as it would have there.
        self.keep_to_limits(out);
        if self.course.is_live() {
            self.think_anew(out);
        }
    }

    /// How the call stands, for the journal; its lists have what came since the last time. `told` is whoever tells of the call to
    /// fill in, and what recognisers and voices were used for in this worker is to be added. `None` after the end: the outcome has it.
    pub fn tally(&mut self, session_id: &SessionId) -> Option<Tally> {
        if self.is_over() {
            return None;
        }
        let (report, told) = (&self.report, &self.tallied);
        let tally = Tally {
            session_id: session_id.clone(),
            at_ms: ms(self.now),
            told: 0,
            tokens: self.spending.used_tokens(),
            usage: report.usage.clone(),
            first_audio_ms: report.first_audio.map(ms),
            latency: report.latency.iter().skip(told.latency).cloned().collect(),
            barge_in_ms: report.barge_in.iter().skip(told.barge_in).copied().map(ms).collect(),
            why: report.why.iter().skip(told.why).cloned().collect(),
            steered: self.steered.iter().skip(told.steered).cloned().collect(),
        };
        self.tallied = Tallied {
            latency: report.latency.len(),
            barge_in: report.barge_in.len(),
            why: report.why.len(),
            steered: self.steered.len(),
        };
        Some(tally)
    }

    /// An operator told the model something.
    pub(super) fn note_steered(&mut self, text: &str) {
        self.context.note(text);
        if self.steered.len() < MAX_ENTRIES {
            self.steered.push(Steered { at_ms: ms(self.now), text: text.to_owned() });
        }
    }
}

#[cfg(test)]
mod tests;
