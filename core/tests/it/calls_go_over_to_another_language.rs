//! A call over the dialler's line whose model goes over to another of the bot's languages: the recogniser hears it and another voice
//! speaks it from the next reply on.

use std::time::Duration;

use serde_json::{Value, json};
use vox_caller::{Outcome, Protocol, Step, Talker};
use vox_shared::model::bot::{BotLanguage, Tool};
use vox_testkit::vendor::openai::{Rule, Script, When};

use crate::harness::vendors::Scripts;
use crate::harness::{PATIENCE, Stage, assert_clean, speech, texts};

const CALLER: &str = "+919800000084";
const GERMAN_VOICE: &str = "ErXwobaYiN019PkySvjV";
const GLADLY: &str = "Gern. Worum geht es?";

fn model() -> Script {
    let when = |result: Option<&str>| When {
        contains: Some("Deutsch".into()),
        tool_result: result.map(str::to_owned),
        ..When::default()
    };
    let asked = Rule { when: when(None), ..Rule::default() };
    Script::default()
        .with_rule(Rule { when: when(Some("*")), say: GLADLY.into(), ..Rule::default() })
        .with_rule(asked.calling("switch_language", json!({"language": "de"})))
}

#[tokio::test]
async fn another_voice_speaks_it_and_the_recogniser_hears_it() {
    let stage = Stage::start(Scripts::new(["Sprechen Sie Deutsch?"], model())).await;
    let german = BotLanguage { language: "de".into(), voice: GERMAN_VOICE.into(), ..BotLanguage::default() };
    let bot = stage
        .bot(|bot| {
            bot.languages = vec![german];
            bot.tools = vec![Tool::built_in("switch_language"), Tool::built_in("end_call")];
            (bot.stt.language, bot.tts.language) = ("en".into(), "en".into());
        })
        .await;
    let call = stage.dial(Protocol::Ws, &bot, CALLER).await;
    let mut talker = Talker::new(&call);
    let hears = || Step::AwaitReply { quiet: Duration::from_secs(2), within: PATIENCE };
    assert_eq!(talker.act(hears()).await, Outcome::Done);
    assert_eq!(talker.act(Step::Say(speech(4))).await, Outcome::Done);
    assert_eq!(talker.act(hears()).await, Outcome::Done);
    assert_eq!(talker.act(Step::Hangup).await, Outcome::Done);
    assert_clean(&call.finish().await);

    let record = stage.record(CALLER).await;
    assert_eq!(texts(&record, "bot").last().unwrap(), GLADLY);
    let events = record["events"].as_array().unwrap();
    let switched: Vec<&Value> = events.iter().filter(|event| event["event"] == "language_switched").collect();
    assert!(
        matches!(&switched[..], [event] if event["data"] == json!({"language": "de", "from": "en"})),
        "{events:?}"
    );
    let observed = stage.vendors.tts.observed();
    let german = observed.exchanges.iter().filter(|exchange| exchange.path.contains(GERMAN_VOICE));
    let said: String = german.flat_map(|exchange| exchange.texts()).collect();
    assert!(said.contains("Worum geht es"), "{said}");
    let heard = stage.vendors.stt.observed();
    let asked = heard.exchanges.iter().flat_map(|exchange| &exchange.query);
    let languages: Vec<&str> =
        asked.filter(|(name, _)| name == "language").map(|(_, language)| language.as_str()).collect();
    assert_eq!(languages, ["en", "de"]);
    stage.end().await;
}
