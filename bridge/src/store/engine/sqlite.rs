//! Documents in one SQLite file: a table per collection holding JSONB, and an expression index per declared index.
//! Writes go through one thread that commits them in groups (`synchronous=FULL`: an answered write is on the disk);
//! reads use a few connections of their own (WAL: they never wait for the writer).

mod change;
mod names;
mod plan;
mod readers;
mod rows;
mod sql;
mod words;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Params, params_from_iter};
use serde_json::{Map, Value};

use super::{
    Amendment, Answer, Collection, Connections, Document, Engine, EngineError, Field, Integer, Kept,
    MAX_BATCH, New, Page, Place, Query, Renewal, Totals, Update, Which,
};
use change::{InCode, Way};
use readers::{Effort, Readers};
use sql::Adding;
use words::Begun;
use writer::Writer;

/// Layout of the file: 1 had no schema beside a body. A file of a newer layout is refused.
const LAYOUT: i64 = 2;
/// Pages of the log that are written into the file together, 16 MB. SQLite's own 1,000 are as many as two hundred results change, most of
/// them the same again and again, and whoever writes waits for the file's own fsyncs each time: 4,000 results took 10 s with 1,000
/// and 4 s with 4,000.
const LOGGED_PAGES: i64 = 4_000;
/// Longest wait for an answer.
const ANSWER_DEADLINE: Duration = Duration::from_secs(10);
/// Prepared statements kept per connection.
const STATEMENTS_KEPT: usize = 128;

/// Tries to empty the log between the reads of others, and the pause between them.
const SETTLING_TRIES: u32 = 20;
const SETTLING_PAUSE: Duration = Duration::from_millis(25);

/// The embedded document engine. Cheap to clone.
#[derive(Clone)]
pub struct Sqlite {
    writer: Writer,
    readers: Arc<Readers>,
}

impl Sqlite {
    /// Open or create the file. Blocks; called once at start.
    pub fn open(path: &Path) -> Result<Self, EngineError> {
        let connection = connect(path)?;
        let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if found > LAYOUT {
            return Err(EngineError::Newer { what: path.display().to_string(), found, known: LAYOUT });
        }
        if found < LAYOUT {
            to_present_layout(&connection)?;
        }
        Ok(Self { writer: Writer::start(connection)?, readers: Arc::new(Readers::new(PathBuf::from(path))) })
    }
}

/// In one transaction: a start that is killed meanwhile finds the file as it was.
fn to_present_layout(connection: &Connection) -> Result<(), EngineError> {
    let transaction = connection.unchecked_transaction()?;
    for table in tables(&transaction)? {
        transaction.execute_batch(&sql::add_schema(&table))?;
    }
    transaction.pragma_update(None, "user_version", LAYOUT)?;
    Ok(transaction.commit()?)
}

fn tables(connection: &Connection) -> Result<Vec<String>, EngineError> {
    let text = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let mut statement = connection.prepare(text)?;
    let names = statement.query_map([], |row| row.get(0))?;
    Ok(names.collect::<Result<_, _>>()?)
}

/// The connection that writes, with the settings that durability rests on. It comes before every reader: while one
/// connection turns a new file to WAL, the others find it locked and SQLite does not let them wait.
fn connect(path: &Path) -> Result<Connection, EngineError> {
    let connection = patient(Connection::open(path)?)?;
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        return Err(EngineError::Unavailable(format!(
            "{}: the file system does not allow WAL",
            path.display()
        )));
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", LOGGED_PAGES)?;
    // What is deleted or overwritten is zeros in the file, not free space that still holds it.
    connection.pragma_update(None, "secure_delete", "ON")?;
    Ok(connection)
}

/// A connection that cannot write, to a file that [`connect`] has open.
fn connect_to_read(path: &Path) -> Result<Connection, EngineError> {
    patient(Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?)
}

fn patient(connection: Connection) -> Result<Connection, EngineError> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    connection.busy_timeout(ANSWER_DEADLINE)?;
    Ok(connection)
}

/// Write the file anew, without its free pages and what is left in the used ones, and empty the log before it.
fn scrub(path: &Path) -> Result<(), EngineError> {
    let connection = connect(path)?;
    connection.execute_batch("VACUUM")?;
    empty_log(&connection)
}

/// As [`empty_log`], at this moment or not at all: it holds the lock of all writes for as long as it waits for a reader.
fn empty_log_now(path: &Path) -> Result<(), EngineError> {
    let connection = connect(path)?;
    connection.busy_timeout(Duration::ZERO)?;
    empty_log(&connection)
}

/// Write the log into the file and cut it to nothing.
fn empty_log(connection: &Connection) -> Result<(), EngineError> {
    let is_busy: bool = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    match is_busy {
        false => Ok(()),
        true => {
            Err(EngineError::Unavailable("the document file is in use, so its log cannot be emptied".into()))
        }
    }
}

/// The caller cannot tell more from it than "not now".
impl From<rusqlite::Error> for EngineError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}

fn write_failed(error: rusqlite::Error) -> EngineError {
    use rusqlite::ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_TRIGGER, SQLITE_CONSTRAINT_UNIQUE};
    use rusqlite::ffi::{SQLITE_ERROR, SQLITE_MISMATCH, SQLITE_TOOBIG};
    match &error {
        rusqlite::Error::SqliteFailure(e, _)
            if [SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE].contains(&e.extended_code) =>
        {
            EngineError::Duplicate
        }
        // The only triggers that refuse anything are those of collections whose documents are only ever added.
        rusqlite::Error::SqliteFailure(e, Some(name)) if e.extended_code == SQLITE_CONSTRAINT_TRIGGER => {
            EngineError::AppendOnly(name.clone())
        }
        // What no other try will change, JSON that is nested too deeply for one; and no sign that the disk is ill.
        rusqlite::Error::SqliteFailure(e, _)
            if [SQLITE_ERROR, SQLITE_MISMATCH, SQLITE_TOOBIG].contains(&e.extended_code) =>
        {
            EngineError::Malformed(error.to_string())
        }
        _ => error.into(),
    }
}

/// Insert rows; answers the places of those whose id or key is taken. Any other fault takes all of them back, out of a
/// transaction that others share.
fn insert_rows(
    connection: &Connection,
    text: &str,
    rows: Vec<impl Params>,
) -> Result<Vec<usize>, EngineError> {
    all_or_nothing(connection, || {
        let mut statement = connection.prepare_cached(text)?;
        let mut refused = Vec::new();
        for (place, row) in rows.into_iter().enumerate() {
            match statement.execute(row).map_err(write_failed) {
                Ok(_) => {}
                Err(EngineError::Duplicate) => refused.push(place),
                Err(error) => return Err(error),
            }
        }
        Ok(refused)
    })
}

/// Several changes in a transaction that others share.
fn all_or_nothing<T>(
    connection: &Connection,
    changes: impl FnOnce() -> Result<T, EngineError>,
) -> Result<T, EngineError> {
    connection.execute_batch("SAVEPOINT changes")?;
    let done = changes();
    connection.execute_batch(match done {
        Ok(_) => "RELEASE changes",
        Err(_) => "ROLLBACK TO changes; RELEASE changes",
    })?;
    done
}

fn ways(of: &'static Collection, amendments: Vec<Amendment>) -> Result<Vec<Way>, EngineError> {
    of.may_change()?;
    if amendments.len() > MAX_BATCH {
        return Err(EngineError::TooMany { got: amendments.len() });
    }
    amendments.into_iter().map(|one| Way::of(one, of)).collect()
}

impl Engine for Sqlite {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    fn connections(&self) -> Connections {
        self.readers.connections()
    }

    fn prepare<'a>(&'a self, collections: &'a [&'static Collection]) -> Answer<'a, ()> {
        // No deadline: a new index over a large file takes minutes, and a start that gave up would never get there.
        Box::pin(self.writer.run_to_its_end(sql::create(collections), |connection, statements| {
            Ok(statements.iter().try_for_each(|text| connection.execute_batch(text))?)
        }))
    }

    fn insert(&self, into: &'static Collection, id: String, body: Map<String, Value>) -> Answer<'_, ()> {
        Box::pin(async move {
            into.check(&body)?;
            let write = (sql::insert(into), id, rows::encode(&body));
            self.writer
                .run(write, |connection, (text, id, body)| {
                    let mut statement = connection.prepare_cached(&text)?;
                    statement.execute((id, body)).map_err(write_failed).map(drop)
                })
                .await
        })
    }

    fn insert_many(&self, into: &'static Collection, documents: Vec<New>) -> Answer<'_, Vec<usize>> {
        Box::pin(async move {
            if documents.len() > MAX_BATCH {
                return Err(EngineError::TooMany { got: documents.len() });
            }
            documents.iter().try_for_each(|new| into.check(&new.body))?;
            let rows: Vec<(String, String)> =
                documents.into_iter().map(|new| (new.id, rows::encode(&new.body))).collect();
            self.writer
                .run((sql::insert(into), rows), |connection, (text, rows)| {
                    insert_rows(connection, &text, rows)
                })
                .await
        })
    }

    fn get(&self, from: &'static Collection, id: String) -> Answer<'_, Option<Document>> {
        Box::pin(async move {
            let statement = sql::select(&Query::by_id(from, id).limit(1))?;
            Ok(self.readers.run(Effort::Small, move |c| rows::documents(c, &statement)).await?.pop())
        })
    }

    fn find(&self, query: Query) -> Answer<'_, Page> {
        Box::pin(async move {
            let shape = query.shape()?;
            let statement = sql::select(&query)?;
            let effort = if query.is_scan() { Effort::Scan } else { Effort::Small };
            let max_bytes = query.max_bytes;
            let begun = Begun::of(&query);
            let read = move |c: &Connection| {
                let mut statement = statement;
                if let (Some(begun), Some(question)) = (begun, statement.values.first_mut()) {
                    *question = begun.question(c)?.into();
                }
                rows::page(c, &statement, max_bytes)
            };
            let (mut documents, was_cut) = self.readers.run(effort, read).await?;
            let more = was_cut || documents.len() > query.limit;
            documents.truncate(query.limit);
            let next = match (shape, documents.last()) {
                (Some(shape), Some(last)) if more => Some(query.cursor_after(&shape, last)),
                _ => None,
            };
            Ok(Page { documents, next })
        })
    }

    fn compare_and_set(&self, into: &'static Collection, document: Document) -> Answer<'_, u64> {
        Box::pin(async move {
            into.may_change()?;
            into.check(&document.body)?;
            let body = rows::encode(&document.body);
            let write = (sql::replace(into), body, document.id, document.version);
            self.writer
                .run(write, |connection, (text, body, id, version)| {
                    let mut statement = connection.prepare_cached(&text)?;
                    match statement.execute((body, version + 1, id, version)).map_err(write_failed)? {
                        0 => Err(EngineError::Stale),
                        _ => Ok(version + 1),
                    }
                })
                .await
        })
    }

    fn find_one_and_update(&self, query: Query, update: Update) -> Answer<'_, Option<Document>> {
        Box::pin(async move {
            query.collection.may_change()?;
            update.check(query.collection)?;
            let change = InCode::new(&query, update)?;
            self.writer.run(change, |connection, change| change.make(connection)).await
        })
    }

    fn update_many(&self, of: &'static Collection, amendments: Vec<Amendment>) -> Answer<'_, usize> {
        Box::pin(async move {
            let ways = ways(of, amendments)?;
            self.writer
                .run(ways, |connection, ways| all_or_nothing(connection, || change::all(connection, ways)))
                .await
        })
    }

    fn update_in_turn(&self, of: &'static Collection, amendments: Vec<Amendment>) -> Answer<'_, usize> {
        Box::pin(async move {
            let ways = ways(of, amendments)?;
            self.writer
                .run(ways, |connection, ways| {
                    all_or_nothing(connection, || change::in_turn(connection, ways))
                })
                .await
        })
    }

    fn delete(&self, from: &'static Collection, id: String, version: u64) -> Answer<'_, bool> {
        Box::pin(async move {
            from.may_change()?;
            let write = (sql::delete(from), id, version);
            self.writer
                .run(write, |connection, (text, id, version)| {
                    let mut statement = connection.prepare_cached(&text)?;
                    Ok(statement.execute((id, version)).map_err(write_failed)? > 0)
                })
                .await
        })
    }

    fn delete_many(&self, query: Query) -> Answer<'_, usize> {
        Box::pin(async move {
            query.collection.may_change()?;
            let statement = sql::delete_many(&query)?;
            self.writer
                .run(statement, |connection, statement| {
                    plan::check(connection, &statement)?;
                    let mut prepared = connection.prepare_cached(&statement.text)?;
                    prepared.execute(params_from_iter(&statement.values)).map_err(write_failed)
                })
                .await
        })
    }

    fn count(&self, query: Query) -> Answer<'_, u64> {
        Box::pin(async move {
            let statement = sql::count(&query)?;
            self.readers.run(Effort::Scan, move |connection| rows::count(connection, &statement)).await
        })
    }

    fn sums(&self, query: Query, group_by: Place, fields: Vec<Field<Integer>>) -> Answer<'_, Vec<Totals>> {
        Box::pin(async move {
            let asked = |adding| -> Result<_, EngineError> {
                Ok((sql::sums(&query, group_by, &fields, adding)?, (adding, fields.len())))
            };
            let (whole, halves) = (asked(Adding::Whole)?, asked(Adding::Halves)?);
            let add = move |c: &Connection| match rows::totals(c, &whole.0, whole.1) {
                Err(EngineError::Overflow(_)) => rows::totals(c, &halves.0, halves.1),
                added => added,
            };
            self.readers.run(Effort::Scan, add).await
        })
    }

    fn list_by_id(
        &self,
        of: &'static Collection,
        which: Which,
        after: Option<String>,
    ) -> Answer<'_, Vec<Kept>> {
        Box::pin(async move {
            // The first schema has nothing before it, and no index for it.
            if which == Which::Outdated && of.schema() == 1 {
                return Ok(Vec::new());
            }
            let statement = sql::list_by_id(of, which, after);
            self.readers.run(Effort::Small, move |c| rows::kept(c, &statement)).await
        })
    }

    fn restore(&self, into: &'static Collection, documents: Vec<Kept>) -> Answer<'_, ()> {
        Box::pin(async move {
            documents.iter().try_for_each(|kept| into.check(&kept.document.body))?;
            let rows = documents.into_iter().map(|Kept { document, schema }| {
                (document.id, document.version, schema, rows::encode(&document.body))
            });
            self.writer
                .run((sql::restore(into), rows.collect::<Vec<_>>()), |connection, (text, rows)| {
                    match insert_rows(connection, &text, rows)?.is_empty() {
                        true => Ok(()),
                        false => Err(EngineError::Duplicate),
                    }
                })
                .await
        })
    }

    fn check_writable(&self) -> Answer<'_, ()> {
        Box::pin(self.writer.check())
    }

    fn settle(&self) -> Answer<'_, ()> {
        let path = self.readers.path.clone();
        Box::pin(async move {
            let mut tries = 0;
            loop {
                let path = path.clone();
                let settling = tokio::task::spawn_blocking(move || empty_log_now(&path));
                let settled =
                    settling.await.map_err(|_| EngineError::Unavailable("the cleaning broke off".into()))?;
                tries += 1;
                if settled.is_ok() || tries == SETTLING_TRIES {
                    return settled;
                }
                tokio::time::sleep(SETTLING_PAUSE).await;
            }
        })
    }

    fn scrub(&self) -> Answer<'_, ()> {
        let path = self.readers.path.clone();
        Box::pin(async move {
            let scrubbing = tokio::task::spawn_blocking(move || scrub(&path));
            scrubbing.await.map_err(|_| EngineError::Unavailable("the cleaning broke off".into()))?
        })
    }

    fn renew_words(&self, renewal: Renewal) -> Answer<'_, bool> {
        Box::pin(self.writer.run(renewal, words::renew))
    }

    fn brought_up(&self) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    /// Its connections are closed when it is dropped.
    fn close(&self) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

#[cfg(test)]
mod tests;
