//! Settings of campaigns that are run for a test or a measurement, and a judge of what they left behind.

pub mod journal;
pub mod judge;

use serde_json::{Map, Value, json};

/// Results that may be followed by another attempt, hours later.
pub const RETRIED: [&str; 15] = [
    "no_answer",
    "busy",
    "unavailable",
    "declined",
    "network",
    "congestion",
    "blocked",
    "hangup_early",
    "abandoned",
    "voicemail",
    "voicemail_left",
    "voicemail_full",
    "ivr",
    "screened",
    "lost",
];

/// A campaign's `retries` by which whoever was called counts as called: nobody waits for the hours until a second try.
pub fn each_once() -> Value {
    let none = RETRIED.iter().map(|result| ((*result).to_owned(), json!({"delays_min": []})));
    Value::Object(none.collect::<Map<_, _>>())
}
