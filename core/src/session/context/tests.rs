//! What the model is told, and when.

use serde_json::json;

use super::told::{CUT_OFF, HISTORY_BYTES, chars, size};
use super::*;
use crate::session::spending::CHARS_PER_TOKEN;

fn call(id: &str) -> ToolCall {
    ToolCall { id: id.into(), name: "look_up".into(), arguments: json!({}) }
}

#[test]
fn one_speaker_in_a_row_is_one_message() {
    let mut context = Context::new("Be kind.".into(), Vec::new(), None);
    context.bot_heard(1, "Hello.");
    context.bot_heard(1, "");
    context.caller("I need");
    context.caller("help");
    let request = context.request();
    assert_eq!(request.messages.len(), 3);
    assert_eq!(request.messages[2].text, "I need help");
}

#[test]
fn the_oldest_messages_fall_out_first() {
    let mut context = Context::new(String::new(), Vec::new(), None);
    for i in 0..100 {
        context.caller(&format!("{i} {}", "x".repeat(1000)));
        context.bot_heard(i, "yes");
    }
    let request = context.request();
    let size: usize = request.messages.iter().map(|m| m.text.len()).sum();
    assert!(size <= HISTORY_BYTES);
    assert!(request.messages.last().is_some_and(|m| m.text == "yes"));
    assert_eq!(context.history().len(), 200);
}

/// Two long answers of one reply left the model with the system prompt alone.
#[test]
fn however_long_tools_answer_the_model_knows_the_question_and_something_of_each() {
    let letters = |n: usize| json!("न".repeat(n));
    for rounds in 1..=4 {
        let mut context = Context::new("Be kind.".into(), Vec::new(), None);
        context.bot_heard(1, "Hello.");
        context.caller("What do I owe?");
        for round in 0..rounds {
            let ids = ["a", "b", "c"].map(|id| call(&format!("{id}{round}")));
            let [a, b, c] = ids;
            context.tool_results(vec![(a, letters(16_000)), (b, json!("12")), (c, letters(5_000))]);
        }
        let asked = context.request().messages;
        let size: usize = asked.iter().map(size).sum();
        assert!(size <= HISTORY_BYTES + "Be kind.".len(), "{rounds}: {size}");
        assert_eq!(
            (asked[1].text.as_str(), asked[2].text.as_str()),
            ("Hello.", "What do I owe?"),
            "{rounds}"
        );
        let answers: Vec<&str> =
            asked.iter().filter(|m| m.role == Role::Tool).map(|m| m.text.as_str()).collect();
        assert_eq!(answers.len(), 3 * rounds);
        assert!(answers.iter().all(|a| *a == "12" || a.len() > 1_500), "each has its share");
        assert!(answers[0].ends_with(CUT_OFF));
        let letters: usize = asked.iter().map(chars).sum();
        assert_eq!(context.tokens(), letters as u64 / CHARS_PER_TOKEN);
    }
}

/// Hindi had three times the tokens of the same words in Latin letters.
#[test]
fn four_characters_count_as_a_token_in_every_script() {
    let mut context = Context::new("दयालु रहो".into(), Vec::new(), None);
    context.caller(&"न".repeat(91));
    assert_eq!(context.tokens(), 25);
}

#[test]
fn a_later_turn_does_without_answers_that_do_not_fit_any_more() {
    let mut context = Context::new(String::new(), Vec::new(), None);
    context.caller("What do I owe?");
    context
        .tool_results(vec![(call("a"), json!("x".repeat(16_000))), (call("b"), json!("y".repeat(16_000)))]);
    context.bot_heard(1, "Twelve.");
    context.caller("And when?");
    context.tool_results(vec![(call("c"), json!("z".repeat(14_000)))]);
    let roles: Vec<Role> = context.request().messages.iter().map(|m| m.role).collect();
    assert_eq!(roles, [Role::System, Role::Assistant, Role::User, Role::Assistant, Role::Tool]);
}

#[test]
fn text_before_a_tool_call_keeps_its_place_and_shrinks_to_what_was_heard() {
    let mut context = Context::new(String::new(), Vec::new(), None);
    context.caller("What do I owe?");
    context.promise(7, "Let me look that up.");
    context.tool_results(vec![(call("a"), json!("12")), (call("b"), json!({"n": 1}))]);
    let asked = context.request().messages;
    assert_eq!(asked[2].text, "Let me look that up.");
    assert_eq!(asked[2].tool_calls.len(), 2, "text and tools are one message");
    assert_eq!((asked[3].text.as_str(), asked[4].text.as_str()), ("12", "{\"n\":1}"));
    context.bot_heard(7, "Let me look");
    context.bot_heard(8, "You owe twelve.");
    let history = context.history();
    assert_eq!(history[1].text, "Let me look");
    assert_eq!(history.last().unwrap().text, "You owe twelve.");
}

#[test]
fn what_was_promised_and_never_heard_is_gone() {
    let mut context = Context::new(String::new(), Vec::new(), None);
    context.promise(1, "Never heard.");
    context.tool_results(vec![(call("a"), json!("12"))]);
    context.drop_promises();
    assert!(context.history().iter().all(|m| m.text != "Never heard."));
}

#[test]
fn a_draft_can_be_withdrawn_and_late_words_are_added() {
    let mut context = Context::new(String::new(), Vec::new(), None);
    context.caller("I need an appointment");
    assert!(context.amend(Party::Caller, "an appointment", "an appointment on Monday"));
    assert!(!context.amend(Party::Caller, "never said", "at all"));
    let draft = context.draft("at ten");
    assert_eq!(context.request().messages[1].text, "I need an appointment on Monday at ten");
    context.withdraw(draft);
    let draft = context.draft("at eleven");
    context.confirm(draft);
    context.withdraw(draft);
    context.caller("or so");
    assert_eq!(context.request().messages[1].text, "I need an appointment on Monday at eleven or so");
}

#[test]
fn only_the_draft_is_withdrawn_whatever_happened_meanwhile() {
    let mut context = Context::new(String::new(), Vec::new(), None);
    context.caller("जी हाँ मैं");
    let draft = context.draft("सोमवार को");
    assert!(context.amend(Party::Caller, "जी हाँ मैं", "जी मैं हूँ ना"));
    assert!(context.amend(Party::Caller, "सोमवार को", "मंगलवार को आऊँगा"));
    context.note("The caller is a doctor.");
    context.bot_heard(1, "Sure.");
    context.withdraw(draft);
    let texts: Vec<String> = context.history().into_iter().map(|m| m.text).collect();
    assert_eq!(texts, ["जी मैं हूँ ना", "The caller is a doctor.", "Sure."]);
}

#[test]
fn a_late_result_takes_the_place_of_its_absence() {
    let mut context = Context::new(String::new(), Vec::new(), None);
    context.tool_results(vec![(call("call_0"), json!("7"))]);
    context.tool_results(vec![(call("call_0"), json!(NO_ANSWER))]);
    context.bot_heard(1, "I could not find out.");
    context.late_result(call("call_0"), json!(12));
    context.late_result(call("b"), json!(13));
    let texts: Vec<String> = context.history().into_iter().map(|m| m.text).collect();
    assert_eq!(texts, ["", "7", "", "12", "I could not find out.", "", "13"]);
}
