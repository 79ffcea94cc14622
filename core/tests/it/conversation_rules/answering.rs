//! It is found out who has answered a call that was placed, before the bot speaks.

use vox_core::provider::llm::LlmUsage;
use vox_core::session::event::Event;
use vox_core::session::verdict::{Answered, AnsweringEvent};
use vox_shared::model::bot::{Answering, OnMenu, Tool};
use vox_shared::wire::result::DisconnectedBy;

use super::scene::Scene;

const MESSAGE: &str = "This is the clinic. Please call us back.";

/// A call whose callee has answered, and of whom nothing is known.
fn answered(message: &str, change: impl FnOnce(&mut Answering)) -> Scene {
    Scene::answered(|config| {
        config.voicemail_message = message.to_owned();
        config.tools = vec![Tool::built_in("send_dtmf")];
        config.answering = Answering { detect: true, ..Answering::default() };
        change(&mut config.answering);
    })
}

fn verdict(scene: &mut Scene, answered: Answered) {
    scene.feed(Event::Answering(AnsweringEvent::Verdict { answered, because: "the test".into() }));
}

fn is_opened(scene: &Scene, times: usize) {
    assert_eq!(scene.said.iter().filter(|text| text.contains("Hello.")).count(), times, "{:?}", scene.said);
}

#[test]
fn a_person_is_greeted_when_they_are_known_to_be_one_and_their_own_words_ask_for_nothing() {
    let mut scene = answered("", |_| {});
    scene.pass(500);
    assert!(!scene.bot_speaks() && scene.said.is_empty());
    scene.caller_says("Hello?", 600);
    assert!(scene.asked.is_empty() && scene.said.is_empty(), "{:?}", scene.said);
    verdict(&mut scene, Answered::Person);
    assert!(scene.bot_speaks());
    scene.hear_out();
    is_opened(&scene, 1);
    assert!(scene.asked.is_empty(), "the opening message is the answer");
    scene.caller_says("Who is this?", 900);
    assert_eq!(scene.asked.len(), 1);
    let told = format!("{:?}", scene.asked[0].1);
    assert!(told.contains("Hello?") && told.contains("Who is this?"), "{told}");
}

#[test]
fn whoever_says_nothing_or_cannot_be_told_is_spoken_to() {
    for answered_by in [Answered::Silence, Answered::Unsure] {
        let mut scene = answered(MESSAGE, |_| {});
        scene.pass(6_000);
        verdict(&mut scene, answered_by);
        assert!(scene.bot_speaks());
        is_opened(&scene, 1);
    }
    // Nor does a detector that says nothing at all keep the bot from speaking.
    let mut scene = answered(MESSAGE, |_| {});
    scene.pass(11_900);
    assert!(!scene.bot_speaks());
    scene.pass(200);
    assert!(scene.bot_speaks());
    is_opened(&scene, 1);
}

#[test]
fn a_voicemail_is_left_the_message_after_its_beep_and_answered_nothing() {
    let mut scene = answered(MESSAGE, |_| {});
    scene.set_sound(true);
    scene.pass(2_000);
    verdict(&mut scene, Answered::Voicemail);
    scene.pass(3_000);
    assert!(scene.said.is_empty());
    scene.set_sound(false);
    scene.pass(400);
    scene.beep();
    assert!(scene.bot_speaks());
    scene.hear_out();
    assert_eq!(scene.hung_up, Some(DisconnectedBy::Voicemail));
    is_opened(&scene, 0);
    assert!(scene.asked.is_empty());
}

#[test]
fn a_greeting_without_a_beep_is_followed_by_the_message() {
    let mut scene = answered(MESSAGE, |_| {});
    scene.set_sound(true);
    scene.pass(4_000);
    verdict(&mut scene, Answered::Voicemail);
    scene.set_sound(false);
    scene.pass(500);
    scene.feed(Event::Answering(AnsweringEvent::GreetingEnded));
    assert!(scene.bot_speaks(), "{:?}", scene.events);
}

#[test]
fn a_verdict_that_is_corrected_in_time_ends_nothing() {
    let mut scene = answered("", |_| {});
    scene.pass(2_000);
    verdict(&mut scene, Answered::Voicemail);
    scene.pass(700);
    assert_eq!(scene.hung_up, None, "it may be wrong");
    verdict(&mut scene, Answered::Person);
    assert!(scene.bot_speaks());
    scene.hear_out();
    scene.pass(2_000);
    assert_eq!(scene.hung_up, None);
    is_opened(&scene, 1);

    let mut scene = answered("", |_| {});
    verdict(&mut scene, Answered::Voicemail);
    scene.pass(900);
    assert_eq!(scene.hung_up, Some(DisconnectedBy::Voicemail));
}

#[test]
fn a_person_who_was_none_is_left_the_message() {
    let mut scene = answered(MESSAGE, |_| {});
    scene.pass(1_500);
    verdict(&mut scene, Answered::Person);
    scene.pass(300);
    assert!(scene.bot_speaks());
    verdict(&mut scene, Answered::Voicemail);
    scene.pass(100);
    assert!(!scene.bot_speaks(), "it falls silent");
    scene.beep();
    scene.hear_out();
    assert_eq!(scene.hung_up, Some(DisconnectedBy::Voicemail));
    assert_eq!(scene.said.iter().filter(|text| text.contains("This is the clinic.")).count(), 1);
}

#[test]
fn who_calls_is_said_to_a_telephone_that_asks_and_the_opening_to_who_then_comes() {
    let introduction = "Asha of the clinic, an automated assistant, about your appointment.";
    let mut scene = answered(MESSAGE, |answering| answering.introduction = introduction.into());
    scene.caller_says("Please say your name and why you are calling.", 2_500);
    verdict(&mut scene, Answered::Screening);
    assert!(scene.bot_speaks());
    scene.hear_out();
    assert!(scene.said.iter().any(|text| text.contains("Asha of the clinic")), "{:?}", scene.said);
    is_opened(&scene, 0);
    scene.pass(8_000);
    assert_eq!(scene.hung_up, None);
    verdict(&mut scene, Answered::Person);
    scene.hear_out();
    is_opened(&scene, 1);

    // Not passed on.
    let mut scene = answered(MESSAGE, |answering| answering.introduction = introduction.into());
    verdict(&mut scene, Answered::Screening);
    scene.hear_out();
    scene.pass(41_000);
    assert_eq!(scene.hung_up, Some(DisconnectedBy::Voicemail));
}

#[test]
fn a_menu_ends_the_call_or_is_the_models() {
    let mut scene = answered(MESSAGE, |_| {});
    verdict(&mut scene, Answered::Menu);
    scene.pass(900);
    assert_eq!(scene.hung_up, Some(DisconnectedBy::Voicemail));
    assert!(scene.said.is_empty(), "no menu is left a message");

    let mut scene = answered(MESSAGE, |answering| answering.on_menu = OnMenu::Talk);
    scene.caller_says("For appointments press one.", 1_800);
    verdict(&mut scene, Answered::Menu);
    assert_eq!(scene.asked.len(), 1);
    let told = format!("{:?}", scene.asked[0].1);
    assert!(told.contains("automated menu") && told.contains("press one"), "{told}");
}

#[test]
fn a_menu_that_was_taken_for_a_voicemail_or_a_person_is_the_models_too() {
    for before in [Answered::Voicemail, Answered::Person] {
        let mut scene = answered(MESSAGE, |answering| answering.on_menu = OnMenu::Talk);
        verdict(&mut scene, before);
        scene.pass(300);
        let asked = scene.asked.len();
        verdict(&mut scene, Answered::Menu);
        assert_eq!(scene.asked.len(), asked + 1, "{before:?}");
        assert!(format!("{:?}", scene.asked.last().unwrap().1).contains("automated menu"));
        scene.pass(60_000);
        assert_eq!(scene.hung_up, None, "{before:?}");
        assert!(
            !scene.said.iter().any(|text| text.contains(MESSAGE)),
            "no menu is left a message: {:?}",
            scene.said
        );
    }
}

/// The model was asked in the middle of the first sentence, and what the keys were it had heard of none.
#[test]
fn a_menu_that_speaks_is_heard_to_its_end_whatever_it_was_taken_for() {
    for before in [None, Some(Answered::Voicemail), Some(Answered::Screening), Some(Answered::Person)] {
        let mut scene = answered(MESSAGE, |answering| answering.on_menu = OnMenu::Talk);
        if let Some(before) = before {
            verdict(&mut scene, before);
            scene.pass(300);
        }
        scene.set_sound(true);
        scene.pass(600);
        let asked = scene.asked.len();
        verdict(&mut scene, Answered::Menu);
        scene.pass(600);
        assert_eq!(scene.asked.len(), asked, "{before:?}: it still speaks");
        assert!(!scene.bot_speaks(), "{before:?}");
        scene.set_sound(false);
        scene.stt_final("For appointments press one.", false, true, Vec::new());
        scene.pass(700);
        let told = format!("{:?}", scene.asked.last().expect("the model is asked").1);
        assert_eq!(scene.asked.len(), asked + 1, "{before:?}");
        assert!(told.contains("automated menu") && told.contains("press one"), "{before:?}: {told}");
    }
}

#[test]
fn tones_and_announcements_end_the_call() {
    let mut scene = answered(MESSAGE, |_| {});
    verdict(&mut scene, Answered::Nobody);
    scene.pass(900);
    assert_eq!(scene.hung_up, Some(DisconnectedBy::Voicemail));
    assert!(scene.said.is_empty());
}

#[test]
fn what_rings_on_is_waited_for() {
    let mut scene = answered(MESSAGE, |_| {});
    scene.pass(4_000);
    verdict(&mut scene, Answered::Rings);
    scene.pass(30_000);
    assert_eq!((scene.hung_up, scene.said.len()), (None, 0));
    verdict(&mut scene, Answered::Person);
    is_opened(&scene, 1);

    // Nobody takes it.
    let mut scene = answered(MESSAGE, |_| {});
    verdict(&mut scene, Answered::Rings);
    scene.pass(41_000);
    assert_eq!((scene.hung_up, scene.said.len()), (Some(DisconnectedBy::Voicemail), 0));
}

/// It is a request like others: the call's limits hold for it, and it stands in the record.
#[test]
fn what_the_detector_asks_of_the_model_is_the_calls_expense() {
    let mut scene = Scene::answered(|config| {
        config.answering = Answering { detect: true, ..Answering::default() };
        config.limits.max_tokens = Some(400);
    });
    let ask = |scene: &mut Scene, usage| {
        scene.feed(Event::Answering(AnsweringEvent::Asked));
        scene.feed(Event::Answering(AnsweringEvent::Used { usage, told: 800, written: 8 }));
        scene.count("limit_reached")
    };
    let usage = LlmUsage { tokens_in: 150, tokens_out: 3, ..LlmUsage::default() };
    // A vendor that does not say it: four characters for a token.
    assert_eq!([ask(&mut scene, Some(usage)), ask(&mut scene, None), ask(&mut scene, None)], [0, 0, 1]);
    let llm = &scene.hang_up().usage[..];
    let [llm] = llm else { panic!("{llm:?}") };
    assert_eq!((llm.kind.as_str(), llm.requests, llm.tokens_in, llm.tokens_out), ("llm", 3, 150, 7));
}
