//! Debug builds look at SQLite's plan of every new statement and refuse one that walks a whole table or sorts in memory.
//! So each test that runs a query also proves that an index serves it.

use std::collections::HashSet;
use std::sync::{LazyLock, Mutex, PoisonError};

use rusqlite::{Connection, params_from_iter};

use super::EngineError;
use super::sql::Statement;

static SEEN: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);

pub fn check(connection: &Connection, statement: &Statement) -> Result<(), EngineError> {
    if !cfg!(debug_assertions)
        || SEEN.lock().unwrap_or_else(PoisonError::into_inner).contains(&statement.text)
    {
        return Ok(());
    }
    for step in steps(connection, statement)? {
        // FTS5 reads what its index says; it calls that a scan too.
        let is_scan = step.starts_with("SCAN") && !step.contains(" VIRTUAL TABLE INDEX ");
        if is_scan || (step.contains("TEMP B-TREE") && !step.ends_with("GROUP BY")) {
            return Err(EngineError::Undeclared(format!("{step}: {}", statement.text)));
        }
    }
    SEEN.lock().unwrap_or_else(PoisonError::into_inner).insert(statement.text.clone());
    Ok(())
}

fn steps(connection: &Connection, statement: &Statement) -> Result<Vec<String>, EngineError> {
    let text = format!("EXPLAIN QUERY PLAN {}", statement.text);
    let mut prepared = connection.prepare(&text)?;
    let rows = prepared.query_map(params_from_iter(&statement.values), |row| row.get::<_, String>(3))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(text: &str) -> Result<(), EngineError> {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch("CREATE TABLE t (id TEXT PRIMARY KEY, a, b); CREATE INDEX ta ON t (a, id)")
            .unwrap();
        check(&connection, &Statement { text: text.into(), values: Vec::new() })
    }

    #[test]
    fn scans_and_sorts_are_found() {
        assert!(checked("SELECT * FROM t WHERE a = 1 ORDER BY id").is_ok());
        for bad in [
            "SELECT * FROM t WHERE b = 1",
            "SELECT * FROM t WHERE a = 1 ORDER BY b",
            "SELECT * FROM t ORDER BY a",
        ] {
            assert!(checked(bad).is_err(), "{bad}");
        }
    }
}
