//! The evidence, and that the same call is judged the same.

use vox_amd::{Callee, Class, Detector, Evidence, News, Said, Settings};

use crate::call::Call;
use crate::sound::{over_a_line, quiet, samples, tone, voice};

/// A machine whose first word sounds like a person, with a beep: sound and words.
fn greeting() -> (Vec<i16>, Vec<Said>) {
    let pcm =
        [quiet(700), voice(450), quiet(1_300), voice(3_200), quiet(500), tone(&[1_000.0], 300), quiet(3_000)];
    let said = |at_ms, text: &str, is_final| Said { text: text.into(), is_final, at_ms };
    let words = vec![
        said(1_400, "hello", false),
        said(1_655, "hello", true),
        said(3_310, "this is the phone of", false),
        said(4_003, "this is the phone of Ann leave a", false),
        said(4_777, "this is the phone of Ann leave a message", false),
        said(6_200, "this is the phone of Ann leave a message please", true),
    ];
    (over_a_line(&pcm.concat()), words)
}

fn heard(pieces: &[usize]) -> (Vec<News>, Evidence) {
    let (pcm, words) = greeting();
    let callee = Callee { rate_hz: 8_000, language: "en".into(), ring_ms: Some(20_000), has_words: true };
    let mut detector = Detector::new(Settings::default(), callee).unwrap();
    let (mut words, mut news) = (words.into_iter().peekable(), Vec::new());
    let (mut at, mut pieces) = (0, pieces.iter().cycle());
    while at < pcm.len() {
        let piece = (*pieces.next().unwrap()).min(pcm.len() - at);
        let until_ms = ((at + piece) / 8) as u32;
        while let Some(said) = words.next_if(|said| said.at_ms <= until_ms) {
            detector.word(said);
        }
        detector.hear(&pcm[at..at + piece]);
        news.extend(std::iter::from_fn(|| detector.news()));
        at += piece;
    }
    (news, detector.evidence())
}

#[test]
fn the_pieces_of_the_audio_change_nothing() {
    let (news, evidence) = heard(&[samples(20)]);
    let classes = |news: &[News]| -> Vec<Class> {
        let class = |news: &News| match news {
            News::Verdict(verdict) | News::Corrected(verdict) => Some(verdict.class),
            _ => None,
        };
        news.iter().filter_map(class).collect()
    };
    assert_eq!(classes(&news), [Class::Human, Class::Voicemail], "{news:?}");
    for pieces in [&[80][..], &[480], &[1, 7, 333, 160, 1_000], &[100_000]] {
        let (others, other) = heard(pieces);
        assert_eq!((&others, &other), (&news, &evidence), "{pieces:?}");
    }
}

#[test]
fn the_evidence_is_small_and_judges_the_call_again() {
    let (news, evidence) = heard(&[160]);
    let json = serde_json::to_string(&evidence).unwrap();
    assert!(json.len() < 2_048, "{} bytes: {json}", json.len());
    assert!(!evidence.cut);
    let kept: Evidence = serde_json::from_str(&json).unwrap();
    assert_eq!(kept.replay(&Settings::default()).unwrap(), Some(news.clone()));
    // Another version waits longer, and is not taken in.
    let patient = Settings { short_pause_machine_ms: 2_000, ..Settings::default() };
    let again = kept.replay(&patient).unwrap().unwrap();
    assert!(matches!(&again[0], News::Verdict(verdict) if verdict.class == Class::Voicemail), "{again:?}");
    let foreign = Evidence { form: 99, ..kept };
    assert_eq!(foreign.replay(&Settings::default()).unwrap(), None);
}

/// A bot leaves its message when it beeps, however late that is.
#[test]
fn what_is_settled_is_judged_again_alike_and_beeps_are_told_afterwards() {
    let mut call = Call::greeted();
    call.quiet(13_000);
    let is_settled = |news: &News| matches!(news, News::Settled(verdict) if verdict.class == Class::Human);
    assert!(call.news.last().is_some_and(is_settled), "{:?}", call.news);
    let until_then = call.news.clone();
    call.speaks(2_000).quiet(400).tone(&[1_000.0], 400).quiet(1_000);
    assert!(matches!(call.news.last(), Some(News::Beep { .. })), "{:?}", call.news);
    let evidence = call.detector.evidence();
    assert_eq!(evidence.news, until_then);
    assert_eq!(evidence.replay(&Settings::default()).unwrap(), Some(until_then));
}

#[test]
fn a_call_that_never_ends_keeps_little() {
    let mut call = Call::new();
    call.quiet(600).speaks(2_000).said("state your name and reason for calling");
    for i in 0..400 {
        call.speaks(200).result(&format!("word {i} of a long talk that says nothing"), i % 3 == 0).quiet(100);
    }
    let evidence = call.detector.evidence();
    let json = serde_json::to_string(&evidence).unwrap();
    assert!(evidence.cut && json.len() < 8_000, "{} bytes", json.len());
    // What is kept is judged as it was.
    let again = evidence.replay(&Settings::default()).unwrap().unwrap();
    assert_eq!(again[0], call.news[0]);
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let settings = Settings { no_speech_ms: 0, ..Settings::default() };
    assert!(Detector::new(settings, Callee::default()).is_err());
}
