//! A call whose events were kept can be played again.

use std::time::Duration;

use serde_json::json;
use vox_core::provider::llm::{Finish, LlmEvent};
use vox_core::session::Session;
use vox_core::session::event::{Command, Event};
use vox_core::session::rules::Rules;

use super::scene::{Scene, config};

#[test]
fn the_same_events_give_the_same_commands_after_a_way_through_json() {
    let mut scene = Scene::begin(|_| {});
    scene.caller_says("When do you open?", 900);
    scene.reply("We are open from nine to five on all days of the week but on Sundays.");
    scene.pass(900);
    scene.sound(700);
    scene.partial("and on");
    scene.final_words("And on Monday?");
    scene.pass(900);
    scene.reply("On Monday too.");
    scene.hear_out();
    scene.key('4');
    scene.key('#');
    scene.tokens("Goodbye. ");
    scene.calls_tool("a", "end_call", json!({"message": "Take care."}));
    scene.llm(LlmEvent::Done { finish: Finish::ToolCalls, usage: None });
    scene.pass(6_000);
    assert!(scene.outcome.is_some());

    let kept: Vec<(Duration, Event)> = scene.log.iter().map(|(at, event, _)| (*at, event.clone())).collect();
    let kept: Vec<(Duration, Event)> = serde_json::from_str(&serde_json::to_string(&kept).unwrap()).unwrap();
    let mut session = Session::new(Rules::from_config(&config(|_| {}), Duration::ZERO));
    for ((at, event), (_, _, before)) in kept.into_iter().zip(&scene.log) {
        let mut commands = Vec::new();
        session.on(at, event, &mut commands);
        assert_eq!(&commands, before, "at {at:?}");
        let again: Vec<Command> = serde_json::from_value(serde_json::to_value(&commands).unwrap()).unwrap();
        assert_eq!(&again, before, "commands are data too");
    }
    assert!(session.is_over());
}
