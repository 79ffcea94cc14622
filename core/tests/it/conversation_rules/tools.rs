//! Tools of the bot's own: what is refused, what is said meanwhile, what becomes of a run that nobody waits for.

use serde_json::{Value, json};
use vox_core::provider::llm::{Finish, LlmEvent, Role};
use vox_core::provider::{Failure, FailureClass};
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
    // Whatever else is refused, the call can be ended: by itself at once, and beside others in the round after the last.
    for _ in 0..4 {
        assert!(scene.outcome.is_none() && !scene.bot_speaks());
        call(&mut scene, &[("look_up", json!({"id": 5})), ("end_call", json!({"message": "Goodbye then."}))]);
    }
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
    assert_eq!(whys[..3], expected);
    assert_eq!(whys.len(), 3 + 3 + 1, "{whys:?}");
    assert_eq!(whys.last(), Some(&"look_up: 3 rounds of tools in one turn"));
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

/// A caller who is asked whether it may be done while it is being done says yes to a second time.
#[test]
fn what_the_caller_agreed_to_is_done_once_however_often_it_is_called() {
    let mut scene = asked(|_| {});
    call(&mut scene, &[("book", json!({"id": 7}))]);
    scene.reply("Shall I book the seven?");
    scene.hear_out();
    scene.caller_says("Yes, please.", 700);
    call(&mut scene, &[("book", json!({"id": 7})), ("book", json!({"id": 7}))]);
    answer(&mut scene, json!("booked"));
    call(&mut scene, &[("book", json!({"id": 7}))]);
    let told = told(&scene);
    assert!(told[1..].iter().all(|text| !text.contains("ask the caller")), "{told:?}");
    scene.reply("It is booked. Is there anything else?");
    scene.hear_out();
    scene.caller_says("Yes, when do you open?", 700);
    call(&mut scene, &[("book", json!({"id": 7}))]);
    assert_eq!(scene.tools.len(), 1, "the yes was to something else");
}

/// A caller who said yes was told that it cannot be done after all.
#[test]
fn the_caller_is_not_asked_about_what_the_calls_limit_forbids() {
    let mut scene = asked(|config| config.limits.max_tool_calls = Some(1));
    call(&mut scene, &[("look_up", json!({"id": 1}))]);
    answer(&mut scene, json!("5"));
    call(&mut scene, &[("book", json!({"id": 7}))]);
    let told = told(&scene);
    assert!(!told[1].contains("ask the caller") && told[1].contains("no more tools"), "{told:?}");
    assert_eq!(events(&mut scene, "tool_refused")[0].why, "book: max_tool_calls");
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

/// "I book it for you, goodbye": it was not booked, and nothing said so.
#[test]
fn what_is_called_beside_the_end_is_done_before_it() {
    let mut scene = asked(|_| {});
    scene.tokens("I look it up and then I hang up.");
    call(&mut scene, &[("end_call", json!({"message": "Goodbye then."})), ("look_up", json!({"id": 1}))]);
    scene.hear_out();
    assert_eq!((scene.tools.len(), scene.outcome.is_none()), (1, true), "the end waits for it");
    answer(&mut scene, json!("done"));
    scene.pass(4_000);
    assert_eq!(scene.asked.len(), 1, "the model is not asked again");
    let outcome = scene.outcome.as_ref().expect("the call ends");
    assert_eq!(outcome.disconnected_by, DisconnectedBy::Bot);
    let of = |e: &&CallEvent| e.event.starts_with("tool_");
    let told: Vec<_> = outcome.events.iter().filter(of).map(|e| (e.event.as_str(), e.why.as_str())).collect();
    assert_eq!(told, [("tool_called", "look_up"), ("tool_called", "end_call")]);
    let said = ["I look it up and then I hang up.", "Goodbye then."];
    assert_eq!(scene.said[1..], said);
}

/// Looks something up that comes to nothing, and hangs up; the model is asked what came of it.
fn hangs_up_over_a_failure(name: &str, answer: Option<ToolAnswer>) -> Scene {
    let mut scene = asked(|_| {});
    call(&mut scene, &[(name, json!({"id": 1})), ("end_call", json!({"message": "It is done. Goodbye."}))]);
    match (answer, scene.tools.first()) {
        (Some(answer), Some((run, _))) => scene.feed(Event::ToolDone { run: *run, answer }),
        // It does not answer in time.
        (None, Some(_)) => scene.pass(20_100),
        (_, None) => {}
    }
    assert_eq!(scene.asked.len(), 2, "{name}: the model is told");
    let told = told(&scene);
    assert_eq!((told.len(), told[1].contains("ends with what you say next")), (2, true), "{told:?}");
    scene
}

fn no() -> ToolAnswer {
    ToolAnswer { status: ToolStatus::Failed, ..json!("error: no").into() }
}

#[test]
fn a_call_that_the_model_ends_is_ended_whatever_else_fails() {
    const CLOSING: &str = "Thank you for calling. Goodbye.";
    let cases = [("look_up", Some(no())), ("look_up", None), ("made_up", None)];
    for (name, answer) in cases {
        for (reply, last) in [
            ("I could not look it up.", &["I could not look it up.", CLOSING][..]),
            ("I could not look it up, goodbye.", &["I could not look it up, goodbye."][..]),
            ("", &[CLOSING][..]),
        ] {
            let mut scene = hangs_up_over_a_failure(name, answer.clone());
            let before = scene.said.len();
            match reply {
                // Nothing to say, and then no model any more.
                "" => (0..2).for_each(|_| scene.llm_fails(Failure::new(FailureClass::Unavailable, "503"))),
                _ => scene.reply(reply),
            }
            scene.pass(6_000);
            let outcome = scene.outcome.as_ref().unwrap_or_else(|| panic!("{name}: {:?}", scene.said));
            assert_eq!(outcome.disconnected_by, DisconnectedBy::Bot);
            assert_eq!(scene.said[before..], *last);
            assert!(events_of(&scene, "tool_refused").iter().all(|why| !why.starts_with("end_call")));
        }
    }
    // The model may try again first, and end the call by itself then.
    let mut scene = hangs_up_over_a_failure("look_up", Some(no()));
    call(&mut scene, &[("look_up", json!({"id": 2}))]);
    answer(&mut scene, json!("done"));
    call(&mut scene, &[("end_call", json!({"message": "I have it. Goodbye."}))]);
    scene.pass(6_000);
    assert!(scene.outcome.is_some());
    assert_eq!(scene.said.last().unwrap(), "I have it. Goodbye.");
    // Who says something meanwhile is answered.
    let mut scene = hangs_up_over_a_failure("look_up", Some(no()));
    scene.caller_says("Wait, one more thing.", 900);
    scene.reply("Yes?");
    scene.hear_out();
    scene.pass(3_000);
    assert!(scene.outcome.is_none());
}

#[test]
fn a_call_is_not_ended_beside_a_question() {
    let mut scene = asked(|_| {});
    call(&mut scene, &[("book", json!({"id": 1})), ("end_call", json!({}))]);
    assert!(told(&scene)[1].contains("the call goes on"), "{:?}", told(&scene));
    scene.reply("Shall I book it?");
    scene.hear_out();
    scene.pass(3_000);
    assert!(scene.outcome.is_none());
    assert_eq!(events(&mut scene, "tool_refused")[1].why, "end_call: the caller has to be asked first");
}

#[test]
fn a_caller_who_goes_on_while_the_end_waits_is_answered() {
    let mut scene = asked(|_| {});
    call(&mut scene, &[("look_up", json!({"id": 1})), ("end_call", json!({}))]);
    scene.caller_says("Wait, one more thing.", 900);
    assert_eq!(scene.asked.len(), 2);
    scene.reply("Yes?");
    answer(&mut scene, json!("done"));
    scene.hear_out();
    scene.pass(3_000);
    assert!(scene.outcome.is_none());
    assert_eq!(events(&mut scene, "tool_refused")[0].why, "end_call: the reply was given up");
}

fn events_of(scene: &Scene, kind: &str) -> Vec<String> {
    let outcome = scene.outcome.as_ref().expect("the call is over");
    outcome.events.iter().filter(|e| e.event == kind).map(|e| e.why.clone()).collect()
}

/// A talkative model was taken for a broken one, and the next vendor was asked the same.
#[test]
fn a_fourth_round_is_refused_and_the_model_says_what_it_knows() {
    let mut scene = asked(|_| {});
    for n in 1..=3 {
        call(&mut scene, &[("look_up", json!({"id": n}))]);
        answer(&mut scene, json!(n.to_string()));
    }
    call(&mut scene, &[("look_up", json!({"id": 4}))]);
    assert_eq!((scene.tools.len(), scene.asked.len()), (3, 5));
    assert!(told(&scene)[3].contains("no more tools"), "{:?}", told(&scene));
    scene.tokens("You owe three.");
    call(&mut scene, &[("look_up", json!({"id": 5}))]);
    scene.hear_out();
    assert_eq!((scene.asked.len(), scene.count("model_failed"), scene.count("filler")), (5, 0, 0));
    assert_eq!(scene.said.last().map(String::as_str), Some("You owe three."));
    let refused: Vec<String> = events(&mut scene, "tool_refused").into_iter().map(|e| e.why).collect();
    let why = "look_up: 3 rounds of tools in one turn";
    assert_eq!(refused, [why, why]);
}

#[test]
fn no_more_than_three_requests_are_open_however_often_the_caller_goes_on() {
    let mut scene = asked(|_| {});
    for round in 0..3 {
        let calls: Vec<_> = (0..3).map(|n| ("look_up", json!({"id": 10 * round + n}))).collect();
        call(&mut scene, &calls);
        scene.caller_says("And that one?", 900);
    }
    assert_eq!(scene.tools.len(), 3, "the others wait");
    call(&mut scene, &[("look_up", json!({"id": 50}))]);
    assert_eq!(scene.tools.len(), 3);
    scene.feed(Event::ToolDone { run: scene.tools[0].0, answer: json!("12").into() });
    assert_eq!(scene.tools.len(), 4, "one has answered");
    let not_begun = events(&mut scene, "tool_refused");
    assert_eq!(not_begun.len(), 6, "what never began is told");
    assert!(not_begun.iter().all(|e| e.why == "look_up: the reply was given up"));
}

/// The bot said that it takes a moment, and then nothing more.
#[test]
fn a_late_answer_is_told_to_the_caller() {
    let mut scene = asked(|config| config.re_engagement = None);
    call(&mut scene, &[("look_up", json!({"id": 1}))]);
    scene.caller_says("Hello?", 700);
    call(&mut scene, &[("look_up", json!({"id": 1}))]);
    scene.reply("It takes a moment.");
    scene.pass(300);
    assert!(scene.bot_speaks());
    answer(&mut scene, json!("twelve"));
    assert_eq!(scene.asked.len(), 3, "the bot says first what it is saying");
    scene.hear_out();
    assert_eq!((scene.asked.len(), told(&scene).last().map(String::as_str)), (4, Some("twelve")));
    scene.reply("You owe twelve.");
    scene.hear_out();
    scene.pass(5_000);
    assert_eq!(scene.asked.len(), 4, "once");
    let latency = scene.hang_up().latency.clone();
    assert!(
        latency.iter().all(|l| l.total_ms < 6_000.0),
        "nobody waited for it since the question: {latency:?}"
    );
}

#[test]
fn a_late_answer_that_a_request_had_is_not_told_twice() {
    let mut scene = asked(|_| {});
    call(&mut scene, &[("look_up", json!({"id": 1}))]);
    scene.caller_says("Hello?", 700);
    scene.set_sound(true);
    scene.pass(500);
    answer(&mut scene, json!("twelve"));
    scene.pass(500);
    scene.set_sound(false);
    scene.final_words("Are you there?");
    scene.pass(700);
    let asked = scene.asked.len();
    assert_eq!(told(&scene), ["twelve"]);
    scene.reply("You owe twelve.");
    scene.hear_out();
    scene.pass(3_000);
    assert_eq!(scene.asked.len(), asked);
}

#[test]
fn calls_of_a_reply_that_breaks_off_are_told() {
    let mut scene = asked(|_| {});
    scene.calls_tool("a", "look_up", json!({"id": 1}));
    scene.llm_fails(Failure::new(FailureClass::Unavailable, "cut"));
    assert!(scene.tools.is_empty());
    assert_eq!(events(&mut scene, "tool_refused")[0].why, "look_up: the reply broke off");
}
