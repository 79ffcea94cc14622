//! Tools of the bot's own: what is refused, what is said meanwhile, what becomes of a run that nobody waits for.

use serde_json::{Value, json};
use vox_core::provider::llm::{Finish, LlmEvent, Role};
use vox_core::session::event::{Event, ToolAnswer, ToolStatus};
use vox_shared::model::bot::{HttpTool, OnInterrupt, Tool};
use vox_shared::wire::config::RuntimeConfig;
use vox_shared::wire::result::{CallEvent, DisconnectedBy};

use super::scene::Scene;

const FILLER: &str = "I look into our books.";

fn tool(name: &str, http: HttpTool) -> Tool {
    let parameters = json!({"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}});
    Tool { parameters, http: Some(http), ..Tool::built_in(name) }
}

fn with_tools(config: &mut RuntimeConfig) {
    let filler = FILLER.into();
    config.tools = vec![
        Tool::built_in("end_call"),
        tool("look_up", HttpTool { filler, ..HttpTool::default() }),
        tool("book", HttpTool { confirm: true, ..HttpTool::default() }),
        tool("search", HttpTool { on_interrupt: OnInterrupt::Cancel, ..HttpTool::default() }),
    ];
}

fn asked(change: impl FnOnce(&mut RuntimeConfig)) -> Scene {
    let mut scene = Scene::begin(|config| {
        with_tools(config);
        change(config);
    });
    scene.caller_says("What do I owe?", 900);
    scene
}

/// The newest request is answered with calls of these tools.
fn call(scene: &mut Scene, calls: &[(&str, Value)]) {
    for (n, (name, arguments)) in calls.iter().enumerate() {
        scene.calls_tool(&format!("c{}_{n}", scene.asked.len()), name, arguments.clone());
    }
    scene.llm(LlmEvent::Done { finish: Finish::ToolCalls, usage: None });
}

fn answer(scene: &mut Scene, result: Value) {
    let run = scene.tools.last().expect("a tool runs").0;
    scene.feed(Event::ToolDone { run, answer: result.into() });
}

/// What the newest request says of tools, oldest first.
fn told(scene: &Scene) -> Vec<String> {
    let all = scene.conversation().into_iter();
    all.filter(|(role, _)| *role == Role::Tool).map(|(_, text)| text).collect()
}

fn events(scene: &mut Scene, kind: &str) -> Vec<CallEvent> {
    scene.hang_up().events.iter().filter(|e| e.event == kind).cloned().collect()
}

#[test]
fn a_run_is_an_event_with_what_went_in_and_came_out() {
    let mut scene = asked(|_| {});
    call(&mut scene, &[("look_up", json!({"id": 7}))]);
    scene.pass(1_200);
    assert_eq!(scene.said.last().map(String::as_str), Some(FILLER), "the tool's own phrase");
    let run = scene.tools[0].0;
    let result = json!("error: the tool's server does not work.");
    scene.feed(Event::ToolDone {
        run,
        answer: ToolAnswer { status: ToolStatus::Failed, code: Some(500), result: result.clone() },
    });
    assert_eq!(told(&scene), [result.as_str().unwrap()]);
    scene.reply("I cannot find that out right now.");
    scene.hear_out();
    assert!(scene.outcome.is_none(), "the call goes on");
    let latency = scene.hang_up().latency.clone();
    assert!((1_150.0..1_300.0).contains(&latency[0].tool_ms), "{latency:?}");
    let runs = events(&mut scene, "tool_called");
    let mut data = runs[0].data.clone();
    let took = data.remove("duration_ms").and_then(|ms| ms.as_u64()).unwrap();
    assert!((1_150..1_300).contains(&took), "{took}");
    let expected = json!({"tool": "look_up", "input": {"id": 7}, "output": result, "status": "failed",
        "http_status": 500});
    assert_eq!((runs.len(), runs[0].why.as_str(), Value::Object(data)), (1, "look_up", expected));
}

#[test]
fn wrong_arguments_are_told_to_the_model_and_not_sent() {
    let mut scene = asked(|_| {});
    call(&mut scene, &[("look_up", json!({"id": "seven"})), ("look_up", json!({}))]);
    assert!(scene.tools.is_empty());
    let told = told(&scene);
    assert!(told[0].contains("'id' must be of the type integer"), "{told:?}");
    assert!(told[1].contains("'id' is missing"), "{told:?}");
    let refused = events(&mut scene, "tool_refused");
    assert_eq!(refused.len(), 2);
    assert_eq!(refused[0].data["input"], json!({"id": "seven"}));
    assert!(!refused[0].why.contains("seven"), "{refused:?}");
}

#[test]
fn a_model_that_runs_away_is_stopped_and_told_so() {
    let mut scene = asked(|config| config.limits.max_tool_calls = Some(3));
    call(&mut scene, &[("look_up", json!({"id": 1})), ("look_up", json!({"id": 1}))]);
    assert_eq!(scene.tools.len(), 1, "the same once in a turn");
    answer(&mut scene, json!("12"));
    call(&mut scene, &[("look_up", json!({"id": 1})), ("look_up", json!({"id": 2}))]);
    assert_eq!(scene.tools.len(), 2);
    answer(&mut scene, json!("13"));
    call(&mut scene, &[("look_up", json!({"id": 3})), ("look_up", json!({"id": 4}))]);
    assert_eq!(scene.tools.len(), 3, "so many in a call");
    answer(&mut scene, json!("14"));
    scene.reply("You owe twelve.");
    scene.hear_out();
    scene.caller_says("Thank you.", 700);
    // Whatever else is refused, the call can be ended.
    call(&mut scene, &[("look_up", json!({"id": 5})), ("end_call", json!({"message": "Goodbye then."}))]);
    scene.pass(4_000);
    let outcome = scene.outcome.as_ref().expect("the call ends");
    assert_eq!(outcome.disconnected_by, DisconnectedBy::Bot);
    let whys: Vec<&str> =
        outcome.events.iter().filter(|e| e.event == "tool_refused").map(|e| e.why.as_str()).collect();
    let expected = [
        "look_up: the same call was made in this turn",
        "look_up: the same call was made in this turn",
        "look_up: max_tool_calls",
    ];
    assert_eq!(whys, expected[..]);
}

#[test]
fn nothing_that_the_caller_must_agree_to_is_done_in_the_turn_that_asks() {
    let mut scene = asked(|_| {});
    for _ in 0..2 {
        call(&mut scene, &[("book", json!({"id": 7}))]);
        assert!(scene.tools.is_empty());
        assert!(told(&scene).last().unwrap().contains("ask the caller"), "{:?}", told(&scene));
    }
    scene.reply("Shall I book the seven?");
    scene.hear_out();
    scene.caller_says("Yes, please.", 700);
    call(&mut scene, &[("book", json!({"id": 8}))]);
    assert!(scene.tools.is_empty(), "that is another one");
    call(&mut scene, &[("book", json!({"id": 7}))]);
    assert_eq!(scene.tools.len(), 1);
}

#[test]
fn a_run_is_given_up_or_goes_on_when_the_caller_does_as_its_tool_says() {
    let mut scene = asked(|_| {});
    call(&mut scene, &[("search", json!({"id": 1})), ("look_up", json!({"id": 2}))]);
    let (search, look_up) = (scene.tools[0].0, scene.tools[1].0);
    scene.caller_says("And when do you open?", 900);
    assert_eq!(scene.cancelled_tools, [search]);
    scene.feed(Event::ToolDone { run: search, answer: json!("late").into() });
    scene.feed(Event::ToolDone { run: look_up, answer: json!("12").into() });
    call(&mut scene, &[("search", json!({"id": 1}))]);
    assert_eq!(scene.tools.len(), 3, "what was given up may be asked again");
    answer(&mut scene, json!("found"));
    assert_eq!(told(&scene), ["12", "found"]);
    let statuses: Vec<Value> =
        events(&mut scene, "tool_called").iter().map(|e| e.data["status"].clone()).collect();
    assert_eq!(statuses, [json!("cancelled"), json!("ok"), json!("ok")]);
}

#[test]
fn a_run_is_not_made_twice_because_the_caller_spoke_meanwhile() {
    let mut scene = asked(|_| {});
    call(&mut scene, &[("look_up", json!({"id": 1})), ("look_up", json!({"id": 2}))]);
    scene.feed(Event::ToolDone { run: scene.tools[0].0, answer: json!("done").into() });
    scene.caller_says("Hello?", 700);
    assert_eq!(told(&scene), ["done"], "what has answered is known");
    call(&mut scene, &[("look_up", json!({"id": 2}))]);
    assert_eq!(scene.tools.len(), 2);
    assert!(told(&scene)[1].contains("under way"), "{:?}", told(&scene));
}

#[test]
fn what_runs_when_the_call_ends_is_told_as_unfinished() {
    let mut scene = asked(|_| {});
    call(&mut scene, &[("look_up", json!({"id": 1}))]);
    let runs = events(&mut scene, "tool_called");
    assert_eq!((runs.len(), runs[0].data["status"].as_str()), (1, Some("unfinished")));
}

#[test]
fn the_record_does_not_grow_with_what_tools_say() {
    let mut scene = asked(|_| {});
    call(&mut scene, &[("look_up", json!({"id": 1}))]);
    answer(&mut scene, json!("ü".repeat(16_000)));
    let runs = events(&mut scene, "tool_called");
    assert_eq!(runs[0].data["output"].as_str().unwrap().chars().count(), 2_001);
}
