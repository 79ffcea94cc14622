use super::*;

/// Characters of 10 ms each, the first at `from_ms`.
fn chars(text: &str, from_ms: f64, each_ms: f64) -> Option<Alignment> {
    let char = |(at, c): (usize, char)| AlignedChar {
        text: c.to_string(),
        started_ms: from_ms + at as f64 * each_ms,
        duration_ms: each_ms,
    };
    Some(Alignment { chars: text.chars().enumerate().map(char).collect() })
}

fn given(text: &str) -> Alignments {
    Alignments { given: chars(text, 0.0, 20.0), normalized: None }
}

fn mark(text: &str, started_ms: u32, ended_ms: u32) -> WordMark {
    WordMark { text: text.into(), started_ms, ended_ms }
}

/// All words of a reply whose text was sent in pieces.
fn words(sent: &[&str], messages: &[(Alignments, f64)]) -> Vec<(String, u32, u32)> {
    let mut words = Words::default();
    sent.iter().for_each(|text| words.sent(text));
    let mut marks: Vec<WordMark> =
        messages.iter().flat_map(|(a, audio_ms)| words.take(a, *audio_ms)).collect();
    marks.extend(words.end());
    marks.into_iter().map(|m| (m.text, m.started_ms, m.ended_ms)).collect()
}

/// "one two three" at 20 ms a character, whatever form it comes in.
#[test]
fn the_times_lie_on_the_sound_whatever_form_they_have() {
    const TEXT: &str = "one two three";
    let expected =
        [("one", 0, 60), ("two", 80, 140), ("three", 160, 260)].map(|(t, a, b)| (t.to_owned(), a, b));
    let both = |given: Option<Alignment>, normalized: Option<Alignment>| Alignments { given, normalized };
    let first = || (given("one tw"), 120.0);
    for (form, messages) in [
        ("relative to the message", vec![first(), (given("o three"), 140.0)]),
        ("relative to the reply", vec![first(), (both(chars("o three", 120.0, 20.0), None), 140.0)]),
        ("the whole sentence again", vec![first(), (both(chars(TEXT, 0.0, 20.0), None), 140.0)]),
        (
            "the whole sentence again, and its part",
            vec![first(), (both(chars(TEXT, 0.0, 20.0), chars("o three", 0.0, 20.0)), 140.0)],
        ),
        ("the whole sentence at once", vec![(given(TEXT), 120.0), (both(None, None), 140.0)]),
        ("the whole sentence twice", vec![(given(TEXT), 120.0), (given(TEXT), 140.0)]),
        ("from an odd beginning", vec![first(), (both(chars("o three", 5_000.0, 20.0), None), 140.0)]),
        (
            "normalized only",
            vec![
                (both(None, chars("one tw", 0.0, 20.0)), 120.0),
                (both(None, chars("o three", 0.0, 20.0)), 140.0),
            ],
        ),
        ("no times for the first", vec![(both(chars("one two three", 0.0, 20.0), None), 260.0)]),
        ("seconds for milliseconds", vec![(both(chars("one two three", 0.0, 0.02), None), 260.0)]),
        ("sound and times apart", vec![(given(TEXT), 0.0), (both(None, None), 260.0)]),
        (
            "times behind their sound",
            vec![
                (both(None, None), 120.0),
                (given("one tw"), 0.0),
                (both(None, None), 140.0),
                (given("o three"), 0.0),
            ],
        ),
        (
            "times before their sound, twice",
            vec![
                (given("one tw"), 0.0),
                (both(None, None), 120.0),
                (given("o three"), 0.0),
                (both(None, None), 140.0),
            ],
        ),
    ] {
        assert_eq!(words(&["one two ", "three"], &messages), expected, "{form}");
    }
}

#[test]
fn a_second_sentence_that_begins_anew_is_placed_behind_the_first() {
    let again = Alignments { given: chars("Ho hum. Yes.", 0.0, 20.0), normalized: None };
    let messages = [(given("Ho hum."), 500.0), (given("Yes."), 300.0)];
    let expected =
        [("Ho", 0, 40), ("hum.", 60, 140), ("Yes.", 500, 580)].map(|(t, a, b)| (t.to_owned(), a, b));
    assert_eq!(words(&["Ho hum.", "Yes."], &messages), expected, "a pause in the sound counts");
    let got = words(&["Ho hum.", "Yes."], &[(given("Ho hum."), 160.0), (again, 80.0)]);
    assert_eq!(got.last(), Some(&("Yes.".to_owned(), 160, 240)));
}

#[test]
fn times_longer_than_their_sound_do_not_move_the_next_ones() {
    let slow = Alignments { given: chars("one ", 0.0, 100.0), normalized: None };
    let got = words(&["one two"], &[(slow, 100.0), (given("two"), 60.0)]);
    assert_eq!(got.last(), Some(&("two".to_owned(), 100, 160)));
}

#[test]
fn what_fits_the_text_is_preferred() {
    let both =
        Alignments { given: chars("$5 now", 0.0, 20.0), normalized: chars("five dollars now", 0.0, 20.0) };
    assert_eq!(words(&["$5 now"], &[(both, 400.0)])[0].0, "$5");
    let other = Alignments {
        given: chars("other text", 0.0, 90.0),
        normalized: chars("five dollars now", 0.0, 20.0),
    };
    assert_eq!(words(&["$5 now"], &[(other, 320.0)])[0].0, "five", "no fit: the one that fits the sound");
}

#[test]
fn text_without_spaces_is_marked_in_small_parts() {
    let got = words(&["感谢您的来电"], &[(given("感谢您的"), 80.0), (given("来电"), 40.0)]);
    let expected = [("感谢您", 0, 60), ("的来电", 60, 120)].map(|(t, a, b)| (t.to_owned(), a, b));
    assert_eq!(got, expected);
    assert!(
        words(&[&"x".repeat(1000)], &[(given(&"x".repeat(1000)), 20_000.0)]).len()
            >= 1000 / crate::provider::tts::spelling::WORD_CHARS_MAX
    );
}

#[test]
fn sound_without_times_moves_the_time_on() {
    let got = words(&["a b"], &[(Alignments::default(), 500.0), (given("a b"), 60.0)]);
    assert_eq!(got, [("a".to_owned(), 500, 520), ("b".to_owned(), 540, 560)]);
    let mut words = Words::default();
    assert_eq!(words.take(&given("Hi "), 60.0), [mark("Hi", 0, 40)], "without a text it is taken as it is");
}

/// The vendor cuts its messages anywhere: between the last letter of a sentence and its full stop too.
#[test]
fn a_full_stop_that_comes_with_the_next_message_belongs_to_its_word() {
    let expected = ["Good", "morning.", "How", "now?"];
    for second in [". How now?", ". How now"] {
        let messages = [(given("Good morning"), 240.0), (given(second), 200.0), (given("?"), 20.0)];
        let messages = if second.ends_with('?') { &messages[..2] } else { &messages[..] };
        let got: Vec<String> =
            words(&["Good morning.", "How now?"], messages).into_iter().map(|w| w.0).collect();
        assert_eq!(got, expected);
    }
    // Nothing may stand between two sentences that were sent one by one.
    let apart = words(&["Yes", "No"], &[(given("Yes"), 60.0), (given("No"), 40.0)]);
    assert_eq!(apart.len(), 2, "{apart:?}");
}
