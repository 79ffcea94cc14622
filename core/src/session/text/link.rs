//! Things that are one whole in a text, and may hold marks that end nothing: links, tags, addresses.

/// Longest text of a link that is waited for, bytes.
const TEXT_MAX: usize = 200;
/// Longest address that is waited for, bytes.
const ADDRESS_MAX: usize = 1_000;
/// Longest tag that is waited for, bytes.
const TAG_MAX: usize = 200;

/// What begins at a place of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Region {
    None,
    /// It ends before this byte.
    Ends(usize),
    /// Its end is not there yet.
    Open,
}

/// The link, tag or address that begins at byte `at`.
pub(super) fn region(text: &str, at: usize) -> Region {
    let rest = &text[at..];
    let found = match rest.as_bytes().first() {
        Some(b'[') => link(rest).map_or_else(Region::from, |l| Region::Ends(l.end)),
        Some(b'<') => tag(rest).map_or_else(Region::from, Region::Ends),
        Some(b'h' | b'H' | b'w' | b'W' | b'm') if !text[..at].ends_with(|c: char| c.is_alphanumeric()) => {
            address(rest).map_or_else(Region::from, Region::Ends)
        }
        _ => Region::None,
    };
    match found {
        Region::Ends(end) => Region::Ends(at + end),
        other => other,
    }
}

/// Why there is nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Absent {
    Never,
    NotYet,
}

impl From<Absent> for Region {
    fn from(absent: Absent) -> Self {
        match absent {
            Absent::Never => Self::None,
            Absent::NotYet => Self::Open,
        }
    }
}

/// A link's parts, bytes from its `[`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    /// Where the text ends: at its `]`.
    pub text_end: usize,
    pub end: usize,
}

/// The link `[text](address)` or `[text][name]` at the beginning of `rest`.
pub(super) fn link(rest: &str) -> Result<Link, Absent> {
    let text_end = balanced(rest, '[', ']', TEXT_MAX)?;
    let behind = &rest[text_end + 1..];
    let end = match behind.chars().next() {
        None => return Err(Absent::NotYet),
        Some('(') => balanced(behind, '(', ')', ADDRESS_MAX)?,
        Some('[') => balanced(behind, '[', ']', TEXT_MAX)?,
        Some(_) => return Err(Absent::Never),
    };
    Ok(Link { text_end, end: text_end + 1 + end + 1 })
}

/// Where the bracket at the beginning of `text` is closed, on the same line.
fn balanced(text: &str, open: char, close: char, max: usize) -> Result<usize, Absent> {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '\n' => return Err(Absent::Never),
            _ if at > max => return Err(Absent::Never),
            c if c == open => depth += 1,
            c if c == close && depth == 1 => return Ok(at),
            c if c == close => depth -= 1,
            _ => {}
        }
    }
    Err(Absent::NotYet)
}

/// Where the tag at the beginning of `rest` ends, behind its `>`.
pub(super) fn tag(rest: &str) -> Result<usize, Absent> {
    let mut chars = rest.char_indices().skip(1);
    match chars.next() {
        None => return Err(Absent::NotYet),
        Some((_, c)) if !c.is_ascii_alphabetic() && !matches!(c, '/' | '!') => return Err(Absent::Never),
        Some(_) => {}
    }
    for (at, c) in chars {
        match c {
            '>' => return Ok(at + 1),
            '<' | '\n' => return Err(Absent::Never),
            _ if at > TAG_MAX => return Err(Absent::Never),
            _ => {}
        }
    }
    Err(Absent::NotYet)
}

/// Where the bare address at the beginning of `rest` ends.
pub(super) fn address(rest: &str) -> Result<usize, Absent> {
    let scheme = ["http://", "https://", "www.", "mailto:"]
        .into_iter()
        .find(|scheme| rest.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme)));
    let Some(scheme) = scheme else {
        let may_come = rest.len() < 8
            && ["http://", "https://", "www.", "mailto:"]
                .iter()
                .any(|scheme| scheme.len() > rest.len() && scheme[..rest.len()].eq_ignore_ascii_case(rest));
        return Err(if may_come { Absent::NotYet } else { Absent::Never });
    };
    let mut open = 0_usize;
    for (at, c) in rest.char_indices().skip(scheme.len()) {
        let is_inside = c == ')' && open > 0;
        open = if c == '(' { open + 1 } else { open - usize::from(is_inside) };
        if ends_address(c) && !is_inside {
            let end =
                rest[..at].trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', '*', '_', '~', '`']).len();
            return Ok(end.max(scheme.len()));
        }
        if at > ADDRESS_MAX {
            return Ok(at);
        }
    }
    Err(Absent::NotYet)
}

fn ends_address(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '<' | '>' | '"' | ')' | ']' | '}' | '|' | '`')
        || (!c.is_ascii() && !c.is_alphanumeric())
        || super::sign::is_unspaced(c)
}

/// The host of an address, or all of a mail address: what can be said of it. Bytes within the address.
pub(super) fn host(address: &str) -> (usize, usize) {
    let scheme =
        address.find("://").map_or_else(|| if address.starts_with("mailto:") { 7 } else { 0 }, |at| at + 3);
    let rest = &address[scheme..];
    let www = if rest.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("www.")) { 4 } else { 0 };
    let end = rest.find(['/', '?', '#', ':']).unwrap_or(rest.len());
    (scheme + www.min(end), scheme + end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_whole_and_other_brackets_are_none() {
        assert_eq!(link("[a. b](http://x.y/z_(1)) c"), Ok(Link { text_end: 5, end: 24 }));
        assert_eq!(link("[a][1] c"), Ok(Link { text_end: 2, end: 6 }));
        assert_eq!(link("[a] b"), Err(Absent::Never));
        assert_eq!(link("[a]"), Err(Absent::NotYet));
        assert_eq!(link("[a\nb](c)"), Err(Absent::Never));
    }

    #[test]
    fn an_address_ends_before_the_sentences_mark() {
        assert_eq!(address("https://a.b/c?d. Then"), Ok(15));
        assert_eq!(address("www.a.com, or"), Ok(9));
        assert_eq!(address("http://a.b/c_(d). Then"), Ok(16));
        assert_eq!(address("www.a.com) or"), Ok(9));
        assert_eq!(address("http"), Err(Absent::NotYet));
        assert_eq!(address("hello"), Err(Absent::Never));
        let of = |address: &'static str| {
            let (from, to) = host(address);
            &address[from..to]
        };
        assert_eq!(of("https://www.example.com/hours?x=1#top"), "example.com");
        assert_eq!(of("www.a.com"), "a.com");
        assert_eq!(of("mailto:a@b.c"), "a@b.c");
    }
}
