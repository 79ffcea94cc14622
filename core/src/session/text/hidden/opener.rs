//! Marks that open and close what is hidden: held while they may become one, given back when they do not.

use super::super::tag::{self, ANSWERS, REASONING, TOOLS};
use super::super::tool;
use super::Hidden;

/// Longest tag with its attributes, bytes.
const TAG_MAX: usize = 200;
/// Longest special token, bytes.
const TOKEN_MAX: usize = 60;
/// Names in square brackets.
const BRACKETS: [&str; 9] = [
    "THINK]",
    "/THINK]",
    "TOOL_CALLS]",
    "/TOOL_CALLS]",
    "TOOL_CALL]",
    "/TOOL_CALL]",
    "TOOL_REQUEST]",
    "/TOOL_REQUEST]",
    "END_TOOL_REQUEST]",
];
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
    /// It is a call of this tool, without arguments.
    Calls(String),
    /// From here on text is hidden; the text that belongs to it already.
    Hides(Hidden, String),
}

/// What follows reasoning.
#[derive(Debug, PartialEq)]
pub(super) enum After {
    Text,
    Header,
    Tool(String),
}

/// Holds what may become a mark.
#[derive(Debug, Default)]
pub(super) struct Opener {
    held: String,
}

impl Opener {
    pub(super) fn take(&mut self) -> String {
        std::mem::take(&mut self.held)
    }

    pub(super) fn push(
        &mut self,
        c: char,
        before: Option<char>,
        line_is_blank: bool,
        known: &[String],
    ) -> Opens {
        self.held.push(c);
        let opens = match self.held.chars().next() {
            Some('<') => self.angle(known),
            Some('[') => self.square(line_is_blank, known),
            Some('◁') => self.triangle(),
            Some('{') if line_is_blank => Opens::Hides(Hidden::Json { name: String::new() }, String::new()),
            Some('`') if line_is_blank => self.fence(),
            Some(first)
                if first.is_alphabetic()
                    && !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '@' | '/')) =>
            {
                self.call(line_is_blank, known)
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
        if matches!(first, '|' | '｜') {
            return token(&self.held);
        }
        if !first.is_alphabetic() && first != '/' {
            return Opens::No(String::new());
        }
        let name = tag::name(inside);
        let is_named = inside.trim_start_matches('/').len() > name.len();
        let names = || {
            REASONING.iter().chain(&TOOLS).chain(&ANSWERS).copied().chain(known.iter().map(String::as_str))
        };
        let wanted =
            if is_named { names().any(|n| n == name) } else { names().any(|n| n.starts_with(&name)) };
        if !wanted || self.held.len() > TAG_MAX || inside[1..].contains('<') {
            return Opens::No(String::new());
        }
        let Some(inside) = inside.strip_suffix('>') else { return Opens::Perhaps };
        let closes = inside.starts_with('/');
        let is_empty = inside.ends_with('/');
        if REASONING.contains(&name.as_str()) {
            return match (closes, is_empty) {
                (true, _) => Opens::Closes,
                (_, true) => Opens::Dropped,
                _ => Opens::Hides(Hidden::Reasoning, String::new()),
            };
        }
        if closes || ANSWERS.contains(&name.as_str()) || (is_empty && TOOLS.contains(&name.as_str())) {
            return Opens::Dropped;
        }
        let given = inside
            .split_once('=')
            .map(|(_, given)| tool::plain_name(given.split('"').nth(1).unwrap_or(given)));
        let called = if TOOLS.contains(&name.as_str()) { given.unwrap_or_default() } else { name.clone() };
        Opens::Hides(Hidden::Tool { tag: name, name: called }, String::new())
    }

    fn square(&self, line_is_blank: bool, known: &[String]) -> Opens {
        let inside = &self.held[1..];
        if inside.trim_start().starts_with('{') && line_is_blank {
            return Opens::Hides(Hidden::Json { name: String::new() }, String::new());
        }
        if inside.trim().is_empty() && line_is_blank && inside.len() < 8 {
            return Opens::Perhaps;
        }
        if let Some(name) = known.iter().find(|n| inside.strip_suffix(']') == Some(n.as_str())) {
            return Opens::Calls(name.clone());
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
            None if known.iter().any(|n| format!("{n}]").starts_with(inside)) => Opens::Perhaps,
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
    fn call(&self, line_is_blank: bool, known: &[String]) -> Opens {
        let held = self.held.as_str();
        let name = SPACES.iter().find_map(|space| held.strip_prefix(space)).unwrap_or(held);
        let is_spaced = name.len() < held.len();
        let end = name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
        let (word, behind) = name.split_at(end);
        let is_known = known.iter().any(|n| n == word);
        if behind.is_empty() {
            let may_be = SPACES.iter().any(|space| space.starts_with(held))
                || known.iter().any(|n| n.starts_with(word))
                || (is_spaced && word.len() < TOKEN_MAX);
            return if may_be { Opens::Perhaps } else { Opens::No(String::new()) };
        }
        let is_call = is_known || (is_spaced && !word.is_empty());
        if !is_call {
            let may_be = SPACES.iter().any(|space| space.starts_with(held));
            return if may_be { Opens::Perhaps } else { Opens::No(String::new()) };
        }
        let gap = behind.trim_start_matches([':', ' ', '\t']);
        match gap.chars().next() {
            Some('(') if behind.starts_with('(') => {
                Opens::Hides(Hidden::Call { name: word.to_owned() }, String::new())
            }
            Some('{') if line_is_blank => Opens::Hides(Hidden::Json { name: word.to_owned() }, String::new()),
            // Alone on its line, and no word of a language.
            Some('\n') if line_is_blank && word.contains('_') => Opens::Calls(word.to_owned()),
            None if behind.len() < 4 => Opens::Perhaps,
            _ => Opens::No(String::new()),
        }
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
    if !name.ends_with(bars) {
        return Opens::No(String::new());
    }
    let name = name.trim_end_matches(bars).replace('▁', "_").to_lowercase();
    let ends = name.contains("end") || name.starts_with('/');
    match name.as_str() {
        "channel" => Opens::Hides(Hidden::Header, String::new()),
        "start" => Opens::Hides(Hidden::Header, String::new()),
        n if n.contains("think") || n.contains("thought") || n.contains("reason") => {
            if ends {
                Opens::Closes
            } else {
                Opens::Hides(Hidden::Reasoning, String::new())
            }
        }
        n if (n.contains("tool") || n == "python_tag" || n.contains("function")) && !ends => {
            if n.contains("begin") || n.contains("start") {
                Opens::Hides(Hidden::Tool { tag: "<|".to_owned(), name: String::new() }, String::new())
            } else {
                Opens::Hides(Hidden::OpenTool { name: String::new() }, String::new())
            }
        }
        _ => Opens::Dropped,
    }
}

/// Whether hidden text ends with a mark that closes reasoning, and what follows it.
pub(super) fn ends_reasoning(text: &str) -> Option<After> {
    if text.ends_with("◁/think▷") || text.to_uppercase().ends_with("[/THINK]") {
        return Some(After::Text);
    }
    let text = text.strip_suffix('>')?;
    let inside = &text[text.rfind('<')? + 1..];
    if let Some(token) = inside.strip_prefix(['|', '｜']) {
        let token = token.replace('▁', "_");
        return match token.trim_end_matches(['|', '｜']) {
            "channel" | "start" => Some(After::Header),
            t if t.contains("end") || t.contains("eot") || t == "return" || t == "message" => {
                Some(After::Text)
            }
            t if t.contains("tool") => Some(After::Tool("<|".to_owned())),
            _ => None,
        };
    }
    let name = tag::name(inside);
    let closes = inside.trim_start().starts_with('/');
    let answers = ANSWERS.contains(&name.as_str());
    ((closes && REASONING.contains(&name.as_str())) || (!closes && answers)).then_some(After::Text)
}

/// Whether a call's text ends with the mark that closes it.
pub(super) fn closes_tool(text: &str, opened: &str) -> bool {
    if opened == "[" {
        return text.to_uppercase().ends_with("[END_TOOL_REQUEST]")
            || text.to_uppercase().ends_with("[/TOOL_REQUEST]");
    }
    let Some(inside) = text.strip_suffix('>').and_then(|text| text.rfind('<').map(|at| &text[at + 1..]))
    else {
        return false;
    };
    if opened == "<|" {
        let token = inside.replace('▁', "_");
        let whole =
            ["calls_end", "section_end", "call|", "eom_id", "eot_id", "im_end", "tool_call|", "return"];
        return inside.starts_with(['|', '｜']) && whole.iter().any(|end| token.contains(end))
            || inside == "|end|";
    }
    inside.starts_with('/') && tag::name(inside) == opened
}
