//! When a turn is over, and words that must not be lost.

use std::time::Duration;

use vox_core::session::event::Event;
use vox_core::session::rules::Rules;
use vox_shared::wire::result::Speaker;

use super::scene::{Scene, config, prompts_after, word};

#[test]
fn voiced_audio_without_words_is_waited_for_before_half_a_sentence_is_answered() {
    let mut scene = Scene::begin(|_| {});
    scene.sound(900);
    let at = scene.now;
    scene.stt_final("I need to reset", false, false, vec![word("reset", at - 500, at - 100)]);
    scene.sound(800);
    scene.pass(600);
    assert_eq!((scene.finalised, scene.asked.len()), (1, 0), "the rest has no words yet");
    scene.stt_final("my door sensor.", true, false, Vec::new());
    scene.pass(40);
    assert_eq!(scene.told(), ["I need to reset my door sensor."]);
}

#[test]
fn the_wait_for_words_of_a_late_sound_is_bounded() {
    let mut scene = Scene::begin(|_| {});
    scene.sound(900);
    let at = scene.now;
    scene.stt_final("What time is it?", false, false, vec![word("it?", at - 300, at - 50)]);
    scene.sound(700);
    scene.pass(2_500);
    assert_eq!(scene.told(), ["What time is it?"]);
}

#[test]
fn a_partial_before_the_detector_is_sure_is_a_sign_of_life() {
    let mut scene = Scene::begin(|_| {});
    scene.set_sound(true);
    scene.pass(64);
    scene.partial("my");
    scene.pass(4_700);
    assert_eq!(scene.recognisers, 1, "it was opened again though it had answered");
}

#[test]
fn a_slow_first_interim_is_no_reason_to_reconnect() {
    let mut scene = Scene::begin(|_| {});
    for turn in 0..3 {
        scene.set_sound(true);
        scene.pass(3_400);
        scene.set_sound(false);
        scene.pass(500);
        scene.partial("my name");
        scene.pass(300);
        scene.final_words("my name is Anna");
        scene.pass(800);
        scene.reply("Hello Anna.");
        scene.hear_out();
        assert_eq!(scene.asked.len(), turn + 1);
    }
    assert_eq!((scene.recognisers, scene.count("recogniser_failed")), (1, 0));
}

#[test]
fn a_recogniser_that_gives_nothing_at_all_is_opened_anew_once_and_hears_the_turn_again() {
    let mut scene = Scene::begin(|_| {});
    scene.sound(1_600);
    scene.pass(2_500);
    assert_eq!(scene.recognisers, 2, "a deaf recogniser stays open");
    scene.stt_final("Are you open?", true, false, Vec::new());
    scene.pass(40);
    assert_eq!(scene.told(), ["Are you open?"]);
}

#[test]
fn speech_without_words_uses_up_no_ladder_and_ends_no_call() {
    let mut scene = Scene::begin(|c| c.re_engagement = prompts_after(60.0));
    for _ in 0..10 {
        scene.sound(6_000);
        scene.pass(1_500);
    }
    assert!(scene.outcome.is_none(), "television ended the call: {:?}", scene.events);
    assert!(scene.recognisers <= 2, "{} connections", scene.recognisers);
    assert!(scene.count("not_understood") <= 2, "{:?}", scene.events);
    scene.caller_says("Now I am here.", 900);
    assert_eq!(scene.told(), ["Now I am here."]);
}

#[test]
fn television_that_never_stops_ends_no_call_and_stops_no_answer() {
    let mut scene = Scene::begin(|_| {});
    scene.set_sound(true);
    scene.pass(1_200);
    scene.stt_final("When do you open?", false, true, Vec::new());
    scene.pass(2_100);
    assert_eq!(scene.told(), ["When do you open?"]);
    scene.reply("We open at nine.");
    scene.hear_out();
    assert!(scene.context().iter().any(|(_, text)| text == "We open at nine."), "{:?}", scene.context());
}

#[test]
fn speech_without_words_is_asked_for_again() {
    let mut scene = Scene::begin(|_| {});
    scene.set_sound(true);
    scene.pass(700);
    scene.partial("");
    scene.pass(500);
    scene.set_sound(false);
    scene.pass(500);
    scene.stt_final("", true, false, Vec::new());
    scene.pass(1_100);
    assert_eq!(scene.count("not_understood"), 1);
    assert!(scene.bot_speaks());
}

#[test]
fn the_recogniser_is_believed_when_noise_keeps_the_detector_open() {
    let mut scene = Scene::begin(|_| {});
    scene.set_sound(true);
    scene.pass(1_700);
    scene.stt_final("What time do you open?", false, true, Vec::new());
    scene.feed(vox_core::session::event::Event::Stt(vox_core::provider::stt::SttEvent::UtteranceEnd));
    let over = scene.now;
    while scene.asked.is_empty() && scene.now < over + 10_000 {
        scene.pass(1_000);
        scene.stt_final("", false, false, Vec::new());
    }
    assert!(scene.now - over <= 3_000, "asked after {} ms", scene.now - over);
    assert_eq!(scene.told(), ["What time do you open?"]);
}

#[test]
fn empty_results_after_the_words_end_a_turn_that_noise_keeps_open() {
    let mut scene = Scene::begin(|_| {});
    scene.set_sound(true);
    scene.pass(1_500);
    scene.final_words("What time do you open?");
    let over = scene.now;
    while scene.asked.is_empty() && scene.now < over + 20_000 {
        scene.pass(1_000);
        scene.partial("");
    }
    assert!(scene.now - over <= 6_000, "asked after {} ms", scene.now - over);
}

#[test]
fn a_sentence_that_becomes_final_in_pieces_is_one_turn() {
    let mut scene = Scene::begin(|_| {});
    scene.set_sound(true);
    for (i, text) in ["I need to reset", "my front door sensor", "before Tuesday."].iter().enumerate() {
        scene.pass(1_000);
        scene.stt_final(text, false, i != 1, Vec::new());
    }
    scene.pass(200);
    scene.set_sound(false);
    scene.pass(1_500);
    assert_eq!(scene.told(), ["I need to reset my front door sensor before Tuesday."]);
    assert_eq!(scene.asked.len(), 1);
}

#[test]
fn a_final_that_comes_after_the_turn_is_added_without_doubling() {
    let mut scene = Scene::begin(|_| {});
    scene.sound(1_200);
    scene.partial("I need an appointment");
    scene.pass(2_500);
    assert_eq!(scene.told(), ["I need an appointment"]);
    scene.final_words("I need an appointment for Monday at ten");
    assert_eq!(scene.told(), ["I need an appointment for Monday at ten"], "nobody heard the reply yet");
    scene.reply("On Monday at ten then.");
    scene.hear_out();
    scene.hang_up();
    assert_eq!(scene.lines(Speaker::Caller), ["I need an appointment for Monday at ten"]);
}

#[test]
fn late_words_do_not_cut_a_reply_that_is_heard_but_the_model_knows_them() {
    let mut scene = Scene::begin(|_| {});
    scene.sound(1_200);
    scene.partial("I need an appointment");
    scene.pass(2_500);
    scene.reply("Sure, I can help you with an appointment.");
    scene.pass(400);
    scene.final_words("I need an appointment for Monday.");
    scene.hear_out();
    assert_eq!(scene.asked.len(), 1);
    scene.caller_says("Thank you.", 600);
    assert_eq!(scene.told(), ["I need an appointment for Monday.", "Thank you."]);
    scene.hang_up();
    assert_eq!(scene.lines(Speaker::Caller), ["I need an appointment for Monday.", "Thank you."]);
}

#[test]
fn a_correction_of_the_same_length_is_answered_anew() {
    for (interim, words) in [
        ("I can come on Monday", "I can't come on Monday."),
        ("fifteen euros then", "fifty euros then"),
        ("no not that one please", "not that one please"),
    ] {
        let mut scene = Scene::begin(|_| {});
        scene.sound(1_200);
        scene.partial(interim);
        scene.pass(2_500);
        scene.tokens("Then I will note that. ");
        scene.final_words(words);
        assert_eq!((scene.asked.len(), scene.told()), (2, vec![words.to_owned()]), "{interim}");
    }
}

#[test]
fn words_long_after_a_turn_are_a_turn_of_their_own() {
    for (wait_ms, has_times) in [(30_000, false), (1_500, true)] {
        let mut scene = Scene::begin(|_| {});
        scene.sound(1_200);
        scene.partial("I need an appointment");
        scene.pass(2_500);
        scene.reply("When?");
        scene.hear_out();
        scene.pass(wait_ms);
        let at = scene.now;
        let times = if has_times { vec![word("Monday.", at - 600, at - 200)] } else { Vec::new() };
        scene.stt_final("On Monday.", false, true, times);
        scene.pass(1_000);
        assert_eq!(scene.told(), ["I need an appointment", "On Monday."], "after {wait_ms} ms");
        assert_eq!(scene.asked.len(), 2);
    }
}

#[test]
fn a_final_that_says_what_the_interim_said_changes_nothing() {
    let mut scene = Scene::begin(|_| {});
    scene.sound(1_200);
    scene.partial("When do you open");
    scene.pass(2_500);
    scene.final_words("When do you open?");
    scene.pass(1_000);
    assert_eq!(scene.asked.len(), 1);
    assert_eq!(scene.told(), ["When do you open"]);
}

#[test]
fn a_number_read_in_groups_is_one_turn() {
    for (question, groups, pause) in [
        (
            "Please tell me your phone number.",
            ["Five five five.", "One two three.", "Four five six seven."],
            1_100,
        ),
        ("How can I help?", ["555.", "123.", "4567."], 1_300),
        ("How do you spell your name?", ["J.", "O.", "H N."], 1_400),
        ("अपना नंबर बताइए।", ["नौ आठ सात।", "छह पांच।", "चार तीन दो।"], 1_200),
        ("What is your e-mail?", ["john", "dot smith at", "gmail dot com."], 1_200),
        ("How can I help?", ["My number is", "nine eight seven.", "six five four."], 1_100),
    ] {
        let mut scene = Scene::begin(|c| c.opening_message = question.into());
        scene.hear_out();
        for group in groups {
            scene.sound(900);
            scene.final_words(group);
            scene.pass(pause);
            assert!(!scene.bot_speaks(), "{question} {group}: the bot cuts in");
        }
        scene.pass(3_000);
        assert_eq!(scene.asked.len(), 1, "{question}");
        assert_eq!(scene.told(), [groups.join(" ")]);
    }
}

/// A call whose turns a model judges, at a pause after these words.
fn judged(words: &str) -> Scene {
    let rules = Rules::from_config(&config(|_| {}), Duration::ZERO);
    let mut scene = Scene::by(Rules { judges_turns: true, ..rules });
    scene.pass(1_000);
    scene.sound(900);
    scene.final_words(words);
    while scene.pauses.is_empty() {
        scene.pass(4);
    }
    scene
}

#[test]
fn a_turn_model_decides_how_long_a_pause_may_be() {
    for (words, probability, soon) in [
        ("I would like to come on Monday.", 0.1, false),
        ("I would like to come on Monday.", 0.9, true),
        ("I would like to come on", 0.9, true),
    ] {
        let mut scene = judged(words);
        scene.feed(Event::TurnJudged { id: scene.pauses[0], probability });
        scene.pass(600);
        assert_eq!(scene.asked.len(), usize::from(soon), "{words} {probability}");
        scene.pass(3_000);
        assert_eq!(scene.asked.len(), 1, "{words} {probability}: the wait is bounded");
    }
}

#[test]
fn the_words_decide_while_a_turn_model_is_silent_or_speaks_of_another_pause() {
    let mut scene = judged("I would like to come on");
    scene.pass(200);
    scene.sound(300);
    scene.pass(40);
    scene.feed(Event::TurnJudged { id: scene.pauses[0], probability: 0.9 });
    scene.pass(600);
    assert_eq!(scene.asked.len(), 0, "the caller went on after that pause");
    let mut scene = judged("I would like to come on Monday.");
    scene.pass(600);
    assert_eq!(scene.asked.len(), 1);
}

#[test]
fn a_prompt_between_does_not_forget_what_the_bot_asked_for() {
    let mut scene = Scene::begin(|c| c.opening_message = "What is your postcode?".into());
    scene.hear_out();
    scene.sound(500);
    scene.pass(600);
    scene.stt_final("", true, false, Vec::new());
    scene.pass(1_500);
    assert_eq!(scene.count("not_understood"), 1);
    scene.hear_out();
    scene.sound(900);
    scene.final_words("SW1A.");
    scene.pass(1_200);
    assert_eq!(scene.asked.len(), 0, "answered in the middle of the code");
    scene.sound(900);
    scene.final_words("1AA.");
    scene.pass(2_500);
    assert_eq!(scene.told(), ["SW1A. 1AA."]);
}

#[test]
fn a_full_stop_behind_an_open_end_ends_nothing() {
    for (first, second) in
        [("My name is.", "Anna Smith."), ("I want to come on Monday and.", "I need a ramp.")]
    {
        let mut scene = Scene::begin(|_| {});
        scene.sound(900);
        scene.final_words(first);
        scene.pass(900);
        assert_eq!(scene.asked.len(), 0, "{first}");
        scene.sound(900);
        scene.final_words(second);
        scene.pass(700);
        assert_eq!(scene.told(), [format!("{first} {second}")]);
    }
}

#[test]
fn an_ordinary_answer_is_not_waited_for() {
    for (question, text) in [
        ("When shall I book it?", "Tuesday at ten."),
        ("Do you have children?", "I have two kids."),
        ("What is your phone number?", "I don't have one."),
        ("How can I help?", "What should I do?"),
        ("What is your number?", "Nine eight seven six five four three two one zero."),
    ] {
        let mut scene = Scene::begin(|c| c.opening_message = question.into());
        scene.hear_out();
        scene.sound(900);
        scene.final_words(text);
        scene.pass(600);
        assert_eq!(scene.asked.len(), 1, "{text}");
    }
}

#[test]
fn the_caller_who_goes_on_after_the_bot_began_gets_one_answer_to_both_parts() {
    let mut scene = Scene::begin(|_| {});
    scene.caller_says("My name is John.", 1_000);
    scene.reply("Hello John, nice to meet you, how can I help you today?");
    scene.pass(300);
    scene.sound(1_200);
    scene.final_words("Doe with an E.");
    scene.pass(700);
    assert_eq!(scene.asked.len(), 2);
    assert_eq!(scene.told().join(" "), "My name is John. Doe with an E.");
    scene.reply("Thank you, John Doe.");
    scene.hear_out();
    assert_eq!(scene.said.last().unwrap(), "Thank you, John Doe.");
}

#[test]
fn a_final_has_a_limit() {
    let mut scene = Scene::begin(|_| {});
    scene.sound(1_000);
    scene.final_words(&"word ".repeat(20_000));
    scene.pass(800);
    scene.hang_up();
    let longest = scene.lines(Speaker::Caller).iter().map(|l| l.chars().count()).max().unwrap();
    assert!(longest <= vox_shared::wire::result::LONGEST_LINE_CHARS, "{longest}");
}

#[test]
fn the_last_words_of_a_caller_who_hangs_up_in_mid_sentence_are_in_the_record() {
    let mut scene = Scene::begin(|_| {});
    scene.sound(700);
    scene.partial("you know what forget");
    scene.hang_up();
    assert_eq!(scene.lines(Speaker::Caller), ["you know what forget"]);
}
