//! The SQL of the seam's operations. Names come from declarations in code, values are always bound.

use rusqlite::types::Value as Bound;
use serde_json::Value;

use super::super::query::{By, Order, Query, Shape, Test};
use super::super::{Collection, EngineError, Field, Index, IndexKind, Integer, MAX_PAGE, Place, Which};
use super::names::{field, index_name};
use super::words;

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
            "CREATE TABLE IF NOT EXISTS {table} (id TEXT PRIMARY KEY NOT NULL, version INTEGER NOT NULL, \
             body BLOB NOT NULL, schema INTEGER NOT NULL DEFAULT 1)"
        ));
        for index in collection.indexes {
            match index.kind {
                IndexKind::Words => texts.extend(words::create(table, index)),
                _ => texts.push(create_index(table, index)),
            }
        }
        if collection.is_append_only() {
            texts.extend(guards(table));
        }
        if collection.schema() > 1 {
            let (name, schema) = (outdated_index(collection), collection.schema());
            texts.push(format!("CREATE INDEX IF NOT EXISTS {name} ON {table} (id) WHERE schema < {schema}"));
        }
    }
    texts
}

/// What aborts whoever would change or delete a row, with any program. A row may be written over with itself: a copy of a deployment
/// that was killed is repeated.
fn guards(table: &str) -> [String; 2] {
    let guard = |name: &str, event: &str, when: &str| {
        format!(
            "CREATE TRIGGER IF NOT EXISTS {table}__{name} BEFORE {event} ON {table}{when} \
             BEGIN SELECT RAISE(ABORT, '{table}'); END"
        )
    };
    let differs = " WHEN OLD.id IS NOT NEW.id OR OLD.version IS NOT NEW.version OR OLD.body IS NOT NEW.body";
    [guard("stays", "DELETE", ""), guard("as_it_was", "UPDATE", differs)]
}

/// What turns a file of the first layout, without schemas, into one of the second: every body in it has schema 1.
pub fn add_schema(table: &str) -> String {
    format!("ALTER TABLE \"{table}\" ADD COLUMN schema INTEGER NOT NULL DEFAULT 1")
}

/// Holds the documents of older schemas and so is empty almost always: it costs a write nothing.
fn outdated_index(collection: &Collection) -> String {
    format!("{}__before_{}", collection.name, collection.schema())
}

fn create_index(table: &str, index: &Index) -> String {
    let unique = if index.kind == IndexKind::Unique { "UNIQUE " } else { "" };
    let mut keys: Vec<String> = index.fields.iter().map(field).collect();
    if index.kind != IndexKind::Unique {
        keys.push("id".into());
    }
    let partial = index.optional.map(|f| format!(" WHERE {} IS NOT NULL", field(&f))).unwrap_or_default();
    format!(
        "CREATE {unique}INDEX IF NOT EXISTS {} ON {table} ({}){partial}",
        index_name(table, index),
        keys.join(", ")
    )
}

pub fn insert(into: &Collection) -> String {
    format!(
        "INSERT INTO {} (id, version, schema, body) VALUES (?1, 1, {}, jsonb(?2))",
        into.name,
        into.schema()
    )
}

pub fn replace(into: &Collection) -> String {
    format!(
        "UPDATE {} SET body = jsonb(?1), version = ?2, schema = {} WHERE id = ?3 AND version = ?4",
        into.name,
        into.schema()
    )
}

pub fn delete(from: &Collection) -> String {
    format!("DELETE FROM {} WHERE id = ?1 AND version = ?2", from.name)
}

/// Deletes as many as the query's limit.
pub fn delete_many(query: &Query) -> Result<Statement, EngineError> {
    let shape = query.shape()?.filter(|shape| shape.index.kind != IndexKind::Words);
    let Some(shape) = shape else {
        return Err(EngineError::Undeclared("one document is deleted by its id and version".into()));
    };
    let mut built = filtered(query, "SELECT id")?;
    built.order(query, &shape);
    built.limit(query.limit);
    built.text = format!("DELETE FROM {} WHERE id IN ({})", query.collection.name, built.text);
    Ok(built)
}

pub fn list_by_id(of: &Collection, which: Which, after: Option<String>) -> Statement {
    let which = match which {
        Which::All => String::new(),
        Which::Outdated => format!(" INDEXED BY {} WHERE schema < {}", outdated_index(of), of.schema()),
    };
    let after_id = if which.is_empty() { "WHERE id > ?" } else { "AND id > ?" };
    let text =
        format!("SELECT id, version, json(body), schema FROM {}{which} {after_id} ORDER BY id", of.name);
    let mut built = Statement { text, values: vec![Bound::Text(after.unwrap_or_default())] };
    built.limit(MAX_PAGE);
    built
}

pub fn restore(into: &Collection) -> String {
    format!(
        "INSERT INTO {} (id, version, schema, body) VALUES (?1, ?2, ?3, jsonb(?4)) ON CONFLICT (id) DO UPDATE SET \
         version = excluded.version, schema = excluded.schema, body = excluded.body",
        into.name
    )
}

/// One row more than the limit is read, to know whether there is a next page.
pub fn select(query: &Query) -> Result<Statement, EngineError> {
    let paths: Vec<String> = query.omit.iter().map(|f| format!("'$.{}'", f.place().path)).collect();
    let body = if paths.is_empty() {
        "body".to_owned()
    } else {
        format!("jsonb_remove(body, {})", paths.join(", "))
    };
    let mut built = filtered(query, &format!("SELECT id, version, json({body})"))?;
    let Some(shape) = query.shape()? else { return Ok(built) };
    if let Some(cursor) = &query.after {
        let sign = if query.order == Order::Ascending { '>' } else { '<' };
        let keys = sort_keys(query, &shape);
        let places = vec!["?"; keys.len()].join(", ");
        built.text.push_str(&format!(" AND ({}) {sign} ({places})", keys.join(", ")));
        built.values.extend(cursor.keys.iter().map(bound));
        if shape.index.kind != IndexKind::Words {
            built.values.push(Bound::Text(cursor.id.clone()));
        }
    }
    built.order(query, &shape);
    built.limit(query.limit + 1);
    Ok(built)
}

pub fn count(query: &Query) -> Result<Statement, EngineError> {
    filtered(query, "SELECT COUNT(*)")
}

/// How sums are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adding {
    /// As they are. SQLite refuses one whose way leaves 64 bits, even if its end does not.
    Whole,
    /// In two halves, none of which can leave them. Each value is looked up twice.
    Halves,
}

/// Sums of some fields, in one pass.
pub fn sums(
    query: &Query,
    group_by: Place,
    summed: &[Field<Integer>],
    adding: Adding,
) -> Result<Statement, EngineError> {
    query.collection.declares(&group_by)?;
    let key = field(&group_by);
    let mut columns = format!("SELECT {key}, COUNT(*)");
    for summed in summed {
        query.collection.declares(&summed.place())?;
        let value = field(&summed.place());
        columns.push_str(&match adding {
            Adding::Whole => format!(", COALESCE(SUM({value}), 0)"),
            Adding::Halves => {
                format!(", COALESCE(SUM({value} >> 32), 0), COALESCE(SUM({value} & 4294967295), 0)")
            }
        });
    }
    let mut built = filtered(query, &columns)?;
    built.text.push_str(&format!(" GROUP BY {key}"));
    Ok(built)
}

/// A place is nobody else's, and the id after it would say nothing.
fn sort_keys(query: &Query, shape: &Shape) -> Vec<String> {
    if shape.index.kind == IndexKind::Words {
        return vec![words::place_of(query.collection.name, shape.index)];
    }
    shape.sorted().iter().map(field).chain(["id".to_owned()]).collect()
}

/// The documents of a search, without their order.
pub fn filtered(query: &Query, select: &str) -> Result<Statement, EngineError> {
    let table = query.collection.name;
    let mut built = Statement { text: String::new(), values: Vec::new() };
    match (&query.by, query.shape()?) {
        (By::Index { equals, from, below, .. }, Some(shape)) => {
            let index = index_name(table, shape.index);
            built.text = format!("{select} FROM {table} INDEXED BY {index} WHERE true");
            for (place, value) in equals {
                built.and(&field(place), "=", value);
            }
            for (sign, bound) in [(">=", from), ("<", below)] {
                if let Some((place, value)) = bound {
                    built.and(&field(place), sign, value);
                }
            }
            if let Some(optional) = shape.index.optional {
                built.text.push_str(&format!(" AND {} IS NOT NULL", field(&optional)));
            }
        }
        (By::Id(id), _) => {
            built.text = format!("{select} FROM {table} WHERE true");
            built.and("id", "=", &Value::from(id.as_str()));
        }
        (By::Words { scope, words, from, below, .. }, Some(shape)) => {
            let place = words::place_of(table, shape.index);
            built.text = words::select(select, table, shape.index);
            built.values.push(Bound::Text(words::question(&scope.1, words)));
            for (sign, bound) in [(">=", from), ("<", below)] {
                if let Some((_, value)) = bound {
                    built.and(&place, sign, value);
                }
            }
        }
        (By::Index { name, .. } | By::Words { name, .. }, None) => {
            return Err(EngineError::Undeclared((*name).to_owned()));
        }
    }
    for filter in &query.filters {
        let name = field(&filter.place);
        match &filter.test {
            Test::Is(value) => built.and(&name, "=", value),
            Test::AtLeast(value) => built.and(&name, ">=", value),
            Test::Below(value) => built.and(&name, "<", value),
            Test::Absent => built.text.push_str(&format!(" AND {name} IS NULL")),
        }
    }
    Ok(built)
}

impl Statement {
    fn and(&mut self, left: &str, sign: &str, right: &Value) {
        self.text.push_str(&format!(" AND {left} {sign} ?"));
        self.values.push(bound(right));
    }

    /// A unique key yields one document at most.
    fn order(&mut self, query: &Query, shape: &Shape) {
        if shape.index.kind != IndexKind::Unique {
            let direction = if query.order == Order::Ascending { "ASC" } else { "DESC" };
            let keys: Vec<String> =
                sort_keys(query, shape).iter().map(|k| format!("{k} {direction}")).collect();
            self.text.push_str(&format!(" ORDER BY {}", keys.join(", ")));
        }
    }

    fn limit(&mut self, rows: usize) {
        self.text.push_str(" LIMIT ?");
        self.values.push(Bound::Integer(i64::try_from(rows).unwrap_or(i64::MAX)));
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
