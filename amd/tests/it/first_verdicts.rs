//! The first verdict: the end of a turn, or a machine before.

use vox_amd::{Because, Class, Settings};

use crate::call::Call;

#[test]
fn who_says_hello_and_waits_is_a_person() {
    let mut call = Call::without_words();
    call.quiet(800).speaks(600).quiet(1_500);
    assert_eq!(call.classes(), [Class::Human]);
    let (end, decided) = (1_400, call.decided());
    assert!((end + 600..=end + 800).contains(&decided), "{decided}");
}

#[test]
fn a_longer_greeting_is_waited_for_longer() {
    let mut call = Call::without_words();
    call.quiet(800).speaks(2_300).quiet(2_000);
    assert_eq!(call.classes(), [Class::Human]);
    assert!((4_000..=4_250).contains(&call.decided()), "{}", call.decided());
}

#[test]
fn the_ring_time_moves_the_pause() {
    let decided = [3_000, 21_000].map(|ring_ms| {
        let mut call = Call::with(Settings::default(), false, Some(ring_ms));
        call.quiet(800).speaks(600).quiet(1_500);
        assert_eq!(call.classes(), [Class::Human]);
        call.decided()
    });
    assert!(decided[1] - decided[0] >= 400, "{decided:?}");
}

#[test]
fn speech_without_a_pause_is_a_machine_and_sooner_without_words() {
    let mut call = Call::without_words();
    call.quiet(600).speaks(6_000);
    assert_eq!(call.classes(), [Class::Voicemail]);
    assert!((3_900..=4_200).contains(&call.decided()), "{}", call.decided());
    let mut call = Call::new();
    call.quiet(600);
    for words in ["we", "we are a", "we are a family", "we are a family of", "we are a family of five"] {
        call.speaks(1_000).result(words, false);
    }
    call.speaks(2_000);
    assert_eq!(call.classes(), [Class::Voicemail]);
    assert!((6_700..=7_000).contains(&call.decided()), "{}", call.decided());
    // A recogniser that gives nothing is no reason to wait.
    let mut call = Call::new();
    call.quiet(600).speaks(6_000);
    assert!((3_900..=4_200).contains(&call.decided()), "{}", call.decided());
}

#[test]
fn noise_behind_a_person_is_neither_speech_nor_the_end_of_patience() {
    // Somebody says hello, and a television goes on for ever.
    let mut call = Call::new();
    call.quiet(600).speaks(600).result("hello", false).speaks(500).result("hello", true).speaks(1_200);
    assert_eq!(call.classes(), [Class::Human], "{:?}", call.news);
    call.speaks(8_000);
    assert_eq!(call.classes(), [Class::Human], "{:?}", call.news);
}

#[test]
fn who_greets_customers_may_speak_long() {
    let mut call = Call::new();
    call.quiet(600).speaks(1_000).result("good morning riverside", false).speaks(3_800);
    call.result("good morning riverside dental how may i direct your call", false).quiet(900);
    assert_eq!(call.classes(), [Class::Human], "{:?}", call.news);
}

#[test]
fn a_phrase_decides_at_once() {
    let mut call = Call::new();
    call.quiet(600).speaks(1_200).result("please leave a message", false).speaks(20);
    assert_eq!(call.classes(), [Class::Voicemail]);
    assert!(matches!(call.because(), Because::Keyword { .. }));
    assert!(call.decided() <= 1_840, "{}", call.decided());
}

#[test]
fn each_class_has_its_phrases() {
    for (text, class) in [
        ("press two for support", Class::Ivr),
        ("all our agents are busy", Class::Ivr),
        ("the number you have dialed is not in service", Class::Carrier),
        ("record your name and reason for calling", Class::Screening),
        ("you have reached the mailbox of Ann", Class::Voicemail),
        ("two one two five five five", Class::Voicemail),
    ] {
        let mut call = Call::new();
        call.quiet(600).speaks(1_000).said(text).speaks(40);
        assert_eq!(call.classes(), [class], "{text}");
    }
}

#[test]
fn a_weak_phrase_wants_a_second_sign() {
    let mut call = Call::new();
    call.quiet(600).speaks(1_200).said("he is not available").quiet(2_000);
    assert_eq!(call.classes(), [Class::Human], "{:?}", call.news);
    let mut call = Call::new();
    call.quiet(600).speaks(1_200).said("he is not available he will call you back").quiet(600);
    assert_eq!(call.classes(), [Class::Voicemail]);
}

#[test]
fn an_empty_transcript_is_no_evidence() {
    let mut call = Call::new();
    call.quiet(600).speaks(500).quiet(300).said("").quiet(600);
    assert_eq!(call.classes(), [], "{:?}", call.news);
    call.quiet(700);
    assert_eq!(call.classes(), [Class::Human]);
    assert!(call.decided() >= 2_400, "{}", call.decided());
    // However often.
    let mut call = Call::new();
    call.quiet(600);
    for _ in 0..9 {
        call.said("").quiet(100);
    }
    assert_eq!(call.classes(), []);
}

#[test]
fn nobody_speaks_is_silent_and_what_follows_corrects_it() {
    let mut call = Call::new();
    call.hears(&[0; 8_000 * 7]);
    assert_eq!((call.classes(), call.decided()), (vec![Class::Silent], 6_000));
    call.quiet(500).speaks(500).result("hello", false).quiet(1_000);
    assert_eq!(call.classes(), [Class::Silent, Class::Human]);
}

#[test]
fn a_line_without_audio_has_its_deadlines() {
    let mut call = Call::new();
    call.detector.silent_until(5_600);
    call.detector.silent_until(5_990);
    assert!(
        call.detector.verdict().is_none() && call.now() == 5_600,
        "a little late is not silent: {}",
        call.now()
    );
    call.detector.silent_until(6_010);
    assert_eq!(call.detector.verdict().map(|verdict| verdict.class), Some(Class::Silent));
}

#[test]
fn the_gate_opens_by_the_deadline_whatever_is_heard() {
    // Short sounds with short pauses, and a recogniser that understands nothing: neither a turn nor a talk.
    let mut call = Call::new();
    call.quiet(400);
    for _ in 0..20 {
        call.speaks(200).said("").quiet(900);
    }
    let first = call.verdicts().remove(0);
    assert!(first.at_ms <= 12_500, "{first:?}");
}

#[test]
fn noise_and_clicks_are_nobody() {
    let mut call = Call::without_words();
    let loud: Vec<i16> = crate::sound::quiet(5_500).iter().map(|sample| sample * 20).collect();
    call.hears(&loud);
    assert_eq!(call.classes(), [], "{:?}", call.news);
    let mut call = Call::without_words();
    for _ in 0..4 {
        call.quiet(1_000).speaks(40);
    }
    assert_eq!(call.classes(), [], "{:?}", call.news);
}

#[test]
fn the_old_rules_are_there_for_who_wants_them() {
    let mut call = Call::with(Settings::from_old("").unwrap(), false, None);
    call.quiet(400).speaks(2_400).quiet(2_000);
    assert_eq!(call.classes(), [Class::Voicemail]);
    assert!(matches!(call.because(), Because::Cadence(_)));
    assert_eq!(call.news.len(), 2, "told and settled: {:?}", call.news);
}
