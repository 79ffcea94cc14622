//! Callers who write.

use vox_core::session::event::Event;
use vox_shared::wire::order::Order;
use vox_shared::wire::result::Speaker;

use super::scene::Scene;

const LONG: &str = "We are open from nine to five on all days of the week but on Sundays.";

fn write(scene: &mut Scene, text: &str) {
    scene.feed(Event::Typed(text.into()));
}

#[test]
fn a_message_stops_the_bot_and_is_answered_at_once() {
    let mut scene = Scene::begin(|_| {});
    scene.caller_says("Tell me.", 900);
    scene.reply(LONG);
    scene.pass(900);
    assert!(scene.bot_speaks());
    write(&mut scene, "Only Sunday, please.");
    assert!(!scene.bot_speaks());
    assert_eq!((scene.asked.len(), scene.count("interrupted"), scene.count("typed")), (2, 1, 1));
    assert_eq!(scene.told().last().unwrap(), "Only Sunday, please.");
    scene.reply("We are closed on Sundays.");
    scene.hear_out();
    scene.hang_up();
    assert_eq!(scene.lines(Speaker::Caller), ["Tell me.", "Only Sunday, please."]);
    assert_eq!(scene.lines(Speaker::Bot).last().unwrap(), "We are closed on Sundays.");
}

#[test]
fn a_message_before_the_greeting_was_heard_takes_nothing_of_it_away() {
    const GREETING: &str = "Hello. This call is recorded.";
    let mut scene = Scene::answered(|c| c.opening_message = GREETING.into());
    write(&mut scene, "Hi");
    scene.reply("Welcome.");
    scene.hear_out();
    scene.pass(100);
    scene.hear_out();
    scene.hang_up();
    assert_eq!(scene.lines(Speaker::Bot), [GREETING, "Welcome."]);
}

#[test]
fn a_message_on_hold_is_known_and_not_answered() {
    let mut scene = Scene::begin(|_| {});
    scene.order(Order::Hold);
    write(&mut scene, "Is anybody there?");
    scene.pass(5_000);
    assert!(scene.asked.is_empty());
    assert!(scene.context().iter().any(|(_, text)| text.contains("Is anybody there?")));
}

#[test]
fn who_only_writes_is_not_idle() {
    let mut scene = Scene::begin(|c| {
        let re_engagement = c.re_engagement.get_or_insert_default();
        re_engagement.after_secs = 2.5;
        re_engagement.prompts = vec!["Are you still there?".into()];
        re_engagement.goodbye = "Nobody is there. Goodbye.".into();
    });
    for text in ["one", "two", "three"] {
        scene.pass(2_700);
        write(&mut scene, text);
        scene.reply("Yes.");
        scene.hear_out();
    }
    assert!(!scene.said.iter().any(|s| s.contains("Goodbye")), "{:?}", scene.said);
}

#[test]
fn a_flood_of_messages_does_not_ask_the_model_each_time() {
    let mut scene = Scene::begin(|_| {});
    for n in 0..100 {
        write(&mut scene, &format!("message {n}"));
    }
    assert_eq!((scene.asked.len(), scene.count("typed_too_fast")), (10, 1), "told once");
    scene.reply("One thing at a time, please.");
    scene.pass(10_000);
    let asked = scene.asked.len();
    write(&mut scene, "later");
    assert_eq!((scene.asked.len(), scene.count("typed_too_fast")), (asked + 1, 1));
    for n in 0..100 {
        write(&mut scene, &format!("message {n}"));
    }
    assert_eq!(scene.count("typed_too_fast"), 2, "once for each time that it is too many");
}
