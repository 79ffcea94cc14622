//! What indexes and fields are called in SQL.

use super::super::{Index, Place};

/// The fields are part of the name: a changed declaration makes a new index instead of silently keeping the old one.
pub fn index_name(table: &str, index: &Index) -> String {
    let fields: Vec<&str> = index.fields.iter().map(|f| f.path).collect();
    format!("{table}_{}__{}", index.name, fields.join("_").replace('.', "_"))
}

/// A field as an expression, the same text in index and query: SQLite matches them by it.
pub fn field(place: &Place) -> String {
    let path = place.path;
    debug_assert!(path.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.'), "{path}");
    format!("json_extract(body, '$.{path}')")
}
