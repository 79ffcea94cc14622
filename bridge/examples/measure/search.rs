//! Searches over all those calls: words that most calls have, that a few have and that none has together.

use crate::bridge::Bridge;
use crate::lists::{Question, timed};
use crate::report::Row;
use crate::seed::{WORDS, word};

/// A word that few calls have.
fn rare(n: u32) -> String {
    word(WORDS - 1 - n as usize % 500)
}

pub async fn found(bridge: &Bridge) -> anyhow::Result<Vec<Row>> {
    let kinds: Vec<(&str, Question)> = vec![
        ("search: a word of most calls", Box::new(|_| format!("text={}", word(0)))),
        ("search: a rare word", Box::new(|n| format!("text={}", rare(n)))),
        ("search: two rare words", Box::new(|n| format!("text={}+{}", rare(n), rare(n + 7)))),
        ("search: a rare word and one of most calls", Box::new(|n| format!("text={}+{}", rare(n), word(0)))),
        ("search: the beginning of a word", Box::new(|n| format!("text={}*", &rare(n)[..5]))),
        (
            "search: a word of most calls, a bot and a status",
            Box::new(|n| format!("text={}&bot_id=bot-{}&status=busy", word(1), n % 20)),
        ),
        ("search: a number", Box::new(|n| format!("to_number=%2B4930{n:07}"))),
    ];
    timed(bridge, "/api/v1/calls", kinds).await
}
