//! Collections and their indexes, declared in code beside the queries that need them.

use serde_json::{Map, Value};

use super::EngineError;
use super::field::{Field, Json, MAX_KEY_BYTES, Place};

/// Most words of one document in an index over words.
pub const MAX_WORDS: usize = 4_096;
/// Longest word of an index over words, bytes.
pub const MAX_WORD_BYTES: usize = 192;

/// A set of documents of one kind.
#[derive(Debug)]
pub struct Collection {
    /// Snake case; the table or MongoDB collection is called the same.
    pub name: &'static str,
    pub indexes: &'static [Index],
    /// What filters, changes and sums name beside the fields of the indexes.
    pub fields: &'static [Place],
    /// How an old body becomes a newer one: the first step leads from schema 1 to 2. Steps are never changed or taken out
    /// once a version was released with them.
    pub steps: &'static [Step],
}

/// Collections whose documents are only ever added: the engines refuse to change or delete one. They have no steps, and copies of a
/// deployment restore them as they were.
const APPEND_ONLY: &[&str] = &["ledger"];

/// Change a body of one schema into one of the next; the text says why it cannot be done.
pub type Step = fn(&mut Map<String, Value>) -> Result<(), String>;

/// An ordered list of fields that queries may search by.
#[derive(Debug)]
pub struct Index {
    pub name: &'static str,
    pub fields: &'static [Place],
    pub kind: IndexKind,
    /// Documents without this field are not in the index.
    pub optional: Option<Place>,
    /// The list of words of an index over words.
    pub words: Option<Place>,
}

/// What an index promises beyond speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexKind {
    /// Every document carries every field, so that paging by it never skips one.
    Ordered,
    /// No two documents share the key. A document without the last field is not in the index: MongoDB counts a missing
    /// field as null and SQLite never counts nulls as equal, so "absent" is only safe when it is outside the index.
    Unique,
    /// Documents without one of the fields are not in the index.
    Sparse,
    /// Documents by the words in a list of theirs. The fields are the scope, a text (words are found within one scope only), and the
    /// place, an integer that no other document of the collection has, and that the answer is sorted by.
    Words,
}

impl Index {
    /// An index to page by.
    pub const fn ordered(name: &'static str, fields: &'static [Place]) -> Self {
        Self { name, fields, kind: IndexKind::Ordered, optional: None, words: None }
    }

    /// A key that one document at most may carry.
    pub const fn unique(name: &'static str, fields: &'static [Place]) -> Self {
        Self { name, fields, kind: IndexKind::Unique, optional: last(fields), words: None }
    }

    /// An index over the documents that have the last field.
    pub const fn sparse(name: &'static str, fields: &'static [Place]) -> Self {
        Self { name, fields, kind: IndexKind::Sparse, optional: last(fields), words: None }
    }

    /// An index over the documents that have `optional`, which is one of the fields.
    pub const fn sparse_by(name: &'static str, fields: &'static [Place], optional: Place) -> Self {
        Self { name, fields, kind: IndexKind::Sparse, optional: Some(optional), words: None }
    }

    /// An index over the words of a list; `fields` are the scope and the place. A word is any text without an end of its own: what
    /// counts as a word, and as the same one, is for whoever makes the list. It is declared together with its collection: documents that
    /// were there before are not in it.
    pub const fn words(name: &'static str, fields: &'static [Place; 2], words: Field<Json>) -> Self {
        Self { name, fields, kind: IndexKind::Words, optional: None, words: Some(words.place()) }
    }
}

const fn last(fields: &'static [Place]) -> Option<Place> {
    match fields {
        [.., last] => Some(*last),
        [] => None,
    }
}

impl Collection {
    /// The schema of the bodies that this build writes; 1 is the first.
    pub fn schema(&self) -> u32 {
        1 + u32::try_from(self.steps.len()).expect("steps are written by hand")
    }

    /// Whether its documents are only ever added.
    pub fn is_append_only(&self) -> bool {
        APPEND_ONLY.contains(&self.name)
    }

    /// Whether an index has this field of every document, or something inside it.
    pub(super) fn needs(&self, place: &Place) -> bool {
        let inside = |field: &Place| {
            field.path.strip_prefix(place.path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.indexes.iter().any(|index| index.fields.iter().any(|f| inside(f) && index.optional != Some(*f)))
    }

    /// Refuse a change where documents are only ever added.
    pub(super) fn may_change(&self) -> Result<(), EngineError> {
        if self.is_append_only() { Err(EngineError::AppendOnly(self.name.to_owned())) } else { Ok(()) }
    }

    /// The declared index of that name.
    pub fn index(&self, name: &str) -> Result<&'static Index, EngineError> {
        self.indexes
            .iter()
            .find(|i| i.name == name)
            .ok_or_else(|| EngineError::Undeclared(format!("{}: no index '{name}'", self.name)))
    }

    /// Refuse a field that is not declared for this collection, or with another type.
    pub(super) fn declares(&self, place: &Place) -> Result<(), EngineError> {
        let words = self.indexes.iter().filter_map(|i| i.words.as_ref());
        let mut declared = self.indexes.iter().flat_map(|i| i.fields).chain(self.fields).chain(words);
        match declared.any(|d| d == place) {
            true => Ok(()),
            false => Err(EngineError::Undeclared(format!("{}: no field {place:?}", self.name))),
        }
    }

    /// Refuse a document that lacks an indexed field, or has a declared one of another type: the engines would sort, page
    /// or add it differently.
    pub fn check(&self, body: &Map<String, Value>) -> Result<(), EngineError> {
        let refuse = |index: &Index, place: &Place, why: &str| {
            let text = format!("{}: '{}' of index '{}' {why}", self.name, place.path, index.name);
            Err(EngineError::Malformed(text))
        };
        for index in self.indexes {
            for place in index.fields {
                match place.of(body) {
                    None | Some(Value::Null) if index.optional == Some(*place) => {}
                    None | Some(Value::Null) => return refuse(index, place, "is missing"),
                    Some(value) if !place.takes(value) => {
                        return refuse(index, place, &format!("must be of type {:?}", place.kind));
                    }
                    Some(Value::String(text)) if text.len() > MAX_KEY_BYTES => {
                        return refuse(index, place, &format!("is longer than {MAX_KEY_BYTES} bytes"));
                    }
                    Some(_) => {}
                }
            }
            if let Some(words) = &index.words {
                self.check_words(words.of(body)).map_err(|why| {
                    EngineError::Malformed(format!("{}: '{}' {why}", self.name, words.path))
                })?;
            }
        }
        self.fields.iter().try_for_each(|place| place.check(body))
    }

    /// What every engine can index.
    fn check_words(&self, words: Option<&Value>) -> Result<(), String> {
        let words = match words {
            None | Some(Value::Null) => return Ok(()),
            Some(words) => words.as_array().ok_or("is no list")?,
        };
        if words.len() > MAX_WORDS {
            return Err(format!("has more than {MAX_WORDS} words"));
        }
        let fits = |word: &Value| word.as_str().is_some_and(|w| (1..=MAX_WORD_BYTES).contains(&w.len()));
        match words.iter().all(fits) {
            true => Ok(()),
            false => Err(format!("has a word that is no text of 1 to {MAX_WORD_BYTES} bytes")),
        }
    }
}
