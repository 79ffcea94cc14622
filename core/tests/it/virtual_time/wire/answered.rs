//! What the client of a recogniser over HTTP makes of each kind of answer.

use tokio::time::Instant;
use vox_core::provider::FailureClass;
use vox_core::provider::stt::{SttEvent, SttInput};

use super::super::random::Random;
use super::Clock;
use super::ears::transcription::{self, Manner};
use super::ears::{self, EarWire};
use super::frame::Frame;
use super::line::{Out, Sent};

const SPOKEN: [&str; 2] = ["Yes", "please."];

/// One whose stream stands.
fn opened(now: Instant) -> (EarWire, Out<SttEvent>) {
    let (mut wire, _) = ears::of("openai", now).expect("it is simulated");
    let mut out = Out::default();
    wire.connected(now, &mut out);
    assert_eq!(out.events, [SttEvent::Ready]);
    (wire, out)
}

/// Two words of 320 ms, and 640 ms of silence.
fn say(wire: &mut EarWire, now: Instant, out: &mut Out<SttEvent>) {
    for at in 0..40 {
        let word = (at < 20 && at % 10 == 0).then_some(at / 10);
        wire.order(SttInput::Audio(transcription::sound(at < 20, word)), now, out);
    }
}

/// Answer all that is asked; the paths of the questions.
fn answer(wire: &mut EarWire, manner: Manner, now: Instant, out: &mut Out<SttEvent>) -> Vec<String> {
    let mut random = Random::new(1);
    let mut paths = Vec::new();
    while let Some(at) = out.sent.iter().position(|sent| matches!(sent, Sent::Asked { .. })) {
        let Sent::Asked { request, question } = out.sent.remove(at) else { unreachable!("it was found") };
        paths.push(question.url.path().to_owned());
        let manner = if transcription::has_route(&question) { manner } else { Manner::NoRoute };
        let heard = transcription::heard(&question).into_iter();
        let words: Vec<(&str, f64)> = heard.map(|(number, at)| (SPOKEN[number], at)).collect();
        for (_, part) in transcription::parts((&question, words.as_slice()), manner, &mut random) {
            wire.hear(Frame::Answer { request, part }, now, out);
        }
    }
    paths
}

fn texts(events: &[SttEvent]) -> Vec<(String, bool)> {
    let text = |event: &SttEvent| match event {
        SttEvent::Final { text, from_finalize, .. } => Some((text.clone(), *from_finalize)),
        _ => None,
    };
    events.iter().filter_map(text).collect()
}

#[test]
fn what_is_said_is_cut_out_sent_and_heard() {
    let clock = Clock::new();
    let (_, now) = clock.set(0);
    let (mut wire, mut out) = opened(now);
    say(&mut wire, now, &mut out);
    let paths = answer(&mut wire, Manner::Well, now, &mut out);
    assert_eq!(paths, ["/audio/transcriptions", "/v1/audio/transcriptions"]);
    assert_eq!(texts(&out.events), [("Yes please.".to_owned(), false)]);
    let times = out.events.iter().find_map(|event| match event {
        SttEvent::Final { words, .. } => Some(words.iter().map(|word| word.started_ms).collect::<Vec<_>>()),
        _ => None,
    });
    assert_eq!(times, Some(vec![0, 320]), "on the stream's clock");
    // It is asked for the words so far while somebody speaks.
    for at in 0..10 {
        let word = (at == 0).then_some(0);
        wire.order(SttInput::Audio(transcription::sound(true, word)), now, &mut out);
    }
    wire.order(SttInput::Finalize, now, &mut out);
    let paths = answer(&mut wire, Manner::Well, now, &mut out);
    assert_eq!(paths, ["/v1/audio/transcriptions"], "where it was found");
    assert_eq!(texts(&out.events).last(), Some(&("Yes".to_owned(), true)));
}

#[test]
fn what_is_no_answer_ends_the_stream_and_what_has_no_words_does_not() {
    for (manner, expected) in [
        (Manner::Empty, None),
        (Manner::MadeUp, None),
        (Manner::Busy, Some(FailureClass::OverLimit)),
        (Manner::Down, Some(FailureClass::Unavailable)),
        (Manner::Wrong, Some(FailureClass::Malformed)),
        (Manner::Cut, Some(FailureClass::Unavailable)),
        (Manner::TooLong, Some(FailureClass::Malformed)),
        (Manner::Silent, Some(FailureClass::TimedOut)),
    ] {
        let clock = Clock::new();
        let (_, now) = clock.set(0);
        let (mut wire, mut out) = opened(now);
        say(&mut wire, now, &mut out);
        answer(&mut wire, manner, now, &mut out);
        let (_, later) = clock.set(30_000);
        wire.wake(later, &mut out);
        assert_eq!(texts(&out.events), [], "{manner:?}");
        let failed = out.events.iter().find_map(|event| match event {
            SttEvent::Failed(failure) => Some(failure.clone()),
            _ => None,
        });
        assert_eq!(failed.as_ref().map(|failure| failure.class), expected, "{manner:?}");
        let wished = failed.and_then(|failure| failure.retry_after);
        assert_eq!(wished.is_some(), manner == Manner::Busy, "{manner:?}");
        let taken_back = SttEvent::Partial { text: String::new() };
        assert_eq!(out.events.contains(&taken_back), expected.is_none(), "{manner:?}");
        assert_eq!(wire.due(), None, "{manner:?}");
    }
}
