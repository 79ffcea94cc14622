//! Models that are slow, silent, broken or done, and tools.

use std::time::Duration;

use serde_json::json;
use vox_core::provider::llm::{Finish, LlmEvent, Role};
use vox_core::provider::{Failure, FailureClass};
use vox_core::session::event::Event;
use vox_shared::model::bot::Tool;
use vox_shared::wire::config::RuntimeConfig;
use vox_shared::wire::result::{DisconnectedBy, Speaker};

use super::scene::{Scene, config, prompts_after};

fn asked() -> Scene {
    let mut scene = Scene::begin(|_| {});
    scene.caller_says("When do you open?", 900);
    assert_eq!(scene.asked.len(), 1);
    scene
}

fn with_tools(config: &mut RuntimeConfig) {
    let tool = |name: &str| Tool { parameters: json!({"type": "object"}), ..Tool::built_in(name) };
    config.tools = vec![tool("end_call"), tool("look_up")];
}

#[test]
fn reasoning_is_progress_with_one_request_a_filler_and_the_answer() {
    let mut scene = asked();
    for _ in 0..28 {
        scene.pass(250);
        scene.llm(LlmEvent::Progress);
    }
    scene.reply("We open at nine.");
    scene.hear_out();
    assert_eq!((scene.asked.len(), scene.count("filler"), scene.count("model_failed")), (1, 1, 0));
    assert!(scene.tones >= 1, "nothing was heard for seven seconds");
    assert_eq!(scene.said.last().unwrap(), "We open at nine.");
}

#[test]
fn a_sentence_before_a_pause_of_the_model_is_said_in_every_script() {
    for first in ["感谢您的来电。", "नमस्ते।", "هل أنت بخير؟", "We open at nine.", "สวัสดีค่ะ!"]
    {
        let mut scene = asked();
        scene.tokens(first);
        scene.pass(700);
        assert_eq!(scene.said.last().map(String::as_str), Some(first), "the voice waits for more");
        scene.tokens("And more.");
        scene.llm(LlmEvent::Done { finish: Finish::Stop, usage: None });
        scene.hear_out();
        assert_eq!(scene.said.last().map(String::as_str), Some("And more."));
    }
}

#[test]
fn reasoning_has_an_end() {
    let mut scene = asked();
    let began = scene.now;
    while scene.count("model_failed") == 0 && scene.now < began + 60_000 {
        scene.pass(500);
        scene.llm(LlmEvent::Progress);
    }
    let waited = scene.now - began;
    assert!((25_000..=31_000).contains(&waited), "{waited} ms");
}

#[test]
fn a_model_that_has_nothing_to_say_is_taken_at_its_word() {
    for text in [
        "...",
        "👍",
        " … ",
        "—",
        "<think>he only hums</think>...",
        "He only hums.</think> …",
        "<think>he only hums</think>\n\n👍\n",
    ] {
        let mut scene = Scene::begin(|c| c.re_engagement = prompts_after(4.0));
        for n in 1..=3 {
            scene.caller_says("Hold on a second.", 900);
            scene.reply(text);
            scene.pass(200);
            assert_eq!(scene.asked.len(), n, "{text}: asked again");
        }
        assert_eq!((scene.count("model_failed"), scene.count("nothing_said")), (0, 3), "{text}");
        scene.pass(4_200);
        assert_eq!(scene.count("caller_silent"), 1, "{text}: idle prompts go on");
    }
}

#[test]
fn an_empty_reply_is_asked_for_again() {
    let mut scene = asked();
    scene.llm(LlmEvent::Done { finish: Finish::Stop, usage: None });
    assert_eq!(scene.asked.len(), 2);
    scene.reply("Here is my answer.");
    scene.hear_out();
    assert_eq!(scene.said.last().unwrap(), "Here is my answer.");
}

#[test]
fn reasoning_without_an_answer_is_an_empty_reply() {
    for text in ["<think>He wants to know when we open.</think>", "...</think>", "<think>dots ...</think>**"]
    {
        let mut scene = asked();
        scene.reply(text);
        assert_eq!((scene.asked.len(), scene.count("nothing_said")), (2, 0), "{text}");
    }
}

#[test]
fn a_reply_is_cut_by_its_characters_whatever_the_script() {
    for (sentence, cut) in [("नमस्ते, हम नौ बजे खुलते हैं। ", false), ("We open at nine in the morning. ", true)]
    {
        let mut scene = asked();
        let count = if cut { 4_200 } else { 3_000 } / sentence.chars().count();
        for _ in 0..count {
            scene.tokens(sentence);
        }
        scene.llm(LlmEvent::Done { finish: Finish::Stop, usage: None });
        assert_eq!(scene.count("reply_cut"), usize::from(cut), "{sentence}");
    }
}

#[test]
fn a_model_that_wants_to_be_asked_later_is_if_the_caller_can_wait() {
    let over = |after: Option<u64>| Failure {
        retry_after: after.map(Duration::from_millis),
        ..Failure::new(FailureClass::OverLimit, "429")
    };
    let mut scene = asked();
    scene.llm_fails(over(Some(1_500)));
    scene.pass(1_300);
    assert_eq!(scene.asked.len(), 1, "asked before its time");
    scene.pass(400);
    assert_eq!(scene.asked.len(), 2);

    let mut scene = asked();
    scene.llm_fails(over(Some(60_000)));
    scene.pass(100);
    assert_eq!(scene.asked.len(), 1, "nobody waits a minute");
    assert!(scene.bot_speaks(), "the caller is told");

    let mut scene = Scene::begin(|c| c.llm.fallbacks = vec![c.llm.clone()]);
    scene.caller_says("When do you open?", 900);
    scene.llm_fails(over(Some(60_000)));
    scene.pass(20);
    assert_eq!(scene.asked.len(), 2, "another model is asked at once");
}

#[test]
fn a_model_that_fails_for_good_is_excused_once_and_then_the_call_ends() {
    let phrases = config(|_| {}).phrases;
    let mut scene = asked();
    let fail_twice = |scene: &mut Scene| {
        for _ in 0..2 {
            scene.llm_fails(Failure::new(FailureClass::Unavailable, "cut"));
        }
    };
    fail_twice(&mut scene);
    assert_eq!((scene.asked.len(), scene.said.last()), (2, Some(&phrases.trouble)));
    scene.hear_out();
    scene.caller_says("When do you open?", 900);
    fail_twice(&mut scene);
    scene.pass(8_000);
    let outcome = scene.outcome.as_ref().expect("the call ends");
    assert_eq!(outcome.disconnected_by, DisconnectedBy::Error);
    assert!(outcome.error.as_ref().is_some_and(|e| e.contains("cut")), "{:?}", outcome.error);
    assert_eq!(scene.lines(Speaker::Bot).last(), Some(&phrases.apology));
}

#[test]
fn a_stream_that_breaks_after_text_is_said_to_its_last_word() {
    let mut scene = asked();
    scene.tokens("We open at nine. Please call again");
    scene.llm_fails(Failure::new(FailureClass::Unavailable, "cut"));
    scene.hear_out();
    assert_eq!(scene.asked.len(), 1);
    assert_eq!(scene.said[1..].join(" "), "We open at nine. Please call again");
}

#[test]
fn the_delay_is_the_replys_and_not_the_fillers() {
    let mut scene = asked();
    scene.pass(2_000);
    assert_eq!(scene.count("filler"), 1);
    scene.reply("We open at nine.");
    scene.hear_out();
    let outcome = scene.hang_up().clone();
    assert_eq!(outcome.latency.len(), 1);
    assert!(outcome.latency[0].total_ms > 2_500.0, "{:?}", outcome.latency);
    let whys: Vec<&str> = outcome.why.iter().map(|w| w.why.as_str()).collect();
    assert!(whys.contains(&"filler") && whys.contains(&"reply"), "{whys:?}");
}

#[test]
fn a_wish_to_hear_it_again_is_no_loop_and_a_loop_is_one() {
    let mut scene = Scene::begin(|_| {});
    for question in
        ["When do you open?", "Sorry?", "Could you repeat that?", "What was that?", "Say it again please."]
    {
        scene.caller_says(question, 900);
        scene.reply("We open at nine.");
        scene.hear_out();
    }
    assert!(scene.outcome.is_none() && scene.count("loop_guard") == 0, "{:?}", scene.events);
    let mut scene = Scene::begin(|_| {});
    for question in ["When do you open?", "And where are you?", "Who is the doctor?"] {
        scene.caller_says(question, 900);
        scene.reply("We open at nine.");
        scene.hear_out();
    }
    assert_eq!(scene.count("loop_guard"), 1);
}

#[test]
fn a_tool_is_run_and_its_result_comes_later() {
    let mut scene = Scene::begin(with_tools);
    scene.caller_says("What do I owe?", 900);
    scene.tokens("Let me look that up. ");
    scene.calls_tool("a", "look_up", json!({"id": 7}));
    scene.llm(LlmEvent::Done { finish: Finish::ToolCalls, usage: None });
    let (run, call) = scene.tools[0].clone();
    assert_eq!((call.name.as_str(), call.arguments), ("look_up", json!({"id": 7})));
    scene.hear_out();
    scene.pass(1_000);
    assert_eq!(
        (scene.asked.len(), scene.count("filler")),
        (1, 1),
        "the caller is told that it takes a while"
    );
    scene.feed(Event::ToolDone { run, answer: json!({"owed": 12}).into() });
    assert_eq!(scene.asked.len(), 2);
    let texts = scene.conversation();
    let at = |text: &str| {
        texts.iter().position(|(_, t)| t.starts_with(text)).unwrap_or_else(|| panic!("{text}: {texts:?}"))
    };
    assert!(at("Let me look that up.") < at("{\"owed\":12}"), "true order: {texts:?}");
    scene.reply("You owe twelve euros.");
    scene.hear_out();
    assert_eq!(scene.said.last().unwrap(), "You owe twelve euros.");
}

#[test]
fn text_before_a_tool_is_in_its_place_before_it_was_heard() {
    let mut scene = Scene::begin(with_tools);
    scene.caller_says("What do I owe?", 900);
    scene.tokens("Let me look that up in all of our many books. ");
    scene.calls_tool("a", "look_up", json!({}));
    scene.llm(LlmEvent::Done { finish: Finish::ToolCalls, usage: None });
    let run = scene.tools[0].0;
    scene.feed(Event::ToolDone { run, answer: json!("12").into() });
    let roles: Vec<Role> = scene.conversation().iter().map(|(role, _)| *role).collect();
    assert_eq!(roles[roles.len() - 2..], [Role::Assistant, Role::Tool]);
    scene.reply("You owe twelve.");
    scene.pass(700);
    scene.feed(Event::HungUp { by: DisconnectedBy::Customer });
    let heard: Vec<String> = scene
        .context()
        .into_iter()
        .filter(|(r, t)| *r == Role::Assistant && !t.is_empty())
        .map(|(_, t)| t)
        .collect();
    assert!(heard.last().is_some_and(|t| t.starts_with("Let me") && !t.contains("books")), "{heard:?}");
}

#[test]
fn an_unknown_tool_is_answered_and_a_late_result_is_kept() {
    let mut scene = Scene::begin(with_tools);
    scene.caller_says("What do I owe?", 900);
    scene.calls_tool("a", "look_up", json!({}));
    scene.calls_tool("b", "made_up", json!({}));
    scene.llm(LlmEvent::Done { finish: Finish::ToolCalls, usage: None });
    assert_eq!((scene.tools.len(), scene.count("tool_refused")), (1, 1));
    let run = scene.tools[0].0;
    // The caller goes on before the tool has answered.
    scene.caller_says("Forget it, when do you open?", 1_200);
    assert_eq!(scene.asked.len(), 2);
    scene.feed(Event::ToolDone { run, answer: json!("12").into() });
    assert_eq!(scene.asked.len(), 2, "nobody waits for it");
    scene.reply("At nine.");
    scene.hear_out();
    scene.caller_says("And what do I owe?", 900);
    let told = scene.conversation();
    assert!(told.contains(&(Role::Tool, "12".into())), "{told:?}");
    assert_eq!(told.last().unwrap().1, "And what do I owe?", "the caller's words are the newest");
}

#[test]
fn a_tool_that_answers_after_all_is_known_to_the_model() {
    let mut scene = Scene::begin(with_tools);
    scene.caller_says("What do I owe?", 900);
    scene.calls_tool("a", "look_up", json!({}));
    scene.llm(LlmEvent::Done { finish: Finish::ToolCalls, usage: None });
    let run = scene.tools[0].0;
    scene.pass(20_100);
    scene.reply("I could not find that out.");
    scene.hear_out();
    scene.feed(Event::ToolDone { run, answer: json!("12").into() });
    scene.caller_says("Try again.", 900);
    let results: Vec<String> =
        scene.conversation().into_iter().filter(|(role, _)| *role == Role::Tool).map(|(_, t)| t).collect();
    assert_eq!(results, ["12"]);
}

#[test]
fn what_a_cancelled_and_a_broken_request_wrote_is_counted() {
    let mut scene = asked();
    scene.tokens("We are open from nine to five");
    scene.sound(900);
    scene.final_words("And on Sunday?");
    scene.pass(700);
    assert_eq!(scene.asked.len(), 2);
    scene.tokens("On Sundays we are closed, ");
    scene.llm_fails(Failure::new(FailureClass::Unavailable, "cut"));
    let usage = scene.hang_up().usage.iter().find(|u| u.kind == "llm").unwrap().clone();
    assert!(usage.tokens_out >= 13, "{usage:?}");
}

#[test]
fn a_call_that_is_written_as_text_is_carried_out_and_not_spoken() {
    let mut scene = Scene::begin(with_tools);
    scene.caller_says("That is all.", 900);
    scene.tokens("<tool_call>\n{\"name\": \"end_call\", \"arguments\": {\"message\": \"Goodbye then.\"}}\n</tool_call>");
    scene.llm(LlmEvent::Done { finish: Finish::Stop, usage: None });
    scene.pass(4_000);
    assert_eq!(scene.said[1..], ["Goodbye then."]);
    assert_eq!(scene.outcome.as_ref().expect("the call ends").disconnected_by, DisconnectedBy::Bot);
}

#[test]
fn a_call_of_an_unknown_tool_in_the_text_is_dropped() {
    let mut scene = Scene::begin(with_tools);
    scene.caller_says("When do you open?", 900);
    scene.reply("We open at nine. <tool_call>{\"name\": \"made_up\", \"arguments\": {}}</tool_call>");
    scene.hear_out();
    assert_eq!((scene.asked.len(), scene.count("tool_refused")), (1, 1));
    assert_eq!(scene.said[1..], ["We open at nine."]);
}

#[test]
fn long_reasoning_in_the_text_does_not_cut_the_answer() {
    let mut scene = asked();
    scene.tokens("<think>");
    for _ in 0..1_000 {
        scene.tokens("I should be kind. ");
    }
    scene.reply("</think>We open at nine.");
    scene.hear_out();
    assert_eq!(scene.said[1..], ["We open at nine."]);
    assert_eq!(scene.count("reply_cut"), 0);
}

#[test]
fn a_tool_that_never_answers_has_failed() {
    let mut scene = Scene::begin(with_tools);
    scene.caller_says("What do I owe?", 900);
    scene.calls_tool("a", "look_up", json!({}));
    scene.llm(LlmEvent::Done { finish: Finish::ToolCalls, usage: None });
    scene.pass(21_000);
    assert_eq!((scene.asked.len(), scene.count("tool_failed")), (2, 1));
}
