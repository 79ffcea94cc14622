//! A model that means harm, or does not know better, and an eye of its own on what comes of its calls: nothing runs that the bot does
//! not have, whose arguments are not as they must be, that the caller was not asked about, or that is more than it may be; nobody is
//! called or handed over to who is not named; and no key is pressed into the bot's words.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use vox_core::provider::llm::{LlmEvent, ToolCall};
use vox_core::session::event::{Event, ToolAnswer, ToolRunId, ToolStatus};
use vox_core::session::sources::{Source, SourceTool};
use vox_shared::model::bot::{HttpTool, Tool};
use vox_shared::wire::config::RuntimeConfig;
use vox_shared::wire::result::{Callback, Speaker, TranscriptEntry};

use super::super::random::Random;
use super::{Happening, World};

/// Tools that the caller must agree to.
const AGREED: [&str; 2] = ["book", "crm__book"];
/// How often the same may run in a call.
const SAME: usize = 3;
/// Whom blind transfers may reach: the operator's, and the bot's if it has one.
const OPERATORS: &str = "+15550001";
const DESK: &str = "+15550111";

/// What is known of the model's calls without asking the session.
#[derive(Debug, Default)]
pub struct Watch {
    known: BTreeSet<String>,
    most: Option<u32>,
    has_desk: bool,
    /// Lines of people so far.
    lines: usize,
    /// Calls that the caller must agree to, each with the lines that there were.
    wished: Vec<(String, Value, usize)>,
    /// Runs that were not given up.
    begun: BTreeMap<ToolRunId, (String, Value)>,
    /// Answers on their way of the tool that notes callbacks, and what was noted last.
    callbacks: BTreeMap<ToolRunId, String>,
    noted: Option<String>,
    keys_wished: usize,
    pub count: Count,
}

/// What was tried, for the figures.
#[derive(Clone, Copy, Debug, Default)]
pub struct Count {
    pub keys: usize,
    pub callbacks: usize,
    pub of_servers: usize,
    pub agreed: usize,
    pub transfers: usize,
}

impl Watch {
    pub fn of(config: &RuntimeConfig) -> Self {
        Self {
            known: config.tools.iter().map(|tool| tool.name.clone()).collect(),
            most: config.limits.max_tool_calls,
            has_desk: !config.transfer_numbers.is_empty(),
            ..Self::default()
        }
    }
}

/// What a bot has on a bad day beside what all have.
pub fn prepare(config: &mut RuntimeConfig, random: &mut Random) {
    config.tools.extend(["transfer_call", "send_dtmf", "schedule_callback"].map(Tool::built_in));
    config.tools.push(Tool {
        parameters: with_id(),
        http: Some(HttpTool { confirm: true, ..HttpTool::default() }),
        ..Tool::built_in("book")
    });
    config.transfer_targets.push(json!({
        "id": "boss", "method": "warm", "type": "phone_number", "value": "+15550112", "ring_secs": 20
    }));
    config.limits.max_tool_calls = random.chance(30).then(|| random.range(1, 6) as u32);
}

fn with_id() -> Value {
    json!({"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}})
}

/// What a server of the bot's says of its tools.
pub fn source(random: &mut Random) -> Source {
    let tool = |name: &str| SourceTool {
        name: name.into(),
        description: String::new(),
        parameters: with_id(),
        filler: String::new(),
        confirm: AGREED.contains(&name),
        cancels: false,
    };
    let found = match random.chance(80) {
        true => Ok(["crm__find", "crm__book"].map(tool).to_vec()),
        false => Err("no answer in time".to_owned()),
    };
    Source { name: "crm".into(), place: 0, found, left_out: vec!["delete: not allowed".into()] }
}

/// One call of such a model.
fn call(random: &mut Random) -> (&'static str, Value) {
    match random.range(0, 100) {
        0..18 => {
            let digits = *random.pick(&["1", "12w3#", "*", "1,2,3", "call me", ""]);
            ("send_dtmf", json!({ "digits": digits }))
        }
        18..34 => ("schedule_callback", json!({"when": *random.pick(&["tomorrow 10:30", "in 2 hours"])})),
        34..38 => ("schedule_callback", json!({"number": "+15550199"})),
        38..52 => ("crm__find", json!({"id": random.range(0, 4)})),
        52..60 => ("crm__book", json!({"id": random.range(0, 2)})),
        60..64 => ("crm__delete", json!({"id": 1})),
        64..78 => ("book", json!({"id": random.range(0, 2)})),
        78..82 => ("book", json!({"id": "all of them"})),
        82..86 => ("delete_everything", json!({})),
        86..94 => {
            ("transfer_call", json!({"target": *random.pick(&["desk", "boss", "+15559999", "the police"])}))
        }
        _ => ("look_up", json!({"n": 1})),
    }
}

impl World {
    /// Some of the model's replies call what comes to its mind.
    pub(super) fn add_hostile_calls(&mut self, events: &mut Vec<(u64, LlmEvent)>) {
        if self.bad_day.is_none() || !self.random.chance(30) {
            return;
        }
        let Some(at) = events.iter().position(|(_, event)| matches!(event, LlmEvent::Done { .. })) else {
            return;
        };
        for _ in 0..self.random.range(1, 5) {
            let (name, arguments) = call(&mut self.random);
            let id = format!("h{}", self.random.next());
            let call = LlmEvent::ToolCall(ToolCall { id, name: name.into(), arguments });
            events.insert(at, (events[at].0, call));
        }
    }

    /// What the session is told.
    pub(super) fn watch_event(&mut self, event: &Event, waits: bool) {
        let lines = self.watch.lines;
        match event {
            Event::Llm { event: LlmEvent::ToolCall(call), .. } if waits => {
                let (name, arguments) = (call.name.clone(), call.arguments.clone());
                self.watch.keys_wished += keys(call);
                if AGREED.contains(&name.as_str()) {
                    self.watch.wished.push((name, arguments, lines));
                }
            }
            Event::Source(Source { found: Ok(tools), .. }) => {
                self.watch.known.extend(tools.iter().map(|tool| tool.name.clone()));
            }
            Event::ToolDone { run, answer } => {
                if let Some(number) = self.watch.callbacks.remove(run)
                    && answer.status == ToolStatus::Ok
                {
                    self.watch.noted = Some(number);
                }
            }
            _ => {}
        }
    }

    /// A tool is run: it may be.
    pub(super) fn watch_run(&mut self, run: ToolRunId, call: &ToolCall) {
        let seed = self.seed;
        let (name, arguments) = (call.name.clone(), call.arguments.clone());
        let watch = &mut self.watch;
        assert!(watch.known.contains(&name), "seed {seed}: {name} runs, which the bot does not have");
        if AGREED.contains(&name.as_str()) || name.starts_with("crm__") {
            assert!(arguments["id"].is_u64(), "seed {seed}: {call:?} runs");
        }
        if AGREED.contains(&name.as_str()) {
            let is_it = |(of, with, _): &&(String, Value, usize)| *of == name && *with == arguments;
            let first = watch.wished.iter().find(is_it).map_or(usize::MAX, |(_, _, lines)| *lines);
            assert!(first < watch.lines, "seed {seed}: {call:?} runs, and the caller was not asked");
            watch.wished.retain(|wish| !is_it(&wish));
            watch.count.agreed += 1;
        }
        watch.count.of_servers += usize::from(name.starts_with("crm__"));
        watch.begun.insert(run, (name.clone(), arguments.clone()));
        let same = watch.begun.values().filter(|(of, with)| *of == name && *with == arguments).count();
        assert!(same <= SAME, "seed {seed}: {call:?} runs for the {same}th time");
        let most = watch.most.map_or(usize::MAX, |most| most as usize);
        assert!(watch.begun.len() <= most, "seed {seed}: {} runs, of {most}", watch.begun.len());
        assert!(!self.agent.leads(), "seed {seed}: {call:?} runs though an agent leads");
    }

    /// It is given up: the same may be called anew.
    pub(super) fn watch_cancelled(&mut self, run: ToolRunId) {
        self.watch.begun.remove(&run);
    }

    /// The answer of the tool that notes when the caller wishes to be called.
    pub(super) fn callback_answer(&mut self, run: ToolRunId) -> ToolAnswer {
        if self.random.chance(30) {
            let result = "error: that is no time".into();
            return ToolAnswer { status: ToolStatus::Failed, code: None, result };
        }
        let number = format!("+1555012{}", self.random.range(1_000, 9_999));
        self.watch.callbacks.insert(run, number.clone());
        self.watch.count.callbacks += 1;
        json!({"at": "2026-12-01T05:00:00Z", "number": number, "note": "", "in_words": "tomorrow"}).into()
    }

    /// A key is pressed: one that was wished for, and not into the bot's words.
    pub(super) fn key_pressed(&mut self, key: char) {
        self.watch.count.keys += 1;
        let (seed, now) = (self.seed, self.now);
        assert!(matches!(key, '0'..='9' | '*' | '#' | 'A'..='D'), "seed {seed}: {key} is no key");
        assert!(self.watch.count.keys <= self.watch.keys_wished, "seed {seed}: a key that nobody wished for");
        assert!(!self.bot_sounds(), "seed {seed} at {now}: a key is pressed into the bot's words");
        if self.random.chance(3) {
            let event = Event::KeyFailed { why: "the gateway did not take it".into() };
            self.at(now + 40, Happening::Session(event));
        }
    }

    /// The caller is handed over: to somebody who is named.
    pub(super) fn watch_transfer(&mut self, to: &str) {
        self.watch.count.transfers += 1;
        let is_known = to == OPERATORS || (to == DESK && self.watch.has_desk);
        assert!(is_known, "seed {}: the caller is handed over to {to}", self.seed);
    }

    pub(super) fn watch_line(&mut self, line: &TranscriptEntry) {
        self.watch.lines += usize::from(line.speaker != Speaker::Bot);
    }

    /// The record has what was noted last.
    pub(super) fn judge_callback(&self, callback: Option<&Callback>) {
        let noted = callback.map(|callback| callback.number.as_str());
        assert_eq!(noted, self.watch.noted.as_deref(), "seed {}: another callback was noted", self.seed);
    }
}

/// How many keys a call wishes for, if it is one.
fn keys(call: &ToolCall) -> usize {
    let digits = call.arguments["digits"].as_str().unwrap_or_default();
    match call.name == "send_dtmf" {
        true => digits.chars().filter(|c| c.is_ascii_digit() || matches!(c, '*' | '#')).count(),
        false => 0,
    }
}
