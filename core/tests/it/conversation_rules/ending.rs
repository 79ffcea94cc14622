//! Goodbyes: one, to its end, and never none.

use serde_json::json;
use vox_core::provider::llm::{Finish, LlmEvent};
use vox_shared::model::bot::Tool;
use vox_shared::wire::result::{DisconnectedBy, Speaker};

use super::scene::Scene;

/// The bot's last words when the model says `text` and calls `end_call` with these arguments.
fn last_words(text: &str, arguments: serde_json::Value, language: &str) -> String {
    let mut scene = Scene::begin(|c| c.tts.language = language.into());
    scene.caller_says("That is all.", 900);
    if !text.is_empty() {
        scene.tokens(text);
    }
    scene.calls_tool("a", "end_call", arguments);
    scene.llm(LlmEvent::Done { finish: Finish::ToolCalls, usage: None });
    while scene.outcome.is_none() && scene.now < 60_000 {
        scene.pass(100);
    }
    let outcome = scene.outcome.as_ref().expect("the call ends");
    assert_eq!(outcome.disconnected_by, DisconnectedBy::Bot);
    scene.lines(Speaker::Bot)[1..].join(" ")
}

#[test]
fn the_goodbye_is_said_once() {
    for (text, message, expected) in [
        (
            "Thank you for calling. Goodbye.",
            "Thank you for calling, goodbye!",
            "Thank you for calling. Goodbye.",
        ),
        ("Thanks for calling, bye!", "Goodbye!", "Thanks for calling, bye!"),
        ("It is booked.", "Goodbye.", "It is booked. Goodbye."),
        ("", "Goodbye and take care.", "Goodbye and take care."),
        ("Goodbye!", "Your code is 4471. Goodbye!", "Goodbye! Your code is 4471."),
        ("感谢您的来电，再见！", "谢谢来电，再见。", "感谢您的来电，再见！"),
        ("Спасибо, до свидания!", "До свидания.", "Спасибо, до свидания!"),
    ] {
        assert_eq!(last_words(text, json!({"message": message}), "en"), expected);
    }
}

#[test]
fn a_model_that_only_calls_the_tool_does_not_cut_the_caller_off() {
    for arguments in
        [json!({}), json!({"message": ""}), json!({"message": "…"}), json!(null), json!({"message": 5})]
    {
        assert_eq!(last_words("", arguments, "en-US"), "Thank you for calling. Goodbye.");
    }
    assert_eq!(last_words("", json!({}), "de"), "Danke für Ihren Anruf. Auf Wiederhören.");
    assert_eq!(last_words("", json!({}), "hi-IN"), "कॉल करने के लिए धन्यवाद। नमस्ते।");
}

/// The caller is done, and then makes a sound for so long before the model ends the call.
fn ending_over(sound_ms: u64) -> Scene {
    let mut scene = Scene::begin(|_| {});
    scene.caller_says("That is all.", 900);
    scene.set_sound(true);
    scene.pass(sound_ms);
    scene.calls_tool("a", "end_call", json!({"message": "Goodbye and take care."}));
    scene.llm(LlmEvent::Done { finish: Finish::ToolCalls, usage: None });
    scene
}

#[test]
fn a_caller_who_goes_on_is_answered_before_the_bot_ends_the_call() {
    for sound_ms in [200, 700] {
        let mut scene = ending_over(sound_ms);
        scene.pass(800);
        assert!(!scene.bot_speaks(), "{sound_ms}: the goodbye is said over the caller");
        scene.set_sound(false);
        scene.final_words("Oh wait, one more thing.");
        scene.pass(700);
        assert_eq!(scene.asked.len(), 2, "{sound_ms}: {:?}", scene.events);
        scene.reply("Of course.");
        scene.hear_out();
        scene.pass(3_000);
        assert!(scene.outcome.is_none() && scene.said[1..] == ["Of course."], "{:?}", scene.said);
    }
}

#[test]
fn a_sound_that_was_nothing_only_delays_the_goodbye() {
    for sound_ms in [200, 700] {
        let mut scene = ending_over(sound_ms);
        scene.pass(200);
        scene.set_sound(false);
        scene.pass(500);
        scene.stt_final("", true, false, Vec::new());
        scene.pass(8_000);
        let outcome = scene.outcome.as_ref().unwrap_or_else(|| panic!("{sound_ms}: {:?}", scene.events));
        assert_eq!(outcome.disconnected_by, DisconnectedBy::Bot);
        assert_eq!(scene.lines(Speaker::Bot).last().unwrap(), "Goodbye and take care.");
    }
}

#[test]
fn a_message_that_did_not_parse_is_said_all_the_same() {
    for arguments in ["{\"message\": \"Goodbye and take care.", "{'message': 'Goodbye and take care.'}"] {
        assert_eq!(last_words("", json!(arguments), "en"), "Goodbye and take care.");
    }
}

#[test]
fn a_tools_name_behind_the_last_words_ends_the_call() {
    for call in ["[END_CALL]", "`end_call`", "{\"name\": \"end_call\", \"arguments\": {}}", "<end_call/>"] {
        let mut scene = Scene::begin(|c| {
            c.tools = vec![Tool { parameters: json!({}), ..Tool::built_in("end_call") }];
        });
        scene.caller_says("That is all.", 900);
        scene.tokens(&format!("Thank you, goodbye! {call}"));
        scene.llm(LlmEvent::Done { finish: Finish::Stop, usage: None });
        scene.pass(6_000);
        let outcome = scene.outcome.as_ref().unwrap_or_else(|| panic!("{call} ends no call"));
        assert_eq!(outcome.disconnected_by, DisconnectedBy::Bot);
        assert_eq!(scene.lines(Speaker::Bot).last().unwrap(), "Thank you, goodbye!", "{call}");
    }
}

#[test]
fn the_bots_own_closing_phrase_comes_before_the_stock_one() {
    let mut scene = Scene::begin(|c| c.phrases.closing = "The clinic says goodbye.".into());
    scene.caller_says("That is all.", 900);
    scene.calls_tool("a", "end_call", json!({}));
    scene.llm(LlmEvent::Done { finish: Finish::ToolCalls, usage: None });
    scene.pass(6_000);
    assert_eq!(scene.lines(Speaker::Bot).last().unwrap(), "The clinic says goodbye.");
}

#[test]
fn a_voice_that_never_says_done_has_said_what_was_heard() {
    let mut scene = Scene::begin(|_| {});
    scene.never_done = true;
    for n in 1..=5 {
        scene.caller_says("When do you open?", 900);
        assert_eq!(scene.asked.len(), n, "the bot hangs in its own words");
        scene.reply(&format!("We open at nine on day {n}."));
        scene.hear_out();
        scene.pass(2_000);
    }
    assert_eq!(scene.count("voice_failed"), 0);
    scene.hang_up();
    assert_eq!(scene.lines(Speaker::Bot).last().unwrap(), "We open at nine on day 5.");
}

#[test]
fn a_goodbye_of_a_voice_that_never_says_done_ends_the_call_as_the_bot_wished() {
    let mut scene = Scene::begin(|_| {});
    scene.never_done = true;
    scene.caller_says("That is all.", 900);
    scene.calls_tool("a", "end_call", json!({"message": "Goodbye and take care."}));
    scene.llm(LlmEvent::Done { finish: Finish::ToolCalls, usage: None });
    scene.pass(6_000);
    let outcome = scene.outcome.as_ref().expect("the call ends");
    assert_eq!((outcome.disconnected_by, outcome.error.as_deref()), (DisconnectedBy::Bot, None));
    assert_eq!(scene.lines(Speaker::Bot).last().unwrap(), "Goodbye and take care.");
}

#[test]
fn a_voice_that_stops_in_mid_sentence_has_failed() {
    let mut scene = Scene::begin(|_| {});
    scene.caller_says("When do you open?", 900);
    scene.mute = true;
    scene.reply("We open at nine.");
    scene.pass(2_000);
    assert_eq!(scene.count("voice_failed"), 1);
}
