//! Running a built statement and reading its rows.

use rusqlite::{Connection, Row, params_from_iter};
use serde_json::{Map, Value};

use super::sql::Statement;
use super::{Document, EngineError, Group, plan};

pub fn encode(body: &Map<String, Value>) -> String {
    serde_json::to_string(body).expect("a JSON object is always serialisable")
}

pub fn documents(connection: &Connection, statement: &Statement) -> Result<Vec<Document>, EngineError> {
    plan::check(connection, statement)?;
    let mut prepared = connection.prepare_cached(&statement.text)?;
    let rows = prepared.query_and_then(params_from_iter(&statement.values), document)?;
    rows.collect()
}

fn document(row: &Row<'_>) -> Result<Document, EngineError> {
    let body: String = row.get(2)?;
    let body = serde_json::from_str(&body).map_err(|e| EngineError::Malformed(e.to_string()))?;
    Ok(Document { id: row.get(0)?, version: row.get(1)?, body })
}

pub fn count(connection: &Connection, statement: &Statement) -> Result<u64, EngineError> {
    plan::check(connection, statement)?;
    let mut prepared = connection.prepare_cached(&statement.text)?;
    Ok(prepared.query_row(params_from_iter(&statement.values), |row| row.get(0))?)
}

pub fn groups(connection: &Connection, statement: &Statement) -> Result<Vec<Group>, EngineError> {
    plan::check(connection, statement)?;
    let mut prepared = connection.prepare_cached(&statement.text)?;
    let rows = prepared.query_and_then(params_from_iter(&statement.values), group)?;
    rows.collect()
}

fn group(row: &Row<'_>) -> Result<Group, EngineError> {
    use rusqlite::types::ValueRef;
    let key = match row.get_ref(0)? {
        ValueRef::Integer(n) => n.into(),
        ValueRef::Real(n) => n.into(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned().into(),
        ValueRef::Null | ValueRef::Blob(_) => Value::Null,
    };
    Ok(Group { key, count: row.get(1)?, sum: row.get(2)? })
}
