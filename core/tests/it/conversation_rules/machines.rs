//! A machine answers instead of a person: every way in which its greeting can end.

use serde_json::json;
use vox_core::provider::llm::{Finish, LlmEvent};
use vox_shared::model::bot::Tool;
use vox_shared::wire::order::Order;
use vox_shared::wire::result::DisconnectedBy;

use super::scene::Scene;

const MESSAGE: &str = "This is the clinic. Please call us back.";

/// A machine has greeted for two seconds, and the model was asked what to say to that.
fn greeted(message: &str) -> Scene {
    let mut scene = Scene::answered(|config| {
        config.tools = vec![Tool::built_in("end_call"), Tool::built_in("detected_voicemail")];
        config.voicemail_message = message.to_owned();
    });
    scene.hear_out();
    scene.caller_says("You have reached the mailbox of Mira. Leave a message.", 2_000);
    scene
}

fn notices(scene: &mut Scene) {
    scene.calls_tool("t1", "detected_voicemail", json!({}));
    scene.llm(LlmEvent::Done { finish: Finish::ToolCalls, usage: None });
}

fn is_left(scene: &mut Scene, times: usize) {
    scene.hear_out();
    assert_eq!(scene.said.iter().filter(|text| text.contains("This is the clinic.")).count(), times);
    assert_eq!(scene.hung_up, Some(DisconnectedBy::Voicemail), "{:?}", scene.events);
    let outcome = scene.outcome.as_ref().unwrap();
    assert_eq!((outcome.disconnected_by, scene.count("voicemail_detected")), (DisconnectedBy::Voicemail, 1));
    assert_eq!(scene.count("voicemail_left"), 1);
}

#[test]
fn the_message_waits_for_the_beep() {
    let mut scene = greeted(MESSAGE);
    notices(&mut scene);
    let said = scene.said.len();
    // It goes on, and is answered by nobody.
    scene.set_sound(true);
    scene.pass(6_000);
    assert_eq!((scene.said.len(), scene.replay), (said, None), "{:?}", scene.said);
    scene.set_sound(false);
    scene.pass(600);
    scene.beep();
    assert!(scene.bot_speaks(), "{:?}", scene.events);
    // The machine's own sounds do not stop it.
    scene.sound(800);
    is_left(&mut scene, 1);
    assert_eq!(scene.asked.len(), 1, "nobody is asked what to say to a machine");
}

#[test]
fn a_beep_that_came_before_the_model_noticed_counts() {
    let mut scene = greeted(MESSAGE);
    scene.beep();
    scene.pass(1_200);
    notices(&mut scene);
    assert!(scene.bot_speaks());
    is_left(&mut scene, 1);
    // One of long ago was something else.
    let mut scene = greeted(MESSAGE);
    scene.beep();
    scene.llm(LlmEvent::Progress);
    scene.pass(3_000);
    scene.llm(LlmEvent::Progress);
    scene.pass(3_000);
    notices(&mut scene);
    assert!(!scene.bot_speaks());
}

#[test]
fn a_machine_without_a_beep_is_silent_or_talks_too_long() {
    let mut scene = greeted(MESSAGE);
    notices(&mut scene);
    scene.pass(2_400);
    assert!(!scene.bot_speaks());
    scene.pass(300);
    assert!(scene.bot_speaks());
    is_left(&mut scene, 1);
    let mut scene = greeted(MESSAGE);
    scene.set_sound(true);
    notices(&mut scene);
    scene.pass(44_000);
    assert!(!scene.bot_speaks());
    scene.pass(2_000);
    assert!(scene.bot_speaks());
    scene.set_sound(false);
    is_left(&mut scene, 1);
}

#[test]
fn a_beep_into_the_message_begins_it_again_once() {
    let mut scene = greeted(MESSAGE);
    notices(&mut scene);
    scene.pass(2_700);
    assert!(scene.bot_speaks());
    scene.pass(500);
    scene.beep();
    scene.pass(500);
    scene.beep();
    is_left(&mut scene, 2);
}

/// What is kept as sound is there at once, and would begin into the beep.
#[test]
fn a_message_begins_a_little_behind_the_beeps_end() {
    let mut scene = greeted(MESSAGE);
    notices(&mut scene);
    scene.beep();
    // It was heard 60 ms after its end, and is 250 ms behind it.
    assert_eq!((scene.silent_until, scene.said.last().unwrap().as_str()), (scene.now + 190, MESSAGE));
    is_left(&mut scene, 1);
    // Of one that is long over nothing is waited for.
    let mut scene = greeted(MESSAGE);
    scene.beep();
    scene.pass(1_200);
    notices(&mut scene);
    assert_eq!((scene.silent_until, scene.bot_speaks()), (0, true));
}

/// The opening message was heard to its end before, in all of these.
#[test]
fn a_message_that_was_begun_is_not_left_yet() {
    for (what, until) in [("it was cut", 800), ("the machine was gone", 0)] {
        let mut scene = greeted(MESSAGE);
        notices(&mut scene);
        scene.beep();
        scene.pass(until);
        assert_eq!(scene.hang_up().disconnected_by, DisconnectedBy::Voicemail);
        assert_eq!((scene.count("voicemail_message"), scene.count("voicemail_left")), (1, 0), "{what}");
    }
    // A voice that is broken says nothing, however long it is waited for.
    let mut scene = greeted(MESSAGE);
    notices(&mut scene);
    scene.mute = true;
    scene.beep();
    scene.pass(60_000);
    assert_eq!(
        (scene.count("voicemail_message"), scene.count("voicemail_left")),
        (1, 0),
        "{:?}",
        scene.events
    );
    // Nor is what came before the true beep on the tape.
    let mut scene = greeted(MESSAGE);
    notices(&mut scene);
    scene.beep();
    scene.pass(2_400);
    scene.beep();
    scene.pass(300);
    scene.hang_up();
    assert_eq!((scene.count("voicemail_message"), scene.count("voicemail_left")), (2, 0));
}

#[test]
fn a_bot_without_a_message_hangs_up_and_says_nothing() {
    let mut scene = greeted(" ");
    scene.tokens("Hello? I would like to");
    notices(&mut scene);
    assert_eq!(scene.hung_up, Some(DisconnectedBy::Voicemail));
    assert!(!scene.bot_speaks(), "what it said beside that is not said");
    assert_eq!(scene.outcome.as_ref().unwrap().disconnected_by, DisconnectedBy::Voicemail);
}

#[test]
fn a_machine_that_hangs_up_was_a_machine() {
    let mut scene = greeted(MESSAGE);
    notices(&mut scene);
    assert_eq!(scene.hang_up().disconnected_by, DisconnectedBy::Voicemail);
}

#[test]
fn an_operator_ends_a_call_that_waits_for_a_beep() {
    let mut scene = greeted(MESSAGE);
    notices(&mut scene);
    scene.order(Order::End { goodbye: "Never mind.".into() });
    scene.hear_out();
    assert_eq!((scene.verdicts.last(), scene.hung_up), (Some(&Ok(())), Some(DisconnectedBy::Bot)));
    assert_eq!(scene.said.last().unwrap(), "Never mind.");
}

#[test]
fn the_longest_duration_leaves_the_message() {
    let mut scene = Scene::answered(|config| {
        config.tools = vec![Tool::built_in("detected_voicemail")];
        config.voicemail_message = MESSAGE.to_owned();
        config.max_call_duration_seconds = 20;
    });
    scene.hear_out();
    scene.caller_says("You have reached the mailbox of Mira.", 2_000);
    scene.set_sound(true);
    notices(&mut scene);
    scene.pass(20_000);
    scene.set_sound(false);
    is_left(&mut scene, 1);
}

#[test]
fn a_bot_without_the_tool_has_no_such_end() {
    let mut scene = Scene::answered(|config| config.voicemail_message = MESSAGE.to_owned());
    scene.hear_out();
    scene.caller_says("You have reached the mailbox of Mira.", 2_000);
    notices(&mut scene);
    assert_eq!((scene.count("tool_refused"), scene.count("voicemail_detected")), (1, 0));
    scene.beep();
    assert_eq!(scene.hung_up, None);
}
