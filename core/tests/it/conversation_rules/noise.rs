//! Noise before, behind and over the words.

use vox_shared::wire::result::Speaker;

use super::scene::{Scene, prompts_after};

#[test]
fn a_noise_behind_the_words_ends_even_if_the_recogniser_says_nothing_of_it() {
    let mut scene = Scene::begin(|_| {});
    scene.sound(1_200);
    scene.pass(288);
    scene.set_sound(true);
    scene.stt_final("What time do you open?", false, true, Vec::new());
    let over = scene.now;
    while scene.asked.is_empty() && scene.now < over + 30_000 {
        scene.pass(200);
    }
    assert!(scene.now - over <= 4_500, "asked after {} ms", scene.now - over);
    assert_eq!(scene.told(), ["What time do you open?"]);

    // No word about the end either, and the noise begins while the final words are waited for.
    let mut scene = Scene::begin(|_| {});
    scene.sound(1_200);
    scene.partial("What time do you");
    scene.pass(600);
    scene.set_sound(true);
    scene.pass(300);
    scene.final_words("What time do you open?");
    let over = scene.now;
    while scene.asked.is_empty() && scene.now < over + 30_000 {
        scene.pass(200);
    }
    assert!(scene.now - over <= 7_000, "asked after {} ms", scene.now - over);
}

#[test]
fn words_over_a_noise_that_goes_on_are_not_cut_between_two_interims() {
    let mut scene = Scene::begin(|_| {});
    scene.set_sound(true);
    for _ in 0..6 {
        scene.pass(1_000);
        scene.partial("");
    }
    scene.hear_out();
    for text in ["I need", "I need an", "I need an appointment", "I need an appointment on Monday"] {
        scene.partial(text);
        scene.pass(700);
        assert_eq!(scene.asked.len(), 0, "{text}");
    }
    scene.stt_final("I need an appointment on Monday.", false, true, Vec::new());
    scene.pass(600);
    assert_eq!(scene.told(), ["I need an appointment on Monday."]);
}

#[test]
fn long_speech_with_slow_words_is_one_turn() {
    let mut scene = Scene::begin(|_| {});
    scene.set_sound(true);
    let mut text = String::new();
    for n in 0..8 {
        scene.pass(2_500);
        text = format!("{text} part {n}");
        scene.partial(text.trim());
        assert_eq!((scene.asked.len(), scene.recognisers), (0, 1), "{text}");
    }
    scene.set_sound(false);
    scene.pass(300);
    scene.stt_final(text.trim(), false, true, Vec::new());
    scene.pass(500);
    assert_eq!(scene.told(), [text.trim()]);
}

#[test]
fn short_noises_are_nothing_whatever_the_bot_does() {
    let mut scene = Scene::begin(|c| c.re_engagement = prompts_after(30.0));
    for _ in 0..5 {
        scene.sound(160);
        scene.pass(900);
        scene.stt_final("", true, false, Vec::new());
        scene.pass(900);
    }
    assert_eq!((scene.asked.len(), scene.count("not_understood")), (0, 0), "{:?}", scene.events);
    scene.caller_says("When do you open?", 900);
    scene.reply("We open at nine in the morning on all days of the week.");
    scene.pass(800);
    for _ in 0..3 {
        scene.sound(160);
        scene.pass(400);
    }
    scene.hear_out();
    assert_eq!((scene.asked.len(), scene.count("interrupted")), (1, 0));
}

#[test]
fn the_bots_own_voice_that_comes_back_to_its_end_is_no_question() {
    let mut scene = Scene::begin(|_| {});
    scene.caller_says("Tell me.", 900);
    scene.reply("We are open from nine to five on all days of the week.");
    scene.pass(700);
    scene.set_sound(true);
    for text in ["we are open", "we are open from nine", "we are open from nine to five"] {
        scene.pass(360);
        scene.partial(text);
    }
    scene.hear_out();
    scene.pass(300);
    scene.set_sound(false);
    scene.stt_final("We are open from nine to five on all days of the week.", false, true, Vec::new());
    scene.pass(1_500);
    assert_eq!(scene.asked.len(), 1, "the bot answers itself: {:?}", scene.events);
    scene.caller_says("And on Sunday?", 900);
    assert_eq!(scene.asked.len(), 2);
}

#[test]
fn an_answer_that_repeats_the_bots_last_words_is_answered() {
    let mut scene = Scene::begin(|_| {});
    scene.caller_says("I want to come.", 900);
    scene.reply("Shall we say on Wednesday at three?");
    while scene.bot_speaks() {
        scene.pass(20);
    }
    scene.pass(100);
    scene.sound(900);
    scene.stt_final("on Wednesday at three", false, true, Vec::new());
    scene.pass(700);
    assert_eq!(scene.told().last().unwrap(), "on Wednesday at three");
    assert_eq!(scene.asked.len(), 2);
}

#[test]
fn a_noise_in_bursts_is_one_noise() {
    let mut scene = Scene::begin(|_| {});
    scene.caller_says("Tell me.", 900);
    let reply = "We are open from nine to five on all days of the week but on Sundays, when the whole house is closed.";
    scene.reply(reply);
    scene.pass(800);
    for _ in 0..14 {
        scene.sound(1_600);
        scene.partial("");
        scene.pass(304);
    }
    scene.hear_out();
    scene.hang_up();
    let said = scene.lines(Speaker::Bot)[1..].join(" ");
    assert!(said.starts_with(reply), "television silenced the bot: {said}");

    let mut scene = Scene::begin(|_| {});
    for _ in 0..6 {
        scene.sound(1_600);
        scene.partial("");
        scene.pass(304);
    }
    scene.pass(1_000);
    assert_eq!(scene.count("not_understood"), 1, "nobody asks what was said");
}

#[test]
fn sound_without_words_does_not_hold_the_idle_clock_up() {
    let mut scene = Scene::begin(|c| c.re_engagement = prompts_after(4.0));
    for _ in 0..3 {
        scene.sound(160);
        scene.pass(2_000);
        scene.stt_final("", true, false, Vec::new());
        scene.pass(500);
    }
    assert_eq!(scene.count("caller_silent"), 1, "clicks on the line are no caller");
    scene.hear_out();
    let prompted = scene.now;
    scene.caller_says("Yes, I am here.", 900);
    assert_eq!(scene.asked.len(), 1);
    scene.reply("Good.");
    scene.hear_out();
    let answered = scene.now;
    while scene.count("caller_silent") == 1 {
        scene.pass(20);
    }
    assert!(
        prompted < answered && scene.now - answered >= 3_900,
        "the clock begins when the bot has stopped"
    );
}

#[test]
fn a_backchannel_while_the_bot_thinks_is_not_answered() {
    let mut scene = Scene::begin(|_| {});
    scene.caller_says("When do you open?", 900);
    scene.sound(500);
    scene.stt_final("Mhmm.", false, true, Vec::new());
    scene.pass(600);
    scene.reply("We open at nine.");
    scene.hear_out();
    assert_eq!((scene.asked.len(), scene.said.last().unwrap().as_str()), (1, "We open at nine."));
    assert_eq!(scene.count("backchannel"), 1);
}
