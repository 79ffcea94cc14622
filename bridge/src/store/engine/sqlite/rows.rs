//! Running a built statement and reading its rows.

use rusqlite::{Connection, Row, params_from_iter};
use serde::Deserialize as _;
use serde_json::{Map, Value};

use super::sql::{Adding, Statement};
use super::{Document, EngineError, Kept, Totals, plan};
use crate::store::engine::MAX_LISTED_BYTES;

pub fn encode(body: &Map<String, Value>) -> String {
    serde_json::to_string(body).expect("a JSON object is always serialisable")
}

pub fn documents(connection: &Connection, statement: &Statement) -> Result<Vec<Document>, EngineError> {
    Ok(page(connection, statement, usize::MAX)?.0)
}

/// Documents until they have so many bytes, and whether there were more.
pub fn page(
    connection: &Connection,
    statement: &Statement,
    max_bytes: usize,
) -> Result<(Vec<Document>, bool), EngineError> {
    plan::check(connection, statement)?;
    let mut prepared = connection.prepare_cached(&statement.text)?;
    let mut rows = prepared.query(params_from_iter(&statement.values))?;
    let (mut page, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        if bytes >= max_bytes {
            return Ok((page, true));
        }
        bytes += row.get_ref(2)?.as_bytes().map_or(0, <[u8]>::len);
        page.push(document(row)?);
    }
    Ok((page, false))
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

/// Groups with so many sums each.
pub fn totals(
    connection: &Connection,
    statement: &Statement,
    (adding, sums): (Adding, usize),
) -> Result<Vec<Totals>, EngineError> {
    plan::check(connection, statement)?;
    let mut prepared = connection.prepare_cached(&statement.text)?;
    let mut rows = prepared.query(params_from_iter(&statement.values)).map_err(sum_failed)?;
    let mut groups = Vec::new();
    while let Some(row) = rows.next().map_err(sum_failed)? {
        let sum = |n: usize| match adding {
            Adding::Whole => Ok(row.get(2 + n)?),
            Adding::Halves => {
                let (high, low): (i64, i64) = (row.get(2 + 2 * n)?, row.get(3 + 2 * n)?);
                let sum = (i128::from(high) << 32) + i128::from(low);
                i64::try_from(sum).map_err(|_| EngineError::Overflow("sum".into()))
            }
        };
        let sums = (0..sums).map(sum).collect::<Result<_, EngineError>>()?;
        groups.push(Totals { key: key(row)?, count: row.get(1)?, sums });
    }
    Ok(groups)
}

/// The only thing that SQLite itself finds wrong with a good statement while it runs is that a sum does not fit.
fn sum_failed(error: rusqlite::Error) -> EngineError {
    match &error {
        rusqlite::Error::SqliteFailure(e, _) if e.extended_code == rusqlite::ffi::SQLITE_ERROR => {
            EngineError::Overflow("sum".into())
        }
        _ => error.into(),
    }
}

fn key(row: &Row<'_>) -> Result<Value, EngineError> {
    use rusqlite::types::ValueRef;
    Ok(match row.get_ref(0)? {
        ValueRef::Integer(n) => n.into(),
        ValueRef::Real(n) => n.into(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned().into(),
        ValueRef::Null | ValueRef::Blob(_) => Value::Null,
    })
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
