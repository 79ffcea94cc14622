//! What is shown of campaigns, in words.

use serde_json::Value;

use crate::terminal::plain;

/// A field's text; empty where there is none.
pub fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

/// Where a campaign stands, and why if nobody asked for it.
pub fn state(campaign: &Value) -> String {
    let mut state = plain(&text(campaign, "state"));
    if campaign["draining"] == true {
        state.push_str(", draining");
    }
    match campaign["why"].as_str() {
        Some(why) => format!("{state} ({})", plain(why)),
        None => state,
    }
}

/// One line: the state, and how many contacts stand where.
pub fn progress(campaign: &Value) -> String {
    let counts = campaign["contacts"].as_object().into_iter().flatten();
    let counts = counts.filter(|(_, count)| count.as_u64().is_some_and(|count| count > 0));
    let counts: Vec<String> = counts.map(|(name, count)| format!("{count} {}", plain(name))).collect();
    let counts = if counts.is_empty() { "nobody".to_owned() } else { counts.join(", ") };
    format!("{}: {counts}", state(campaign))
}

/// What became of a file's rows.
pub fn import(counts: &Value) -> String {
    let count = |name: &str| counts[name].as_u64().unwrap_or_default();
    let mut parts = vec![format!("{} rows", count("rows"))];
    for (name, words) in [
        ("created", "new"),
        ("updated", "changed"),
        ("unchanged", "known already"),
        ("duplicate", "twice in the file"),
    ] {
        if count(name) > 0 {
            parts.push(format!("{} {words}", count(name)));
        }
    }
    let refused = counts["refused"].as_object().into_iter().flatten();
    parts.extend(refused.map(|(reason, count)| format!("{count} not taken ({})", plain(reason))));
    parts.join(", ") + "."
}

/// A line for each field of an answer; objects in JSON.
pub fn fields(answer: &Value) -> Vec<String> {
    let shown = |value: &Value| match value {
        Value::String(text) => plain(text),
        other => plain(&other.to_string()),
    };
    let fields = answer.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    fields.map(|(name, value)| format!("  {:<22} {}", plain(name), shown(value))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn counts_are_told_without_what_is_nothing() {
        let campaign =
            json!({"state": "paused", "why": "dead_air", "contacts": {"ready": 3, "done": 0, "dialing": 1}});
        assert_eq!(progress(&campaign), "paused (dead_air): 1 dialing, 3 ready");
        assert_eq!(progress(&json!({"state": "draft"})), "draft: nobody");
        let counts = json!({"rows": 5, "created": 3, "duplicate": 1, "refused": {"not_a_number": 1}});
        assert_eq!(import(&counts), "5 rows, 3 new, 1 twice in the file, 1 not taken (not_a_number).");
    }

    #[test]
    fn foreign_text_stays_text() {
        let lines = fields(&json!({"limiting": "slots\x1b[2J", "none": null, "left": 41}));
        assert_eq!(lines.len(), 2);
        assert!(lines.iter().all(|line| !line.contains('\x1b')), "{lines:?}");
    }
}
