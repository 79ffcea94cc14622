//! What a first verdict becomes.

use vox_amd::{Because, Class, ModelSays, ModelVerdict, News, Settings};

use crate::call::Call;
use crate::sound::voice;

fn model(call: &mut Call, says: ModelSays) {
    let at_ms = call.now();
    call.detector.model_says(ModelVerdict {
        says,
        probability: 0.95,
        asked_ms: at_ms.saturating_sub(500),
        at_ms,
    });
}

#[test]
fn a_greeting_with_a_pause_is_corrected_by_what_follows() {
    let mut call = Call::greeted();
    call.we_speak(1_500, &voice(1_400), false).said("you have reached Bob leave a message").quiet(40);
    assert_eq!(call.classes(), [Class::Human, Class::Voicemail]);
    let last = call.verdicts().pop().unwrap();
    assert_eq!(last.was, Some(Class::Human));
}

#[test]
fn speech_that_goes_on_over_ours_is_a_machine() {
    let mut call = Call::greeted();
    call.detector.bot_speaks(call.now());
    for words in
        ["we", "we are", "we are out", "we are out of", "we are out of town", "we are out of town and"]
    {
        call.speaks(1_000).result(words, false);
    }
    call.speaks(100);
    assert_eq!(call.classes(), [Class::Human, Class::Voicemail], "{:?}", call.news);
    assert!(matches!(call.because(), Because::LongSpeech { .. }));
}

#[test]
fn a_person_who_answers_us_may_speak_long_and_say_what_machines_do() {
    let mut call = Call::greeted();
    call.we_speak(2_000, &[], true).quiet(500);
    call.speaks(1_500).result("i missed your call i will get back to you", false);
    call.speaks(5_500)
        .said("i missed your call i will get back to you please leave a message with my wife")
        .quiet(1_500);
    assert_eq!(call.classes(), [Class::Human], "{:?}", call.news);
}

#[test]
fn nothing_is_corrected_after_twelve_seconds() {
    let mut call = Call::greeted();
    call.quiet(12_500);
    assert!(
        matches!(call.news.last(), Some(News::Settled(verdict)) if !verdict.provisional),
        "{:?}",
        call.news
    );
    call.said("please leave a message after the tone").speaks(500);
    assert_eq!(call.classes(), [Class::Human]);
}

#[test]
fn the_model_alone_makes_no_machine_of_a_person() {
    let mut call = Call::greeted();
    model(&mut call, ModelSays::Voicemail);
    call.quiet(3_000);
    assert_eq!(call.classes(), [Class::Human]);
    // With no answer to our question it does.
    call.we_speak(1_000, &[], true).quiet(2_600);
    assert_eq!(call.classes(), [Class::Human, Class::Voicemail]);
    assert_eq!(call.because(), Because::Model);
}

#[test]
fn who_rang_like_a_machine_and_does_not_react_is_one() {
    let asked = |ring_ms, spoken_ms, answers_after: Option<u32>| {
        let mut call = Call::with(Settings::default(), false, ring_ms);
        call.quiet(600).speaks(spoken_ms).quiet(1_600).we_speak(1_500, &[], true);
        if let Some(after) = answers_after {
            call.quiet(after).speaks(600);
        }
        call.quiet(4_500);
        call.classes()
    };
    assert_eq!(asked(Some(21_000), 2_000, None), [Class::Human, Class::Voicemail]);
    // None of the three alone.
    assert_eq!(asked(Some(6_000), 2_000, None), [Class::Human]);
    assert_eq!(asked(None, 2_000, None), [Class::Human]);
    assert_eq!(asked(Some(21_000), 700, None), [Class::Human]);
    assert_eq!(asked(Some(21_000), 2_000, Some(2_500)), [Class::Human]);
}

#[test]
fn an_unsure_or_late_model_decides_nothing_first() {
    let mut call = Call::new();
    call.quiet(600).speaks(2_700);
    let at_ms = call.now();
    let mut verdict = ModelVerdict { says: ModelSays::Voicemail, probability: 0.6, asked_ms: at_ms, at_ms };
    call.detector.model_says(verdict);
    verdict = ModelVerdict { probability: 0.99, asked_ms: at_ms.saturating_sub(2_000), ..verdict };
    call.detector.model_says(verdict);
    call.speaks(100);
    assert_eq!(call.classes(), []);
    call.detector.model_says(ModelVerdict { asked_ms: at_ms, ..verdict });
    call.speaks(100);
    assert_eq!(call.classes(), [Class::Voicemail]);
}

#[test]
fn the_model_is_asked_when_there_are_words_and_not_too_often() {
    let mut call = Call::new();
    call.quiet(600).speaks(700).result("hi this", false);
    assert_eq!(call.detector.question(), None);
    call.speaks(700).result("hi this is Joe from work", false).speaks(40);
    let question = call.detector.question().unwrap();
    assert_eq!(question.transcript, "hi this is joe from work");
    assert_eq!(call.detector.question(), None, "once");
    call.result("hi this is Joe from work one two three four five six", false).speaks(40);
    assert!(call.detector.question().is_some(), "six words later");
    let mut call = Call::new();
    call.quiet(600).speaks(700).said("please leave a message after the tone").quiet(700);
    assert_eq!(call.detector.question(), None, "a phrase has decided");
}

#[test]
fn a_beep_after_a_greeting_is_a_machine_and_its_end_is_told() {
    let mut call = Call::greeted();
    call.speaks(1_500).quiet(400);
    let from = call.now();
    call.tone(&[1_000.0], 400).quiet(300);
    assert_eq!(call.classes().last(), Some(&Class::Voicemail));
    let beep = call.news.iter().find_map(|news| match news {
        News::Beep { ended_ms, hertz, .. } => Some((*ended_ms, *hertz)),
        _ => None,
    });
    let (ended, hertz) = beep.unwrap();
    assert!(ended.abs_diff(from + 400) <= 25 && hertz.abs_diff(1_000) <= 8, "{ended} {hertz}");
}

#[test]
fn a_machine_without_a_beep_has_an_end_too() {
    let mut call = Call::new();
    call.quiet(600).speaks(2_600).said("leave a message").quiet(2_500);
    let end = call.news.iter().find_map(|news| match news {
        News::GreetingEnd { at_ms } => Some(*at_ms),
        _ => None,
    });
    assert!(end.is_some_and(|at| (5_100..=5_400).contains(&at)), "{end:?}");
}

#[test]
fn a_machine_may_turn_out_to_be_another() {
    let mut call = Call::new();
    call.quiet(600).speaks(1_000).said("the person you are calling").speaks(1_500);
    call.said("please leave a message after the tone").quiet(100);
    assert_eq!(call.classes(), [Class::Carrier, Class::Voicemail]);
}

#[test]
fn a_person_may_come_after_a_machine() {
    let mut call = Call::new();
    call.quiet(600).speaks(2_000).said("state your name and reason for calling").we_speak(2_500, &[], false);
    assert_eq!(call.classes(), [Class::Screening]);
    call.quiet(1_500).speaks(500).result("hello", false).quiet(700);
    assert_eq!(call.classes(), [Class::Screening, Class::Human], "{:?}", call.news);
    assert_eq!(call.because(), Because::HandedOver);
    // A machine that goes on is none.
    let mut call = Call::new();
    call.quiet(600).speaks(2_000).said("state your name and reason for calling").quiet(1_500);
    call.speaks(1_000).said("hello please state your name and reason").quiet(900);
    assert_eq!(call.classes(), [Class::Screening]);
}
