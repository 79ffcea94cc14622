//! A call whose events were kept can be played again.

use std::time::Duration;

use serde_json::json;
use vox_core::provider::llm::{Finish, LlmEvent};
use vox_core::provider::stt::SttEvent;
use vox_core::session::Session;
use vox_core::session::event::{AgentEvent, Command, Event, ModelEvent, SupervisorEvent};
use vox_core::session::rules::{Ladder, Rules};
use vox_shared::wire::supervision::Part;

use super::scene::{Scene, config};

fn rules() -> Rules {
    Rules::from_config(&config(|_| {}), Duration::ZERO)
}

/// Play the scene's events again, after a way through JSON: they give the same commands, which are data too.
fn check(scene: &Scene, rules: Rules) {
    assert!(scene.outcome.is_some(), "a call to its end");
    let kept: Vec<(Duration, Event)> = scene.log.iter().map(|(at, event, _)| (*at, event.clone())).collect();
    let kept: Vec<(Duration, Event)> = serde_json::from_str(&serde_json::to_string(&kept).unwrap()).unwrap();
    let mut session = Session::new(rules);
    for ((at, event), (_, _, before)) in kept.into_iter().zip(&scene.log) {
        let mut commands = Vec::new();
        session.on(at, event, &mut commands);
        assert_eq!(&commands, before, "at {at:?}");
        let again: Vec<Command> = serde_json::from_value(serde_json::to_value(&commands).unwrap()).unwrap();
        assert_eq!(&again, before, "commands are data too");
    }
    assert!(session.is_over());
}

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
    check(&scene, rules());
}

#[test]
fn a_call_that_an_agent_joined_can_be_played_again() {
    let mut scene = Scene::begin(|_| {});
    scene.feed(Event::Agent(AgentEvent::Joined));
    scene.agent_says("What can I do for you?", 900);
    scene.caller_says("My bill is wrong.", 900);
    scene.set_agent_sound(true);
    scene.pass(900);
    scene.feed(Event::Agent(AgentEvent::Stt(SttEvent::Partial { text: "I have".into() })));
    scene.set_agent_sound(false);
    scene.pass(2_000);
    scene.feed(Event::Agent(AgentEvent::Left));
    scene.reply("Anything else?");
    scene.pass(500);
    scene.hang_up();
    check(&scene, rules());
}

#[test]
fn a_call_that_was_supervised_can_be_played_again() {
    let in_rooms = || Rules { has_rooms: true, ..rules() };
    let mut scene = Scene::by(in_rooms());
    scene.pass(1_000);
    let joined = |part| SupervisorEvent::Joined { who: "usr_eve".into(), part, bot_goes_on: false };
    scene.feed(Event::Supervisor(joined(Part::WhisperToBot)));
    scene.supervisor_says("Be brief.", 900);
    scene.feed(Event::Supervisor(joined(Part::Barge)));
    scene.agent_says("Let me help.", 900);
    scene.feed(Event::Supervisor(SupervisorEvent::Left {
        who: "usr_eve".into(),
        why: "you have left".into(),
    }));
    scene.reply("Anything else?");
    scene.pass(500);
    scene.hang_up();
    check(&scene, in_rooms());
}

#[test]
fn a_call_of_a_model_that_hears_and_speaks_by_itself_can_be_played_again() {
    let by_itself = || Rules { stt: Ladder::default(), tts: Ladder::default(), ..rules() };
    let mut scene = Scene::by(by_itself());
    scene.pass(1_000);
    for ms in [900, 700] {
        scene.sound(ms);
        scene.pass(700);
        let span = scene.heard.last().unwrap()[0];
        scene.model_says("We are open from nine to five.");
        scene.feed(Event::Model(ModelEvent::Heard { span, text: "Are you open?".into() }));
        scene.pass(1_200);
    }
    scene.hang_up();
    check(&scene, by_itself());
}

#[test]
fn requests_of_a_bot_with_a_recogniser_are_written_as_before() {
    let mut scene = Scene::begin(|_| {});
    scene.caller_says("When do you open?", 900);
    let asks = scene.log.iter().flat_map(|(_, _, commands)| commands);
    let ask = asks.filter_map(|c| serde_json::to_value(c).unwrap().get("ask").cloned()).next().unwrap();
    let fields: Vec<&String> = ask.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["ask", "provider", "request"]);
}
