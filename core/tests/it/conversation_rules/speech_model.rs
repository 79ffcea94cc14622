//! A model that hears and speaks by itself: no recogniser and no voice, and the same conversation.

use std::time::Duration;

use serde_json::json;
use vox_core::provider::llm::{Finish, LlmEvent, Role};
use vox_core::provider::{Failure, FailureClass};
use vox_core::session::event::{Event, ModelEvent, Span, VoiceEvent};
use vox_core::session::rules::{Ladder, Rules};
use vox_shared::model::bot::Tool;
use vox_shared::wire::config::RuntimeConfig;
use vox_shared::wire::order::Order;
use vox_shared::wire::result::{DisconnectedBy, Speaker};

use super::scene::{Scene, config, prompts_after};

const LONG: &str = "We are open from nine to five on all days of the week but on Sundays.";

fn rules(change: impl FnOnce(&mut RuntimeConfig)) -> Rules {
    let rules = Rules::from_config(&config(change), Duration::ZERO);
    Rules { stt: Ladder::default(), tts: Ladder::default(), ..rules }
}

/// A conversation whose greeting was heard.
fn begin(change: impl FnOnce(&mut RuntimeConfig)) -> Scene {
    let mut scene = Scene::by(rules(change));
    scene.pass(1_000);
    scene
}

/// The caller speaks for so long, and is silent until the turn is over: its sound.
fn caller_speaks(scene: &mut Scene, ms: u64) -> Option<Span> {
    let asked = scene.asked.len();
    scene.sound(ms);
    scene.pass(700);
    (scene.asked.len() > asked).then(|| *scene.heard.last().unwrap().last().expect("it is to some sound"))
}

fn heard(scene: &mut Scene, span: Span, text: &str) {
    scene.feed(Event::Model(ModelEvent::Heard { span, text: text.into() }));
}

fn cut() -> Failure {
    Failure::new(FailureClass::Unavailable, "cut")
}

#[test]
fn no_recogniser_and_no_voice_are_opened_and_the_model_says_the_greeting() {
    let scene = begin(|_| {});
    assert_eq!((scene.recognisers, scene.voices, scene.tones), (0, 0, 0));
    assert_eq!(scene.recited, [(0, "Hello.".to_owned())]);
    assert_eq!(scene.context(), [(Role::Assistant, "Hello.".into())]);
}

#[test]
fn a_turn_ends_by_silence_and_is_answered_by_the_models_own_sound() {
    let mut scene = begin(|_| {});
    let before = scene.now;
    let span = caller_speaks(&mut scene, 900).expect("a turn without words is answered");
    let ms = |at: Duration| at.as_millis() as u64;
    assert!(ms(span.from).abs_diff(before) < 100 && ms(span.to).abs_diff(before + 900) < 100, "{span:?}");
    assert_eq!((scene.finalised, scene.count("not_understood")), (0, 0));
    assert_eq!(scene.told(), [span.as_text()]);
    scene.model_says("We open at nine.");
    scene.model_done();
    assert!(scene.bot_speaks());
    scene.hear_out();
    assert_eq!(scene.recited.len(), 1, "nothing is read to a voice");
    heard(&mut scene, span, " When do you open? ");
    scene.hang_up();
    assert_eq!(scene.lines(Speaker::Bot), ["Hello.", "We open at nine."]);
    assert_eq!(scene.lines(Speaker::Caller), ["When do you open?"]);
    assert_eq!(scene.outcome.as_ref().unwrap().latency.len(), 1);
}

#[test]
fn a_noise_is_no_turn() {
    let mut scene = begin(|_| {});
    assert_eq!(caller_speaks(&mut scene, 150), None);
    scene.pass(5_000);
    assert_eq!((scene.asked.len(), scene.recited.len()), (0, 1));
}

#[test]
fn a_model_that_heard_nothing_to_answer_may_say_so_without_sound() {
    let mut scene = begin(|_| {});
    for _ in 0..4 {
        caller_speaks(&mut scene, 900);
        scene.reply("...");
        scene.pass(2_000);
    }
    let events = ["nothing_said", "model_failed", "hold_tone"].map(|event| scene.count(event));
    assert_eq!((events, scene.asked.len(), scene.recited.len()), ([4, 0, 0], 4, 1));
}

#[test]
fn the_callers_words_may_come_late_and_amend_their_own_line() {
    let mut scene = begin(|_| {});
    let first = caller_speaks(&mut scene, 900).unwrap();
    scene.model_says("Yes.");
    scene.model_done();
    scene.hear_out();
    let second = caller_speaks(&mut scene, 700).unwrap();
    assert_eq!(scene.heard.last().unwrap(), &[second], "the first is answered");
    heard(&mut scene, second, "On Sunday too?");
    heard(&mut scene, first, "Are you open?");
    heard(&mut scene, first, "never");
    assert_eq!(scene.asked.len(), 2, "the model has heard the sound itself");
    let users: Vec<_> = scene.context().into_iter().filter(|(role, _)| *role == Role::User).collect();
    assert_eq!(users, [(Role::User, "Are you open?".into()), (Role::User, "On Sunday too?".into())]);
    scene.hang_up();
    assert_eq!(scene.lines(Speaker::Caller), ["Are you open?", "On Sunday too?"]);
}

#[test]
fn an_interruption_stops_the_sound_cancels_the_request_and_leaves_the_heard_words() {
    let mut scene = begin(|_| {});
    caller_speaks(&mut scene, 900);
    scene.model_says(LONG);
    scene.pass(1_500);
    let before = scene.cancelled.len();
    let span = caller_speaks(&mut scene, 900).expect("the interruption is answered");
    assert!(!scene.bot_speaks());
    assert_eq!((scene.cancelled.len() - before, scene.count("interrupted")), (1, 1));
    assert_eq!(scene.heard.last().unwrap(), &[span]);
    let said = scene.context().into_iter().rfind(|(role, _)| *role == Role::Assistant).unwrap().1;
    assert!(LONG.starts_with(&said) && !said.is_empty() && said.len() < LONG.len(), "{said}");
    scene.model_says("As you wish.");
    scene.model_done();
    scene.hear_out();
    scene.hang_up();
    assert_eq!(scene.lines(Speaker::Bot), ["Hello.", &said, "As you wish."]);
}

#[test]
fn a_caller_who_goes_on_before_the_reply_is_answered_to_both() {
    let mut scene = begin(|_| {});
    let first = caller_speaks(&mut scene, 900).unwrap();
    let second = caller_speaks(&mut scene, 900).unwrap();
    assert_eq!(scene.cancelled.len(), 1);
    assert_eq!(scene.heard.last().unwrap(), &[first, second]);
    assert_eq!(scene.told(), [format!("{} {}", first.as_text(), second.as_text())]);
}

#[test]
fn sound_that_comes_while_the_caller_speaks_waits_and_is_lost_when_that_is_an_interruption() {
    for (more_ms, is_said) in [(20, true), (900, false)] {
        let mut scene = begin(|_| {});
        caller_speaks(&mut scene, 900);
        scene.set_sound(true);
        scene.pass(200);
        scene.model_says("We open at nine.");
        scene.model_done();
        assert!(scene.utters.is_empty() && !scene.bot_speaks());
        scene.pass(more_ms);
        scene.set_sound(false);
        scene.pass(700);
        scene.hear_out();
        assert_eq!((scene.utters.len(), scene.cancelled.len()), if is_said { (1, 0) } else { (0, 1) });
        let heard = scene.context().contains(&(Role::Assistant, "We open at nine.".into()));
        assert_eq!((heard, scene.asked.len()), (is_said, if is_said { 1 } else { 2 }));
    }
}

#[test]
fn an_interruption_that_was_none_has_the_model_go_on() {
    let mut scene = begin(|c| c.turn.interrupt_secs = 0.1);
    caller_speaks(&mut scene, 900);
    scene.model_says(LONG);
    scene.pass(1_500);
    scene.sound(180);
    scene.pass(3_000);
    assert_eq!((scene.count("interrupted"), scene.count("resumed"), scene.asked.len()), (1, 1, 2));
    let (role, said) = scene.conversation().pop().unwrap();
    assert!(role == Role::Assistant && LONG.starts_with(&said), "{said}");
}

#[test]
fn a_bot_that_may_not_be_interrupted_answers_what_was_said_over_it_afterwards() {
    let mut scene = begin(|c| c.turn.interruptible = false);
    caller_speaks(&mut scene, 900);
    scene.model_says(LONG);
    scene.model_done();
    scene.pass(1_000);
    assert_eq!(caller_speaks(&mut scene, 900), None);
    scene.hear_out();
    scene.pass(100);
    assert_eq!((scene.asked.len(), scene.heard.last().unwrap().len()), (2, 1));
    assert!(scene.context().contains(&(Role::Assistant, LONG.into())));
    assert_eq!(scene.told().len(), 2, "behind the bot's line");
}

#[test]
fn failures_go_down_the_ladder_of_models_with_the_same_sound() {
    let mut scene = Scene::by(rules(|c| c.llm.fallbacks = vec![c.llm.clone()]));
    scene.pass(1_000);
    let span = caller_speaks(&mut scene, 900).unwrap();
    scene.llm_fails(cut());
    assert_eq!((scene.asked.len(), scene.heard.last().unwrap()), (2, &vec![span]));
    // Text that nobody hears is no reply.
    scene.reply("We open at nine.");
    scene.pass(100);
    assert_eq!(scene.recited.last().unwrap().1, RuntimeConfig::clone(&config(|_| {})).phrases.trouble);
    assert_eq!(scene.count("model_failed"), 2);
}

#[test]
fn of_a_reply_that_breaks_off_what_was_given_stands() {
    let mut scene = begin(|_| {});
    caller_speaks(&mut scene, 900);
    scene.model_says("We open at nine.");
    scene.tokens(" And on Sundays at ten.");
    scene.llm_fails(cut());
    scene.hear_out();
    assert_eq!((scene.asked.len(), scene.tones), (1, 0));
    let last = scene.context().pop().unwrap();
    assert_eq!(last, (Role::Assistant, "We open at nine.".into()));
}

#[test]
fn a_reply_that_has_no_sound_after_all_is_asked_of_the_next_model() {
    let mut scene = Scene::by(rules(|c| c.llm.fallbacks = vec![c.llm.clone()]));
    scene.pass(1_000);
    caller_speaks(&mut scene, 900);
    scene.mute = true;
    scene.model_says("We open at nine.");
    scene.model_done();
    scene.pass(3_500);
    assert_eq!((scene.asked.len(), scene.count("voice_failed")), (2, 1));
    assert_eq!(scene.context().len(), 2, "nothing was heard of it");
    scene.mute = false;
    scene.model_says("At nine.");
    scene.model_done();
    scene.hear_out();
    assert_eq!(scene.context().pop().unwrap(), (Role::Assistant, "At nine.".into()));
}

#[test]
fn a_model_that_cannot_recite_is_followed_by_the_next_and_in_the_end_by_the_end() {
    let mut scene = Scene::by(rules(|c| c.llm.fallbacks = vec![c.llm.clone()]));
    assert_eq!(scene.recited.len(), 1);
    scene.mute = true;
    for _ in 0..4 {
        scene.feed(Event::Voice(VoiceEvent::Failed(cut())));
    }
    scene.pass(30_000);
    assert_eq!(scene.outcome.as_ref().unwrap().disconnected_by, DisconnectedBy::Error);
    assert_eq!(scene.voices, 0);
}

#[test]
fn a_model_that_stalls_in_the_middle_ends_its_reply_there() {
    let mut scene = begin(|_| {});
    caller_speaks(&mut scene, 900);
    scene.model_says("We open at nine.");
    scene.pass(10_000);
    assert_eq!((scene.count("model_failed"), scene.asked.len()), (1, 1));
    assert_eq!(scene.context().pop().unwrap(), (Role::Assistant, "We open at nine.".into()));
    assert!(caller_speaks(&mut scene, 900).is_some(), "the call goes on");
}

#[test]
fn tools_work_and_what_was_said_before_them_keeps_its_place() {
    let look_up = Tool { parameters: json!({}), ..Tool::built_in("look_up") };
    let mut scene = begin(|c| c.tools = vec![look_up]);
    let span = caller_speaks(&mut scene, 900).unwrap();
    scene.model_says("Let me look that up.");
    scene.calls_tool("a", "look_up", json!({}));
    scene.model_done();
    assert_eq!(scene.tools.len(), 1);
    let run = scene.tools[0].0;
    scene.feed(Event::ToolDone { run, answer: json!("nine").into() });
    assert_eq!(scene.heard.last().unwrap(), &[span], "whoever answers may be another model");
    scene.model_says("At nine.");
    scene.model_done();
    scene.hear_out();
    scene.pass(200);
    scene.hear_out();
    let roles: Vec<Role> = scene.context().into_iter().map(|(role, _)| role).collect();
    use Role::{Assistant, Tool as Answer, User};
    assert_eq!(roles, [Assistant, User, Assistant, Assistant, Answer, Assistant]);
    assert_eq!(scene.context()[2].1, "Let me look that up.");
    assert_eq!(scene.context()[5].1, "At nine.");
}

#[test]
fn the_model_ends_the_call_and_its_goodbye_is_said_once() {
    for (own, message, expected) in [
        ("Thank you, goodbye!", "Goodbye.", "Thank you, goodbye!"),
        ("It is booked.", "Goodbye and take care.", "It is booked. Goodbye and take care."),
    ] {
        let end_call = Tool { parameters: json!({}), ..Tool::built_in("end_call") };
        let mut scene = begin(|c| c.tools = vec![end_call]);
        caller_speaks(&mut scene, 900);
        scene.model_says(own);
        scene.calls_tool("a", "end_call", json!({"message": message}));
        scene.model_done();
        scene.pass(12_000);
        assert_eq!(scene.outcome.as_ref().unwrap().disconnected_by, DisconnectedBy::Bot);
        assert_eq!(scene.lines(Speaker::Bot)[1..].join(" "), expected);
    }
}

#[test]
fn prompts_and_orders_are_recited_and_a_model_that_thinks_is_not_asked_for_a_filler() {
    let mut scene = begin(|c| c.re_engagement = prompts_after(4.0));
    scene.pass(5_000);
    assert_eq!((scene.count("caller_silent"), scene.recited.len()), (1, 2));
    scene.hear_out();
    scene.order(Order::Say { text: "A colleague will call you.".into() });
    scene.hear_out();
    assert_eq!(scene.recited.last().unwrap().1, "A colleague will call you.");
    caller_speaks(&mut scene, 900);
    scene.pass(2_900);
    assert_eq!((scene.count("filler"), scene.tones), (0, 1));
}

#[test]
fn words_that_come_in_pieces_and_before_the_sound_are_one_text() {
    let mut scene = begin(|_| {});
    caller_speaks(&mut scene, 900);
    for token in ["Ye", "s, we", " do"] {
        scene.tokens(token);
    }
    scene.model_says(".");
    scene.model_done();
    scene.hear_out();
    assert_eq!(scene.context().pop().unwrap(), (Role::Assistant, "Yes, we do.".into()));
}

#[test]
fn a_reply_that_never_ends_is_cut() {
    let mut scene = begin(|_| {});
    caller_speaks(&mut scene, 900);
    scene.model_says("Yes.");
    for _ in 0..50 {
        scene.tokens(&" and so on".repeat(10));
    }
    assert_eq!(scene.count("reply_cut"), 1);
    scene.hear_out();
    scene.llm(LlmEvent::Done { finish: Finish::Stop, usage: None });
    assert!(caller_speaks(&mut scene, 900).is_some());
}

#[test]
fn events_of_such_a_model_mean_nothing_to_a_bot_with_a_voice() {
    let mut scene = Scene::begin(|_| {});
    scene.caller_says("Hello?", 600);
    let request = scene.asked.last().unwrap().0;
    scene.feed(Event::Model(ModelEvent::Speaks { request }));
    scene.reply("Yes?");
    scene.hear_out();
    assert!(scene.utters.is_empty());
    assert_eq!(scene.context().pop().unwrap(), (Role::Assistant, "Yes?".into()));
    assert!(scene.heard.iter().all(Vec::is_empty));
}
