//! What a bot may not say it does not say, and what it must say it does, whatever its model writes.

use serde_json::json;
use vox_core::provider::llm::{Finish, LlmEvent};
use vox_shared::model::bot::Tool;
use vox_shared::wire::config::RuntimeConfig;
use vox_shared::wire::order::Order;
use vox_shared::wire::result::Speaker;

use super::scene::Scene;

const NO_PROMISE: &str = "Returns are never certain.";
const RISK: &str = "Funds carry risk.";
const RECORDED: &str = "This call is recorded.";

fn guarded(config: &mut RuntimeConfig) {
    config.tools = vec![Tool::built_in("end_call")];
    config.guardrails = serde_json::from_value(json!({
        "forbidden": [{"name": "promises", "phrases": ["guaranteed * return*", "risk-free"], "replacement": NO_PROMISE}],
    }))
    .unwrap();
}

fn with_duties(config: &mut RuntimeConfig) {
    guarded(config);
    config.guardrails.required = serde_json::from_value(json!([
        {"name": "risk", "text": RISK, "before": ["fund*"]},
        {"name": "recorded", "text": RECORDED, "within_turns": 2},
    ]))
    .unwrap();
}

fn asked(change: impl FnOnce(&mut RuntimeConfig)) -> Scene {
    let mut scene = Scene::begin(change);
    scene.caller_says("What can you offer?", 900);
    scene
}

/// What was said since the greeting.
fn said(scene: &Scene) -> String {
    scene.said[1..].join(" ")
}

#[test]
fn a_forbidden_sentence_is_replaced_in_the_voice_the_record_and_the_models_memory() {
    let mut scene = asked(guarded);
    scene.reply("We have three funds. They give guaranteed, high returns! It is risk-free. Shall I go on?");
    scene.hear_out();
    let expected = format!("We have three funds. {NO_PROMISE} Shall I go on?");
    assert_eq!(said(&scene), expected);
    assert_eq!(scene.count("sentence_replaced"), 2);
    let told = scene.context();
    assert!(told.iter().any(|(_, text)| *text == expected), "{told:?}");
    assert!(!told.iter().any(|(_, text)| text.contains("guaranteed")), "{told:?}");
    let outcome = scene.hang_up();
    let event = outcome.events.iter().find(|event| event.event == "sentence_replaced").unwrap();
    assert_eq!(event.data["rule"], "promises");
    assert_eq!(event.data["text"], "They give guaranteed, high returns!");
    assert_eq!(scene.lines(Speaker::Bot)[1..].join(" "), expected);
}

/// However the model writes it: in pieces, behind a mark, over a tool's round, in the goodbye's argument.
#[test]
fn no_way_of_writing_it_passes() {
    for text in [
        "They are guaranteed. Returns of ten percent.",
        "They are **guar**anteed\nreturns.",
        "Quite g-u-a-r-a-n-t-e-e-d returns.",
        "guaran\u{200b}teed returns.",
        "Risk free!",
    ] {
        let mut scene = asked(guarded);
        for token in text.chars() {
            scene.tokens(&token.to_string());
        }
        scene.llm(LlmEvent::Done { finish: Finish::Stop, usage: None });
        scene.hear_out();
        assert!(said(&scene).ends_with(NO_PROMISE), "{text}: {}", said(&scene));
        assert_eq!(scene.count("sentence_replaced"), 1, "{text}");
    }
    let mut scene = asked(guarded);
    scene.tokens("They are guaranteed.");
    scene.calls_tool("a", "end_call", json!({"message": "Returns follow. Goodbye."}));
    scene.llm(LlmEvent::Done { finish: Finish::ToolCalls, usage: None });
    while scene.outcome.is_none() && scene.now < 60_000 {
        scene.pass(100);
    }
    assert_eq!(said(&scene), format!("They are guaranteed. {NO_PROMISE}"));
}

#[test]
fn nobody_outside_has_the_bot_say_it_either() {
    let mut scene = Scene::begin(guarded);
    scene.order(Order::Say { text: "It is risk-free.".into() });
    let why = "the bot's guardrail 'promises' forbids it".to_owned();
    assert_eq!(scene.verdicts, [Err(why)]);
    scene.order(Order::Say { text: "It has some risk.".into() });
    scene.hear_out();
    assert_eq!(said(&scene), "It has some risk.");
}

#[test]
fn a_disclaimer_comes_once_before_what_it_belongs_to() {
    let mut scene = asked(with_duties);
    scene.reply("We have several. Our funds are good. All funds are.");
    scene.hear_out();
    assert_eq!(said(&scene), format!("We have several. {RISK} Our funds are good. All funds are."));
    assert_eq!(scene.count("disclaimer_said"), 1);
    scene.caller_says("And the price?", 900);
    scene.reply("Funds are free.");
    scene.hear_out();
    assert!(
        said(&scene).ends_with(&format!("All funds are. {RECORDED} Funds are free.")),
        "{}",
        said(&scene)
    );
    scene.caller_says("Thanks.", 900);
    scene.reply("You are welcome.");
    scene.hear_out();
    assert!(said(&scene).ends_with("Funds are free. You are welcome."), "{}", said(&scene));
    assert_eq!((scene.count("disclaimer_said"), scene.count("disclaimer_missed")), (2, 0));
}

#[test]
fn what_the_model_says_by_itself_is_said() {
    let mut scene = asked(with_duties);
    scene.reply("This call is recorded. Also, funds carry risk.");
    scene.hear_out();
    assert_eq!(said(&scene), "This call is recorded. Also, funds carry risk.");
    scene.caller_says("I see.", 900);
    scene.reply("Our funds are good.");
    scene.hear_out();
    assert!(said(&scene).ends_with("funds carry risk. Our funds are good."), "{}", said(&scene));
}

/// Heard in part it is not heard.
#[test]
fn a_disclaimer_that_was_interrupted_comes_again() {
    let mut scene = asked(with_duties);
    scene.reply("Our funds are good.");
    scene.pass(500);
    scene.sound(600);
    scene.final_words("Wait, what is the price?");
    scene.pass(700);
    assert_eq!(scene.count("interrupted"), 1);
    scene.reply("The funds are free.");
    scene.hear_out();
    assert!(said(&scene).ends_with(&format!("{RISK} {RECORDED} The funds are free.")), "{:?}", scene.said);
    assert_eq!((scene.count("disclaimer_said"), scene.count("disclaimer_missed")), (2, 0));
}

#[test]
fn the_bot_does_not_hang_up_before_it_and_the_record_says_when_it_was_missed() {
    let mut scene = asked(with_duties);
    scene.tokens("Goodbye!");
    scene.calls_tool("a", "end_call", json!({}));
    scene.llm(LlmEvent::Done { finish: Finish::ToolCalls, usage: None });
    while scene.outcome.is_none() && scene.now < 60_000 {
        scene.pass(100);
    }
    assert_eq!(said(&scene), format!("Goodbye! {RECORDED}"));
    assert_eq!(scene.count("disclaimer_missed"), 0);

    let mut scene = asked(with_duties);
    scene.reply("Hello.");
    scene.hear_out();
    scene.caller_says("And?", 900);
    scene.hang_up();
    assert_eq!(scene.count("disclaimer_missed"), 1);
    let outcome = scene.outcome.as_ref().unwrap();
    let missed = outcome.events.iter().find(|event| event.event == "disclaimer_missed").unwrap();
    assert_eq!(missed.data["rule"], "recorded");
}
