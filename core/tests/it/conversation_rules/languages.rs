//! The bot goes over to another of its languages, because its model says so.

use serde_json::{Value, json};
use vox_core::provider::llm::{Finish, LlmEvent, Role};
use vox_core::session::event::{Command, Event};
use vox_shared::model::bot::{BotLanguage, Tool};
use vox_shared::wire::config::RuntimeConfig;

use super::scene::Scene;

fn language(tag: &str) -> BotLanguage {
    BotLanguage { language: tag.into(), ..BotLanguage::default() }
}

/// An English bot that knows German and Hindi too, whose caller has said something.
fn call(change: impl FnOnce(&mut RuntimeConfig)) -> Scene {
    let mut scene = Scene::begin(|config| {
        config.tools = vec![Tool::built_in("switch_language"), Tool::built_in("end_call")];
        config.languages = vec![language("de"), language("hi-IN")];
        (config.stt.language, config.tts.language) = ("en".into(), "en".into());
        change(config);
    });
    scene.caller_says("Sprechen Sie Deutsch?", 900);
    scene
}

fn switches(scene: &mut Scene, to: &str) {
    scene.calls_tool("l1", "switch_language", json!({"language": to}));
    scene.llm(LlmEvent::Done { finish: Finish::ToolCalls, usage: None });
}

/// Commands about vendors and languages, in their order.
fn changes(scene: &Scene) -> Vec<String> {
    let commands = scene.log.iter().skip(2).flat_map(|(_, _, commands)| commands);
    let told = commands.filter_map(|command| match command {
        Command::ChangeLanguage { language } => Some(language.clone()),
        Command::OpenVoice { .. } => Some("voice".into()),
        Command::OpenStt { .. } => Some("recogniser".into()),
        _ => None,
    });
    told.collect()
}

#[test]
fn it_is_heard_and_put_into_words_in_the_new_language_from_the_next_reply_on() {
    let mut scene = call(|_| {});
    let offered = &scene.asked.last().unwrap().1.tools;
    let schema = &offered.iter().find(|tool| tool.name == "switch_language").unwrap().parameters;
    assert_eq!(schema["properties"]["language"]["enum"], json!(["en", "de", "hi-IN"]), "its own among them");
    let asked = scene.asked.len();
    switches(&mut scene, "hi");
    assert_eq!(changes(&scene), ["hi-IN", "voice", "recogniser"]);
    assert_eq!(
        (scene.asked.len(), scene.count("language_switched")),
        (asked + 1, 1),
        "it is answered at once"
    );
    scene.reply("जी, 5 बजे।");
    scene.hear_out();
    assert_eq!(scene.said.last().unwrap(), "जी, पाँच बजे।");
    scene.caller_says("शुक्रिया।", 900);
    switches(&mut scene, "en-US");
    assert_eq!(scene.count("language_switched"), 2, "back to its first, by the only one of that language");
    scene.reply("At 5.");
    scene.hear_out();
    assert_eq!(scene.said.last().unwrap(), "At five.");
    scene.hang_up();
    let events = &scene.outcome.as_ref().unwrap().events;
    let data: Vec<&Value> =
        events.iter().filter(|e| e.event == "language_switched").map(|e| &e.data["language"]).collect();
    assert_eq!(data, ["hi-IN", "en"]);
}

#[test]
fn of_two_at_once_the_last_one_counts_and_both_are_answered() {
    let mut scene = call(|_| {});
    let asked = scene.asked.len();
    scene.calls_tool("l1", "switch_language", json!({"language": "de"}));
    scene.calls_tool("l2", "switch_language", json!({"language": "hi-IN"}));
    scene.llm(LlmEvent::Done { finish: Finish::ToolCalls, usage: None });
    assert_eq!(
        (scene.asked.len(), scene.count("language_switched")),
        (asked + 1, 1),
        "nothing is waited for"
    );
    let told: Vec<String> = scene
        .conversation()
        .into_iter()
        .filter(|(role, _)| *role == Role::Tool)
        .map(|(_, text)| text)
        .collect();
    assert!(told[0].contains("another language was chosen") && told[1].contains("hi-IN"), "{told:?}");
    scene.hang_up();
    let events = scene.outcome.as_ref().unwrap().events.iter().filter(|event| event.event == "tool_called");
    let runs: Vec<&Value> = events.map(|event| &event.data["status"]).collect();
    assert_eq!(runs, ["cancelled", "ok"], "the record says of neither what it was not");
}

#[test]
fn what_is_being_said_is_said_to_its_end_in_the_language_it_was_begun_in() {
    let mut scene = call(|_| {});
    scene.tokens("Of course, one moment please. ");
    switches(&mut scene, "de");
    scene.pass(200);
    assert!(scene.bot_speaks());
    assert_eq!(changes(&scene), [] as [&str; 0]);
    scene.hear_out();
    assert_eq!(changes(&scene), ["de", "voice", "recogniser"]);
    scene.reply("Bitte sehr.");
    scene.hear_out();
    assert_eq!(scene.said.last().unwrap(), "Bitte sehr.");
}

#[test]
fn a_recogniser_that_hears_every_language_goes_on() {
    let mut scene = call(|config| config.stt.language = "multi".into());
    switches(&mut scene, "hi");
    assert_eq!(changes(&scene), ["hi-IN", "voice"]);
}

#[test]
fn what_the_bot_does_not_have_is_refused_to_the_model() {
    let told = |scene: &Scene| {
        let (_, ask) = scene.asked.last().unwrap();
        let last = ask.messages.last().unwrap();
        assert_eq!(last.role, Role::Tool);
        last.text.clone()
    };
    let mut scene = call(|_| {});
    switches(&mut scene, "ta");
    assert!(told(&scene).contains("there are: en, de, hi-IN"), "{}", told(&scene));
    assert_eq!((changes(&scene).len(), scene.count("tool_refused")), (0, 1));
    let mut scene = call(|config| config.languages.clear());
    switches(&mut scene, "de");
    assert!(told(&scene).contains("no other language"), "{}", told(&scene));
    // The one that it speaks already changes nothing.
    let mut scene = call(|_| {});
    switches(&mut scene, "en");
    assert_eq!((changes(&scene).len(), scene.count("language_switched")), (0, 0));
    assert!(told(&scene).contains("en"));
}

#[test]
fn a_caller_who_goes_on_meanwhile_is_answered_in_the_new_language() {
    let mut scene = call(|_| {});
    scene.tokens("Of course, I am glad to do that, one moment please. ");
    switches(&mut scene, "hi");
    scene.pass(600);
    scene.caller_says("हाँ जी, जल्दी से हिन्दी में बोलिए!", 1_200);
    scene.pass(500);
    assert_eq!(scene.count("language_switched"), 1);
    let known = scene.log.iter().any(|(_, event, _)| matches!(event, Event::ToolDone { .. }));
    assert!(!known, "no vendor was asked");
    scene.reply("5 बजे।");
    scene.hear_out();
    assert_eq!(scene.said.last().unwrap(), "पाँच बजे।");
}
