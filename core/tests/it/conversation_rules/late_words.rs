//! Words that come late, twice, not at all, or over a recogniser that broke.

use vox_core::provider::stt::SttEvent;
use vox_core::provider::{Failure, FailureClass};
use vox_core::session::event::Event;
use vox_shared::wire::result::{Speaker, Word};

use super::scene::{Scene, word};

/// Words of even length that end at a time.
fn words_until(text: &str, ends_ms: u64) -> Vec<Word> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let began = ends_ms - 200 * words.len() as u64;
    (0..).zip(&words).map(|(n, w)| word(w, began + n * 200, began + n * 200 + 180)).collect()
}

/// The caller said this, the recogniser had an interim of it and gave no final: the turn is closed all the same.
fn closed_on_an_interim() -> Scene {
    let mut scene = Scene::begin(|_| {});
    scene.sound(1_200);
    scene.partial("I need an appointment");
    scene.pass(2_500);
    assert_eq!(scene.told(), ["I need an appointment"]);
    scene
}

#[test]
fn a_final_over_a_closed_turn_and_the_next_one_is_parted() {
    for with_times in [true, false] {
        let mut scene = closed_on_an_interim();
        let mut times = words_until("I need an appointment", 2_150);
        scene.sound(900);
        times.extend(words_until("for Monday at ten", scene.now));
        let times = if with_times { times } else { Vec::new() };
        scene.stt_final("I need an appointment for Monday at ten", false, true, times);
        scene.pass(700);
        assert_eq!(scene.told().join(" "), "I need an appointment for Monday at ten", "{with_times}");
        scene.reply("On Monday then.");
        scene.hear_out();
        scene.hang_up();
        let lines = scene.lines(Speaker::Caller);
        assert_eq!(lines, ["I need an appointment", "for Monday at ten"], "{with_times}");
    }
}

#[test]
fn an_interim_over_a_closed_turn_and_the_next_one_is_parted() {
    let mut scene = closed_on_an_interim();
    scene.sound(900);
    scene.partial("I need an appointment for Monday");
    scene.pass(2_500);
    assert_eq!(scene.told().join(" "), "I need an appointment for Monday");
}

#[test]
fn an_interim_that_comes_after_the_turn_adds_its_words() {
    let mut scene = closed_on_an_interim();
    scene.partial("I need an appointment");
    scene.partial("I need an appointment for Monday");
    assert_eq!(scene.told(), ["I need an appointment for Monday"], "no final ever comes");
    scene.final_words("I need an appointment for Monday at ten.");
    scene.reply("On Monday at ten then.");
    scene.hear_out();
    scene.hang_up();
    assert_eq!(scene.lines(Speaker::Caller), ["I need an appointment for Monday at ten."]);
}

#[test]
fn nothing_as_the_last_word_does_not_take_a_sentence_back() {
    let mut scene = Scene::begin(|_| {});
    scene.sound(1_200);
    scene.partial("I need an appointment");
    scene.pass(500);
    scene.stt_final("", true, false, Vec::new());
    scene.pass(500);
    assert_eq!(scene.told(), ["I need an appointment"]);

    let mut scene = Scene::begin(|_| {});
    scene.sound(300);
    scene.partial("the");
    scene.pass(500);
    scene.stt_final("", true, false, Vec::new());
    scene.pass(2_000);
    assert_eq!(scene.asked.len(), 0, "a word heard in a noise, and taken back, is none");
}

#[test]
fn what_was_known_outlives_the_recogniser() {
    let mut scene = Scene::begin(|_| {});
    scene.set_sound(true);
    scene.pass(1_000);
    scene.final_words("I need");
    scene.pass(500);
    scene.partial("an appointment");
    scene.feed(Event::Stt(SttEvent::Failed(Failure::new(FailureClass::Unavailable, "cut"))));
    scene.pass(300);
    scene.set_sound(false);
    scene.pass(3_500);
    assert_eq!((scene.recognisers, scene.told().join(" ")), (2, "I need an appointment".to_owned()));

    let mut scene = Scene::begin(|_| {});
    scene.set_sound(true);
    scene.pass(1_000);
    scene.partial("I need an");
    scene.feed(Event::Stt(SttEvent::Failed(Failure::new(FailureClass::Unavailable, "cut"))));
    scene.partial("I need an appointment");
    scene.set_sound(false);
    scene.pass(300);
    scene.stt_final("I need an appointment today.", false, true, Vec::new());
    scene.pass(500);
    assert_eq!(scene.told(), ["I need an appointment today."], "the new one says it again");
}

#[test]
fn a_recogniser_without_interims_does_not_cut_a_number_or_a_sentence() {
    for (question, parts, pause) in [
        (
            "Please tell me your phone number.",
            ["Five five five.", "One two three.", "Four five six seven."],
            1_000,
        ),
        ("How can I help?", ["555.", "123.", "4567."], 1_000),
        ("What is your card number?", ["4242 4242.", "4242.", "4242."], 1_000),
        ("What is your name?", ["My name is", "Anna Smith and", "I call about my bill."], 100),
        ("When were you born?", ["The fourth of March.", "Nineteen", "eighty five."], 1_000),
    ] {
        let mut scene = Scene::begin(|c| c.opening_message = question.into());
        scene.hear_out();
        for part in parts {
            scene.sound(900);
            scene.pass(650);
            scene.stt_final(part, true, false, Vec::new());
            scene.pass(pause);
            if part != parts[2] {
                assert_eq!(scene.asked.len(), 0, "{question} {part}: answered in the middle");
            }
        }
        scene.pass(2_500);
        assert_eq!(scene.asked.len(), 1, "{question}");
        assert_eq!(scene.told(), [parts.join(" ")]);
    }
}

#[test]
fn words_that_come_late_and_all_at_once_are_no_misunderstanding() {
    let mut scene = Scene::begin(|_| {});
    scene.sound(1_400);
    // The vendor was asked for its last words, and has none within its time.
    scene.pass(1_050);
    scene.stt_final("", true, false, Vec::new());
    scene.pass(300);
    scene.stt_final("I need an appointment.", false, true, Vec::new());
    scene.pass(500);
    assert_eq!((scene.count("not_understood"), scene.told()), (0, vec!["I need an appointment.".to_owned()]));
}
