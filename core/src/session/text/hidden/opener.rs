//! Marks that open and close what is hidden: held while they may become one, given back when they do not.

use super::super::sign::is_terminal;
use super::super::tag::{self, ANSWERS, DSML, REASONING, TEMPLATE, TOOLS, TURN};
use super::super::tool::{self, ToolText};
use super::Hidden;

/// Longest tag with its attributes, bytes.
const TAG_MAX: usize = 200;
/// Longest name of a tag, bytes.
const NAME_MAX: usize = 32;
/// Longest special token, bytes.
const TOKEN_MAX: usize = 60;
/// Names in square brackets.
const BRACKETS: [&str; 11] = [
    "THINK]",
    "/THINK]",
    "TOOL_CALLS]",
    "/TOOL_CALLS]",
    "TOOL_CALL]",
    "/TOOL_CALL]",
    "TOOL_REQUEST]",
    "/TOOL_REQUEST]",
    "END_TOOL_REQUEST]",
    "INST]",
    "/INST]",
];
/// Phi's mark before a list of calls.
const FUNCTOOLS: &str = "functools[";
/// What gpt-oss writes when its server takes the marks of its channels away.
const BARE_ANALYSIS: &str = "analysis";
/// What a model writes before a call that it describes.
const LABELS: [&str; 8] = [
    "Action:",
    "Tool:",
    "Tool call:",
    "Tool Call:",
    "Function:",
    "Function call:",
    "tool_call:",
    "function_call:",
];
/// Longest space between the label and what it announces, bytes.
const LABEL_GAP: usize = 8;
/// Signs around a tool's name that stands for its call.
const AROUND: [(char, char); 6] = [('(', ')'), ('{', '}'), ('<', '>'), ('*', '*'), ('`', '`'), ('"', '"')];
/// What stands before a tool's name in code.
const SPACES: [&str; 4] = ["functions.", "default_api.", "tools.", "print(default_api."];

/// What the text held so far is.
#[derive(Debug, PartialEq)]
pub(super) enum Opens {
    /// It may become a mark.
    Perhaps,
    /// Its first character begins none.
    No(String),
    /// A mark of which nothing remains.
    Dropped,
    /// Reasoning ends here whose beginning was not seen.
    Closes,
    /// It is a call.
    Calls(ToolText),
    /// From here on text is hidden; the text that belongs to it already.
    Hides(Hidden, String),
}

/// Where the text stands.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    pub before: Option<char>,
    /// The last character that is no space.
    pub sign: Option<char>,
    /// Nothing but space stands on the line so far.
    pub line_is_blank: bool,
}

impl Place {
    /// A tool's name here can be its call: it begins a line, or stands behind a sentence.
    pub(super) fn begins(self) -> bool {
        self.line_is_blank
            || self.sign.is_none_or(|c| matches!(c, '.' | '!' | '?' | '…' | '*' | '>') || is_terminal(c))
    }
}

/// Holds what may become a mark.
#[derive(Debug, Default)]
pub(super) struct Opener {
    held: String,
}

impl Opener {
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    pub(super) fn take(&mut self) -> String {
        std::mem::take(&mut self.held)
    }

    pub(super) fn push(&mut self, c: char, place: Place, known: &[String]) -> Opens {
        self.held.push(c);
        let opens = match self.held.chars().next() {
            Some('<') => self.angle(known),
            Some('[') => self.square(place, known),
            Some('◁') => self.triangle(),
            Some('{') => json(&self.held, place),
            Some('`') if place.line_is_blank => self.fence(),
            Some('a') if place.sign.is_none() && !matches!(self.bare(), Opens::No(_)) => self.bare(),
            Some(_) if place.line_is_blank && !matches!(self.labelled(known), Opens::No(_)) => {
                self.labelled(known)
            }
            Some(first)
                if first.is_alphabetic()
                    && !place
                        .before
                        .is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '@' | '/')) =>
            {
                self.call(place, known)
            }
            _ => Opens::No(String::new()),
        };
        match opens {
            Opens::Perhaps => Opens::Perhaps,
            Opens::No(_) => Opens::No(self.take()),
            Opens::Hides(hidden, _) => Opens::Hides(hidden, self.take()),
            other => {
                self.held.clear();
                other
            }
        }
    }

    fn angle(&self, known: &[String]) -> Opens {
        let inside = &self.held[1..];
        let Some(first) = inside.chars().next() else { return Opens::Perhaps };
        let is_dsml = DSML.iter().any(|vendor| inside.starts_with(vendor));
        if matches!(first, '|' | '｜') && !is_dsml {
            return token(&self.held);
        }
        if !first.is_alphabetic() && first != '/' && !is_dsml {
            return Opens::No(String::new());
        }
        let (name, full) = (tag::name(inside), tag::full_name(inside));
        match inside.strip_prefix(full) {
            Some("|") => return Opens::Perhaps,
            // Gemma's marks close with the bar behind the name: `<channel|>`.
            Some("|>") if name == "channel" => return Opens::Closes,
            Some("|>") => return Opens::Dropped,
            _ => {}
        }
        let is_named = !inside.ends_with(full) || full.is_empty() && inside.len() > 1 && !is_dsml;
        let mut names = REASONING.iter().chain(&TOOLS).chain(&ANSWERS).chain(&TEMPLATE).chain([&TURN]);
        let is_known = known.contains(&name);
        let wanted = !is_named && self.held.len() < NAME_MAX || is_known || names.any(|n| **n == name);
        if !wanted || self.held.len() > TAG_MAX || inside.chars().skip(1).any(|c| c == '<') {
            return Opens::No(String::new());
        }
        match inside.strip_suffix('>') {
            Some(inside) if is_named => whole_tag(inside, name, is_known),
            _ => Opens::Perhaps,
        }
    }

    /// `Action: end_call` and its relatives, at a line's beginning.
    fn labelled(&self, known: &[String]) -> Opens {
        let (held, no) = (self.held.as_str(), Opens::No(String::new()));
        if LABELS.iter().any(|label| label.starts_with(held)) {
            return Opens::Perhaps;
        }
        let Some(behind) = LABELS.iter().find_map(|label| held.strip_prefix(label)) else { return no };
        let name = behind.trim_start().trim_start_matches('`');
        if name.is_empty() {
            return if behind.len() < LABEL_GAP { Opens::Perhaps } else { no };
        }
        if name.starts_with('{') {
            return Opens::Hides(Hidden::Json { name: "tool_call".to_owned() }, String::new());
        }
        let end = name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
        let (name, behind) = name.split_at(end);
        let is_known = known.iter().any(|tool| tool == name);
        match behind.chars().next() {
            None if known.iter().any(|tool| tool.starts_with(name)) => Opens::Perhaps,
            Some('(') if is_known => Opens::Hides(Hidden::Call { name: name.to_owned() }, String::new()),
            Some('\n' | ' ' | '`') if is_known => {
                Opens::Hides(Hidden::OpenTool { name: name.to_owned() }, String::new())
            }
            _ => no,
        }
    }

    /// The reasoning of gpt-oss without its marks: `analysisThe caller wants …assistantfinalWe open …`.
    fn bare(&self) -> Opens {
        let no = Opens::No(String::new());
        match self.held.strip_prefix(BARE_ANALYSIS).map(|behind| behind.chars().next()) {
            Some(None) => Opens::Perhaps,
            Some(Some(c)) if c.is_uppercase() => Opens::Hides(Hidden::Reasoning, String::new()),
            Some(Some(_)) => no,
            None if BARE_ANALYSIS.starts_with(self.held.as_str()) => Opens::Perhaps,
            None => no,
        }
    }

    fn square(&self, place: Place, known: &[String]) -> Opens {
        let inside = &self.held[1..];
        if let Some(json_begins) = inside.trim_start().chars().next().filter(|c| *c == '{') {
            let at = inside.find(json_begins).unwrap_or_default();
            return json(&inside[at..], place);
        }
        if inside.trim().is_empty() && inside.len() < 8 && (place.line_is_blank || inside.is_empty()) {
            return Opens::Perhaps;
        }
        // `[end_call]`, `[END_CALL]`, `[end call]`
        let called = inside.to_lowercase().replace([' ', '-'], "_");
        if let Some(name) = known.iter().find(|n| called.strip_suffix(']') == Some(n.as_str())) {
            return Opens::Calls(ToolText { name: name.clone(), arguments: serde_json::json!({}) });
        }
        // `[end_call: …]`, `[end_call(…)]`
        let open = known.iter().find(|n| {
            n.contains('_')
                && called.strip_prefix(n.as_str()).is_some_and(|rest| rest.starts_with([':', '(']))
        });
        if let Some(name) = open {
            return Opens::Hides(
                Hidden::Call { name: inside.get(..name.len()).unwrap_or(name).to_owned() },
                String::new(),
            );
        }
        let upper = inside.to_uppercase();
        match BRACKETS.iter().find(|n| **n == upper) {
            Some(&"THINK]") => Opens::Hides(Hidden::Reasoning, String::new()),
            Some(&"/THINK]") => Opens::Closes,
            Some(&"TOOL_REQUEST]") => {
                Opens::Hides(Hidden::Tool { tag: "[".into(), name: String::new() }, String::new())
            }
            Some(name) if name.starts_with("TOOL") => {
                Opens::Hides(Hidden::OpenTool { name: String::new() }, String::new())
            }
            Some(_) => Opens::Dropped,
            None if !inside.is_empty() && BRACKETS.iter().any(|n| n.starts_with(&upper)) => Opens::Perhaps,
            None if known.iter().any(|n| format!("{n}]").starts_with(&called)) => Opens::Perhaps,
            None => Opens::No(String::new()),
        }
    }

    fn triangle(&self) -> Opens {
        match self.held.as_str() {
            "◁think▷" => Opens::Hides(Hidden::Reasoning, String::new()),
            "◁/think▷" => Opens::Closes,
            held if "◁think▷".starts_with(held) || "◁/think▷".starts_with(held) => Opens::Perhaps,
            _ => Opens::No(String::new()),
        }
    }

    fn fence(&self) -> Opens {
        let Some(behind) = self.held.strip_prefix("```") else {
            return if "```".starts_with(self.held.as_str()) {
                Opens::Perhaps
            } else {
                Opens::No(String::new())
            };
        };
        let Some((language, content)) = behind.split_once('\n') else {
            let is_prose = behind.len() > TOKEN_MAX || behind.contains(['`', ' ']);
            return if is_prose { Opens::No(String::new()) } else { Opens::Perhaps };
        };
        let is_code = ["", "json", "xml", "python", "py", "plaintext", "text"].contains(&language.trim())
            || REASONING.contains(&language.trim())
            || language.starts_with("tool")
            || language.starts_with("function");
        match content.trim_start().chars().next() {
            _ if !is_code => Opens::No(String::new()),
            None if self.held.len() > TOKEN_MAX => Opens::No(String::new()),
            None => Opens::Perhaps,
            Some(c) if matches!(c, '{' | '[' | '<') || !language.trim().is_empty() => {
                Opens::Hides(Hidden::Fence, String::new())
            }
            Some(_) => Opens::No(String::new()),
        }
    }

    /// A tool's name and an opening bracket.
    fn call(&self, place: Place, known: &[String]) -> Opens {
        let held = self.held.as_str();
        if held == FUNCTOOLS {
            return Opens::Hides(Hidden::Json { name: "functools".to_owned() }, String::new());
        }
        let name = SPACES.iter().find_map(|space| held.strip_prefix(space)).unwrap_or(held);
        let is_spaced = name.len() < held.len();
        let end = name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
        let (word, behind) = name.split_at(end);
        let is_known = known.iter().any(|n| n == word);
        let may_be = SPACES.iter().any(|space| space.starts_with(held)) || FUNCTOOLS.starts_with(held);
        let perhaps = |it: bool| if it { Opens::Perhaps } else { Opens::No(String::new()) };
        if behind.is_empty() {
            let is_begun = known.iter().any(|n| n.starts_with(word));
            return perhaps(may_be || is_begun || (is_spaced && word.len() < TOKEN_MAX));
        }
        if !is_known && (!is_spaced || word.is_empty()) {
            return perhaps(may_be);
        }
        // No word of a language.
        let is_name = word.contains('_');
        let call = || Opens::Calls(ToolText { name: word.to_owned(), arguments: serde_json::json!({}) });
        if let Some(sign) = behind.chars().next()
            && is_name
            && AROUND.iter().any(|(open, close)| place.before == Some(*open) && sign == *close)
        {
            return call();
        }
        let gap = behind.trim_start_matches([':', ' ', '\t']);
        match gap.chars().next() {
            Some('(') if behind.starts_with('(') => {
                Opens::Hides(Hidden::Call { name: word.to_owned() }, String::new())
            }
            Some('{') if place.line_is_blank || is_name => {
                Opens::Hides(Hidden::Json { name: word.to_owned() }, String::new())
            }
            Some('\n') if place.begins() && is_name => call(),
            None => perhaps(behind.len() < 4),
            _ => Opens::No(String::new()),
        }
    }
}

/// What a tag of a known name opens. `inside` is what stands between its brackets.
fn whole_tag(inside: &str, name: String, is_known: bool) -> Opens {
    let (closes, is_empty) = (inside.starts_with('/'), inside.ends_with('/'));
    if REASONING.contains(&name.as_str()) {
        return match (closes, is_empty) {
            (true, _) => Opens::Closes,
            (_, true) => Opens::Dropped,
            _ => Opens::Hides(Hidden::Reasoning, String::new()),
        };
    }
    if name == TURN && !closes {
        return Opens::Hides(Hidden::Turn, String::new());
    }
    let is_tool = TOOLS.contains(&name.as_str());
    if is_empty && is_known {
        return Opens::Calls(tool::read_tag(inside, name));
    }
    if closes || is_empty || !(is_tool || is_known) {
        return Opens::Dropped;
    }
    let given =
        inside.split_once('=').map(|(_, given)| tool::plain_name(given.split('"').nth(1).unwrap_or(given)));
    let called = if is_tool { given.unwrap_or_default() } else { name.clone() };
    Opens::Hides(Hidden::Tool { tag: name, name: called }, String::new())
}

/// JSON that begins a line may be a call; elsewhere only an object with a quoted key.
fn json(held: &str, place: Place) -> Opens {
    let inside = held[1..].trim_start();
    match inside.chars().next() {
        _ if place.line_is_blank => Opens::Hides(Hidden::Json { name: String::new() }, String::new()),
        Some('"') => Opens::Hides(Hidden::Json { name: String::new() }, String::new()),
        None if held.len() < 6 => Opens::Perhaps,
        _ => Opens::No(String::new()),
    }
}

/// A special token of a model's template.
fn token(held: &str) -> Opens {
    let bars: &[char] = &['|', '｜'];
    let Some(name) = held[1..].trim_start_matches(bars).strip_suffix('>') else {
        let is_one = held
            .chars()
            .skip(1)
            .all(|c| c.is_alphanumeric() || matches!(c, '|' | '｜' | '_' | '-' | '▁' | '/'));
        return if is_one && held.len() < TOKEN_MAX { Opens::Perhaps } else { Opens::No(String::new()) };
    };
    let is_barred = name.ends_with(bars);
    let name = name.trim_end_matches(bars).replace('▁', "_").to_lowercase();
    let hides = |hidden: Hidden| Opens::Hides(hidden, String::new());
    let tool = || hides(Hidden::Tool { tag: "<|".to_owned(), name: String::new() });
    if !is_barred {
        // Gemma's marks open with the bar before the name: `<|channel>thought`.
        return match name.as_str() {
            "channel" => hides(Hidden::Reasoning),
            "tool_call" | "tool_response" => tool(),
            "turn" => hides(Hidden::Turn),
            "think" | "tool" => Opens::Dropped,
            _ => Opens::No(String::new()),
        };
    }
    let ends = name.contains("end") || name.starts_with('/');
    let begins = name.contains("begin") || name.contains("start");
    match name.as_str() {
        "channel" | "start" => hides(Hidden::Header),
        "im_start" | "start_header_id" => hides(Hidden::Turn),
        n if n.contains("think") || n.contains("thought") || n.contains("reason") => {
            if ends {
                Opens::Closes
            } else {
                hides(Hidden::Reasoning)
            }
        }
        n if n.contains("action") && begins => tool(),
        n if (n.contains("tool") || n == "python_tag" || n.contains("function")) && !ends => {
            if begins {
                tool()
            } else {
                hides(Hidden::OpenTool { name: String::new() })
            }
        }
        _ => Opens::Dropped,
    }
}
