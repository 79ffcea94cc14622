//! A recogniser that says nothing of what somebody says: how soon that is noticed, and of whom it says nothing at all.

use std::time::Duration;

use vox_shared::wire::config::RuntimeConfig;

use super::scene::Scene;

fn recogniser(name: &'static str) -> impl Fn(&mut RuntimeConfig) {
    move |config| config.stt.provider = name.into()
}

#[test]
fn one_that_tells_of_all_sound_has_a_second_and_a_half_of_speech() {
    let mut scene = Scene::begin(recogniser("deepgram"));
    scene.set_sound(true);
    scene.pass(1_500);
    assert_eq!(scene.recognisers, 1, "the detector needs a moment too");
    scene.pass(200);
    assert_eq!(scene.recognisers, 2, "a deaf recogniser stays open");
    assert!(scene.replay.is_some_and(|replay| replay >= Duration::from_millis(1_500)), "{:?}", scene.replay);
    // The new one hears it too, and there is no word in it.
    scene.pass(8_000);
    assert_eq!((scene.recognisers, scene.count("recogniser_failed")), (2, 1));
}

#[test]
fn in_the_middle_of_a_sentence_too() {
    let mut scene = Scene::begin(recogniser("soniox"));
    scene.set_sound(true);
    for text in ["I would", "I would like to", "I would like to move my"] {
        scene.pass(1_200);
        scene.partial(text);
    }
    scene.pass(1_440);
    assert_eq!(scene.recognisers, 1);
    scene.pass(80);
    assert_eq!(scene.recognisers, 2);
    scene.pass(200);
    scene.set_sound(false);
    scene.pass(300);
    scene.stt_final("I would like to move my appointment.", false, true, Vec::new());
    scene.pass(600);
    assert_eq!(scene.told(), ["I would like to move my appointment."]);
}

#[test]
fn results_without_words_are_a_sign_of_life() {
    let mut scene = Scene::begin(recogniser("deepgram_flux"));
    scene.set_sound(true);
    for _ in 0..20 {
        scene.pass(1_100);
        scene.partial("");
    }
    assert_eq!((scene.recognisers, scene.count("recogniser_failed")), (1, 0), "television is no failure");
}

#[test]
fn short_words_add_up() {
    let mut scene = Scene::begin(recogniser("deepgram"));
    for said in 1..=3 {
        assert_eq!(scene.recognisers, 1, "before the {said}. word");
        scene.sound(640);
        scene.pass(500);
        // What is made up for a vendor that owes an answer is none of its own.
        scene.stt_final("", true, false, Vec::new());
        scene.pass(1_200);
    }
    assert_eq!(scene.recognisers, 2);
}

#[test]
fn one_that_answered_nothing_to_a_whole_turn_hears_it_again() {
    let mut scene = Scene::begin(recogniser("deepgram"));
    scene.sound(1_200);
    scene.pass(900);
    scene.stt_final("", true, false, Vec::new());
    scene.pass(1_000);
    assert_eq!(scene.recognisers, 2);
    scene.stt_final("Are you open?", true, false, Vec::new());
    scene.pass(40);
    assert_eq!(scene.told(), ["Are you open?"]);
    assert_eq!(scene.count("not_understood"), 0);
}

#[test]
fn one_that_answers_at_ends_alone_is_asked_in_the_middle_of_a_long_sentence() {
    let mut scene = Scene::begin(recogniser("sarvam"));
    scene.set_sound(true);
    scene.pass(3_900);
    assert_eq!(scene.finalised, 0);
    scene.pass(300);
    assert_eq!((scene.finalised, scene.recognisers), (1, 1));
    scene.pass(600);
    // It takes what it was asked for as an utterance.
    scene.stt_final("I would like to move", true, true, Vec::new());
    scene.pass(5_000);
    assert_eq!((scene.asked.len(), scene.recognisers), (0, 1), "the caller goes on");
    scene.pass(1_400);
    assert_eq!(scene.finalised, 2, "asked again");
    scene.pass(400);
    scene.stt_final("my appointment from Monday", true, true, Vec::new());
    scene.pass(600);
    scene.set_sound(false);
    scene.pass(400);
    scene.stt_final("to Friday.", false, true, Vec::new());
    scene.pass(900);
    assert_eq!(scene.told(), ["I would like to move my appointment from Monday to Friday."]);
    assert_eq!((scene.recognisers, scene.count("recogniser_failed")), (1, 0));
}

#[test]
fn one_that_answers_at_ends_and_not_when_it_is_asked_is_opened_anew_once() {
    let mut scene = Scene::begin(recogniser("sarvam"));
    scene.set_sound(true);
    scene.pass(4_200);
    assert_eq!((scene.finalised, scene.recognisers), (1, 1));
    scene.pass(1_600);
    assert_eq!(scene.recognisers, 2);
    scene.pass(2_100);
    assert_eq!(scene.finalised, 2, "the new one is asked too");
    scene.pass(8_000);
    assert_eq!((scene.recognisers, scene.outcome.is_none()), (2, true), "then it is a noise");
    scene.set_sound(false);
    scene.pass(2_000);
    scene.hear_out();
    scene.caller_says("Now I am here.", 900);
    assert_eq!(scene.told(), ["Now I am here."]);
}
