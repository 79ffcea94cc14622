//! A dialogue script: what the keyless `scripted` model follows. Plain data, parsed and checked here so that the
//! bridge can refuse a bad script when a bot is saved; the engine that speaks it is in the core. The format is
//! described in `docs/scripted-model.md`.

mod builtin;
mod check;
mod parse;
pub mod pattern;
mod read;
pub mod template;
pub mod words;

use std::collections::BTreeMap;

use serde_json::Value;

use pattern::Pattern;
use template::Template;

/// Most states of a script.
pub const MAX_STATES: usize = 200;
/// Most slots, intents, phrase sets or corrections of a script, each.
pub const MAX_ENTRIES: usize = 200;
/// Most items of one list (rules of a state, patterns of a rule, variants of a line).
pub const MAX_ITEMS: usize = 200;
/// Longest line, pattern or name, bytes.
pub const MAX_TEXT_BYTES: usize = 1000;

/// What is wrong with a script, and where: `path` is like `states.confirm.on[2].go`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct ScriptError {
    pub path: String,
    /// What is wrong and what to do about it.
    pub problem: String,
}

/// A whole script, checked: every name it uses exists.
#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    /// The state whose question the bot's opening message asks.
    pub start: String,
    pub slots: BTreeMap<String, Slot>,
    /// What the caller may say anywhere, in order of preference.
    pub intents: Vec<Intent>,
    pub states: BTreeMap<String, State>,
    /// Misheard words and what they stand for, longest first.
    pub corrections: Vec<Correction>,
    /// What announces that the caller takes something back ("sorry", "I mean"): the set `<correction>`.
    pub second_thoughts: Vec<Pattern>,
    /// What means yes, and what means no: the sets `<yes>` and `<no>`.
    pub yes: Vec<Pattern>,
    pub no: Vec<Pattern>,
    /// Said one after another when nothing fits, where a state has none of its own.
    pub reprompts: Vec<Template>,
    /// Said when the caller's turn held no words.
    pub silence: Vec<Template>,
    /// Done when the reprompts are used up, where a state has none of its own.
    pub give_up: Action,
}

/// Words that stand for other words.
#[derive(Clone, Debug, PartialEq)]
pub struct Correction {
    pub heard: Vec<String>,
    pub meant: Vec<String>,
}

/// A thing to learn from the caller.
#[derive(Clone, Debug, PartialEq)]
pub struct Slot {
    pub kind: SlotKind,
    /// Asks for this slot alone, when a state still misses it.
    pub ask: Vec<Template>,
}

/// What a slot can hold.
#[derive(Clone, Debug, PartialEq)]
pub enum SlotKind {
    /// `yes` or `no`.
    YesNo,
    /// A whole number, both bounds included.
    Number { min: i64, max: i64 },
    /// A number read digit by digit (telephone, reference).
    Digits { min_digits: usize, max_digits: usize },
    /// A day: `tomorrow`, `tuesday`, `the third of may`.
    Date,
    /// A time of day: `15:30`, `morning`.
    Time,
    /// One of a list.
    Choice(Vec<Choice>),
    /// Whatever was said.
    Text,
}

/// One of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    pub value: String,
    /// How the value is read aloud.
    pub says: String,
    pub patterns: Vec<Pattern>,
}

/// Something the caller may say in any state.
#[derive(Clone, Debug, PartialEq)]
pub struct Intent {
    pub name: String,
    pub patterns: Vec<Pattern>,
    pub when: Condition,
    pub action: Action,
}

/// A place in the conversation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// Said on entering, before the question.
    pub say: Vec<Template>,
    /// The question.
    pub ask: Vec<Template>,
    /// The question in short, when it is asked again.
    pub again: Vec<Template>,
    /// Slots that must be filled before `next` is taken; a state whose slots are all filled is passed through.
    pub fill: Vec<String>,
    /// Slots that are taken if they are mentioned.
    pub notice: Vec<String>,
    pub on: Vec<Rule>,
    /// Where to go when all of `fill` is filled; the first whose condition holds.
    pub next: Vec<Route>,
    pub reprompts: Vec<Template>,
    pub give_up: Option<Action>,
    /// Names of the intents heard here; all when `None`.
    pub intents: Option<Vec<String>>,
    /// Say goodbye with `say` and hang up.
    pub end_call: bool,
}

/// What to do about something that was said.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// The words must be this answer to a yes-or-no question ("no problem" is a yes), if there is one.
    pub answer: Option<YesNo>,
    /// Any of these must match, if there are some.
    pub patterns: Vec<Pattern>,
    /// Any of these slots must have been mentioned in this turn, if there are some.
    pub heard: Vec<String>,
    pub when: Condition,
    pub action: Action,
}

/// The answer to a yes-or-no question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum YesNo {
    Yes,
    No,
}

impl YesNo {
    /// The value of a slot that holds it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
        }
    }
}

/// A way onward.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    pub when: Condition,
    pub action: Action,
}

/// Tests on slots; all must hold.
pub type Condition = Vec<(String, Test)>;

/// A test on one slot. A slot that is not filled passes only `Filled(false)` and `Not`.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    Filled(bool),
    Is(String),
    Not(String),
    OneOf(Vec<String>),
    /// The value holds this word.
    Has(String),
    AtLeast(i64),
    AtMost(i64),
}

/// What the bot does.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// Variants of a line; each use takes the next one.
    pub say: Vec<Template>,
    pub set: BTreeMap<String, String>,
    pub clear: Vec<String>,
    pub then: Then,
}

/// Where the conversation stands afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Then {
    /// Stay and ask the question again.
    Ask,
    /// Stay and wait for the caller.
    Wait,
    /// Say again what was said last.
    Repeat,
    /// Say the line and hang up.
    EndCall,
    /// Say the line and hand the caller over, to one of the bot's targets or to its usual one.
    Transfer(Transfer),
    /// A machine has answered: leave the bot's message, or hang up.
    Voicemail,
    /// Enter another state.
    Go(String),
}

/// A caller is handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Id or label of a target.
    pub to: Option<String>,
    /// Said when the caller is back, in turn.
    pub failed: Vec<Template>,
}

impl Script {
    /// Read a script from its JSON.
    ///
    /// # Errors
    /// The first thing that is wrong, with its path and what to do.
    pub fn parse(script: &Value) -> Result<Self, ScriptError> {
        let script = parse::script(script)?;
        check::references(&script)?;
        Ok(script)
    }
}

/// Check a script without keeping it: what a bot's editor calls.
///
/// # Errors
/// As [`Script::parse`].
pub fn validate_script(script: &Value) -> Result<(), ScriptError> {
    Script::parse(script).map(drop)
}

#[cfg(test)]
mod tests;
