//! What the voice is given for numbers and names, and what of it is heard, kept and said again.

use serde_json::json;
use vox_shared::model::bot::{Pronunciation, SpokenForms};
use vox_shared::wire::result::Speaker;

use super::scene::Scene;

const WRITTEN: &str = "It costs ₹1,25,000 until 5 December.";
const SAID: &str = "It costs one lakh twenty-five thousand rupees until the fifth of December.";

/// A reply with numbers, of which so much was heard.
fn told(ms: u64) -> Scene {
    let mut scene = Scene::begin(|config| config.min_words_interruption = 1);
    scene.caller_says("What does it cost?", 900);
    scene.reply(WRITTEN);
    scene.pass(ms);
    scene
}

#[test]
fn the_voice_is_given_words_and_the_record_has_what_is_written() {
    let mut scene = told(0);
    scene.hear_out();
    assert_eq!(scene.said.last().unwrap(), SAID);
    assert!(scene.context().iter().any(|(_, text)| text == WRITTEN), "{:?}", scene.context());
    let outcome = scene.hang_up();
    let line = outcome.transcript.last().unwrap();
    assert_eq!((line.speaker, line.text.as_str()), (Speaker::Bot, WRITTEN));
    let words: Vec<&str> = line.words.iter().map(|word| word.text.as_str()).collect();
    assert_eq!(words, ["It", "costs", "₹1,25,000", "until", "5 December."]);
    assert!(line.words.windows(2).all(|pair| pair[0].ended_ms <= pair[1].started_ms), "{:?}", line.words);
    let all_ms = line.words.last().unwrap().ended_ms - line.words[0].started_ms;
    assert_eq!(all_ms, 60 * (SAID.chars().count() as u64 + 1), "from the first of its words to the last");
}

/// "One lakh twenty-" is another number: it was not heard, and is said again from its beginning.
#[test]
fn a_number_that_was_cut_off_was_not_heard_and_is_said_anew() {
    let mut scene = told(2_000);
    scene.sound(600);
    assert_eq!(scene.count("interrupted"), 1);
    scene.final_words("OK.");
    scene.pass(700);
    assert_eq!(scene.said.last().unwrap(), SAID.strip_prefix("It costs ").unwrap());
    scene.hear_out();
    scene.hang_up();
    assert_eq!(scene.lines(Speaker::Bot)[1..], ["It costs", "₹1,25,000 until 5 December."]);
    assert_eq!(scene.lines(Speaker::Bot)[1..].join(" "), WRITTEN);
}

#[test]
fn the_bots_own_number_come_back_over_the_line_is_an_echo_in_words_and_in_digits() {
    for (words, interrupts) in
        [("thousand rupees until", 0), ("₹1,25,000 until 5 December", 0), ("I do not", 1)]
    {
        let mut scene = told(2_900);
        scene.sound(300);
        scene.partial(words);
        assert_eq!(scene.count("interrupted"), interrupts, "{words}");
    }
}

#[test]
fn a_bot_may_have_its_numbers_left_and_its_names_said_in_its_own_way() {
    let mut scene = Scene::begin(|config| {
        config.spoken_forms = SpokenForms::Off;
        config.pronunciations =
            vec![Pronunciation { word: "Nguyen".into(), say: "Win".into(), ..Pronunciation::default() }];
    });
    scene.caller_says("Who helps me?", 900);
    scene.reply("Dr. Nguyen, in room 5.");
    scene.hear_out();
    assert_eq!(scene.said.last().unwrap(), "Dr. Win, in room 5.");
    scene.hang_up();
    assert_eq!(scene.lines(Speaker::Bot).last().unwrap(), "Dr. Nguyen, in room 5.");
}

#[test]
fn hindi_is_said_in_hindi_and_a_fixed_phrase_as_well() {
    let mut scene = Scene::answered(|config| {
        config.tts = serde_json::from_value(json!({"language": "hi-IN"})).unwrap();
        config.opening_message = "आपका ₹500 बाकी है।".into();
    });
    scene.hear_out();
    assert_eq!(scene.said, ["आपका पाँच सौ रुपये बाकी है।"]);
    scene.hang_up();
    assert_eq!(scene.lines(Speaker::Bot), ["आपका ₹500 बाकी है।"]);
}
