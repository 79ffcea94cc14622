//! A call over the dialler's line that goes from one bot to another and on to an end, with scripted models: the voice, the recogniser's
//! language and the script are the other bot's, and the call stays one.

use std::time::Duration;

use serde_json::{Value, json};
use vox_caller::{Outcome, Protocol, Step, Talker};
use vox_shared::model::bot::{BotSettings, LlmSettings, Tool};

use crate::harness::vendors::Scripts;
use crate::harness::{PATIENCE, Stage, assert_clean, speech, texts};
use vox_testkit::vendor::openai;

const CALLER: &str = "+919800000083";
/// Each stream of the recogniser begins its script anew: it means the invoice to one bot, and a yes to the other.
const HEARD: &str = "Yes, about my invoice.";
const BILLING_VOICE: &str = "AZnzlk1XvdvUeBnXmlld";
const CONNECTS: &str = "I connect you with the billing.";
const ASKS: &str = "Billing here. Shall I send the invoice again?";
const SENDS: &str = "It is on its way. Goodbye.";

fn scripted(script: Value) -> LlmSettings {
    let extra = json!({"script": script}).as_object().cloned().unwrap();
    LlmSettings { provider: "scripted".into(), extra, ..LlmSettings::default() }
}

fn tools() -> Vec<Tool> {
    vec![Tool::built_in("transfer_call"), Tool::built_in("end_call")]
}

fn billing(bot: &mut BotSettings) {
    bot.tools = tools();
    bot.tts.voice = BILLING_VOICE.into();
    bot.stt.language = "de".into();
    bot.llm = scripted(json!({
        "start": "invoice",
        "states": {
            "invoice": {"ask": ASKS, "on": [{"answer": "yes", "go": "sent"}], "reprompts": ["Yes or no?"]},
            "sent": {"say": SENDS, "end_call": true},
        },
        "give_up": {"say": "Goodbye.", "then": "end_call"},
    }));
}

fn front(bot: &mut BotSettings, billing: &str) {
    let target = json!({"id": "billing", "method": "bot", "type": "bot", "value": billing});
    bot.transfer_targets = vec![serde_json::from_value(target).unwrap()];
    bot.tools = tools();
    bot.llm = scripted(json!({
        "start": "what",
        "intents": [{"name": "billing", "match": "invoice", "say": CONNECTS, "then": "transfer", "to": "billing",
            "failed": "Nobody of the billing is there. {ask}"}],
        "states": {"what": {"ask": "How can I help?", "reprompts": ["Pardon?"]}},
        "give_up": {"say": "Goodbye.", "then": "end_call"},
    }));
}

#[tokio::test]
async fn the_voice_changes_and_the_call_stays_one() {
    let stage = Stage::start(Scripts::new([HEARD], openai::Script::default())).await;
    let other = stage.bot(billing).await;
    let bot = stage.bot(|bot| front(bot, &other)).await;
    let call = stage.dial(Protocol::Ws, &bot, CALLER).await;
    let mut talker = Talker::new(&call);
    let hears = || Step::AwaitReply { quiet: Duration::from_secs(3), within: PATIENCE };
    for _ in 0..2 {
        assert_eq!(talker.act(hears()).await, Outcome::Done);
        assert_eq!(talker.act(Step::Say(speech(4))).await, Outcome::Done);
    }
    assert_eq!(talker.act(Step::AwaitHangup { within: PATIENCE }).await, Outcome::Done);
    assert_clean(&call.finish().await);

    let record = stage.record(CALLER).await;
    assert_eq!((&record["disconnected_by"], &record["bot_id"]), (&json!("bot"), &json!(bot)));
    assert_eq!(record["was_transferred"], false);
    assert_eq!(texts(&record, "bot")[1..], [CONNECTS, ASKS, SENDS]);
    let by: Vec<(&str, &Value)> = record["transcript"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (line["speaker"].as_str().unwrap(), &line["bot_id"]))
        .collect();
    let (own, nobody) = (json!(other), Value::Null);
    assert_eq!(
        by,
        [
            ("bot", &nobody),
            ("caller", &nobody),
            ("bot", &nobody),
            ("bot", &own),
            ("caller", &nobody),
            ("bot", &own)
        ]
    );
    let events = record["events"].as_array().unwrap();
    let told = events.iter().find(|event| event["event"] == "transferred").expect("it is told");
    assert_eq!((&told["data"]["transferred_to"], &told["data"]["from_bot"]), (&json!(other), &json!(bot)));
    assert_eq!(told["data"]["tts"]["voice"], BILLING_VOICE);
    // Each voice got its own bot's words, and nothing else.
    let observed = stage.vendors.tts.observed();
    let said_by = |voice: &str| {
        let of_voice = observed.exchanges.iter().filter(|exchange| exchange.path.contains(voice));
        of_voice.flat_map(|exchange| exchange.texts().map(str::to_owned)).collect::<Vec<_>>().join("\n")
    };
    let (first, second) = (said_by("21m00Tcm4TlvDq8ikWAM"), said_by(BILLING_VOICE));
    assert!(first.contains("connect you") && !first.contains("Billing here"), "{first}");
    assert!(second.contains("Billing here") && second.contains("on its way"), "{second}");
    let heard = stage.vendors.stt.observed();
    let languages: Vec<&str> = heard
        .exchanges
        .iter()
        .flat_map(|exchange| exchange.query.iter().filter(|(name, _)| name == "language"))
        .map(|(_, language)| language.as_str())
        .collect();
    assert_eq!(languages, ["en", "de"]);
    // Both bots' voices are billed as one vendor's.
    let usage = record["usage_metrics"].as_array().unwrap();
    let voices: Vec<&Value> = usage.iter().filter(|row| row["kind"] == "tts").collect();
    assert_eq!(voices.len(), 1, "{usage:?}");
    assert!(stage.vendors.asked().is_empty(), "the scripts answered");
    stage.end().await;
}

#[tokio::test]
async fn a_bot_that_is_switched_off_leaves_the_caller_where_they_are() {
    let stage = Stage::start(Scripts::new([HEARD], openai::Script::default())).await;
    let other = stage.bot(|bot| bot.enabled = false).await;
    let bot = stage.bot(|bot| front(bot, &other)).await;
    let call = stage.dial(Protocol::Ws, &bot, CALLER).await;
    let mut talker = Talker::new(&call);
    let hears = || Step::AwaitReply { quiet: Duration::from_secs(3), within: PATIENCE };
    assert_eq!(talker.act(hears()).await, Outcome::Done);
    assert_eq!(talker.act(Step::Say(speech(4))).await, Outcome::Done);
    assert_eq!(talker.act(hears()).await, Outcome::Done);
    assert_eq!(talker.act(Step::Hangup).await, Outcome::Done);
    assert_clean(&call.finish().await);
    let record = stage.record(CALLER).await;
    let said = texts(&record, "bot");
    assert_eq!(said.last().unwrap(), "Nobody of the billing is there. How can I help?", "{said:?}");
    let events = record["events"].as_array().unwrap();
    let failed = events.iter().find(|event| event["event"] == "transfer_failed").expect("it is told");
    assert!(failed["why"].as_str().unwrap().contains("switched off"), "{failed}");
    stage.end().await;
}
