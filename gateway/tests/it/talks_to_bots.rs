//! The whole way, from a telephone to a bot and back: SIPp calls a carrier's number, or is called, over trunks and rules that a bridge
//! made, and the call's record says what became of it. LiveKit's own SIP gateway has its stand-in here; all else is real.

use serde_json::{Value, json};

use crate::harness::{Exchange, Handset, spoken};

const DID: &str = "+918045678901";
const CALLER: &str = "+15550100";
/// Whom a caller is handed over to, as the scenario has it.
const AGENT: &str = "+15550111";
/// As telephones offer their codecs: the gateway takes µ-law of both.
const BOTH_LAWS: &str = "8 0";
const A_LAW: &str = "8";
/// Of a carrier that only brings calls: nothing is ever sent there.
const NOWHERE: &str = "127.0.0.1:5060";

fn is_as_it_was(record: &Value, direction: &str, by: &str) {
    assert_eq!(
        (&record["transport"], &record["call_direction"], &record["disconnected_by"]),
        (&json!("livekit"), &json!(direction), &json!(by)),
        "{record}"
    );
}

/// The lines of one side, in the order in which they were said.
fn said_by<'a>(record: &'a Value, speaker: &str) -> Vec<&'a str> {
    let lines = record["transcript"].as_array().expect("a record has a transcript").iter();
    lines.filter(|line| line["speaker"] == speaker).map(|line| line["text"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_telephone_calls_talks_presses_keys_and_hangs_up() {
    let exchange = Exchange::start(1).await;
    exchange.carrier(NOWHERE, DID).await;
    let mut phone =
        Handset::calls(exchange.gateway.address(), (CALLER, DID), ("caller_hangs_up", BOTH_LAWS)).await;
    phone.line.hears_reply().await;
    phone.line.says(&spoken("yes I can").await).await;
    phone.line.hears_reply().await;
    phone.line.presses("42#").await;
    phone.line.hears_reply().await;
    phone.hangs_up();
    phone.ended_content().await;
    let record = exchange.record(CALLER).await;
    is_as_it_was(&record, "incoming", "customer");
    assert_eq!(
        (&record["caller_id"], &record["connected_event"]["did"]),
        (&json!(CALLER), &json!(DID)),
        "{record}"
    );
    assert_eq!(said_by(&record, "caller"), ["yes i can", "[keypad: 42]"], "{record}");
    assert!(said_by(&record, "bot")[1].contains("stays as it is"), "it answers to what was said: {record}");
}

#[tokio::test]
async fn a_telephone_talks_and_is_handed_over_by_refer() {
    let exchange = Exchange::start(1).await;
    exchange.carrier(NOWHERE, DID).await;
    let mut phone =
        Handset::calls(exchange.gateway.address(), (CALLER, DID), ("caller_is_handed_over", A_LAW)).await;
    phone.line.hears_reply().await;
    phone.line.says(&spoken("no thank you").await).await;
    phone.line.hears_reply().await;
    let session = exchange.running(CALLER).await;
    exchange.orders(&session, "transfer", json!({"to": AGENT})).await;
    phone.ended_content().await;
    let record = exchange.record(CALLER).await;
    is_as_it_was(&record, "incoming", "transfer_to_agent");
    assert_eq!(said_by(&record, "caller"), ["no thank you"], "{record}");
    assert_eq!(
        (&record["was_transferred"], &record["transfer_method"], &record["transfer_destination"]),
        (&json!(true), &json!("livekit_sip_refer"), &json!(AGENT))
    );
}

#[tokio::test]
async fn a_telephone_is_rung_and_its_answer_is_recorded() {
    let exchange = Exchange::start(2).await;
    // One worker waits for somebody who never answers, while the other goes on.
    let patient = Handset::rings().await;
    exchange.carrier(&patient.address.to_string(), "+15550190").await;
    exchange.dials_out("+15550190", "+15550200").await;

    let mut phone = Handset::answers().await;
    exchange.carrier(&phone.address.to_string(), DID).await;
    let session = exchange.dials_out(DID, "+15550201").await;
    phone.line.hears_reply().await;
    exchange.orders(&session, "end", json!({})).await;
    phone.ended_content().await;
    let record = exchange.record("+15550201").await;
    is_as_it_was(&record, "outgoing", "bot");
    assert_eq!((&record["session_id"], &record["connected_event"]["did"]), (&json!(session), &json!(DID)));

    for (n, (status, by)) in [("486 Busy Here", "busy"), ("603 Decline", "rejected")].into_iter().enumerate()
    {
        let phone = Handset::refuses(status).await;
        let (from, to) = (format!("+1555019{}", n + 1), format!("+1555021{n}"));
        exchange.carrier(&phone.address.to_string(), &from).await;
        exchange.dials_out(&from, &to).await;
        phone.ended_content().await;
        is_as_it_was(&exchange.record(&to).await, "outgoing", by);
    }
    patient.ended_content().await;
    is_as_it_was(&exchange.record("+15550200").await, "outgoing", "no_answer");
}

#[tokio::test]
async fn a_machine_is_left_the_bots_message_after_its_beep() {
    const GREETING: &str = "please leave a message after the tone";
    const MESSAGE: &str = "This is a message from the clinic.";
    let exchange = Exchange::start(1).await;
    let script = json!({
        "start": "ask",
        "intents": [{"name": "machine", "match": "(leave|message|tone|beep)", "then": "voicemail"}],
        "states": {"ask": {"ask": "Can you come on Friday?", "reprompts": ["Can you come on Friday?"]}},
        "give_up": {"say": "Goodbye.", "then": "end_call"}
    });
    exchange
        .changes_bot(json!({
            "tools": [{"name": "end_call"}, {"name": "detected_voicemail"}],
            "llm": {"provider": "scripted", "extra": {"script": script}},
            "stt": {"provider": "pocketsphinx", "language": "en", "extra": {"expected": [GREETING, "yes", "no"]}},
            "voicemail_message": MESSAGE
        }))
        .await;
    let phone = Handset::answers().await;
    exchange.carrier(&phone.address.to_string(), DID).await;
    exchange.dials_out(DID, "+15550203").await;
    let pause = vec![0; 8_000 * 4 / 10];
    let mut tone = vox_harness::tone(8_000, 1_000.0);
    let beep: Vec<i16> = (0..25).flat_map(|_| tone()).collect();
    phone.line.says(&[spoken(GREETING).await, pause, beep].concat()).await;
    phone.ended_content().await;
    let record = exchange.record("+15550203").await;
    is_as_it_was(&record, "outgoing", "voicemail");
    let told = record["events"].as_array().expect("a record has events").iter();
    let begun: Vec<_> = told.filter(|event| event["event"] == "voicemail_message").collect();
    assert!(!begun.is_empty(), "{record}");
    for event in begun {
        // A machine that is silent is left its message too: that is not what happened here.
        assert!(event["why"].as_str().is_some_and(|why| why.contains("beeped")), "{record}");
    }
    assert_eq!(said_by(&record, "bot").last(), Some(&MESSAGE), "{record}");
}

/// Nobody tells the bot that it is a machine: the detector hears it, before the bot has said a word.
#[tokio::test]
async fn the_bot_waits_for_who_has_answered() {
    const GREETING: &str = "please leave a message after the tone";
    const HELLO: &str = "hello";
    const MESSAGE: &str = "This is a message from the clinic.";
    let exchange = Exchange::start(1).await;
    exchange
        .changes_bot(json!({
            "answering": {"detect": true},
            "stt": {"provider": "pocketsphinx", "language": "en", "extra": {"expected": [GREETING, HELLO]}},
            "voicemail_message": MESSAGE
        }))
        .await;
    let phone = Handset::answers().await;
    exchange.carrier(&phone.address.to_string(), DID).await;
    exchange.dials_out(DID, "+15550204").await;
    let pause = vec![0; 8_000 * 4 / 10];
    let mut tone = vox_harness::tone(8_000, 1_000.0);
    let beep: Vec<i16> = (0..25).flat_map(|_| tone()).collect();
    phone.line.says(&[spoken(GREETING).await, pause, beep].concat()).await;
    phone.ended_content().await;
    let record = exchange.record("+15550204").await;
    is_as_it_was(&record, "outgoing", "voicemail");
    assert_eq!(said_by(&record, "bot"), [MESSAGE], "no machine is greeted: {record}");
    let answered_by = &record["answered_by"];
    assert_eq!((&answered_by["class"], &answered_by["message_left"]), (&json!("voicemail"), &json!(true)));
    assert!(answered_by["evidence"].is_object(), "{record}");

    // A person says hello, and waits.
    let mut phone = Handset::answers().await;
    exchange.carrier(&phone.address.to_string(), "+15550195").await;
    let session = exchange.dials_out("+15550195", "+15550205").await;
    phone.line.says(&spoken(HELLO).await).await;
    phone.line.hears_reply().await;
    exchange.orders(&session, "end", json!({})).await;
    phone.ended_content().await;
    let record = exchange.record("+15550205").await;
    assert_eq!(record["answered_by"]["class"], "human", "{record}");
}
