use super::*;

const RATE: u32 = 8_000;

const NONE: Rules =
    Rules { interims: false, endpointing_ms: Some(10), utterance_end_ms: None, vad_events: false };

fn ends_after(endpointing_ms: u32) -> Rules {
    Rules { endpointing_ms: Some(endpointing_ms), ..NONE }
}

fn recogniser(rules: Rules, script: Hearing) -> Recogniser {
    Recogniser::new(Arc::new(script), rules, RATE)
}

fn tone(ms: u32) -> Vec<i16> {
    vec![4_000; (RATE * ms / 1_000) as usize]
}

fn hush(ms: u32) -> Vec<i16> {
    vec![0; (RATE * ms / 1_000) as usize]
}

fn texts(found: &[Finding]) -> Vec<(String, bool, bool)> {
    let text =
        |heard: &Heard| heard.words.iter().map(|word| word.word.as_str()).collect::<Vec<_>>().join(" ");
    found
        .iter()
        .filter_map(|finding| match finding {
            Finding::Results(heard) => Some((text(heard), heard.is_final, heard.speech_final)),
            _ => None,
        })
        .collect()
}

#[test]
fn an_utterance_grows_then_becomes_final() {
    let rules = Rules { interims: true, vad_events: true, ..ends_after(300) };
    let mut recogniser = recogniser(rules, Hearing::of(["a b c d"]));
    assert!(recogniser.push(&hush(500)).is_empty());
    let mut found = recogniser.push(&tone(1_200));
    found.extend(recogniser.push(&hush(600)));
    assert_eq!(found[0], Finding::SpeechStarted { at_ms: 500 });
    let expected = [("a b", false, false), ("a b c d", false, false), ("a b c d", true, true)];
    assert_eq!(texts(&found), expected.map(|(text, last, end)| (text.to_owned(), last, end)));
    let Some(Finding::Results(last)) = found.last() else { panic!("{found:?}") };
    assert_eq!((last.start_ms, last.end_ms), (0, 2_000));
    assert_eq!((last.words[0].start_ms, last.words[3].end_ms), (500, 1_670));
}

#[test]
fn a_pause_shorter_than_endpointing_does_not_end_it() {
    let mut recogniser = recogniser(ends_after(500), Hearing::of(["one two", "three"]));
    let mut found = Vec::new();
    for audio in [tone(400), hush(400), tone(400), hush(600), tone(300), hush(600)] {
        found.extend(recogniser.push(&audio));
    }
    assert_eq!(texts(&found), [("one two".to_owned(), true, true), ("three".to_owned(), true, true)]);
}

#[test]
fn long_speech_becomes_final_in_pieces_that_add_up() {
    let words: Vec<String> = (0..30).map(|n| format!("w{n}")).collect();
    let script = Hearing { segment_ms: 3_000, ..Hearing::of([words.join(" ")]) };
    let mut recogniser = recogniser(ends_after(300), script);
    let mut found = recogniser.push(&tone(7_000));
    found.extend(recogniser.push(&hush(400)));
    let finals = texts(&found);
    assert!(finals.len() >= 3, "{finals:?}");
    assert!(finals[..finals.len() - 1].iter().all(|(_, last, end)| *last && !*end));
    let joined =
        finals.iter().map(|(text, ..)| text.as_str()).filter(|text| !text.is_empty()).collect::<Vec<_>>();
    assert_eq!(joined.join(" "), words.join(" "));
}

#[test]
fn utterance_end_follows_the_last_word_once() {
    let script = Hearing {
        utterances: vec![
            Utterance { no_speech_final: true, ..Utterance::text("noise here") },
            Utterance::default(),
        ],
        ..Hearing::default()
    };
    let rules = Rules { interims: true, utterance_end_ms: Some(1_000), ..ends_after(200) };
    let mut recogniser = recogniser(rules, script);
    let mut found = recogniser.push(&tone(600));
    found.extend(recogniser.push(&hush(2_000)));
    assert!(texts(&found).iter().all(|(_, _, end)| !end));
    let ends = |found: &[Finding]| -> Vec<Option<u32>> {
        let end = |finding: &Finding| match finding {
            Finding::UtteranceEnd { last_word_end_ms } => Some(*last_word_end_ms),
            _ => None,
        };
        found.iter().filter_map(end).collect()
    };
    assert_eq!(ends(&found), [Some(570)]);
    let mut wordless = recogniser.push(&tone(300));
    wordless.extend(recogniser.push(&hush(1_500)));
    assert_eq!(ends(&wordless), [None]);
}

#[test]
fn finalize_says_what_is_buffered_and_says_it_once() {
    let mut recogniser = recogniser(ends_after(1_000), Hearing::of(["yes I do"]));
    assert!(recogniser.finalize().is_empty(), "no audio, no answer");
    recogniser.push(&tone(500));
    recogniser.push(&hush(100));
    let found = recogniser.finalize();
    assert_eq!(texts(&found), [("yes I do".to_owned(), true, false)]);
    assert!(matches!(&found[0], Finding::Results(heard) if heard.from_finalize));
    assert!(texts(&recogniser.push(&hush(2_000))).is_empty(), "already final");
}

#[test]
fn closing_says_the_rest() {
    let mut recogniser = recogniser(NONE, Hearing::of(["good bye then"]));
    recogniser.push(&tone(500));
    assert_eq!(texts(&recogniser.close()), [("good bye then".to_owned(), true, false)]);
}
