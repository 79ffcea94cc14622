//! The SQL of the seam's operations. Names come from declarations in code, values are always bound.

use rusqlite::types::Value as Bound;
use serde_json::Value;

use super::super::query::{By, Filter, Order, Query};
use super::super::{Collection, EngineError, Index, IndexKind};

/// A statement and the values it is run with.
#[derive(Clone, Debug)]
pub struct Statement {
    pub text: String,
    pub values: Vec<Bound>,
}

/// The statements that make the tables and indexes that are missing.
pub fn create(collections: &[&'static Collection]) -> Vec<String> {
    let mut texts = Vec::new();
    for collection in collections {
        let table = collection.name;
        texts.push(format!(
            "CREATE TABLE IF NOT EXISTS {table} (id TEXT PRIMARY KEY NOT NULL, version INTEGER NOT NULL, body BLOB NOT NULL)"
        ));
        texts.extend(collection.indexes.iter().map(|index| create_index(table, index)));
    }
    texts
}

fn create_index(table: &str, index: &Index) -> String {
    let unique = if index.kind == IndexKind::Unique { "UNIQUE " } else { "" };
    let mut keys: Vec<String> = index.fields.iter().map(|f| field(f)).collect();
    if index.kind != IndexKind::Unique {
        keys.push("id".into());
    }
    let partial = index.optional.map(|f| format!(" WHERE {} IS NOT NULL", field(f))).unwrap_or_default();
    format!(
        "CREATE {unique}INDEX IF NOT EXISTS {} ON {table} ({}){partial}",
        index_name(table, index),
        keys.join(", ")
    )
}

/// The fields are part of the name: a changed declaration makes a new index instead of silently keeping the old one.
fn index_name(table: &str, index: &Index) -> String {
    format!("{table}_{}__{}", index.name, index.fields.join("_").replace('.', "_"))
}

/// A field as an expression, the same text in index and query: SQLite matches them by it.
fn field(path: &str) -> String {
    debug_assert!(path.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.'), "{path}");
    format!("json_extract(body, '$.{path}')")
}

pub fn insert(into: &Collection) -> String {
    format!("INSERT INTO {} (id, version, body) VALUES (?1, 1, jsonb(?2))", into.name)
}

pub fn replace(into: &Collection) -> String {
    format!("UPDATE {} SET body = jsonb(?1), version = ?2 WHERE id = ?3 AND version = ?4", into.name)
}

pub fn delete(from: &Collection) -> String {
    format!("DELETE FROM {} WHERE id = ?1 AND version = ?2", from.name)
}

/// One row more than the limit is read, to know whether there is a next page.
pub fn select(query: &Query) -> Result<Statement, EngineError> {
    let paths: Vec<String> = query.omit.iter().map(|f| format!("'$.{f}'")).collect();
    let body = if paths.is_empty() {
        "body".to_owned()
    } else {
        format!("jsonb_remove(body, {})", paths.join(", "))
    };
    let mut built = filtered(query, &format!("SELECT id, version, json({body})"))?;
    let (sign, direction) = match query.order {
        Order::Ascending => ('>', "ASC"),
        Order::Descending => ('<', "DESC"),
    };
    let Some(shape) = query.shape()? else { return Ok(built) };
    let mut keys: Vec<String> = shape.sorted().iter().map(|f| field(f)).collect();
    keys.push("id".into());
    if let Some(cursor) = &query.after {
        let places = vec!["?"; keys.len()].join(", ");
        built.text.push_str(&format!(" AND ({}) {sign} ({places})", keys.join(", ")));
        built.values.extend(cursor.keys.iter().map(bound));
        built.values.push(Bound::Text(cursor.id.clone()));
    }
    if shape.index.kind != IndexKind::Unique {
        let keys: Vec<String> = keys.iter().map(|k| format!("{k} {direction}")).collect();
        built.text.push_str(&format!(" ORDER BY {}", keys.join(", ")));
    }
    built.text.push_str(" LIMIT ?");
    built.values.push(Bound::Integer(i64::try_from(query.limit + 1).unwrap_or(i64::MAX)));
    Ok(built)
}

pub fn count(query: &Query) -> Result<Statement, EngineError> {
    filtered(query, "SELECT COUNT(*)")
}

pub fn sum(query: &Query, group_by: &str, summed: &str) -> Result<Statement, EngineError> {
    let (key, value) = (field(group_by), field(summed));
    let mut built = filtered(query, &format!("SELECT {key}, COUNT(*), TOTAL({value})"))?;
    built.text.push_str(&format!(" GROUP BY {key}"));
    Ok(built)
}

fn filtered(query: &Query, select: &str) -> Result<Statement, EngineError> {
    let table = query.collection.name;
    let mut built = Statement { text: String::new(), values: Vec::new() };
    match (&query.by, query.shape()?) {
        (By::Index { equals, from, below, .. }, Some(shape)) => {
            let index = index_name(table, shape.index);
            built.text = format!("{select} FROM {table} INDEXED BY {index} WHERE true");
            for (name, value) in equals {
                built.and(&field(name), "=", value);
            }
            let ranged = shape.sorted().first().map(|f| field(f));
            for (sign, value) in [(">=", from), ("<", below)] {
                if let (Some(key), Some(value)) = (&ranged, value) {
                    built.and(key, sign, value);
                }
            }
            if let Some(optional) = shape.index.optional {
                built.text.push_str(&format!(" AND {} IS NOT NULL", field(optional)));
            }
        }
        (By::Id(id), _) => {
            built.text = format!("{select} FROM {table} WHERE true");
            built.and("id", "=", &Value::from(id.as_str()));
        }
        (By::Index { name, .. }, None) => return Err(EngineError::Undeclared((*name).to_owned())),
    }
    for filter in &query.filters {
        match filter {
            Filter::Is(name, value) => built.and(&field(name), "=", value),
            Filter::AtLeast(name, value) => built.and(&field(name), ">=", value),
            Filter::Below(name, value) => built.and(&field(name), "<", value),
            Filter::Absent(name) => built.text.push_str(&format!(" AND {} IS NULL", field(name))),
        }
    }
    Ok(built)
}

impl Statement {
    fn and(&mut self, left: &str, sign: &str, right: &Value) {
        self.text.push_str(&format!(" AND {left} {sign} ?"));
        self.values.push(bound(right));
    }
}

/// As `json_extract` gives it back: booleans are 0 and 1.
fn bound(value: &Value) -> Bound {
    match value {
        Value::Null => Bound::Null,
        Value::Bool(b) => Bound::Integer(i64::from(*b)),
        Value::Number(n) => match n.as_i64() {
            Some(n) => Bound::Integer(n),
            None => Bound::Real(n.as_f64().unwrap_or(f64::MAX)),
        },
        Value::String(text) => Bound::Text(text.clone()),
        Value::Array(_) | Value::Object(_) => Bound::Text(value.to_string()),
    }
}
