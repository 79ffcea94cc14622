//! Calls that were placed, from the callee's sound to the bot's: the worker's detector, session and mouth in virtual time. `just bench
//! amd-calls` has the same for the whole set of clips.

#[path = "../../examples/placed_calls/call.rs"]
mod call;
#[path = "../../../amd/tests/it/sound.rs"]
mod sound;

use std::time::Duration;

use call::{Callee, Reply, Seen, Voice, run};
use sound::{over_a_line, quiet, tone, voice};
use vox_amd::Said;

fn said(text: &str, at_ms: u32) -> Said {
    Said { text: text.into(), is_final: true, at_ms }
}

/// Somebody says something short, and nobody understands it.
fn greets(rang: Option<u64>, how: Voice) -> Seen {
    let pcm = over_a_line(&[quiet(600), voice(700), quiet(4_000)].concat());
    let rang = rang.map(Duration::from_secs);
    run(Callee { pcm, said: Vec::new(), speaks: vec![(600, 1_300)], rang, reply: None }, how, 5_000)
}

/// Figure 33.
#[test]
fn a_person_hears_the_bot_soon_after_their_greeting() {
    let after = |rang, how| greets(rang, how).first_audio.expect("the bot speaks") - 1_300;
    let (kept, made) = (after(None, Voice::Kept), after(None, Voice::Made(300)));
    assert!((500..=900).contains(&kept), "{kept} ms");
    // The voice's own time is added, and nothing else.
    assert!((260..=340).contains(&(made - kept)), "{kept} {made}");
    let (person, machine) = (after(Some(6), Voice::Kept), after(Some(21), Voice::Kept));
    assert!(person + 100 <= kept && kept + 200 <= machine, "{person} {kept} {machine}");
}

/// Figure 35.
#[test]
fn a_message_is_left_a_quarter_of_a_second_behind_the_beep() {
    let ends: u64 = 400 + 2_500 + 600 + 400;
    for (how, behind) in [(Voice::Kept, 220..=290), (Voice::Made(300), 290..=500)] {
        let sounds = [quiet(400), voice(2_500), quiet(600), tone(&[1_400.0], 400), quiet(8_000)];
        let callee = Callee {
            pcm: over_a_line(&sounds.concat()),
            said: vec![said("you have reached Mira please leave a message", 3_250)],
            speaks: vec![(400, 2_900)],
            rang: Some(Duration::from_secs(20)),
            reply: None,
        };
        let seen = run(callee, how, 12_000);
        assert!(seen.verdicts.iter().any(|(_, what)| what.starts_with("a voicemail")), "{seen:?}");
        assert!(
            matches!(seen.messages[..], [begun] if behind.contains(&(begun - ends))),
            "{how:?}: {seen:?}"
        );
        assert!(seen.is_left, "{seen:?}");
    }
}

/// Figure 31: also where nothing comes over the line at all.
#[test]
fn whoever_says_nothing_is_spoken_to() {
    for (pcm, by) in [(vec![0; 14 * 8_000], 6_000), (quiet(14_000), 6_000), (Vec::new(), 7_000)] {
        let seen = run(
            Callee { pcm, said: Vec::new(), speaks: Vec::new(), rang: None, reply: None },
            Voice::Kept,
            13_000,
        );
        let told = seen.verdicts.first().expect("it is told");
        assert!(told.1.starts_with("silence") && told.0 <= by + 40, "{seen:?}");
        assert!(seen.first_audio.is_some_and(|at| at <= by + 140), "{seen:?}");
    }
}

/// Figure 31: a recogniser that gives nothing, or nothing but empty words, makes nobody a person, and nobody waits for ever.
#[test]
fn empty_words_decide_nothing() {
    let pcm = over_a_line(&[quiet(400), voice(9_000), quiet(4_000)].concat());
    for said in [Vec::new(), (1..20).map(|n| said("", n * 450)).collect()] {
        let callee = Callee { pcm: pcm.clone(), said, speaks: vec![(400, 9_400)], rang: None, reply: None };
        let seen = run(callee, Voice::Kept, 13_000);
        let told = seen.verdicts.first().expect("it is told");
        assert!(told.1.starts_with("a voicemail") && told.0 <= 12_000, "{seen:?}");
    }
}

/// Their answer is long, and says what machines do.
#[test]
fn a_person_who_has_answered_the_bot_stays_one() {
    let reply = Reply {
        pcm: over_a_line(&voice(5_000)),
        said: vec![said("I will get back to you please leave a message with my wife", 5_400)],
        speaks: vec![(0, 5_000)],
        after_ms: 700,
    };
    let callee = Callee {
        pcm: over_a_line(&[quiet(600), voice(700), quiet(20_000)].concat()),
        said: vec![said("hello", 1_700)],
        speaks: vec![(600, 1_300)],
        rang: None,
        reply: Some(reply),
    };
    let seen = run(callee, Voice::Kept, 18_000);
    let told: Vec<&str> = seen.verdicts.iter().map(|(_, what)| what.as_str()).collect();
    assert!(matches!(told[..], [one] if one.starts_with("a person")), "{seen:?}");
}
