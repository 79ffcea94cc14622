//! Collections and their indexes, declared in code beside the queries that need them.

use serde_json::{Map, Value};

use super::EngineError;

/// A set of documents of one kind.
#[derive(Debug)]
pub struct Collection {
    /// Snake case; the table or MongoDB collection is called the same.
    pub name: &'static str,
    pub indexes: &'static [Index],
}

/// An ordered list of fields that queries may search by.
#[derive(Debug)]
pub struct Index {
    pub name: &'static str,
    /// Dotted paths. A field has one JSON type in all documents: text, integer or boolean. Engines agree on the order of
    /// equal types only.
    pub fields: &'static [&'static str],
    pub kind: IndexKind,
    /// Documents without this field are not in the index.
    pub optional: Option<&'static str>,
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
}

impl Index {
    /// An index to page by.
    pub const fn ordered(name: &'static str, fields: &'static [&'static str]) -> Self {
        Self { name, fields, kind: IndexKind::Ordered, optional: None }
    }

    /// A key that one document at most may carry.
    pub const fn unique(name: &'static str, fields: &'static [&'static str]) -> Self {
        Self { name, fields, kind: IndexKind::Unique, optional: last(fields) }
    }

    /// An index over the documents that have the last field.
    pub const fn sparse(name: &'static str, fields: &'static [&'static str]) -> Self {
        Self { name, fields, kind: IndexKind::Sparse, optional: last(fields) }
    }

    /// An index over the documents that have `optional`, which is one of the fields.
    pub const fn sparse_by(
        name: &'static str,
        fields: &'static [&'static str],
        optional: &'static str,
    ) -> Self {
        Self { name, fields, kind: IndexKind::Sparse, optional: Some(optional) }
    }
}

const fn last(fields: &'static [&'static str]) -> Option<&'static str> {
    match fields {
        [.., last] => Some(last),
        [] => None,
    }
}

impl Collection {
    /// The declared index of that name.
    pub fn index(&self, name: &str) -> Result<&'static Index, EngineError> {
        self.indexes
            .iter()
            .find(|i| i.name == name)
            .ok_or_else(|| EngineError::Undeclared(format!("{}: no index '{name}'", self.name)))
    }

    /// Refuse a document that lacks an indexed field: the engines would sort or page it differently.
    pub fn check(&self, body: &Map<String, Value>) -> Result<(), EngineError> {
        for index in self.indexes {
            for field in index.fields {
                let scalar = match at_path(body, field) {
                    None | Some(Value::Null) => index.optional == Some(*field),
                    Some(Value::Array(_) | Value::Object(_)) => false,
                    Some(_) => true,
                };
                if !scalar {
                    let text = format!(
                        "{}: '{field}' of index '{}' must be text, a number or a boolean",
                        self.name, index.name
                    );
                    return Err(EngineError::Malformed(text));
                }
            }
        }
        Ok(())
    }
}

/// The value at a dotted path.
pub fn at_path<'a>(body: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    let mut parts = path.split('.');
    let mut value = body.get(parts.next()?)?;
    for part in parts {
        value = value.as_object()?.get(part)?;
    }
    Some(value)
}
