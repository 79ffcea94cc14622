//! An index over words: an FTS5 table without content of its own, kept by triggers on the documents' table, so that no write can miss
//! it. FTS5 sees hexadecimal digits instead of words: nothing in them is folded, split or taken for an operator, and what one word
//! begins with the other begins with too. A row's number is the document's place, in whose order FTS5 reads without sorting.
//! See <https://www.sqlite.org/fts5.html>.

use data_encoding::HEXUPPER;
use serde_json::Value;

use super::super::Index;
use super::super::query::Word;
use super::names::{field, index_name};

/// Between the scope and a word; it is in no scope.
const BETWEEN: char = '\n';

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
        // What is taken out is not left in the index until its segments are merged.
        format!("INSERT INTO {name} ({name}, rank) VALUES ('secure-delete', 1)"),
        trigger("INSERT", "", &add),
        trigger("DELETE", "", &remove),
        trigger("UPDATE OF body", &format!(" WHEN {}", differs.join(" OR ")), &format!("{remove} {add}")),
    ]
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
    let scope = scope.as_str().unwrap_or_default();
    let indexed = |word: &str| HEXUPPER.encode(format!("{scope}{BETWEEN}{word}").as_bytes());
    let asked = words.iter().map(|word| match word {
        Word::Whole(word) => format!("\"{}\"", indexed(word)),
        Word::Prefix(word) => format!("\"{}\" *", indexed(word)),
    });
    asked.collect::<Vec<_>>().join(" AND ")
}
