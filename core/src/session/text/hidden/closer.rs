//! Marks that close what is hidden.

use super::super::tag::{self, ANSWERS, REASONING};

/// What opens the answer of gpt-oss when its server takes the marks of its channels away.
const BARE_FINAL: &str = "assistantfinal";

/// What follows reasoning.
#[derive(Debug, PartialEq)]
pub(super) enum After {
    Text,
    Header,
    Tool(String),
}

/// Whether hidden text ends with a mark that closes reasoning, and what follows it.
pub(super) fn ends_reasoning(text: &str) -> Option<After> {
    if text.ends_with("◁/think▷") || text.to_uppercase().ends_with("[/THINK]") || text.ends_with(BARE_FINAL)
    {
        return Some(After::Text);
    }
    let text = text.strip_suffix('>')?;
    let inside = &text[text.rfind('<')? + 1..];
    if let Some(token) = inside.strip_prefix(['|', '｜']) {
        let token = token.replace('▁', "_").to_lowercase();
        return match token.trim_end_matches(['|', '｜']) {
            "channel" | "start" => Some(After::Header),
            t if t.starts_with('/')
                || t.contains("end")
                || t.contains("eot")
                || t == "return"
                || t == "message" =>
            {
                Some(After::Text)
            }
            t if t.contains("tool") => Some(After::Tool("<|".to_owned())),
            _ => None,
        };
    }
    if inside == "channel|" || inside == "unused95" {
        return Some(After::Text);
    }
    let name = tag::name(inside);
    let closes = inside.trim_start().starts_with('/');
    let answers = ANSWERS.contains(&name.as_str());
    ((closes && REASONING.contains(&name.as_str())) || (!closes && answers)).then_some(After::Text)
}

/// The tag of reasoning that hidden text ends with, and whether it closes. One in quotes is only spoken of.
pub(super) fn reasoning_tag(text: &str) -> Option<(bool, String)> {
    let head = text.strip_suffix('>')?;
    let at = head.rfind('<')?;
    let inside = &head[at + 1..];
    let name = tag::name(inside);
    (REASONING.contains(&name.as_str()) && !inside.ends_with('/'))
        .then(|| (inside.trim_start().starts_with('/'), name))
}

/// Whether the tag at the end of hidden text stands in quotes: it is spoken of.
pub(super) fn is_quoted(text: &str) -> bool {
    text.rfind('<').is_some_and(|at| text[..at].ends_with(['`', '"', '\'']))
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
        let token = inside.replace('▁', "_").to_lowercase();
        let whole = [
            "calls_end",
            "section_end",
            "call|",
            "eom_id",
            "eot_id",
            "im_end",
            "tool_call|",
            "tool_response|",
            "return",
            "action",
        ];
        let is_token = inside.starts_with(['|', '｜']) || inside.ends_with('|');
        return is_token && whole.iter().any(|end| token.contains(end)) || inside == "|end|";
    }
    (inside.starts_with('/') && tag::name(inside) == opened)
        || (opened == "start_function_call" && inside == "end_function_call")
}
