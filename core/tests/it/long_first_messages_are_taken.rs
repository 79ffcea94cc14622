//! What a dialler says of a call may be long: it reaches the bridge, the bot's prompt and the record.

use serde_json::json;
use std::time::Duration;

use crate::harness::raw::{Raw, text, ws_handshake};
use crate::harness::vendors::Scripts;
use crate::harness::{GREETING, Stage, texts};

const CALLER: &str = "+919800000200";
/// Ten times what fits into an address.
const LONG_BYTES: usize = 200 * 1024;
/// Frames of 20 ms in which the greeting's first words are said.
const FIRST_WORDS: usize = 75;

#[tokio::test]
async fn two_hundred_kilobytes_of_a_customers_history_begin_a_call() {
    let stage = Stage::start(Scripts::default()).await;
    let bot = stage.bot(|bot| bot.opening_message = format!("{GREETING} {{{{note}}}}")).await;
    let mut raw = Raw::open(&format!("{}/ws/{bot}", stage.worker.url())).await;
    let history = "\u{924}\u{947}ä ".repeat(LONG_BYTES / 9);
    let mut handshake = ws_handshake(CALLER);
    handshake[0] = text(json!({
        "event": "connected", "callerId": CALLER, "did": "800", "callDirection": "incoming", "history": history,
        "note": "Hello.",
    }));
    raw.send_all(handshake).await;
    let mut heard = 0;
    while heard < FIRST_WORDS {
        let message = raw.next(Duration::from_secs(10)).await;
        let message = message.unwrap_or_else(|| panic!("the bot speaks: {}", stage.worker.log()));
        heard += usize::from(message.to_text().is_ok_and(|text| text.contains("media\"")));
    }
    raw.send(text(json!({"event": "hangup-call", "disconnectedBy": "customer"}))).await;
    raw.until_closed(None).await;
    let record = stage.record(CALLER).await;
    assert_eq!(record["connected_event"]["history"], history);
    assert!(texts(&record, "bot")[0].starts_with("Good day"), "{:?}", texts(&record, "bot"));
    stage.end().await;
}
