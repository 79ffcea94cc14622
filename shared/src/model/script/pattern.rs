//! Word patterns: `(can|could) you [please] <repeat>`, matched anywhere in what was said.
//!
//! | written | matches |
//! | --- | --- |
//! | `word` | the word |
//! | `(a\|b c)` | one of the alternatives |
//! | `[please]` | the words or nothing |
//! | `_` | any one word |
//! | `*` | any words, also none |
//! | `<yes>` | any pattern of the set `yes` |
//! | `^` first, `$` last | the beginning, the end of what was said |

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::Chars;
use std::sync::Arc;

use super::words::words;

/// Phrase sets by name.
pub(super) type Sets = BTreeMap<String, Arc<[Pattern]>>;

/// How deep groups may stand in groups.
const MAX_DEPTH: usize = 8;

/// A pattern, ready to be matched.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    pub nodes: Vec<Node>,
    pub from_start: bool,
    pub to_end: bool,
}

/// A piece of a pattern.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    Word(String),
    AnyWord,
    AnyWords,
    OneOf(Vec<Vec<Node>>),
    Maybe(Vec<Vec<Node>>),
    Set(Arc<[Pattern]>),
}

impl Pattern {
    /// Read a pattern; the error says what to change.
    pub(super) fn parse(text: &str, sets: &Sets) -> Result<Self, String> {
        let text = text.trim();
        let (text, from_start) = text.strip_prefix('^').map_or((text, false), |rest| (rest, true));
        let (text, to_end) = text.strip_suffix('$').map_or((text, false), |rest| (rest, true));
        let mut parser = Parser { chars: text.chars().peekable(), sets, depth: 0 };
        let nodes = parser.sequence()?;
        if let Some(stray) = parser.chars.next() {
            return Err(format!("there is a '{stray}' that closes nothing; remove it"));
        }
        let pattern = Self { nodes, from_start, to_end };
        if !pattern.is_anything() && !pattern.nodes.iter().any(Node::needs_a_word) {
            return Err(
                "this matches when nothing was said; write at least one word outside brackets, or \"*\" alone \
                 for anything"
                    .into(),
            );
        }
        Ok(pattern)
    }

    /// Whether this is `*` alone: anything that was said at all.
    pub fn is_anything(&self) -> bool {
        self.nodes == [Node::AnyWords]
    }
}

impl Node {
    fn needs_a_word(&self) -> bool {
        match self {
            Self::Word(_) | Self::AnyWord | Self::Set(_) => true,
            Self::AnyWords | Self::Maybe(_) => false,
            Self::OneOf(options) => options.iter().all(|nodes| nodes.iter().any(Self::needs_a_word)),
        }
    }
}

struct Parser<'t> {
    chars: Peekable<Chars<'t>>,
    sets: &'t Sets,
    depth: usize,
}

impl Parser<'_> {
    fn sequence(&mut self) -> Result<Vec<Node>, String> {
        let mut nodes = Vec::new();
        while let Some(&c) = self.chars.peek() {
            match c {
                '|' | ')' | ']' => break,
                '(' => nodes.push(Node::OneOf(self.group(')')?)),
                '[' => nodes.push(Node::Maybe(self.group(']')?)),
                '<' => nodes.push(self.set()?),
                '*' => nodes.push(self.single(Node::AnyWords)),
                '_' => nodes.push(self.single(Node::AnyWord)),
                '>' | '^' | '$' => return Err(format!("'{c}' cannot stand here; remove it")),
                c if c.is_whitespace() => drop(self.chars.next()),
                _ => nodes.extend(self.plain().into_iter().map(Node::Word)),
            }
        }
        Ok(nodes)
    }

    fn single(&mut self, node: Node) -> Node {
        self.chars.next();
        node
    }

    /// `(a|b)` or `[a|b]`.
    fn group(&mut self, close: char) -> Result<Vec<Vec<Node>>, String> {
        self.chars.next();
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("groups stand more than {MAX_DEPTH} deep; split the pattern"));
        }
        let mut options = Vec::new();
        loop {
            let option = self.sequence()?;
            if option.is_empty() {
                return Err("an alternative is empty; use [..] for words that may be missing".into());
            }
            options.push(option);
            match self.chars.next() {
                Some('|') => {}
                Some(c) if c == close => break,
                Some(c) => return Err(format!("there is a '{c}' where '{close}' was expected")),
                None => return Err(format!("a group is not closed; add '{close}'")),
            }
        }
        self.depth -= 1;
        Ok(options)
    }

    fn set(&mut self) -> Result<Node, String> {
        self.chars.next();
        let name: String = self.chars.by_ref().take_while(|&c| c != '>').collect();
        match self.sets.get(name.trim()) {
            Some(patterns) => Ok(Node::Set(Arc::clone(patterns))),
            None => {
                let known: Vec<&str> = self.sets.keys().map(String::as_str).collect();
                Err(format!(
                    "there is no phrase set <{name}>; add it to \"sets\" or use one of {}",
                    known.join(", ")
                ))
            }
        }
    }

    fn plain(&mut self) -> Vec<String> {
        let mut text = String::new();
        while let Some(&c) = self.chars.peek() {
            if matches!(c, '|' | '(' | ')' | '[' | ']' | '<' | '>' | '*' | '_' | '^' | '$') {
                break;
            }
            text.push(c);
            self.chars.next();
        }
        words(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_refused(text: &str, hint: &str) {
        let error = Pattern::parse(text, &Sets::new()).unwrap_err();
        assert!(error.contains(hint), "{text}: {error}");
    }

    #[test]
    fn a_pattern_reads_into_its_pieces() {
        let pattern = Pattern::parse("^(Can|could) you [please] * _$", &Sets::new()).unwrap();
        let word = |text: &str| Node::Word(text.to_owned());
        let expected = vec![
            Node::OneOf(vec![vec![word("can")], vec![word("could")]]),
            word("you"),
            Node::Maybe(vec![vec![word("please")]]),
            Node::AnyWords,
            Node::AnyWord,
        ];
        assert_eq!(pattern, Pattern { nodes: expected, from_start: true, to_end: true });
    }

    #[test]
    fn a_bad_pattern_says_what_to_change() {
        check_refused("(a|b", "add ')'");
        check_refused("a)", "closes nothing");
        check_refused("(a|)", "an alternative is empty");
        check_refused("[please]", "at least one word");
        check_refused("", "at least one word");
        check_refused("<nope>", "no phrase set <nope>");
        check_refused("(a]", "where ')' was expected");
        check_refused(&"(".repeat(20), "deep");
    }
}
