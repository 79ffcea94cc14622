//! Orders from outside the call.

use vox_core::provider::llm::Role;
use vox_core::session::event::Order;
use vox_shared::wire::result::{DisconnectedBy, Speaker};

use super::scene::Scene;

#[test]
fn an_operator_lets_the_bot_say_something() {
    let mut scene = Scene::begin(|_| {});
    scene.order(Order::Say { text: "A colleague will join us.".into() });
    scene.hear_out();
    assert!(scene.context().iter().any(|(_, text)| text.contains("A colleague will join us.")));
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
    scene.order(Order::Transfer { to: "+15550001".into() });
    scene.order(Order::GoOn);
    assert_eq!((scene.count("order_refused"), scene.count("order_taken")), (2, 0));
}
