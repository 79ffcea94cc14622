//! Running a built statement and reading its rows.

use rusqlite::{Connection, Row, params_from_iter};
use serde::Deserialize as _;
use serde_json::{Map, Value};

use super::sql::Statement;
use super::{Document, EngineError, Group, Kept, plan};
use crate::store::engine::MAX_LISTED_BYTES;

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
    let text: String = row.get(2)?;
    Ok(Document { id: row.get(0)?, version: row.get(1)?, body: decode(&text)? })
}

/// Without the parser's limit of 127 levels: a document that was once stored must always be readable, or it can never be
/// mended either. SQLite itself takes no JSON deeper than 1000 levels, so the stack has an end.
fn decode(text: &str) -> Result<Map<String, Value>, EngineError> {
    let mut reader = serde_json::Deserializer::from_str(text);
    reader.disable_recursion_limit();
    let malformed = |error: serde_json::Error| EngineError::Malformed(error.to_string());
    let body = Map::deserialize(&mut reader).map_err(malformed)?;
    reader.end().map_err(malformed)?;
    Ok(body)
}

pub fn kept(connection: &Connection, statement: &Statement) -> Result<Vec<Kept>, EngineError> {
    plan::check(connection, statement)?;
    let mut prepared = connection.prepare_cached(&statement.text)?;
    let mut rows = prepared.query(params_from_iter(&statement.values))?;
    let (mut page, mut bytes) = (Vec::new(), 0);
    while bytes < MAX_LISTED_BYTES
        && let Some(row) = rows.next()?
    {
        bytes += row.get_ref(2)?.as_bytes().map_or(0, <[u8]>::len);
        page.push(Kept { document: document(row)?, schema: row.get(3)? });
    }
    Ok(page)
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
    let (high, low): (i64, i64) = (row.get(2)?, row.get(3)?);
    let sum = (i128::from(high) << 32) + i128::from(low);
    let sum = i64::try_from(sum).map_err(|_| EngineError::Overflow("sum".into()))?;
    Ok(Group { key, count: row.get(1)?, sum })
}

#[cfg(test)]
mod tests {
    use super::super::super::{Collection, Query};
    use super::super::sql;
    use super::*;

    static THINGS: Collection = Collection { name: "things", indexes: &[], fields: &[], steps: &[] };

    #[test]
    fn a_document_deeper_than_the_parsers_limit_is_read() {
        let connection = Connection::open_in_memory().unwrap();
        for text in sql::create(&[&THINGS]) {
            connection.execute_batch(&text).unwrap();
        }
        let levels = (1..200).fold(Value::from(1), |inside, _| Value::Array(vec![inside]));
        let body = Map::from_iter([("a".to_owned(), levels)]);
        connection.execute(&sql::insert(&THINGS), ("x", encode(&body))).unwrap();
        let statement = sql::select(&Query::by_id(&THINGS, "x").limit(1)).unwrap();
        let read = documents(&connection, &statement).unwrap();
        assert_eq!(read, [Document { id: "x".into(), version: 1, body }]);
    }

    #[test]
    fn text_that_is_no_object_is_refused() {
        for bad in ["", "[]", "{", "{}x"] {
            assert!(matches!(decode(bad), Err(EngineError::Malformed(_))), "{bad}");
        }
    }
}
