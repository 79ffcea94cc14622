//! What a model writes and nobody shall hear: its reasoning, and tool calls written as text. Both are taken out of the
//! stream before anything else looks at it.

mod closer;
mod opener;

use super::tool::{self, ToolText};
use opener::{Opener, Opens, Place};

/// Longest tool call that is collected, bytes; what is longer is dropped.
const TOOL_MAX: usize = 16_000;
/// Longest text that only may be a tool call, bytes; what is longer is given as text.
const MAYBE_MAX: usize = 4_000;
/// As much of hidden text is kept as a closing mark can be long, bytes.
const TAIL: usize = 80;
/// Tags of reasoning within reasoning that are followed.
const TAGS_MAX: usize = 8;

/// What is found in the stream.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Found {
    Text(char),
    Tool(ToolText),
    /// All text before was reasoning whose beginning the server did not send.
    WasReasoning,
}

/// How a hidden stretch began, and so how it ends.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Hidden {
    Reasoning,
    /// The name of who speaks, up to its line's end.
    Turn,
    /// The model writes what the caller would say: nothing of it is wanted, nor of what follows.
    Rest,
    /// A header of a harmony message, up to `<|message|>`.
    Header,
    /// A call up to its closing mark.
    Tool {
        tag: String,
        name: String,
    },
    /// A call whose mark has no closing one: up to the end of its JSON.
    OpenTool {
        name: String,
    },
    /// JSON that stands alone and may be a call.
    Json {
        name: String,
    },
    /// A fence whose content may be a call.
    Fence,
    /// What stands between a tool's brackets.
    Call {
        name: String,
    },
}

/// The filter.
#[derive(Debug, Default)]
pub(super) struct Filter {
    known: Vec<String>,
    opener: Opener,
    hidden: Option<Hidden>,
    /// Of a hidden stretch what may still be needed.
    text: String,
    nesting: Nesting,
    /// Reasoning was opened before: a closing mark alone says nothing about the text.
    reasoned: bool,
    /// The tag of the reasoning at hand, and those opened within it.
    tags: Vec<String>,
    /// The reasoning's own tag was opened again within it: it may close once more.
    reopened: bool,
    /// Something was hidden since the last character.
    parted: bool,
    place: Place,
}

impl Filter {
    pub(super) fn new(known: Vec<String>) -> Self {
        Self { known, place: Place { line_is_blank: true, ..Place::default() }, ..Self::default() }
    }

    /// Whether the stream is within reasoning or a call.
    pub(super) fn is_hiding(&self) -> bool {
        self.hidden.is_some()
    }

    /// Whether nothing is held back or hidden.
    pub(super) fn is_empty(&self) -> bool {
        self.hidden.is_none() && self.opener.is_empty()
    }

    pub(super) fn push(&mut self, c: char, out: &mut Vec<Found>) {
        match self.hidden.take() {
            None => self.plain(c, out),
            Some(hidden) => self.inside(hidden, c, out),
        }
    }

    /// The stream is over.
    pub(super) fn finish(&mut self, out: &mut Vec<Found>) {
        let text = std::mem::take(&mut self.text);
        match self.hidden.take() {
            None => {
                let held = self.opener.take();
                if self.place.begins()
                    && self.known.iter().any(|tool| *tool == held.trim() && held.contains('_'))
                {
                    return out.push(Found::Tool(ToolText {
                        name: held.trim().to_owned(),
                        arguments: serde_json::json!({}),
                    }));
                }
                held.chars().for_each(|c| self.give(c, out));
            }
            Some(Hidden::Reasoning | Hidden::Turn | Hidden::Rest | Hidden::Header) => {}
            // `<end_call>` and words: the tag stood for the call, and closes never.
            Some(Hidden::Tool { tag, name }) if tag == name && !text.contains(['{', '<', '(']) => {
                self.place.line_is_blank = true;
                text.chars().for_each(|c| self.give(c, out));
                out.push(Found::Tool(ToolText { name, arguments: serde_json::json!({}) }));
            }
            Some(Hidden::Tool { name, .. } | Hidden::OpenTool { name }) => self.give_tools(&text, &name, out),
            Some(hidden @ (Hidden::Json { .. } | Hidden::Fence | Hidden::Call { .. })) => {
                let looks_like_one = self.known.iter().any(|tool| text.contains(tool.as_str()));
                match hidden {
                    Hidden::Json { name } if looks_like_one || text.contains("\"arguments\"") => {
                        self.give_tools(&text, &name, out)
                    }
                    Hidden::Call { name } => self.give_tools(&text, &name, out),
                    _ if looks_like_one => self.give_tools(&text, "", out),
                    _ => text.chars().for_each(|c| self.give(c, out)),
                }
            }
        }
    }

    fn give(&mut self, c: char, out: &mut Vec<Found>) {
        let ends = |sign: char| matches!(sign, '.' | '!' | '?');
        if std::mem::take(&mut self.parted) && c.is_alphanumeric() && self.place.before.is_some_and(ends) {
            // "Let me see.<think>…</think>It is nine": two sentences.
            self.give(' ', out);
        }
        let place = &mut self.place;
        place.line_is_blank =
            c == '\n' || (place.line_is_blank && (c.is_whitespace() || c == '`' || c == '*'));
        place.before = Some(c);
        place.sign = if c.is_whitespace() { place.sign } else { Some(c) };
        out.push(Found::Text(c));
    }

    fn give_tools(&mut self, text: &str, name: &str, out: &mut Vec<Found>) {
        let calls = tool::read_block(text, name, &self.known);
        if calls.is_empty() {
            out.push(Found::Tool(ToolText::unread(text)));
        }
        out.extend(calls.into_iter().map(Found::Tool));
    }

    fn plain(&mut self, c: char, out: &mut Vec<Found>) {
        match self.opener.push(c, self.place, &self.known) {
            Opens::Perhaps => {}
            Opens::No(held) => {
                let mut held = held.chars();
                // The first character opens nothing; one of the others may.
                if let Some(first) = held.next() {
                    self.give(first, out);
                }
                let rest: String = held.collect();
                rest.chars().for_each(|c| self.push(c, out));
            }
            Opens::Dropped => {}
            Opens::Closes => {
                if !self.reasoned || std::mem::take(&mut self.reopened) {
                    self.reasoned = true;
                    self.place.line_is_blank = true;
                    out.push(Found::WasReasoning);
                }
            }
            Opens::Calls(tool) => out.push(Found::Tool(tool)),
            Opens::Hides(hidden, text) => {
                self.parted = true;
                if hidden == Hidden::Reasoning {
                    self.reasoned = true;
                    self.tags = vec![super::tag::name(text.trim_start_matches('<'))];
                }
                self.nesting = Nesting::default();
                self.text.clear();
                if let Hidden::Json { .. } | Hidden::Fence | Hidden::Call { .. } = hidden {
                    // It may turn out to be text.
                    text.chars().for_each(|c| self.nesting.push(c));
                    self.text = text;
                }
                self.hidden = Some(hidden);
            }
        }
    }

    fn inside(&mut self, hidden: Hidden, c: char, out: &mut Vec<Found>) {
        self.text.push(c);
        self.nesting.push(c);
        match &hidden {
            Hidden::Reasoning => self.reasoning(hidden),
            Hidden::Turn => self.turn(hidden),
            Hidden::Rest => {
                self.text.clear();
                self.hidden = Some(hidden);
            }
            Hidden::Header => self.header(hidden),
            Hidden::Tool { tag, name } if closer::closes_tool(&self.text, tag) => {
                let (text, name) = (std::mem::take(&mut self.text), name.clone());
                let end = text.rfind(['<', '[']).unwrap_or(text.len());
                self.give_tools(&text[..end], &name, out);
            }
            Hidden::OpenTool { .. }
                if self.nesting.closed_before
                    && !c.is_whitespace()
                    && !"[{,;".contains(c)
                    && !tool::is_marked(&self.text) =>
            {
                self.text.pop();
                let text = std::mem::take(&mut self.text);
                let Hidden::OpenTool { name } = hidden else { return };
                self.give_tools(&text, &name, out);
                self.place.line_is_blank = true;
                self.plain(c, out);
            }
            Hidden::Tool { .. } | Hidden::OpenTool { .. } => {
                if self.text.len() > TOOL_MAX {
                    self.text.truncate(0);
                }
                self.hidden = Some(hidden);
            }
            Hidden::Json { .. } | Hidden::Fence | Hidden::Call { .. } => self.maybe(hidden, out),
        }
    }

    fn reasoning(&mut self, hidden: Hidden) {
        let ends = if self.is_inner() { None } else { closer::ends_reasoning(&self.text) };
        if self.text.len() > TAIL {
            let cut = self.text.len() - TAIL / 2;
            let cut = (cut..).find(|at| self.text.is_char_boundary(*at)).unwrap_or(cut);
            self.text.drain(..cut);
        }
        match ends {
            None => self.hidden = Some(hidden),
            Some(closer::After::Text) => self.shown(),
            Some(closer::After::Header) => {
                self.text.clear();
                self.hidden = Some(Hidden::Header);
            }
            Some(closer::After::Tool(tag)) => {
                self.text.clear();
                self.hidden = Some(Hidden::Tool { tag, name: String::new() });
            }
        }
    }

    /// Whether the tag that reasoning ends with just now is another one within it, or only spoken of.
    fn is_inner(&mut self) -> bool {
        let Some((closes, name)) = closer::reasoning_tag(&self.text) else { return false };
        if closer::is_quoted(&self.text) {
            return true;
        }
        if !closes {
            self.reopened |= self.tags.first() == Some(&name);
            if self.tags.first() != Some(&name) && self.tags.len() < TAGS_MAX {
                self.tags.push(name);
            }
            return true;
        }
        let inner = self.tags.iter().skip(1).rposition(|tag| *tag == name);
        self.tags.truncate(inner.map_or(self.tags.len(), |at| at + 1));
        inner.is_some()
    }

    /// Who speaks: the model itself, or somebody whom it plays.
    fn turn(&mut self, hidden: Hidden) {
        let is_whole = self.text.ends_with(['\n', '>']) || self.text.len() > TAIL;
        if !is_whole {
            self.hidden = Some(hidden);
            return;
        }
        let plays = ["user", "human", "system", "tool", "ipython"]
            .iter()
            .any(|who| self.text.trim().starts_with(who));
        self.shown();
        if plays {
            self.hidden = Some(Hidden::Rest);
        }
    }

    fn header(&mut self, hidden: Hidden) {
        let Some(header) = self.text.strip_suffix("<|message|>").map(str::to_owned) else {
            if self.text.len() > TAIL * 4 {
                self.text.clear();
                self.hidden = Some(Hidden::Reasoning);
            } else {
                self.hidden = Some(hidden);
            }
            return;
        };
        self.shown();
        if let Some((_, to)) = header.split_once("to=") {
            self.hidden = Some(Hidden::Tool { tag: "<|".to_owned(), name: tool::plain_name(to) });
        } else if header.trim_start().starts_with("user") {
            self.hidden = Some(Hidden::Rest);
        } else if header.contains("analysis") {
            self.reasoned = true;
            self.tags.clear();
            self.hidden = Some(Hidden::Reasoning);
        }
    }

    fn shown(&mut self) {
        self.text.clear();
        self.place.line_is_blank = true;
    }

    /// Text that is a tool call or is given back.
    fn maybe(&mut self, hidden: Hidden, out: &mut Vec<Found>) {
        let is_whole = match &hidden {
            Hidden::Fence => {
                self.text.len() > 6 && self.text.trim_end().ends_with("```") && self.text.ends_with('`')
            }
            _ => self.nesting.is_closed(),
        };
        if !is_whole && self.text.len() < MAYBE_MAX {
            self.hidden = Some(hidden);
            return;
        }
        let text = std::mem::take(&mut self.text);
        let calls = match (&hidden, is_whole) {
            (_, false) => Vec::new(),
            (Hidden::Json { name }, _) if name.is_empty() => serde_json::from_str(&text)
                .map(|value| tool::read_json(&value, &self.known))
                .unwrap_or_default(),
            (Hidden::Json { name }, _) => tool::read_block(&text, name, &self.known),
            (Hidden::Call { name }, _) => tool::read_bracketed(name, &text).into_iter().collect(),
            _ => self.fenced(&text),
        };
        if !calls.is_empty() {
            return out.extend(calls.into_iter().map(Found::Tool));
        }
        match text.split_once('\n') {
            Some((language, _)) if hidden == Hidden::Fence && is_reasoning(language) => {}
            // What stands in a fence may itself be hidden.
            Some((language, inside)) if hidden == Hidden::Fence => {
                language.chars().for_each(|c| self.give(c, out));
                self.give('\n', out);
                inside.chars().for_each(|c| self.push(c, out));
            }
            _ => text.chars().for_each(|c| self.give(c, out)),
        }
    }

    /// The calls that are all of a fence's content.
    fn fenced(&self, text: &str) -> Vec<ToolText> {
        let inside = text.trim().trim_matches('`');
        let (language, inside) = inside.split_once('\n').unwrap_or(("", inside));
        let inside = inside.trim();
        if language.trim().starts_with("tool") || language.trim().starts_with("function") {
            return tool::read_block(inside, "", &self.known);
        }
        match serde_json::from_str(inside) {
            Ok(value) => tool::read_json(&value, &self.known),
            Err(_) if self.known.iter().any(|tool| inside.contains(&format!("{tool}("))) => {
                tool::read_block(inside, "", &self.known)
            }
            Err(_) => Vec::new(),
        }
    }
}

/// Whether a fence's first line says that it holds reasoning.
fn is_reasoning(language: &str) -> bool {
    super::tag::REASONING.contains(&language.trim().trim_start_matches('`'))
}

/// Brackets of JSON or of a call, strings apart.
#[derive(Debug, Default)]
struct Nesting {
    depth: usize,
    string: Option<char>,
    escaped: bool,
    begun: bool,
    /// Everything was closed before the newest character.
    closed_before: bool,
}

impl Nesting {
    fn push(&mut self, c: char) {
        self.closed_before = self.is_closed();
        if let Some(quote) = self.string {
            match c {
                _ if self.escaped => self.escaped = false,
                '\\' => self.escaped = true,
                c if c == quote => self.string = None,
                _ => {}
            }
            return;
        }
        match c {
            '"' if self.depth > 0 => self.string = Some(c),
            '{' | '[' | '(' => {
                self.depth += 1;
                self.begun = true;
            }
            '}' | ']' | ')' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }

    fn is_closed(&self) -> bool {
        self.begun && self.depth == 0 && self.string.is_none()
    }
}
