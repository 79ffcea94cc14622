use serde_json::{Value, json};

use super::*;
use crate::provider::llm::{Role, ToolSpec};

fn script() -> Value {
    json!({
        "start": "confirm",
        "slots": {
            "day": {"type": "date", "ask": "Which day?"},
            "time": {"type": "time", "ask": "What time?"},
            "guests": {"type": "number", "min": 1, "max": 8}
        },
        "corrections": {"too stay": "tuesday"},
        "intents": [
            {"name": "bye", "match": "<bye>", "say": "Goodbye.", "then": "end_call"},
            {"name": "repeat", "match": "<repeat>", "say": "Of course.", "then": "repeat"},
            {"name": "person", "match": "<person>", "say": "I am alone here."},
            {"name": "hours", "match": "(when|what) * (open|hours)", "say": ["Nine to five.", "As I said, nine to five."]}
        ],
        "states": {
            "confirm": {
                "ask": "Can you come on Friday?",
                "again": "So, can you come?",
                "on": [
                    {"answer": "yes", "go": "guests"},
                    {"answer": "no", "say": "I see.", "go": "when"}
                ],
                "reprompts": ["Please say yes or no. {ask}", "Yes or no?"],
                "give_up": {"say": "We will write to you.", "then": "end_call"}
            },
            "when": {"ask": "When could you come?", "fill": ["day", "time"], "next": [
                {"when": {"day": {"has": "sunday"}}, "say": "We rest {day}.", "clear": ["day"]},
                {"go": "check"}
            ]},
            "check": {
                "ask": "{day} {time}, is that right?",
                "notice": ["day", "time"],
                "on": [
                    {"heard": ["day", "time"], "go": "check"},
                    {"answer": "yes", "go": "guests"},
                    {"answer": "no", "clear": ["day", "time"], "go": "when"}
                ]
            },
            "guests": {"ask": "How many guests?", "fill": "guests", "next": [
                {"when": {"guests": {"at_least": 6}}, "say": "A large table for {guests}.", "go": "end"},
                {"go": "end"}
            ]},
            "end": {"say": "See you {day|on Friday}. Goodbye.", "end_call": true}
        }
    })
}

/// Say these lines one after another; what the bot answers to the last. A goodbye is marked `[end]`.
fn answer_to(lines: &[&str]) -> String {
    let script = Script::parse(&script()).unwrap();
    let mut messages = vec![Message::text(Role::System, "prompt"), Message::text(Role::Assistant, "Hello.")];
    let mut last = String::new();
    for line in lines {
        messages.push(Message::text(Role::User, *line));
        let reply = reply(&script, &messages, &[tool("end_call")]);
        last = match reply.tool_calls.as_slice() {
            [] => reply.text,
            [call] => format!("[end] {}", call.arguments["message"].as_str().unwrap()),
            more => panic!("{} tool calls", more.len()),
        };
        messages.push(Message::text(Role::Assistant, "(what was heard)"));
    }
    last
}

fn check(lines: &[&str], expected: &str) {
    assert_eq!(answer_to(lines), expected, "{lines:?}");
}

#[test]
fn the_straight_way_ends_with_a_goodbye() {
    check(&["yes I can"], "How many guests?");
    check(&["yes", "two"], "[end] See you on Friday. Goodbye.");
    check(&["yes", "six"], "[end] A large table for 6. See you on Friday. Goodbye.");
}

#[test]
fn slots_are_filled_in_any_order_and_number() {
    check(&["no", "at three"], "Which day?");
    check(&["no", "on Tuesday"], "What time?");
    check(&["no", "to morrow at half past nine"], "tomorrow at nine thirty in the morning, is that right?");
    check(&["no", "too stay", "four pm"], "on Tuesday at four in the afternoon, is that right?");
    check(&["no", "Sunday at three"], "We rest on Sunday. Which day?");
}

#[test]
fn a_change_of_mind_is_followed() {
    let booked = ["no", "Tuesday at three"];
    check(
        &[&booked[..], &["make it Wednesday"]].concat(),
        "on Wednesday at three in the afternoon, is that right?",
    );
    check(&[&booked[..], &["no"]].concat(), "When could you come?");
    check(&[&booked[..], &["no", "Thursday noon", "yes"]].concat(), "How many guests?");
}

#[test]
fn an_intent_is_answered_and_the_question_asked_again() {
    check(&["what are your opening hours"], "Nine to five. So, can you come?");
    check(&["what are your hours", "sorry when are you open"], "As I said, nine to five. So, can you come?");
    check(&["no I want to talk to a person"], "I am alone here. So, can you come?");
    check(&["no", "goodbye"], "[end] Goodbye.");
}

#[test]
fn a_repetition_says_the_same_without_growing() {
    check(&["no", "pardon"], "Of course. I see. When could you come?");
    check(&["no", "pardon", "say that again"], "Of course. I see. When could you come?");
    check(&["pardon"], "Of course. Can you come on Friday?");
}

#[test]
fn what_is_not_understood_is_asked_again_and_then_given_up() {
    check(&["purple"], "Please say yes or no. So, can you come?");
    check(&["purple", "green"], "Yes or no?");
    check(&["purple", "green", "blue"], "[end] We will write to you.");
    check(&["purple", "yes", "purple"], "Sorry, I didn't get that. How many guests?");
    check(&["[the caller was silent]"], "Sorry, I didn't hear you. So, can you come?");
    check(&[""], "Sorry, I didn't hear you. So, can you come?");
}

#[test]
fn after_the_goodbye_an_answer_still_comes() {
    check(&["yes", "two", "wait, what are your hours"], "[end] Nine to five. See you on Friday. Goodbye.");
    check(&["yes", "two", "purple"], "[end] See you on Friday. Goodbye.");
    check(&["bye", "no wait"], "I see. When could you come?");
}

#[test]
fn without_a_caller_the_bot_begins_and_after_its_own_words_it_asks() {
    let script = Script::parse(&script()).unwrap();
    assert_eq!(reply(&script, &[], &[]).text, "Can you come on Friday?");
    let messages = [Message::text(Role::User, "no"), Message::text(Role::Assistant, "I see.")];
    assert_eq!(reply(&script, &messages, &[]).text, "When could you come?");
    let messages = [Message::text(Role::User, "bye"), Message::text(Role::Tool, "done")];
    assert_eq!(reply(&script, &messages, &[]), Reply::default());
}

#[test]
fn the_longest_conversation_stays_cheap() {
    let script = Script::parse(&script()).unwrap();
    let line = "well you know i was thinking about it ".repeat(40);
    let messages: Vec<Message> = (0..200).map(|_| Message::text(Role::User, line.as_str())).collect();
    assert!(!reply(&script, &messages, &[]).text.is_empty());
}

fn model(script: Value) -> Result<Scripted, Failure> {
    let mut settings = LlmSettings::default();
    settings.extra.insert("script".into(), script);
    Scripted::from_settings(&settings)
}

async fn events(tools: Vec<ToolSpec>, said: &str) -> Vec<LlmEvent> {
    let messages = vec![Message::text(Role::User, said)];
    let request = LlmRequest { messages, tools, cache_key: None };
    let mut stream = model(script()).unwrap().ask(request);
    let mut events = Vec::new();
    while let Some(event) = stream.events.recv().await {
        events.push(event);
    }
    events
}

#[tokio::test]
async fn a_reply_is_streamed_word_by_word() {
    let text = |text: &str| LlmEvent::Text(text.to_owned());
    let usage = Some(LlmUsage { tokens_in: 2, tokens_out: 3, ..LlmUsage::default() });
    let expected =
        [text("How "), text("many "), text("guests?"), LlmEvent::Done { finish: Finish::Stop, usage }];
    assert_eq!(events(Vec::new(), "yes please").await, expected);
}

fn tool(name: &str) -> ToolSpec {
    ToolSpec { name: name.into(), description: String::new(), parameters: json!({}) }
}

#[test]
fn a_caller_is_handed_over_and_told_when_nobody_answered() {
    let script = json!({
        "start": "ask",
        "intents": [
            {"name": "person", "match": "<person>", "say": "One moment.", "then": "transfer", "to": "desk", "failed": "Nobody is there. {ask}"},
            {"name": "usual", "match": "boss", "say": "I ask.", "then": "transfer", "failed": "Later."},
            {"name": "machine", "match": "leave a message", "then": "voicemail"}
        ],
        "states": {"ask": {"ask": "What is it?", "reprompts": ["Pardon?"]}},
        "give_up": {"say": "Bye.", "then": "end_call"}
    });
    let script = Script::parse(&script).unwrap();
    let heard = |text: &str| vec![Message::text(Role::User, text)];
    let all = [tool("transfer_call"), tool("detected_voicemail")];
    let named = |reply: &Reply| {
        let called = |call: &ToolCall| (call.name.clone(), call.arguments.clone());
        (reply.text.clone(), reply.tool_calls.iter().map(called).collect::<Vec<_>>())
    };
    let mut messages = heard("a person please");
    let asked = reply(&script, &messages, &all);
    assert_eq!(
        named(&asked),
        ("One moment.".into(), vec![("transfer_call".into(), json!({"target": "desk"}))])
    );
    let call = Message { tool_calls: asked.tool_calls, ..Message::text(Role::Assistant, "One moment.") };
    messages.extend([call, Message::text(Role::Tool, "nobody answered")]);
    assert_eq!(reply(&script, &messages, &all).text, "Nobody is there. What is it?");
    assert_eq!(named(&reply(&script, &heard("the boss"), &all)).1, [("transfer_call".to_owned(), json!({}))]);
    let machine = heard("please leave a message after the tone");
    assert_eq!(
        named(&reply(&script, &machine, &all)),
        (String::new(), vec![("detected_voicemail".into(), json!({}))])
    );
    // What was not offered is not called, nor promised.
    for (said, expected) in
        [("a person please", "Nobody is there. What is it?"), ("leave a message", "What is it?")]
    {
        assert_eq!(named(&reply(&script, &heard(said), &[])), (expected.to_owned(), Vec::new()), "{said}");
    }
}

#[tokio::test]
async fn the_call_is_ended_by_a_tool_only_where_it_is_offered() {
    let offered = events(vec![tool("end_call")], "goodbye").await;
    let LlmEvent::ToolCall(call) = &offered[0] else { panic!("{offered:?}") };
    assert_eq!((call.name.as_str(), &call.arguments), ("end_call", &json!({"message": "Goodbye."})));
    assert!(matches!(offered[1], LlmEvent::Done { finish: Finish::ToolCalls, .. }));
    let refused = events(Vec::new(), "goodbye").await;
    assert_eq!(refused[0], LlmEvent::Text("Goodbye.".into()));
    assert!(matches!(refused[1], LlmEvent::Done { finish: Finish::Stop, .. }));
}

#[test]
fn a_missing_or_wrong_script_is_refused_with_its_place() {
    let missing = Scripted::from_settings(&LlmSettings::default()).unwrap_err();
    assert_eq!(missing.class, FailureClass::Refused);
    assert!(missing.detail.contains("llm.extra.script"));
    let wrong = model(json!({"start": "nowhere", "states": {}})).unwrap_err();
    assert!(wrong.detail.contains("script.start: there is no state"), "{}", wrong.detail);
}
