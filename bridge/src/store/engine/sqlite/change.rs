//! Changes of documents. One that may be made unread is made by SQLite itself, which edits its binary JSON; any other is made in
//! code.

use rusqlite::types::Value as Bound;
use rusqlite::{Connection, params_from_iter};

use super::super::update::Change;
use super::super::{Amendment, Collection, Document, EngineError, Query, Update};
use super::sql::Statement;
use super::{plan, rows, sql, write_failed};

/// How one document is changed.
pub enum Way {
    There(Statement),
    Here(InCode),
}

/// A change in code.
pub struct InCode {
    select: Statement,
    of: &'static Collection,
    update: Update,
}

impl InCode {
    pub fn new(query: &Query, update: Update) -> Result<Self, EngineError> {
        let select = sql::select(&Query { omit: &[], ..query.clone() }.limit(1))?;
        Ok(Self { select, of: query.collection, update })
    }

    /// The document as it is then; `None` when the search finds none.
    pub fn make(self, connection: &Connection) -> Result<Option<Document>, EngineError> {
        let Self { select, of, update } = self;
        let Some(mut document) = rows::documents(connection, &select)?.into_iter().next() else {
            return Ok(None);
        };
        update.apply(&mut document.body)?;
        of.check(&document.body)?;
        let (version, body) = (document.version, rows::encode(&document.body));
        let mut statement = connection.prepare_cached(&sql::replace(of))?;
        statement.execute((body, version + 1, &document.id, version)).map_err(write_failed)?;
        document.version += 1;
        Ok(Some(document))
    }
}

impl Way {
    pub fn of(amendment: Amendment, of: &'static Collection) -> Result<Self, EngineError> {
        amendment.update.check(of)?;
        let query = amendment.query(of);
        if !amendment.update.is_blind(of) {
            return Ok(Self::Here(InCode::new(&query, amendment.update)?));
        }
        Ok(Self::There(there(&query, &amendment.update)?))
    }

    /// Whether there was a document to change.
    pub fn make(self, connection: &Connection) -> Result<bool, EngineError> {
        match self {
            Self::Here(change) => Ok(change.make(connection)?.is_some()),
            Self::There(statement) => {
                plan::check(connection, &statement)?;
                let mut prepared = connection.prepare_cached(&statement.text)?;
                Ok(prepared.execute(params_from_iter(&statement.values)).map_err(write_failed)? > 0)
            }
        }
    }
}

/// Each of them; how many there were to change.
pub fn all(connection: &Connection, ways: Vec<Way>) -> Result<usize, EngineError> {
    ways.into_iter().try_fold(0, |changed, way| Ok(changed + usize::from(way.make(connection)?)))
}

/// One after the other, up to the first that there is not to change; how many before it.
pub fn in_turn(connection: &Connection, ways: Vec<Way>) -> Result<usize, EngineError> {
    let mut changed = 0;
    for way in ways {
        match way.make(connection) {
            Ok(true) => changed += 1,
            Ok(false) => break,
            Err(EngineError::Duplicate | EngineError::Malformed(_)) if changed > 0 => break,
            Err(error) => return Err(error),
        }
    }
    Ok(changed)
}

fn there(query: &Query, update: &Update) -> Result<Statement, EngineError> {
    let (table, schema) = (query.collection.name, query.collection.schema());
    let (mut set, mut unset, mut values) = (String::new(), String::new(), Vec::new());
    for (place, change) in update.changes() {
        match change {
            Change::Set(value) => {
                set.push_str(&format!(", '$.{}', jsonb(?)", place.path));
                values.push(Bound::Text(value.to_string()));
            }
            Change::Unset | Change::Increment(_) => unset.push_str(&format!(", '$.{}'", place.path)),
        }
    }
    let body = if set.is_empty() { "body".to_owned() } else { format!("jsonb_set(body{set})") };
    let body = if unset.is_empty() { body } else { format!("jsonb_remove({body}{unset})") };
    let found = sql::filtered(query, "SELECT rowid")?;
    values.extend(found.values);
    let text = format!(
        "UPDATE {table} SET body = {body}, version = version + 1, schema = {schema} WHERE rowid = ({})",
        found.text
    );
    Ok(Statement { text, values })
}
