//! Orders from outside the call.

use std::time::Duration;

use vox_core::provider::llm::Role;
use vox_core::provider::{Failure, FailureClass};
use vox_core::session::event::{Event, VoiceEvent};
use vox_core::session::rules::Rules;
use vox_shared::wire::order::Order;
use vox_shared::wire::result::{DisconnectedBy, Speaker};

use super::scene::{Scene, config, prompts_after};

#[test]
fn an_operator_lets_the_bot_say_something() {
    let mut scene = Scene::begin(|_| {});
    scene.order(Order::Say { text: "A colleague will join us.".into() });
    scene.hear_out();
    assert!(scene.context().iter().any(|(_, text)| text.contains("A colleague will join us.")));
}

#[test]
fn what_an_operator_ordered_is_said_although_the_caller_speaks_or_keys_before_it() {
    const ORDERED: &str = "A colleague will join us.";
    for keys in [true, false] {
        let mut scene = Scene::begin(|_| {});
        scene.caller_says("Tell me.", 900);
        scene.reply("We are open from nine to five on all days of the week but on Sundays.");
        scene.pass(900);
        scene.order(Order::Say { text: ORDERED.into() });
        if keys {
            scene.key('1');
            scene.key('#');
        } else {
            scene.sound(700);
            scene.final_words("Please stop it, I know.");
            scene.pass(700);
        }
        assert_eq!(scene.asked.len(), 2);
        scene.reply("As you wish.");
        scene.hear_out();
        scene.pass(100);
        scene.hear_out();
        assert_eq!(scene.said[scene.said.len() - 2..], [ORDERED, "As you wish."], "{:?}", scene.said);
    }
}

#[test]
fn an_operator_steers_the_model_without_a_word() {
    let mut scene = Scene::begin(|_| {});
    scene.order(Order::Steer { text: "The caller is a doctor.".into() });
    assert!(!scene.bot_speaks());
    scene.caller_says("Hello.", 900);
    assert!(scene.conversation().contains(&(Role::System, "The caller is a doctor.".into())));
}

#[test]
fn a_call_on_hold_is_silent_until_it_goes_on() {
    let mut scene = Scene::begin(|_| {});
    scene.caller_says("Tell me.", 900);
    scene.reply("We are open from nine to five on all days of the week.");
    scene.pass(500);
    scene.order(Order::Hold);
    assert!(!scene.bot_speaks());
    scene.sound(1_000);
    scene.final_words("Is anybody there?");
    scene.pass(30_000);
    assert_eq!((scene.asked.len(), scene.tones, scene.count("caller_silent")), (1, 0, 0));
    scene.order(Order::GoOn);
    assert_eq!(scene.recognisers, 2);
    scene.caller_says("Hello again.", 900);
    assert_eq!(scene.asked.len(), 2);
}

#[test]
fn nothing_of_a_hold_is_heard_and_the_caller_is_not_half_listened_to() {
    let mut scene = Scene::begin(|_| {});
    scene.set_sound(true);
    scene.pass(400);
    scene.order(Order::Hold);
    assert_eq!(scene.replay, None, "the recogniser listens to a call on hold, and bills it");
    scene.pass(3_000);
    scene.set_sound(false);
    scene.pass(30_000);
    scene.set_sound(true);
    scene.pass(5_000);
    scene.set_sound(false);
    scene.pass(1_000);
    scene.order(Order::GoOn);
    assert_eq!(scene.replay, Some(Duration::ZERO), "what was said on hold is heard and answered");
    scene.order(Order::Say { text: "Thank you for holding.".into() });
    assert!(scene.bot_speaks(), "the bot is mute after the hold");
    scene.hear_out();
    assert_eq!(scene.tones, 0);
}

#[test]
fn a_pause_that_a_hold_cut_off_owes_nothing() {
    let mut scene = Scene::begin(|_| {});
    scene.sound(600);
    scene.pass(250);
    scene.order(Order::Hold);
    scene.order(Order::GoOn);
    scene.pass(9_000);
    assert_eq!(scene.tones, 0, "the bot owes sound for a turn that is gone");
}

#[test]
fn a_voice_that_breaks_on_hold_again_and_again_ends_no_call() {
    let mut scene = Scene::begin(|_| {});
    scene.order(Order::Hold);
    for _ in 0..5 {
        let failure = Failure::new(FailureClass::Unavailable, "idle for too long");
        scene.feed(Event::Voice(VoiceEvent::Failed(failure)));
    }
    scene.pass(1_000);
    assert_eq!((scene.voices, scene.outcome.is_none()), (1, true));
    scene.order(Order::GoOn);
    assert_eq!(scene.voices, 2);
    scene.caller_says("Hello again.", 900);
    scene.reply("Here I am.");
    assert!(scene.bot_speaks());
}

#[test]
fn a_caller_who_speaks_when_the_hold_ends_is_heard_from_there() {
    let mut scene = Scene::begin(|_| {});
    scene.order(Order::Hold);
    scene.set_sound(true);
    scene.pass(2_000);
    scene.order(Order::GoOn);
    scene.pass(900);
    scene.set_sound(false);
    scene.final_words("Are you there again?");
    scene.pass(700);
    assert_eq!(scene.told(), ["Are you there again?"]);
}

#[test]
fn what_the_caller_said_and_keyed_before_a_hold_is_not_lost_and_stops_nothing() {
    let mut scene = Scene::begin(|c| c.re_engagement = prompts_after(4.0));
    scene.caller_says("Tell me.", 900);
    scene.reply("We are open from nine to five on all days of the week, and on Sundays from ten to two.");
    scene.pass(900);
    scene.sound(300);
    scene.final_words("And parking?");
    scene.pass(700);
    assert!(scene.bot_speaks(), "two words do not stop it");
    scene.sound(300);
    scene.partial("Please");
    scene.order(Order::Hold);
    scene.pass(5_000);
    scene.order(Order::GoOn);
    scene.pass(4_300);
    assert_eq!(scene.count("caller_silent"), 1, "no idle prompt after a hold");
    scene.hear_out();
    scene.caller_says("Hello?", 600);
    assert!(scene.told().contains(&"And parking? Please".into()), "{:?}", scene.told());
}

#[test]
fn a_key_before_a_hold_does_not_stop_the_idle_prompts_after_it() {
    let mut scene = Scene::begin(|c| c.re_engagement = prompts_after(4.0));
    scene.key('4');
    scene.order(Order::Hold);
    scene.pass(5_000);
    scene.order(Order::GoOn);
    scene.pass(4_300);
    assert_eq!(scene.count("caller_silent"), 1);
}

#[test]
fn an_operator_ends_the_call_with_a_goodbye() {
    for (words, expected) in
        [("We close now. Bye.", "We close now. Bye."), ("", "Thank you for calling. Goodbye.")]
    {
        let mut scene = Scene::begin(|_| {});
        scene.order(Order::End { goodbye: words.into() });
        scene.pass(6_000);
        assert_eq!(scene.outcome.as_ref().unwrap().disconnected_by, DisconnectedBy::Bot);
        assert_eq!(scene.lines(Speaker::Bot).last().unwrap(), expected);
    }
}

#[test]
fn an_order_that_is_not_possible_is_refused() {
    let mut scene = Scene::begin(|_| {});
    scene.order(Order::Transfer { to: "+15550001".into(), warm: false });
    scene.order(Order::GoOn);
    scene.order(Order::Say { text: "**".into() });
    assert_eq!((scene.count("order_refused"), scene.count("order_taken")), (3, 0));
    let whys: Vec<&str> = scene.verdicts.iter().map(|v| v.as_ref().unwrap_err().as_str()).collect();
    let expected = [
        "this line cannot hand a caller over",
        "it is not possible in a conversation that runs",
        "nothing in the text can be said",
    ];
    assert_eq!(whys, expected);
    scene.order(Order::Hold);
    scene.order(Order::Hold);
    assert_eq!(scene.verdicts[3..], [Ok(()), Err("it is not possible while the call is on hold".into())]);
}

/// A call over a line that can hand the caller over, on its way to somebody.
fn handing_over() -> Scene {
    let rules = Rules::from_config(&config(|_| {}), Duration::ZERO);
    let mut scene = Scene::by(Rules { transfers: Some("websocket_reverse_transfer"), ..rules });
    scene.pass(1_000);
    scene.caller_says("Give me a person.", 900);
    scene.reply("I will connect you with one of my colleagues now, please hold the line.");
    scene.pass(600);
    scene.order(Order::Transfer { to: "+15550001".into(), warm: false });
    assert_eq!((scene.transfers.len(), scene.replay), (1, None));
    scene
}

#[test]
fn while_a_caller_is_handed_over_the_bot_is_silent_and_then_it_is_gone() {
    let mut scene = handing_over();
    assert!(!scene.bot_speaks());
    scene.pass(30_000);
    assert_eq!((scene.tones, scene.count("caller_silent")), (0, 0));
    scene.order(Order::Say { text: "Still there?".into() });
    assert_eq!(
        scene.verdicts.last().unwrap(),
        &Err("it is not possible while the caller is being handed over".into())
    );
    scene.feed(Event::Transferred);
    assert_eq!(scene.outcome.as_ref().unwrap().disconnected_by, DisconnectedBy::TransferToAgent);
}

#[test]
fn a_transfer_that_fails_comes_back_with_its_reason() {
    for in_time in [true, false] {
        let mut scene = handing_over();
        if in_time {
            scene.feed(Event::TransferFailed { why: "busy".into() });
        } else {
            scene.pass(60_100);
        }
        assert_eq!((scene.asked.len(), scene.count("transfer_failed"), scene.recognisers), (2, 1, 2));
        let reason = if in_time { "busy" } else { "nobody answered in time" };
        let told = scene.conversation();
        assert!(told.iter().any(|(role, text)| *role == Role::System && text.contains(reason)), "{told:?}");
        scene.feed(Event::Transferred);
        let outcome = scene.outcome.as_ref().expect("it came late, and the caller is gone all the same");
        assert_eq!(outcome.disconnected_by, DisconnectedBy::TransferToAgent);
        let transfer = outcome.transfer.as_ref().unwrap();
        assert_eq!((transfer.to.as_str(), transfer.failed.as_ref()), ("+15550001", None));
    }
}

/// The answer to the order was lost, and with it what became of the caller: the record says so, and not that they hung up on the bot.
#[test]
fn a_transfer_of_which_nobody_knows_the_end_is_recorded_as_that() {
    let mut scene = handing_over();
    scene.feed(Event::TransferUnclear { why: "no answer in time".into() });
    assert_eq!((scene.asked.len(), scene.recognisers), (1, 1), "nobody is there to be talked to");
    scene.hang_up();
    assert_eq!((scene.count("transfer_unclear"), scene.count("transfer_failed")), (1, 0));
    let outcome = scene.outcome.as_ref().unwrap();
    let transfer = outcome.transfer.as_ref().unwrap();
    assert_eq!((outcome.disconnected_by, transfer.done), (DisconnectedBy::Customer, false));
    let known = transfer.failed.as_deref().unwrap();
    assert!(known.contains("it is not known") && known.contains("no answer in time"), "{known}");
}
