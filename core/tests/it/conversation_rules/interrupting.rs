//! What stops the bot, and what does not.

use std::time::Duration;

use vox_core::session::event::{AgentEvent, Event};
use vox_core::session::rules::Rules;
use vox_shared::wire::order::Order;
use vox_shared::wire::result::Speaker;

use super::scene::{Scene, config, prompts_after};

const LONG: &str =
    "We are open from nine to five on all days of the week but on Sundays, when the whole house is closed.";

fn talking() -> Scene {
    let mut scene = Scene::begin(|_| {});
    scene.caller_says("Tell me.", 900);
    scene.reply(LONG);
    scene.pass(1_400);
    assert!(scene.bot_speaks());
    scene
}

#[test]
fn backchannels_neither_stop_the_bot_nor_are_answered() {
    for text in [
        "Mhmm.",
        "Mm-hmm",
        "uh-huh",
        "Uh huh.",
        "Yeah.",
        "OK, okay.",
        "accha",
        "Achha!",
        "हाँ",
        "जी",
        "ठीक है।",
        "हाँ जी",
        "嗯",
    ] {
        let mut scene = talking();
        scene.sound(350);
        scene.final_words(text);
        scene.hear_out();
        scene.pass(1_500);
        assert_eq!((scene.count("interrupted"), scene.asked.len()), (0, 1), "{text}");
        assert_eq!(scene.said[1..].join(" "), LONG, "{text}");
    }
}

#[test]
fn a_long_backchannel_lets_the_bot_go_on_where_it_stopped() {
    let mut scene = talking();
    scene.sound(600);
    scene.final_words("ठीक है");
    scene.pass(700);
    scene.hear_out();
    assert_eq!(scene.asked.len(), 1);
    scene.hang_up();
    assert_eq!(scene.lines(Speaker::Bot)[1..].join(" "), LONG);
}

#[test]
fn phrases_that_always_interrupt_do() {
    for text in ["stop", "Wait.", "Hold on!", "ruko", "रुको"] {
        let mut scene = talking();
        scene.sound(200);
        scene.partial(text);
        assert_eq!(scene.count("interrupted"), 1, "{text}");
    }
}

#[test]
fn the_bots_own_voice_on_the_line_is_no_answer() {
    let mut scene = talking();
    // What the bot said half a second before comes back.
    scene.set_sound(true);
    scene.pass(300);
    scene.partial("nine to five");
    scene.pass(300);
    scene.set_sound(false);
    scene.final_words("nine to five on all");
    scene.hear_out();
    scene.pass(1_500);
    assert_eq!(scene.asked.len(), 1, "{:?}", scene.events);
    scene.hang_up();
    assert_eq!(scene.lines(Speaker::Bot)[1..].join(" "), LONG);
}

#[test]
fn an_answer_in_the_bots_own_words_is_an_answer() {
    let mut scene = Scene::begin(|_| {});
    scene.caller_says("I want to come.", 900);
    scene.reply("Would you like to come on Tuesday at ten or on Wednesday at three?");
    scene.pass(3_800);
    scene.set_sound(true);
    scene.pass(700);
    scene.set_sound(false);
    scene.final_words("on Tuesday at ten");
    scene.hear_out();
    scene.pass(1_500);
    assert_eq!(scene.asked.len(), 2, "the answer was dropped: {:?}", scene.events);
    assert_eq!(scene.told().last().unwrap(), "on Tuesday at ten");
}

#[test]
fn a_sound_without_words_does_not_silence_the_bot_for_long() {
    let mut scene = talking();
    scene.set_sound(true);
    scene.pass(4_000);
    assert!(scene.bot_speaks(), "a noise that goes on silences the bot: {:?}", scene.events);
    scene.hear_out();
    scene.hang_up();
    assert_eq!(scene.lines(Speaker::Bot)[1..].join(" "), LONG);
}

#[test]
fn a_filler_that_is_cut_by_noise_costs_nothing_of_the_reply() {
    let mut scene = Scene::begin(|_| {});
    scene.caller_says("Tell me.", 900);
    scene.pass(2_200);
    assert_eq!(scene.count("filler"), 1);
    scene.sound(450);
    scene.reply(LONG);
    scene.pass(400);
    scene.stt_final("", true, false, Vec::new());
    scene.pass(3_000);
    scene.hear_out();
    scene.hang_up();
    assert!(scene.lines(Speaker::Bot).join(" ").ends_with(LONG), "{:?}", scene.lines(Speaker::Bot));
}

#[test]
fn a_key_before_the_greeting_was_heard_takes_nothing_of_it_away() {
    const GREETING: &str = "Hello. This call is recorded.";
    for keys in ["1", "1#", "12"] {
        let mut scene = Scene::answered(|c| c.opening_message = GREETING.into());
        for key in keys.chars() {
            scene.key(key);
            scene.pass(300);
        }
        while scene.asked.is_empty() && scene.now < 3_000 {
            scene.pass(20);
        }
        assert_eq!(scene.told(), [format!("[keypad: {}]", keys.trim_end_matches('#'))]);
        scene.reply("Welcome.");
        scene.hear_out();
        scene.hang_up();
        assert_eq!(scene.lines(Speaker::Bot), [GREETING, "Welcome."], "{keys}");
    }
    let mut scene = Scene::answered(|c| c.opening_message = GREETING.into());
    scene.pass(600);
    scene.key('1');
    assert!(!scene.bot_speaks(), "who has heard it can skip the rest");
}

#[test]
fn keys_that_nobody_answers_any_more_have_a_line_as_long_as_they_sound() {
    for hangs_up in [true, false] {
        let mut scene = Scene::begin(|_| {});
        let began = scene.now;
        for key in "4821".chars() {
            scene.key(key);
            scene.pass(300);
        }
        if !hangs_up {
            scene.order(Order::End { goodbye: String::new() });
        }
        scene.hang_up();
        let outcome = scene.outcome.as_ref().unwrap();
        let line = outcome.transcript.iter().find(|line| line.text == "[keypad: 4821]").unwrap();
        assert_eq!((line.started_ms, line.ended_ms), (began, began + 1_200));
        assert!(scene.asked.is_empty());
    }
}

/// Its tones are hidden in the recording by the line.
#[test]
fn a_pin_that_is_keyed_into_a_hold_a_transfer_an_agents_coming_or_a_goodbye_is_one_line() {
    let agent = Event::Agent(AgentEvent::Joined);
    let order = |order| Event::Order { id: 1, order };
    for event in [
        order(Order::Hold),
        order(Order::Transfer { to: "+15550001".into(), warm: false }),
        agent,
        order(Order::End { goodbye: "We close now, and we open again tomorrow at nine.".into() }),
    ] {
        let rules = Rules::from_config(&config(|_| {}), Duration::ZERO);
        let mut scene = Scene::by(Rules { transfers: Some("websocket_reverse_transfer"), ..rules });
        scene.pass(1_000);
        let began = scene.now;
        for (place, key) in "4821".chars().enumerate() {
            if place == 2 {
                scene.feed(event.clone());
                assert!(scene.verdicts.iter().all(Result::is_ok), "{event:?}: {:?}", scene.verdicts);
            }
            scene.key(key);
            scene.pass(300);
        }
        scene.pass(2_500);
        let is_told = scene.context().iter().any(|(_, text)| text.contains("[keypad: 4821]"));
        assert_eq!((is_told, scene.asked.len()), (true, 0), "{event:?}: known, and not answered");
        scene.hang_up();
        let outcome = scene.outcome.as_ref().unwrap();
        let keys: Vec<_> = outcome.transcript.iter().filter(|line| line.text.contains("keypad")).collect();
        assert_eq!((keys.len(), keys[0].text.as_str()), (1, "[keypad: 4821]"), "{event:?}");
        assert!(keys[0].started_ms == began && keys[0].ended_ms >= began + 900, "{event:?}: {:?}", keys[0]);
    }
}

#[test]
fn a_caller_who_uses_only_the_keypad_is_not_idle() {
    let mut scene = Scene::begin(|c| {
        let re_engagement = c.re_engagement.get_or_insert_default();
        re_engagement.after_secs = 2.5;
        re_engagement.prompts = vec!["Are you still there?".into(), "Please press a key.".into()];
        re_engagement.goodbye = "Nobody is there. Goodbye.".into();
    });
    for key in ['1', '2', '3', '4'] {
        scene.pass(2_700);
        scene.key(key);
        scene.key('#');
        scene.reply(&format!("You pressed {key}."));
        scene.hear_out();
    }
    assert_eq!(scene.asked.len(), 4);
    assert!(!scene.said.iter().any(|s| s.contains("Goodbye")), "{:?}", scene.said);
    scene.pass(20_000);
    assert!(scene.said.iter().any(|s| s.contains("Nobody is there")), "silence still ends the call");
}

#[test]
fn the_idle_clock_starts_when_the_bot_has_stopped() {
    let mut scene = Scene::begin(|c| c.re_engagement = prompts_after(3.0));
    scene.caller_says("Tell me.", 900);
    scene.reply(LONG);
    scene.hear_out();
    let stopped = scene.now;
    while scene.count("caller_silent") == 0 && scene.now < stopped + 6_000 {
        scene.pass(20);
    }
    let waited = scene.now - stopped;
    assert!((2_800..=3_200).contains(&waited), "{waited} ms");
}

#[test]
fn a_caller_who_hangs_up_leaves_what_was_heard_and_no_more() {
    let mut scene = talking();
    scene.feed(Event::HungUp { by: vox_shared::wire::result::DisconnectedBy::Customer });
    let outcome = scene.outcome.as_ref().unwrap();
    let last = outcome.transcript.last().unwrap();
    assert!(last.interrupted && LONG.starts_with(&last.text) && last.text.len() < LONG.len() / 2, "{last:?}");
}
