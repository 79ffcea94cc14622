//! A reply's tokens in, pieces and tool calls out.

use super::clean::Cleaner;
use super::cutter::Cutter;
use super::hidden::{Filter, Found};
use super::piece::Piece;
use super::tool::ToolText;

/// Signs that say nothing by themselves.
const MARKUP: &str = "*_#`~|<>\\";

/// What a reply is made of, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    Piece(Piece),
    /// A tool call written as text.
    Tool(ToolText),
    /// All pieces before were reasoning: the model's server left out the mark that opens it. None of them is for the caller.
    WasReasoning,
}

/// Cuts the text of one reply into pieces as it comes.
#[derive(Debug, Default)]
pub struct Splitter {
    filter: Filter,
    cutter: Cutter,
    cleaner: Cleaner,
    /// The text for the caller has signs that are no markup, and letters or digits.
    has_signs: bool,
    has_words: bool,
}

impl Splitter {
    /// For a voice of this language (a tag, or empty where it is not known) and a model with these tools.
    pub fn new(language: &str, tools: Vec<String>) -> Self {
        Self { filter: Filter::new(tools), cleaner: Cleaner::new(language), ..Self::default() }
    }

    /// Add text; what it completes.
    pub fn push(&mut self, text: &str) -> Vec<Item> {
        let (mut found, mut items) = (Vec::new(), Vec::new());
        for c in text.chars() {
            self.filter.push(c, &mut found);
            found.drain(..).for_each(|found| self.take(found, &mut items));
        }
        items
    }

    /// The text is complete: what is left.
    pub fn finish(&mut self) -> Vec<Item> {
        let (mut found, mut items) = (Vec::new(), Vec::new());
        self.filter.finish(&mut found);
        found.drain(..).for_each(|found| self.take(found, &mut items));
        let rest = self.cutter.finish();
        items.extend(self.cleaner.clean(&rest, true).map(Item::Piece));
        items
    }

    /// Whether a sentence is complete but for what may still follow it, a closing quotation mark or the digits of a number.
    pub fn is_settled(&self) -> bool {
        self.filter.is_empty() && self.cutter.is_settled()
    }

    /// Nothing followed for a while: the sentence that is complete.
    pub fn settle(&mut self) -> Option<Item> {
        let raw = self.filter.is_empty().then(|| self.cutter.settle()).flatten()?;
        let piece = self.cleaner.clean(&raw, false)?;
        self.cutter.begun = true;
        Some(Item::Piece(piece))
    }

    /// Whether the model writes what nobody shall hear just now.
    pub fn is_hiding(&self) -> bool {
        self.filter.is_hiding()
    }

    /// Whether what is for the caller so far is signs and no word: dots, or a thumb.
    pub fn is_wordless(&self) -> bool {
        self.has_signs && !self.has_words
    }

    fn take(&mut self, found: Found, items: &mut Vec<Item>) {
        match found {
            Found::Text(c) => {
                self.has_signs |= !c.is_whitespace() && !MARKUP.contains(c);
                self.has_words |= c.is_alphanumeric();
                if let Some(piece) = self.cutter.push(c).and_then(|raw| self.cleaner.clean(&raw, false)) {
                    self.cutter.begun = true;
                    items.push(Item::Piece(piece));
                }
            }
            Found::Tool(tool) => items.push(Item::Tool(tool)),
            Found::WasReasoning => {
                self.cutter = Cutter::default();
                self.cleaner.forget();
                (self.has_signs, self.has_words) = (false, false);
                items.push(Item::WasReasoning);
            }
        }
    }
}

/// A fixed text as one piece: a greeting, a prompt, a goodbye.
pub fn phrase(text: &str, language: &str) -> Option<Piece> {
    Cleaner::new(language).clean(text, true)
}

#[cfg(test)]
mod tests;
