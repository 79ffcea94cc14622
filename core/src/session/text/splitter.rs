//! A reply's tokens in, pieces and tool calls out.

use super::clean::Cleaner;
use super::cutter::Cutter;
use super::hidden::{Filter, Found};
use super::piece::Piece;
use super::tool::ToolText;

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
}

impl Splitter {
    /// For a voice of this language (a tag, or empty where it is not known) and a model with these tools.
    pub fn new(language: &str, tools: Vec<String>) -> Self {
        Self { filter: Filter::new(tools), cutter: Cutter::default(), cleaner: Cleaner::new(language) }
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

    /// Whether the model writes what nobody shall hear just now.
    pub fn is_hiding(&self) -> bool {
        self.filter.is_hiding()
    }

    fn take(&mut self, found: Found, items: &mut Vec<Item>) {
        match found {
            Found::Text(c) => {
                if let Some(piece) = self.cutter.push(c).and_then(|raw| self.cleaner.clean(&raw, false)) {
                    self.cutter.begun = true;
                    items.push(Item::Piece(piece));
                }
            }
            Found::Tool(tool) => items.push(Item::Tool(tool)),
            Found::WasReasoning => {
                self.cutter = Cutter::default();
                self.cleaner.forget();
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
