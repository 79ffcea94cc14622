//! What stands between angle brackets.

/// Tags around a model's reasoning, without the name before a colon (`seed:think`).
pub(super) const REASONING: [&str; 19] = [
    "think",
    "thinking",
    "thought",
    "thoughts",
    "reasoning",
    "reason",
    "reflection",
    "scratchpad",
    "analysis",
    "internal",
    "inner_monologue",
    "inner_thoughts",
    "chain_of_thought",
    "thought_process",
    "reasoning_content",
    "ant_thinking",
    "antthinking",
    "cot",
    // MedGemma's; its closing one is `<unused95>`.
    "unused94",
];
/// Tags around a tool call or its result.
pub(super) const TOOLS: [&str; 17] = [
    "tool_call",
    "tool_calls",
    "toolcall",
    "tool",
    "tools",
    "tool_use",
    "tool_code",
    "function_call",
    "function_calls",
    "functioncall",
    "function",
    "invoke",
    // FunctionGemma's; its closing one is `<end_function_call>`.
    "start_function_call",
    "tool_response",
    "tool_result",
    "function_response",
    "function_results",
];
/// What DeepSeek writes before the names of its tags.
pub(super) const DSML: [&str; 2] = ["｜DSML｜", "|DSML|"];
/// Tags around what a model says after its reasoning.
pub(super) const ANSWERS: [&str; 5] = ["answer", "response", "final", "final_answer", "output"];
/// Marks of a model's template that stand like tags and say nothing.
pub(super) const TEMPLATE: [&str; 6] = ["end_of_turn", "bos", "eos", "pad", "unk", "endoftext"];
/// What stands before the name of who speaks, up to its line's end.
pub(super) const TURN: &str = "start_of_turn";
/// Tags after which speech goes on in a new breath.
const BREAKS: [&str; 20] = [
    "br",
    "p",
    "li",
    "ul",
    "ol",
    "div",
    "tr",
    "td",
    "th",
    "table",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "break",
    "s",
    "blockquote",
];
/// Tags that only dress the text, of HTML, SSML and models.
const DRESS: [&str; 55] = [
    "b",
    "i",
    "u",
    "a",
    "q",
    "em",
    "strong",
    "small",
    "big",
    "mark",
    "del",
    "ins",
    "sub",
    "sup",
    "code",
    "pre",
    "kbd",
    "span",
    "font",
    "img",
    "html",
    "body",
    "head",
    "section",
    "article",
    "header",
    "footer",
    "center",
    "tbody",
    "thead",
    "details",
    "summary",
    "abbr",
    "cite",
    "time",
    "speak",
    "prosody",
    "emphasis",
    "voice",
    "phoneme",
    "audio",
    "lang",
    "w",
    "say-as",
    "sentence",
    "paragraph",
    "laugh",
    "sigh",
    "pause",
    "cough",
    "chuckle",
    "gasp",
    "whisper",
    "strike",
    "var",
];

/// What a whole tag is for the ear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    /// Nothing.
    Dress,
    /// A pause.
    Break,
    /// Brackets around an address.
    Address,
    /// Brackets around words.
    Words,
}

/// Read what stands between `<` and `>`.
pub(super) fn read(inside: &str) -> Tag {
    let name = name(inside);
    let is_closing = inside.starts_with('/') || inside.ends_with('/');
    // "a<b and c>d" holds no tag.
    let is_bare = inside.trim().eq_ignore_ascii_case(&name) || inside.contains('=') || is_closing;
    if inside.starts_with("http")
        || inside.starts_with("www.")
        || (inside.contains('@') && !inside.contains(' '))
    {
        Tag::Address
    } else if is_bare && BREAKS.contains(&name.as_str()) {
        Tag::Break
    } else if is_closing
        || inside.starts_with('!')
        || inside.contains('=')
        || (is_bare && DRESS.contains(&name.as_str()))
    {
        Tag::Dress
    } else {
        Tag::Words
    }
}

/// A tag's name in lower case, without the slash of a closing one and without a vendor's name before a colon
/// (`minimax:tool_call`, `｜DSML｜invoke`).
pub(super) fn name(inside: &str) -> String {
    let name = full_name(inside);
    name.rsplit(':').next().unwrap_or(name).to_lowercase()
}

/// The name as it is written.
pub(super) fn full_name(inside: &str) -> &str {
    let name = inside.trim().trim_start_matches('/').trim_start();
    let name = DSML.iter().find_map(|vendor| name.strip_prefix(vendor)).unwrap_or(name);
    let end =
        name.find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '-' | ':')).unwrap_or(name.len());
    &name[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_told_from_words_in_brackets() {
        for (inside, expected) in [
            ("b", Tag::Dress),
            ("/b", Tag::Dress),
            ("br/", Tag::Break),
            ("break time=\"1s\"", Tag::Break),
            ("https://a.b", Tag::Address),
            ("a@b.c", Tag::Address),
            ("customer name", Tag::Words),
            ("!-- note --", Tag::Dress),
        ] {
            assert_eq!(read(inside), expected, "{inside}");
        }
    }
}
