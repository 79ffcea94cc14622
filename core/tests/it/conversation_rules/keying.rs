//! Keys that the bot presses, callers who wish to be called back, and tools that servers offer in mid-call.

use serde_json::{Value, json};
use vox_core::provider::llm::{Finish, LlmEvent, Role};
use vox_core::session::event::{Event, ToolAnswer, ToolStatus};
use vox_core::session::rules::Rules;
use vox_core::session::sources::{Source, SourceTool};
use vox_shared::model::bot::Tool;
use vox_shared::model::bot::tool::{SCHEDULE_CALLBACK, SEND_DTMF};
use vox_shared::wire::result::CallEvent;

use super::scene::{Scene, config};

/// A call over a line that can press keys, or cannot.
fn scene(presses_keys: bool) -> Scene {
    let config = config(|config| {
        config.tools = ["end_call", SEND_DTMF, SCHEDULE_CALLBACK].map(Tool::built_in).to_vec();
    });
    let mut scene =
        Scene::by(Rules { presses_keys, ..Rules::from_config(&config, std::time::Duration::ZERO) });
    scene.pass(1_000);
    scene.caller_says("For sales press one.", 900);
    scene
}

fn call(scene: &mut Scene, name: &str, arguments: Value) {
    let id = format!("c{}", scene.asked.len());
    scene.calls_tool(&id, name, arguments);
    scene.llm(LlmEvent::Done { finish: Finish::ToolCalls, usage: None });
}

fn events(scene: &mut Scene, kind: &str) -> Vec<CallEvent> {
    scene.hang_up().events.iter().filter(|e| e.event == kind).cloned().collect()
}

fn told(scene: &Scene) -> String {
    let mut tools = scene.conversation().into_iter().filter(|(role, _)| *role == Role::Tool);
    tools.next_back().map(|(_, text)| text).unwrap_or_default()
}

#[test]
fn keys_are_pressed_one_after_the_other_with_their_pauses() {
    let mut scene = scene(true);
    let begun = scene.now;
    call(&mut scene, SEND_DTMF, json!({"digits": "1w2#"}));
    let asked = scene.asked.len();
    scene.pass(3_000);
    let pressed: Vec<(u64, char)> = scene.keys.iter().map(|(at, key)| (at - begun, *key)).collect();
    let keys: String = pressed.iter().map(|(_, key)| *key).collect();
    assert_eq!(keys, "12#");
    let gaps: Vec<u64> = pressed.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    assert!((896..=912).contains(&gaps[0]) && (396..=412).contains(&gaps[1]), "{gaps:?}");
    assert_eq!(scene.asked.len(), asked + 1, "the model goes on when all were pressed");
    assert!(told(&scene).contains("All keys were pressed"), "{}", told(&scene));
    assert_eq!(
        (scene.tools.len(), scene.tones),
        (0, 0),
        "no server is asked, and nothing is said into the keys"
    );
    assert_eq!(scene.said.len(), 1, "nothing but the greeting: {:?}", scene.said);
    let runs = events(&mut scene, "tool_called");
    assert_eq!(
        (runs[0].data["tool"].as_str(), runs[0].data["status"].as_str()),
        (Some(SEND_DTMF), Some("ok"))
    );
    assert_eq!(runs[0].data["output"]["pressed"], 3);
}

#[test]
fn a_line_without_keys_and_keys_that_are_none_are_told_to_the_model() {
    let mut without = scene(false);
    call(&mut without, SEND_DTMF, json!({"digits": "1"}));
    assert!(without.keys.is_empty() && told(&without).contains("this line cannot"), "{}", told(&without));
    assert_eq!(events(&mut without, "tool_refused").len(), 1);
    let mut odd = scene(true);
    call(&mut odd, SEND_DTMF, json!({"digits": "call 1"}));
    assert!(odd.keys.is_empty() && told(&odd).contains("no key"), "{}", told(&odd));
    let refused = events(&mut odd, "tool_refused");
    assert!(!refused[0].why.contains("call 1"), "{refused:?}");
}

#[test]
fn keys_wait_until_the_bot_has_spoken_and_end_with_a_line_that_takes_none() {
    let mut scene = scene(true);
    scene.tokens("I press the one for sales now.");
    call(&mut scene, SEND_DTMF, json!({"digits": "123"}));
    scene.pass(200);
    assert!(scene.bot_speaks() && scene.keys.is_empty());
    while scene.bot_speaks() {
        scene.pass(20);
    }
    scene.pass(200);
    assert_eq!(scene.keys.len(), 1);
    scene.feed(Event::KeyFailed { why: "the line takes nothing more".into() });
    scene.pass(2_000);
    assert_eq!(scene.keys.len(), 1, "nothing more of the row");
    assert!(told(&scene).contains("not all keys were pressed"), "{}", told(&scene));
}

#[test]
fn the_wish_to_be_called_back_that_was_noted_last_is_the_calls() {
    let mut scene = scene(true);
    let noted =
        |number: &str| json!({"at": "2026-12-01T05:00:00Z", "number": number, "note": "", "in_words": "x"});
    for (when, status, number) in
        [("in 1 hour", ToolStatus::Ok, "+15550123"), ("at nine", ToolStatus::Refused, "+15550124")]
    {
        call(&mut scene, SCHEDULE_CALLBACK, json!({"when": when}));
        let run = scene.tools.last().unwrap().0;
        scene.feed(Event::ToolDone { run, answer: ToolAnswer { status, code: None, result: noted(number) } });
    }
    let outcome = scene.hang_up();
    assert_eq!(outcome.callback.as_ref().map(|callback| callback.number.as_str()), Some("+15550123"));
}

fn source(name: &str, place: usize, found: Result<Vec<&str>, &str>) -> Event {
    let tool = |name: &str| SourceTool {
        name: name.into(),
        description: "Finds.".into(),
        parameters: json!({"type": "object", "required": ["id"], "properties": {"id": {"type": "string", "pattern": "^A"}}}),
        filler: "I ask the books.".into(),
        confirm: false,
        cancels: false,
    };
    let found = found.map(|names| names.into_iter().map(tool).collect()).map_err(str::to_owned);
    Event::Source(Source { name: name.into(), place, found, left_out: Vec::new() })
}

/// Whatever a server's schema says, the rules that are known here are held.
#[test]
fn tools_of_servers_are_the_models_from_its_next_request_on() {
    let mut scene = scene(true);
    scene.feed(source("stock", 1, Ok(vec!["stock__find"])));
    scene.feed(source("crm", 0, Ok(vec!["crm__find", "end_call"])));
    scene.feed(source("desk", 2, Err("it cannot be reached")));
    scene.reply("One moment.");
    scene.hear_out();
    scene.caller_says("Find my order.", 900);
    let names: Vec<String> =
        scene.asked.last().unwrap().1.tools.iter().map(|tool| tool.name.clone()).collect();
    let expected = ["end_call", SEND_DTMF, SCHEDULE_CALLBACK, "crm__find", "stock__find"];
    assert_eq!(names, expected, "in the order of the servers, and nothing twice");
    let notes: Vec<String> = scene
        .conversation()
        .into_iter()
        .filter(|(role, _)| *role == Role::System)
        .map(|(_, text)| text)
        .collect();
    assert!(notes.iter().any(|note| note.contains("The tools of 'desk' are not available")), "{notes:?}");
    call(&mut scene, "crm__find", json!({"number": 7}));
    assert!(scene.tools.is_empty() && told(&scene).contains("'id' is missing"), "{}", told(&scene));
    call(&mut scene, "crm__find", json!({"id": "B-7"}));
    assert_eq!(scene.tools.len(), 1, "what is no rule here is the server's to refuse");
    scene.pass(1_000);
    assert_eq!(scene.said.last().map(String::as_str), Some("I ask the books."));
    let (found, missing) = (events(&mut scene, "tools_found"), events(&mut scene, "tools_missing"));
    assert_eq!((found.len(), found[1].data["tools"].clone()), (2, json!(["crm__find"])));
    assert_eq!(missing[0].why, "desk: it cannot be reached");
}
