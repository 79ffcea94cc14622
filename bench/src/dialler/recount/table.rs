//! The attempts as CSV against the attempts as JSON.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Found;
use super::told::{Attempt, Told};

/// How far a length of one decimal may be from the length itself, seconds.
const ROUNDED: f64 = 0.05 + 1e-6;
/// What a cell that begins with one of these has an apostrophe before.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// A line for each attempt, in their order, that says the same.
pub(super) fn differences(told: &Told, found: &mut Found) {
    let mut rows = rows(&told.table);
    if rows.is_empty() {
        return found.note("the CSV of attempts has no header".into());
    }
    let header = rows.remove(0);
    found.same("attempts of the CSV", &rows.len(), &told.attempts.len());
    for (row, attempt) in rows.iter().zip(&told.attempts) {
        let told: BTreeMap<&str, &str> =
            header.iter().map(String::as_str).zip(row.iter().map(String::as_str)).collect();
        line(&told, attempt, found);
    }
}

fn line(row: &BTreeMap<&str, &str>, attempt: &Attempt, found: &mut Found) {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let of_carrier = |name: &str| match attempt.carrier.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    };
    let cells = [
        ("attempt", attempt.id.clone()),
        ("contact", attempt.contact_id.clone()),
        ("try", attempt.att.to_string()),
        ("run", attempt.run.to_string()),
        ("number", attempt.number.clone()),
        ("from_number", attempt.from_number.clone()),
        ("result", attempt.result.clone().unwrap_or_else(|| attempt.stage.clone())),
        ("counts", attempt.counts.map(|counts| counts.to_string()).unwrap_or_default()),
        ("claimed_at", attempt.claimed_at.clone()),
        ("dial_at", text(&attempt.dial_at)),
        ("answered_at", text(&attempt.answered_at)),
        ("ended_at", text(&attempt.ended_at)),
        ("ring_ms", attempt.ring_ms.map(|ms| ms.to_string()).unwrap_or_default()),
        ("answered_by", text(&attempt.answered_by)),
        ("sip", of_carrier("sip")),
        ("phrase", of_carrier("phrase")),
        ("call", attempt.session_id.clone()),
    ];
    for (column, wanted) in cells {
        let cell = row.get(column).map(|cell| plain(cell));
        found.same(format!("{column} of {} in the CSV", attempt.id), &cell, &Some(wanted.as_str()));
    }
    let talk = row.get("talk_seconds").copied();
    let is_same = match attempt.talk_seconds {
        None => talk == Some(""),
        Some(wanted) => {
            let seconds = talk.and_then(|cell| cell.parse::<f64>().ok());
            seconds.is_some_and(|seconds| (seconds - wanted).abs() <= ROUNDED)
        }
    };
    if !is_same {
        let wanted = attempt.talk_seconds;
        found.note(format!("talk_seconds of {} in the CSV is {talk:?}, not {wanted:?}", attempt.id));
    }
}

/// A cell without the apostrophe that keeps it from being a formula.
fn plain(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| rest.starts_with(FORMULA)).unwrap_or(cell)
}

/// Rows of RFC 4180; empty ones are none.
fn rows(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut is_quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if is_quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' => is_quoted = !is_quoted,
            c if is_quoted => cell.push(c),
            ',' => row.push(std::mem::take(&mut cell)),
            '\r' => {}
            '\n' => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            c => cell.push(c),
        }
    }
    if !cell.is_empty() || !row.is_empty() {
        row.push(cell);
        rows.push(row);
    }
    rows.retain(|row| row.iter().any(|cell| !cell.is_empty()));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_read_as_they_were_written() {
        let text = "a,b,c\r\n\"1,\"\"x\"\"\",\"line\r\nbreak\",\r\n'+1212,'plain,\r\n";
        let read = rows(text);
        assert_eq!(
            read,
            [vec!["a", "b", "c"], vec!["1,\"x\"", "line\r\nbreak", ""], vec!["'+1212", "'plain", ""]]
        );
        assert_eq!((plain(&read[2][0]), plain(&read[2][1])), ("+1212", "'plain"));
        assert_eq!(rows(""), Vec::<Vec<String>>::new());
    }
}
