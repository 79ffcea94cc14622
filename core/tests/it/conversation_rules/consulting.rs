//! Somebody is asked to take the call while the caller is on hold: every order in which that can go.

use std::time::Duration;

use serde_json::json;
use vox_core::provider::llm::{Finish, LlmEvent, Role};
use vox_core::provider::{Failure, FailureClass};
use vox_core::session::event::{Command, ConsultEvent, ConsultOrder};
use vox_core::session::rules::Rules;
use vox_shared::model::bot::{ReEngagement, Tool};
use vox_shared::wire::order::Order;
use vox_shared::wire::result::{DisconnectedBy, Speaker};

use super::scene::{Scene, config};

const DESK: &str = "+15550111";

/// A call in a room, whose bot can reach a desk, and a person who stays with the bot.
fn call() -> Scene {
    let config = config(|config| {
        config.tools = vec![Tool::built_in("end_call"), Tool::built_in("transfer_call")];
        config.transfer_targets = vec![
            json!({"id": "desk", "label": "Desk", "method": "warm", "type": "phone_number", "value": DESK, "is_default": true}),
            json!({"id": "boss", "method": "warm", "type": "phone_number", "value": "+15550112", "three_way": true, "ring_secs": 20}),
        ];
        config.re_engagement = Some(ReEngagement { after_secs: 5.0, ..ReEngagement::default() });
    });
    let mut scene = Scene::by(Rules { consults: true, ..Rules::from_config(&config, Duration::ZERO) });
    scene.pass(1_000);
    scene.caller_says("Give me a person, it is about my invoice.", 900);
    scene
}

/// The model hands the caller over: it says so, and gives a summary.
fn handing(arguments: serde_json::Value) -> Scene {
    let mut scene = call();
    scene.tokens("I will connect you.");
    scene.calls_tool("t1", "transfer_call", arguments);
    scene.llm(LlmEvent::Done { finish: Finish::ToolCalls, usage: None });
    scene
}

/// The desk is rung; it was told nothing yet.
fn ringing() -> Scene {
    let mut scene = handing(json!({"reason": "an invoice", "summary": "Asha asks about invoice 42."}));
    assert_eq!(scene.consults, [], "what the model says with it is heard first");
    scene.hear_out();
    assert_eq!(scene.consults, [ConsultOrder::Begin { to: DESK.into(), ring_secs: 30 }]);
    assert_eq!(scene.replay, None, "nobody listens to a caller on hold");
    scene
}

/// The desk has answered, and hears the question.
fn asked() -> Scene {
    let mut scene = ringing();
    scene.pass(4_000);
    scene.consult(ConsultEvent::Answered);
    scene.hear_out();
    scene
}

fn is_back(scene: &mut Scene, why: &str) {
    assert_eq!(scene.consults.last(), Some(&ConsultOrder::End));
    let (asked, said) = (scene.asked.len(), scene.said.len());
    scene.pass(500);
    assert_eq!(scene.asked.len(), asked, "nothing is said before the caller hears it");
    scene.consult(ConsultEvent::Back);
    assert_eq!((scene.asked.len(), scene.count("transfer_failed")), (asked + 1, 1));
    let told = scene.conversation();
    let note = format!("The transfer failed: {why}.");
    assert!(told.iter().any(|(role, text)| *role == Role::System && text.contains(&note)), "{told:?}");
    assert!(!told.iter().any(|(_, text)| text.contains("press 1")), "{told:?}");
    scene.reply("Nobody is free just now.");
    scene.hear_out();
    assert_eq!(scene.said[said..], ["Nobody is free just now."]);
    scene.caller_says("Then later.", 900);
    assert_eq!(scene.told().last().unwrap(), "Then later.", "the caller is heard again");
    let outcome = scene.hang_up();
    assert_eq!(outcome.disconnected_by, DisconnectedBy::Customer);
    let transfer = outcome.transfer.as_ref().unwrap();
    assert_eq!((transfer.to.as_str(), transfer.method.as_str(), transfer.done), (DESK, "warm", false));
    assert_eq!(transfer.failed.as_deref(), Some(why));
}

#[test]
fn whoever_accepts_gets_the_call_and_the_bot_is_gone() {
    for by_key in [true, false] {
        let mut scene = asked();
        assert!(
            scene.said.iter().any(|text| text == "Asha asks about invoice forty-two."),
            "{:?}",
            scene.said
        );
        assert!(!scene.is_recorded());
        match by_key {
            true => scene.consult(ConsultEvent::Digit('1')),
            false => scene.caller_says("Yes, put them through.", 900),
        }
        assert_eq!(scene.consults.last(), Some(&ConsultOrder::Join));
        scene.consult(ConsultEvent::Joined);
        assert_eq!((scene.count("transferred"), scene.count("transfer_requested")), (1, 1));
        // They talk for longer than the bot may, and nobody is asked whether they are there.
        scene.pass(1_800_000);
        assert!(scene.outcome.is_none() && !scene.bot_speaks() && scene.count("caller_silent") == 0);
        if by_key {
            scene.hang_up();
        } else {
            scene.consult(ConsultEvent::Over { why: "they hung up".into() });
            assert_eq!(scene.hung_up, Some(DisconnectedBy::TransferToAgent), "the caller is let go too");
        }
        let outcome = scene.outcome.as_ref().unwrap();
        assert_eq!(outcome.disconnected_by, DisconnectedBy::TransferToAgent);
        let transfer = outcome.transfer.as_ref().unwrap();
        assert!(transfer.done && transfer.failed.is_none());
        assert!(transfer.at > Duration::from_secs(5), "when they had the call: {:?}", transfer.at);
        // What was said to the desk is no line of the conversation.
        let lines = scene.transcript();
        assert!(
            lines.iter().all(|(_, text)| !text.contains("invoice 42") && !text.contains("Yes")),
            "{lines:?}"
        );
        let asides = scene.asides();
        assert!(asides.contains(&("bot".into(), "Asha asks about invoice 42.".into())), "{asides:?}");
        assert_eq!(asides.iter().any(|(who, text)| who == "person" && text.starts_with("Yes")), !by_key);
    }
}

#[test]
fn a_caller_comes_back_with_the_reason() {
    for (why, happens) in [
        ("busy", ConsultEvent::Over { why: "busy".into() }),
        ("they hung up", ConsultEvent::Over { why: "they hung up".into() }),
        ("declined", ConsultEvent::Digit('2')),
    ] {
        let mut scene = if why == "busy" { ringing() } else { asked() };
        scene.consult(happens);
        scene.hear_out();
        is_back(&mut scene, why);
    }
    let mut scene = ringing();
    scene.pass(50_100);
    is_back(&mut scene, "nobody answered in time");
    let mut scene = asked();
    scene.caller_says("No, not now.", 900);
    assert_eq!(
        scene.consults.last(),
        Some(&ConsultOrder::Begin { to: DESK.into(), ring_secs: 30 }),
        "they are thanked first"
    );
    scene.consult(ConsultEvent::Over { why: "they hung up".into() });
    is_back(&mut scene, "declined");
    let mut scene = ringing();
    scene.order(Order::GoOn);
    is_back(&mut scene, "it was called off");
}

#[test]
fn whoever_says_nothing_or_nothing_clear_is_asked_again_and_then_let_go() {
    let mut scene = asked();
    let asks = |scene: &Scene| scene.said.iter().filter(|text| text.contains("press one")).count();
    assert_eq!(asks(&scene), 1);
    scene.pass(8_200);
    scene.hear_out();
    assert_eq!(asks(&scene), 2);
    scene.caller_says("Who is there?", 900);
    scene.hear_out();
    assert_eq!(asks(&scene), 3);
    scene.caller_says("Hm, what?", 900);
    scene.hear_out();
    is_back(&mut scene, "they gave no clear answer");

    let mut scene = asked();
    for _ in 0..3 {
        scene.pass(8_200);
        scene.hear_out();
    }
    is_back(&mut scene, "they did not answer the question");
}

#[test]
fn a_caller_who_hangs_up_on_hold_is_told_of() {
    let mut scene = ringing();
    let outcome = scene.hang_up();
    assert_eq!(outcome.disconnected_by, DisconnectedBy::Customer);
    let failed = outcome.transfer.as_ref().unwrap().failed.as_deref();
    assert_eq!(failed, Some("the call ended before somebody took it"));

    for happens in [None, Some(ConsultEvent::Over { why: "they hung up".into() })] {
        let mut scene = asked();
        scene.feed(vox_core::session::event::Event::HungUp { by: DisconnectedBy::Customer });
        assert!(scene.outcome.is_none(), "they are told first");
        assert!(scene.said.last().unwrap().contains("has hung up"));
        match happens {
            None => scene.hear_out(),
            Some(over) => scene.consult(over),
        }
        let outcome = scene.outcome.as_ref().expect("it is over");
        assert_eq!(
            (outcome.disconnected_by, scene.hung_up),
            (DisconnectedBy::Customer, Some(DisconnectedBy::Customer))
        );
        let failed = outcome.transfer.as_ref().unwrap().failed.as_deref();
        assert_eq!(failed, Some("the caller hung up while somebody was asked"));
        assert!(scene.lines(Speaker::Bot).iter().all(|text| !text.contains("has hung up")));
    }
    // While the two are brought together.
    let mut scene = asked();
    scene.consult(ConsultEvent::Digit('1'));
    scene.feed(vox_core::session::event::Event::HungUp { by: DisconnectedBy::Customer });
    scene.hear_out();
    assert!(!scene.outcome.as_ref().unwrap().transfer.as_ref().unwrap().done);
}

#[test]
fn a_line_that_does_not_do_its_part_leaves_nobody_with_music_for_ever() {
    let mut scene = asked();
    scene.consult(ConsultEvent::Digit('1'));
    scene.pass(15_100);
    is_back(&mut scene, "they could not be connected with the caller");
    let mut scene = asked();
    scene.consult(ConsultEvent::Digit('2'));
    scene.hear_out();
    scene.pass(15_100);
    assert_eq!(scene.outcome.as_ref().unwrap().disconnected_by, DisconnectedBy::Error);
    // Whoever talks and talks without a decision.
    let mut scene = asked();
    scene.set_sound(true);
    scene.pass(90_000);
    assert_eq!(scene.consults.last(), Some(&ConsultOrder::End));
}

#[test]
fn the_model_is_asked_for_a_summary_and_one_that_is_late_is_not_waited_for() {
    let begin = || {
        let mut scene = handing(json!({"reason": "an invoice"}));
        scene.hear_out();
        let (_, request) = scene.asked.last().unwrap();
        assert!(request.tools.is_empty() && request.messages.last().unwrap().text.contains("colleague"));
        scene
    };
    let mut scene = begin();
    scene.reply("The caller has a question about an invoice. They sound upset.");
    scene.consult(ConsultEvent::Answered);
    scene.hear_out();
    let told = scene.said.iter().position(|text| text.contains("They sound upset"));
    let asks = scene.said.iter().position(|text| text.contains("press one"));
    assert!(told.is_some() && told < asks, "{:?}", scene.said);
    // It is no reply to the caller, and the model does not find it in the conversation.
    assert!(!scene.context().iter().any(|(_, text)| text.contains("upset")));

    let mut scene = begin();
    scene.consult(ConsultEvent::Answered);
    scene.pass(3_500);
    assert!(!scene.said.iter().any(|text| text.contains("press one")), "it waits a moment");
    scene.pass(1_000);
    scene.hear_out();
    assert_eq!(scene.cancelled.len(), 1);
    assert!(scene.said.iter().any(|text| text == "an invoice"), "{:?}", scene.said);

    let mut scene = begin();
    scene.llm_fails(Failure::new(FailureClass::Unavailable, "down"));
    scene.consult(ConsultEvent::Answered);
    scene.hear_out();
    assert!(scene.said.iter().any(|text| text.contains("press one")));
    assert_eq!(scene.count("model_failed"), 1);
}

#[test]
fn a_bot_that_stays_is_silent_writes_down_and_goes_on_when_the_person_leaves() {
    let mut scene = handing(json!({"target": "boss", "summary": "Asha asks about invoice 42."}));
    scene.hear_out();
    assert_eq!(scene.consults, [ConsultOrder::Begin { to: "+15550112".into(), ring_secs: 20 }]);
    scene.consult(ConsultEvent::Answered);
    scene.hear_out();
    scene.consult(ConsultEvent::Digit('1'));
    scene.consult(ConsultEvent::Joined);
    assert!(scene.is_recorded() && scene.hears_agent);
    let said = scene.said.len();
    scene.caller_says("My invoice is wrong.", 900);
    scene.agent_says("I will correct it.", 900);
    scene.pass(20_000);
    assert_eq!(scene.said.len(), said, "it is silent");
    scene.consult(ConsultEvent::Over { why: "they hung up".into() });
    assert_eq!(scene.consults.last(), Some(&ConsultOrder::End));
    scene.consult(ConsultEvent::Back);
    assert_eq!(
        (scene.count("agent_joined"), scene.count("agent_left"), scene.count("transfer_failed")),
        (1, 1, 0)
    );
    let told = scene.conversation();
    assert!(told.iter().any(|(_, text)| text.contains("[agent: I will correct it.]")), "{told:?}");
    scene.reply("Anything else?");
    scene.hear_out();
    let outcome = scene.hang_up();
    assert_eq!(outcome.disconnected_by, DisconnectedBy::Customer);
    assert!(outcome.transfer.as_ref().unwrap().done, "the person had the call");
    assert_eq!(scene.lines(Speaker::Agent), ["I will correct it."]);
}

#[test]
fn what_cannot_be_is_told_to_the_model_and_to_the_operator() {
    // A target that there is not: the model learns which there are.
    let scene = handing(json!({"target": "garage"}));
    let told = scene.conversation();
    assert!(
        told.iter().any(|(role, text)| *role == Role::Tool && text.contains("there are: Desk, boss")),
        "{told:?}"
    );
    assert_eq!((scene.count("tool_refused"), scene.consults.len()), (1, 0));
    // A line that cannot.
    let mut scene = Scene::begin(|_| {});
    scene.order(Order::Transfer { to: DESK.into(), warm: true });
    assert!(scene.verdicts[0].as_ref().unwrap_err().contains("only calls in LiveKit rooms can"));
    // Orders that are not possible meanwhile.
    let mut scene = asked();
    scene.order(Order::Say { text: "Still there?".into() });
    scene.order(Order::Transfer { to: DESK.into(), warm: true });
    let refused = Err("it is not possible while somebody is asked to take the call".to_owned());
    assert_eq!(scene.verdicts, [refused.clone(), refused]);
}

/// The answer to the order comes before the end: nothing follows that.
#[test]
fn an_operator_ends_a_call_that_a_person_has() {
    let mut scene = asked();
    scene.consult(ConsultEvent::Digit('1'));
    scene.consult(ConsultEvent::Joined);
    scene.order(Order::End { goodbye: String::new() });
    assert_eq!(scene.verdicts, [Ok(())]);
    assert_eq!(scene.hung_up, Some(DisconnectedBy::TransferToAgent));
    let (_, _, commands) = scene.log.last().unwrap();
    let is_end = |command: &Command| matches!(command, Command::Finish(_));
    assert!(commands.last().is_some_and(is_end), "{commands:?}");
}

#[test]
fn a_caller_who_goes_on_is_not_handed_over() {
    let mut scene = handing(json!({}));
    scene.pass(300);
    scene.sound(1_200);
    scene.final_words("Wait, stop, I have one more question.");
    scene.pass(900);
    assert_eq!(scene.consults, []);
    let told = scene.conversation();
    assert!(told.iter().any(|(_, text)| text.contains("The transfer was not begun")), "{told:?}");
}

#[test]
fn the_longest_duration_waits_until_the_caller_is_back() {
    let config = config(|config| config.max_call_duration_seconds = 20);
    let mut scene = Scene::by(Rules { consults: true, ..Rules::from_config(&config, Duration::ZERO) });
    scene.pass(1_000);
    scene.order(Order::Transfer { to: DESK.into(), warm: true });
    scene.pass(25_000);
    assert!(scene.outcome.is_none() && scene.count("max_duration") == 0);
    scene.consult(ConsultEvent::Over { why: "busy".into() });
    scene.consult(ConsultEvent::Back);
    scene.pass(6_000);
    scene.hear_out();
    assert_eq!(scene.outcome.as_ref().unwrap().disconnected_by, DisconnectedBy::Timeout);
}
