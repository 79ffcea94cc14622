//! An index over words: an FTS5 table without content of its own, kept by triggers on the documents' table, so that no write can miss
//! it. FTS5 sees hexadecimal digits instead of words: nothing in them is folded, split or taken for an operator, and what one word
//! begins with the other begins with too. A row's number is the document's place, in whose order FTS5 reads without sorting.
//! See <https://www.sqlite.org/fts5.html>.

use std::collections::BTreeMap;

use data_encoding::{HEXLOWER, HEXUPPER};
use rusqlite::{Connection, OptionalExtension, Statement};
use serde_json::Value;

use super::super::query::{By, Query, Word};
use super::super::{EngineError, Index, Renewal};
use super::all_or_nothing;
use super::names::{field, index_name};

/// Between the scope and a word; it is in no scope.
const BETWEEN: char = '\n';
/// Pages of 4 KB that a step of a renewal writes: 10 to 25 ms in which other writes wait. A word that very many documents have is
/// written in one step, 2 bytes for each of them.
const PAGES_AT_ONCE: u32 = 64;
/// Changes that a merge of FTS5 with nothing to do counts at most (<https://www.sqlite.org/fts5.html#the_merge_command>).
const CHANGES_OF_NOTHING: u64 = 1;
/// Words of one beginning that are looked for one by one: 60 µs to find each, and as much to read its first document.
const MOST_BEGUN: usize = 256;
/// Follows every hexadecimal digit in the order of bytes. FTS5 keeps them in lower case.
const AFTER_ALL_DIGITS: char = 'g';
/// The place of no document.
const NOBODYS: i64 = -1;

/// The statements that make the table and the triggers.
pub fn create(table: &str, index: &Index) -> Vec<String> {
    let (Some(words), [scope, place]) = (&index.words, index.fields) else { return Vec::new() };
    let (name, list) = (index_name(table, index), format!("'$.{}'", words.path));
    let of = |row: &str, expression: String| expression.replace("(body", &format!("({row}.body"));
    let indexed = |row: &str| {
        format!(
            "(SELECT group_concat(hex({} || char(10) || value), ' ') FROM json_each({row}.body, {list}))",
            of(row, field(scope))
        )
    };
    let add = format!(
        "INSERT INTO {name} (rowid, words) VALUES ({}, {});",
        of("NEW", field(place)),
        indexed("NEW")
    );
    let remove = format!(
        "INSERT INTO {name} ({name}, rowid, words) VALUES ('delete', {}, {});",
        of("OLD", field(place)),
        indexed("OLD")
    );
    let differs = [field(scope), field(place), field(words)]
        .map(|value| format!("{} IS NOT {}", of("OLD", value.clone()), of("NEW", value)));
    let trigger = |event: &str, when: &str, body: &str| {
        let short = event.split(' ').next().unwrap_or(event).to_lowercase();
        format!(
            "CREATE TRIGGER IF NOT EXISTS {name}__{short} AFTER {event} ON {table}{when} BEGIN {body} END"
        )
    };
    vec![
        format!("CREATE UNIQUE INDEX IF NOT EXISTS {name}__place ON {table} ({})", field(place)),
        format!(
            "CREATE VIRTUAL TABLE IF NOT EXISTS {name} USING fts5(words, content='', columnsize=0, detail=none, \
             tokenize='ascii')"
        ),
        // What is taken out is not left in the index until its segments are merged, but for what [`renew`] is about.
        format!("INSERT INTO {name} ({name}, rank) VALUES ('secure-delete', 1)"),
        trigger("INSERT", "", &add),
        trigger("DELETE", "", &remove),
        trigger("UPDATE OF body", &format!(" WHEN {}", differs.join(" OR ")), &format!("{remove} {add}")),
    ]
}

/// Merge every index over words into one segment, step by step. `secure-delete` takes a word out of a page and leaves what leads to the
/// page: as much of the page's first word as tells it from the last one of the page before, which may be all of it. Only a merge
/// writes that anew. FTS5 merges no segment that stands alone, so each renewal begins with another one, of a word that is nobody's.
pub fn renew(connection: &Connection, renewal: Renewal) -> Result<bool, EngineError> {
    let of_words = "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL TABLE % USING fts5(%'";
    let mut statement = connection.prepare_cached(of_words)?;
    let names = statement.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    all_or_nothing(connection, || {
        let mut is_done = renewal == Renewal::GoOn;
        for name in names {
            let before = connection.total_changes();
            connection.execute_batch(&step(&name, renewal))?;
            is_done &= connection.total_changes() - before <= CHANGES_OF_NOTHING;
        }
        Ok(is_done)
    })
}

fn step(name: &str, renewal: Renewal) -> String {
    match renewal {
        // Of a negative number of pages: all segments are to become one.
        Renewal::Begin => format!(
            "INSERT INTO {name} (rowid, words) VALUES ({NOBODYS}, 'nobodys'); \
             INSERT INTO {name} ({name}, rank) VALUES ('merge', -{PAGES_AT_ONCE}); \
             INSERT INTO {name} ({name}, rowid, words) VALUES ('delete', {NOBODYS}, 'nobodys');"
        ),
        Renewal::GoOn => format!("INSERT INTO {name} ({name}, rank) VALUES ('merge', {PAGES_AT_ONCE});"),
    }
}

/// Where a document stands in the answer.
pub fn place_of(table: &str, index: &Index) -> String {
    format!("{}.rowid", index_name(table, index))
}

/// A search of the documents that a question (its first value) finds. The sign takes the type off the row's number: SQLite would not
/// look it up among values without one.
pub fn select(select: &str, table: &str, index: &Index) -> String {
    let name = index_name(table, index);
    let place = index.fields.get(1).map(field).unwrap_or_default();
    format!(
        "{select} FROM {name} CROSS JOIN {table} INDEXED BY {name}__place ON {place} = +{name}.rowid \
         WHERE {name} MATCH ?"
    )
}

/// The question in FTS5's language.
pub fn question(scope: &Value, words: &[Word]) -> String {
    asked(scope, words, &BTreeMap::new())
}

/// `begun` has the words of each beginning, where they are known.
fn asked(scope: &Value, words: &[Word], begun: &BTreeMap<&str, Vec<String>>) -> String {
    let asked = words.iter().map(|word| match word {
        Word::Whole(word) => format!("\"{}\"", HEXUPPER.encode(&indexed(scope, word))),
        Word::Prefix(word) => match begun.get(word.as_str()) {
            Some(words) => format!("({})", words.join(" OR ")),
            None => format!("\"{}\" *", HEXUPPER.encode(&indexed(scope, word))),
        },
    });
    asked.collect::<Vec<_>>().join(" AND ")
}

fn indexed(scope: &Value, word: &str) -> Vec<u8> {
    format!("{}{BETWEEN}{word}", scope.as_str().unwrap_or_default()).into_bytes()
}

/// A search with beginnings of words, which are to become the words that there are. FTS5 puts the documents of all words of a beginning
/// together before it gives the first one (0.2 s where one of them is in most of a million calls), and reads those of whole words, however
/// many, in the order of their places and no further than it is asked.
pub struct Begun {
    index: String,
    scope: Value,
    words: Vec<Word>,
}

impl Begun {
    /// `None` for a search without beginnings.
    pub fn of(query: &Query) -> Option<Self> {
        let By::Words { name, scope, words, .. } = &query.by else { return None };
        let index = query.collection.index(name).ok()?;
        let has_one = words.iter().any(|word| matches!(word, Word::Prefix(_)));
        has_one.then(|| Self {
            index: index_name(query.collection.name, index),
            scope: scope.1.clone(),
            words: words.clone(),
        })
    }

    /// As [`question`], of whole words where a beginning has no more than [`MOST_BEGUN`].
    pub fn question(&self, connection: &Connection) -> Result<String, EngineError> {
        let words = format!("temp.{}__begun", self.index);
        connection.execute_batch(&format!(
            "CREATE VIRTUAL TABLE IF NOT EXISTS {words} USING fts5vocab('main', '{}', 'instance')",
            self.index
        ))?;
        // One look for each word, to its first document: what the table has in all is each document of each word.
        let next = format!("SELECT term FROM {words} WHERE term >= ? AND term < ? LIMIT 1");
        let mut next = connection.prepare_cached(&next)?;
        let mut found = BTreeMap::new();
        for word in &self.words {
            if let Word::Prefix(word) = word
                && let Some(words) = begun(&mut next, &HEXLOWER.encode(&indexed(&self.scope, word)))?
            {
                found.insert(word.as_str(), words);
            }
        }
        Ok(asked(&self.scope, &self.words, &found))
    }
}

/// The words that begin so, quoted; `None` when there are too many, or none.
fn begun(next: &mut Statement<'_>, beginning: &str) -> Result<Option<Vec<String>>, EngineError> {
    let (mut from, below) = (beginning.to_owned(), format!("{beginning}{AFTER_ALL_DIGITS}"));
    let mut found = Vec::new();
    while let Some(word) = next.query_row((&from, &below), |row| row.get::<_, String>(0)).optional()? {
        found.push(format!("\"{word}\""));
        if found.len() > MOST_BEGUN {
            return Ok(None);
        }
        // What begins with the word comes after it.
        from = word + "0";
    }
    Ok(Some(found).filter(|found| !found.is_empty()))
}
