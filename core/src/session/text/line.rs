//! What a line's first signs make of it.

/// A line as markup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// All of it is markup: a rule, a fence, a table's separator, where a link leads.
    Nothing,
    /// A table's row.
    Row,
    /// Text after so many characters of markup.
    Text(usize),
}

/// Read a line, or its beginning.
pub(super) fn read(line: &[char]) -> Line {
    let text: String = line.iter().collect();
    let trimmed = text.trim();
    if is_fence(trimmed) || is_rule(trimmed) || is_definition(trimmed) {
        return Line::Nothing;
    }
    if trimmed.starts_with('|') {
        return Line::Row;
    }
    let mut at = 0;
    loop {
        let before = at;
        at += spaces(&line[at..]);
        at += mark(&line[at..]);
        if at == before || at >= line.len() {
            return Line::Text(at.min(line.len()));
        }
    }
}

fn spaces(text: &[char]) -> usize {
    text.iter().take_while(|c| c.is_whitespace()).count()
}

/// A quote's, heading's or item's sign at the beginning; a number stays, it is spoken.
fn mark(text: &[char]) -> usize {
    let is_space = |at: usize| text.get(at).is_none_or(|c| c.is_whitespace());
    match text.first() {
        // ">5" and "> 5" compare.
        Some('>') if text.get(1) == Some(&'=') || number_follows(&text[1..]) => 0,
        Some('>') => 1,
        Some('#') => {
            let hashes = text.iter().take_while(|c| **c == '#').count();
            let is_heading = hashes <= 6 && is_space(hashes) && !(hashes == 1 && number_follows(&text[1..]));
            if is_heading { hashes } else { 0 }
        }
        Some('-' | '*' | '+' | '•' | '‣' | '▪' | '◦' | '●' | '–' | '·' | '○' | '■')
            if is_space(1) && text.len() > 1 =>
        {
            1 + checkbox(&text[1..])
        }
        // A definition below its term.
        Some(':') if text.get(1).is_some_and(|c| c.is_whitespace()) => 1,
        _ => 0,
    }
}

fn number_follows(text: &[char]) -> bool {
    text.iter().find(|c| !c.is_whitespace()).is_some_and(|c| c.is_numeric())
}

fn checkbox(text: &[char]) -> usize {
    let at = spaces(text);
    match text.get(at..at + 3) {
        Some(['[', ' ' | 'x' | 'X', ']']) => at + 3,
        _ => 0,
    }
}

/// A code fence, with the language of the code: not code between three back-ticks on one line.
fn is_fence(text: &str) -> bool {
    ["```", "~~~"].iter().any(|fence| {
        text.strip_prefix(fence).is_some_and(|rest| !rest.contains('`') && !rest.trim().contains(' '))
    })
}

/// A rule, a heading's underline or a table's separator.
fn is_rule(text: &str) -> bool {
    let of = |signs: &str| text.chars().all(|c| signs.contains(c) || c == ' ');
    let many = |sign: char| text.chars().filter(|c| *c == sign).count() >= 3;
    (of("-") && many('-'))
        || (of("*") && many('*'))
        || (of("_") && many('_'))
        || (of("=") && many('='))
        || (of("|:-+") && text.contains('-') && (text.contains('|') || text.contains("--")))
}

/// `[name]: https://…`
fn is_definition(text: &str) -> bool {
    text.starts_with('[')
        && text.split_once("]:").is_some_and(|(name, target)| {
            !name.contains(' ')
                && (target.trim_start().starts_with("http") || target.trim_start().starts_with('<'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_signs_are_markup_only_where_they_are() {
        for (line, expected) in [
            ("## Hours", Line::Text(3)),
            ("#4 is it", Line::Text(0)),
            ("# 4", Line::Text(0)),
            ("> > Bring", Line::Text(4)),
            ("> 5 people", Line::Text(0)),
            (">5", Line::Text(0)),
            ("- [x] done", Line::Text(6)),
            ("* item", Line::Text(2)),
            ("*bold* text", Line::Text(0)),
            ("-5 degrees", Line::Text(0)),
            ("1. one", Line::Text(0)),
            ("> - **a**", Line::Text(4)),
            ("---", Line::Nothing),
            ("| --- | :-: |", Line::Nothing),
            ("--- | ---", Line::Nothing),
            ("=====", Line::Nothing),
            ("[1]: https://a.b", Line::Nothing),
            ("| a | b |", Line::Row),
            ("```json", Line::Nothing),
            ("```a b```", Line::Text(0)),
        ] {
            let chars: Vec<char> = line.chars().collect();
            assert_eq!(read(&chars), expected, "{line}");
        }
    }
}
