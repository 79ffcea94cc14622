//! A call that nobody answered is no completed one: the record says what the carrier said of it, in whatever spelling.

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::Stage;
use crate::harness::raw::{Raw, text, ws_handshake};
use crate::harness::vendors::Scripts;

async fn outcome(stage: &Stage, bot: &str, caller: &str, messages: Vec<Message>) -> String {
    let mut raw = Raw::open(&format!("{}/ws/{bot}", stage.worker.url())).await;
    raw.send_all(messages).await;
    raw.until_closed(None).await;
    stage.record(caller).await["disconnected_by"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn in_the_carriers_words() {
    let stage = Stage::start(Scripts::default()).await;
    let bot = stage.bot(|_| {}).await;
    for (n, (word, by)) in [
        (json!("customer"), "no_answer"),
        (json!("noanswer"), "no_answer"),
        (json!("Cancelled"), "no_answer"),
        (json!(null), "no_answer"),
        (json!("user_busy"), "busy"),
        (json!(486), "busy"),
        (json!("Call Rejected"), "rejected"),
        (json!("FAILED"), "error"),
    ]
    .into_iter()
    .enumerate()
    {
        let caller = format!("ringing-{n}");
        let mut messages = ws_handshake(&caller);
        messages.pop();
        messages.push(text(json!({"event": "hangup-call", "disconnectedBy": word.clone()})));
        assert_eq!(outcome(&stage, &bot, &caller, messages).await, by, "{word}");
    }
    let mut gone = ws_handshake("gone");
    gone.pop();
    gone.push(Message::Close(None));
    assert_eq!(outcome(&stage, &bot, "gone", gone).await, "no_answer", "the carrier closed while it rang");
    let mut answered = ws_handshake("answered");
    answered.push(text(json!({"event": "hangup-call", "disconnectedBy": "busy"})));
    assert_eq!(outcome(&stage, &bot, "answered", answered).await, "customer", "it was answered");
    stage.end().await;
}
