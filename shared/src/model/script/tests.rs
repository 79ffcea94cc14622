use serde_json::json;

use super::*;

fn script() -> Value {
    json!({
        "start": "confirm",
        "slots": {
            "day": {"type": "date", "ask": "Which day?"},
            "time": {"type": "time", "ask": "What time?"}
        },
        "intents": [{"name": "bye", "match": "<bye>", "say": "Goodbye.", "then": "end_call"}],
        "states": {
            "confirm": {
                "ask": "Can you come?",
                "on": [
                    {"answer": "yes", "go": "done"},
                    {"answer": "no", "clear": "day", "go": "when"}
                ]
            },
            "when": {"ask": "When then?", "fill": ["day", "time"], "next": "done"},
            "done": {"say": "See you {day|then}.", "end_call": true}
        }
    })
}

/// Change one place of the good script and look at the complaint.
fn check(pointer: &str, value: Value, path: &str, hint: &str) {
    let mut script = script();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    script.pointer_mut(parent).unwrap()[key] = value;
    let error = validate_script(&script).unwrap_err();
    assert_eq!(error.path, path, "{error}");
    assert!(error.problem.contains(hint), "{error}");
}

#[test]
fn a_good_script_is_read() {
    let script = Script::parse(&script()).unwrap();
    assert_eq!(script.states.len(), 3);
    assert_eq!(script.states["confirm"].on[1].action.then, Then::Go("when".into()));
    assert_eq!(script.states["when"].next[0].action.then, Then::Go("done".into()));
    assert_eq!(script.reprompts.len(), 1);
}

#[test]
fn names_that_do_not_exist_are_found() {
    check(
        "/start",
        json!("nowhere"),
        "script.start",
        "no state \"nowhere\"; add it or use one of confirm, done, when",
    );
    check("/states/when/next", json!("nowhere"), "script.states.when.next[0].go", "no state");
    check("/states/when/fill", json!(["day", "hour"]), "script.states.when.fill", "no slot \"hour\"");
    check("/states/done/say", json!("At {hour}."), "script.states.done.say", "no slot \"hour\"");
    check("/states/confirm/intents", json!(["help"]), "script.states.confirm.intents", "no intent \"help\"");
    check("/intents/0/when", json!({"hour": "1"}), "script.intents[0].when", "no slot");
    check(
        "/states/confirm/on",
        json!([{"heard": "day", "go": "done"}]),
        "script.states.confirm.on[0]",
        "never heard",
    );
}

#[test]
fn wrong_shapes_are_found() {
    check("/states/confirm/ask", json!(3), "script.states.confirm.ask", "this is a number; write a text");
    check(
        "/states/confirm/asks",
        json!("x"),
        "script.states.confirm",
        "\"asks\" is not known here; use say, ask",
    );
    check("/slots/day/type", json!("when"), "script.slots.day.type", "use yes_no, number");
    check("/intents/0/match", json!([]), "script.intents[0].match", "no patterns");
    check("/intents/0/match", json!("(a"), "script.intents[0].match", "add ')'");
    check(
        "/intents/0/then",
        json!("stop"),
        "script.intents[0].then",
        "use ask, wait, repeat, end_call, transfer or voicemail",
    );
    check("/intents/0/go", json!("done"), "script.intents[0].then", "exclude each other");
    check(
        "/states/confirm/on",
        json!([{"go": "done"}]),
        "script.states.confirm.on[0]",
        "would fire at every word",
    );
    let rule = json!([{"answer": "maybe", "go": "done"}]);
    check("/states/confirm/on", rule, "script.states.confirm.on[0].answer", "use yes or no");
    check("/corrections", json!({"...": "x"}), "script.corrections....", "misheard");
    let error = validate_script(&json!([])).unwrap_err();
    assert_eq!(error.to_string(), "script: this is a list; write an object");
}

#[test]
fn dead_ends_and_circles_are_found() {
    check("/states/done", json!({"end_call": true}), "script.states.done", "goodbye");
    check("/states/done", json!({"say": "Well."}), "script.states.done", "neither asks nor leads on");
    check("/states/when", json!({"fill": ["day"]}), "script.states.when", "no way onward");
    check("/slots/time", json!({"type": "time"}), "script.states.when", "nothing asks for \"time\"");
    check("/states/when/ask", json!("Hm? {ask}"), "script.states.when.ask", "follows by itself");
    let circle = json!({"say": "Round", "next": [{"when": {"day": "monday"}, "go": "done"}, {"go": "done"}]});
    check("/states/done", circle, "script.states.done.next", "break the circle");
}

#[test]
fn remarks_are_allowed_everywhere() {
    let mut script = script();
    script["note"] = json!("for the front desk");
    script["states"]["confirm"]["note"] = json!("first question");
    assert_eq!(validate_script(&script), Ok(()));
}

#[test]
fn the_built_in_sets_are_read() {
    assert!(builtin::sets().contains_key("yes"));
}
