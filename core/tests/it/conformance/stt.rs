//! The suite for recognisers.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use vox_core::provider::stt::{Recogniser, SttEvent, SttInput, SttStream};
use vox_core::provider::{Failure, FailureClass};
use vox_testkit::vendor::{Cut, Faults, Vendor};

use super::{
    Garble, LIES, PATIENCE, QUIET, assert_shows_no_key, cuts, deaf, garbler, lying, next, oversized,
    refusals, rest, silent, slow,
};

/// All of the suite, for a file with `bench`, `client` at an address with a key, and `CAN`; over a `websocket` also the close codes of
/// the vendor's documents, `CLOSES`.
macro_rules! suite {
    (websocket) => {
        $crate::conformance::stt::suite!(http);
        mod websocket {
            use super::{CLOSES, bench, client};
            use $crate::conformance::stt;

            #[tokio::test]
            async fn close_codes_have_their_class() {
                stt::closed(bench().await, &CLOSES).await;
            }

            #[tokio::test]
            async fn a_lying_vendor_changes_no_words() {
                stt::lying_vendor(bench().await).await;
            }

            #[tokio::test]
            async fn what_is_no_text_is_a_failure() {
                stt::garbled(|url| client(url, "k")).await;
            }
        }
    };
    (http) => {
        mod suite {
            use super::{CAN, bench, client};
            use $crate::conformance::stt;

            $crate::conformance::stt::suite!(@tests
                a_slow_vendor_loses_no_audio slow_vendor,
                a_vendor_that_trickles_is_understood dripping_vendor,
                a_silent_vendor_is_left_to_the_session silent_vendor,
                a_vendor_that_reads_nothing_is_left_to_the_session deaf_vendor,
                a_cut_connection_is_a_failure cut,
                an_oversized_message_is_a_failure oversized_vendor,
                refusals_have_their_class refused,
                a_dropped_stream_leaves_nothing_open dropped,
            );

            #[tokio::test]
            async fn an_utterance_becomes_words() {
                stt::happy(bench().await, CAN).await;
            }

            #[tokio::test]
            async fn final_words_come_when_asked_for() {
                stt::finalizes(bench().await, CAN).await;
            }

            #[tokio::test]
            async fn a_slow_reader_loses_nothing() {
                stt::slow_reader(bench().await, CAN).await;
            }

            #[tokio::test]
            async fn a_wrong_key_is_unauthorised() {
                let bench = bench().await;
                stt::wrong_key(client(&bench.server.url(), "wrong-k3y")).await;
            }
        }
    };
    (@tests $($name:ident $question:ident),+ $(,)?) => {
        $(
            #[tokio::test]
            async fn $name() {
                stt::$question(bench().await).await;
            }
        )+
    };
}
pub(crate) use suite;

/// What the scripted vendor hears in the first utterance.
pub const WORDS: &str = "Hello, can you help me?";
const RATE_HZ: u32 = 16_000;
const FRAME: usize = RATE_HZ as usize / 50;

pub type Bench<S> = super::Bench<S, Arc<dyn Recogniser>>;

/// What the vendor can, as its row of the catalogue says it, and what is asked of it for that.
#[derive(Clone, Copy, Debug)]
pub struct Can {
    pub partials: bool,
    /// Its own start of speech, with a time.
    pub speech_start: bool,
    pub final_on_demand: bool,
    pub words: bool,
    pub confidence: bool,
    pub usage: bool,
    /// Utterances that a slow reader lets pile up.
    pub piles: usize,
}

impl Can {
    pub const ALL: Self = Self {
        partials: true,
        speech_start: true,
        final_on_demand: true,
        words: true,
        confidence: true,
        usage: true,
        piles: 20,
    };
}

/// Audio that an energy gate takes for speech.
fn loud() -> SttInput {
    SttInput::Audio((0..FRAME).map(|at| if at % 40 < 20 { 8000 } else { -8000 }).collect())
}

fn quiet() -> SttInput {
    SttInput::Audio(vec![0; FRAME].into())
}

/// An utterance of 1.2 s and the pause after it.
pub async fn speak(stream: &SttStream) {
    let frames = std::iter::repeat_with(loud).take(60).chain(std::iter::repeat_with(quiet).take(60));
    for frame in frames {
        if timeout(PATIENCE, stream.input.send(frame)).await.expect("input is taken").is_err() {
            return;
        }
    }
}

/// The words of all finals up to the end of the utterance, or the failure.
async fn hear(stream: &mut SttStream) -> Result<String, Failure> {
    let mut text = Vec::new();
    loop {
        match next(&mut stream.events).await.expect("an utterance ends before the stream does") {
            SttEvent::Final { text: piece, utterance_end, .. } => {
                text.push(piece);
                if utterance_end {
                    return Ok(text.join(" ").trim().to_owned());
                }
            }
            SttEvent::Failed(failure) => return Err(failure),
            _ => {}
        }
    }
}

async fn failure(stream: &mut SttStream) -> Failure {
    let events = rest(&mut stream.events).await;
    match events.last() {
        Some(SttEvent::Failed(failure)) => failure.clone(),
        other => panic!("the last event is {other:?} instead of a failure"),
    }
}

/// An utterance becomes words; the goodbye brings the usage.
pub async fn happy<S: Vendor>(bench: Bench<S>, can: Can) {
    let mut stream = bench.client.open(RATE_HZ);
    assert_eq!(next(&mut stream.events).await, Some(SttEvent::Ready));
    speak(&stream).await;
    let mut seen = Vec::new();
    loop {
        let event = next(&mut stream.events).await.expect("the utterance has an end");
        let over = matches!(event, SttEvent::Final { utterance_end: true, .. });
        seen.push(event);
        if over {
            break;
        }
    }
    if can.speech_start {
        assert!(matches!(seen[0], SttEvent::SpeechStarted { at_ms: 0..=300 }), "{:?}", seen[0]);
    }
    let partials = seen.iter().filter(|event| matches!(event, SttEvent::Partial { .. })).count();
    assert_eq!(partials > 0, can.partials, "{seen:?}");
    let Some(SttEvent::Final { text, words, confidence, .. }) = seen.last() else { panic!("{seen:?}") };
    assert_eq!(text, WORDS);
    let of_words = words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
    assert_eq!(of_words, if can.words { WORDS } else { "" });
    assert!(
        words.is_sorted_by_key(|word| word.started_ms) && words.iter().all(|word| word.ended_ms <= 1400),
        "{words:?}"
    );
    assert_eq!(confidence.is_some_and(|confidence| confidence > 0.9), can.confidence, "{confidence:?}");
    let SttStream { input, mut events, task: _task } = stream;
    drop(input);
    let last = rest(&mut events).await;
    let is_usage = |event: &SttEvent| matches!(event, SttEvent::Usage { seconds } if *seconds > 1.0);
    assert_eq!(seen.iter().chain(&last).any(is_usage), can.usage, "{last:?}");
    assert!(!last.iter().any(|event| matches!(event, SttEvent::Failed(_))), "{last:?}");
    bench.finish().await;
}

/// Being asked for the final words is answered, with words or without; a vendor that cannot be asked ends the utterance by itself.
pub async fn finalizes<S: Vendor>(bench: Bench<S>, can: Can) {
    let mut stream = bench.client.open(RATE_HZ);
    if can.final_on_demand {
        for _ in 0..40 {
            stream.input.send(loud()).await.unwrap();
        }
    } else {
        speak(&stream).await;
    }
    for expects_words in [true, false] {
        stream.input.send(SttInput::Finalize).await.unwrap();
        loop {
            match next(&mut stream.events).await.expect("an answer") {
                SttEvent::Final { text, from_finalize: true, .. } => {
                    assert_eq!(!text.is_empty(), expects_words, "{text:?}");
                    break;
                }
                SttEvent::Failed(failure) => panic!("{failure}"),
                _ => {}
            }
        }
    }
    drop(stream);
    bench.finish().await;
}

/// Audio from before the connection stood is not lost.
pub async fn slow_vendor<S: Vendor>(bench: Bench<S>) {
    bench.server.set_faults(slow());
    let mut stream = bench.client.open(RATE_HZ);
    speak(&stream).await;
    assert_eq!(hear(&mut stream).await.as_deref(), Ok(WORDS));
    drop(stream);
    bench.finish().await;
}

/// A vendor whose bytes trickle is understood all the same.
pub async fn dripping_vendor<S: Vendor>(bench: Bench<S>) {
    let drip = Faults { drip_bytes_per_s: Some(8000), ..Faults::default() };
    bench.server.set_faults(drip);
    let mut stream = bench.client.open(RATE_HZ);
    speak(&stream).await;
    assert_eq!(hear(&mut stream).await.as_deref(), Ok(WORDS));
    drop(stream);
    bench.finish().await;
}

/// Every close code of the vendor's documents has its class, at the beginning and in mid-sentence.
pub async fn closed<S: Vendor>(bench: Bench<S>, codes: &[(u16, FailureClass)]) {
    for (code, class) in codes {
        for cut_after in [None, Some(Cut::Messages(2))] {
            let faults = Faults { close_code: Some(*code), cut_after, ..Faults::default() };
            bench.server.set_faults(faults);
            let mut stream = bench.client.open(RATE_HZ);
            speak(&stream).await;
            let failure = failure(&mut stream).await;
            assert_eq!(failure.class, *class, "{code} {cut_after:?}: {failure}");
        }
    }
    bench.finish().await;
}

/// Silence is the session's to judge: the stream stays, and goes at once when it is dropped.
pub async fn silent_vendor<S: Vendor>(bench: Bench<S>) {
    bench.server.set_faults(silent());
    let mut stream = bench.client.open(RATE_HZ);
    speak(&stream).await;
    let watching = timeout(QUIET, rest(&mut stream.events)).await;
    assert!(watching.is_err(), "the stream ended by itself: {watching:?}");
    drop(stream);
    bench.finish().await;
}

/// The same with a vendor that reads nothing either; such a server cannot notice that its client has left.
pub async fn deaf_vendor<S: Vendor>(bench: Bench<S>) {
    bench.server.set_faults(deaf());
    let mut stream = bench.client.open(RATE_HZ);
    speak(&stream).await;
    let watching = timeout(QUIET, rest(&mut stream.events)).await;
    assert!(watching.is_err(), "the stream ended by itself: {watching:?}");
}

/// A lost connection is a failure that may be tried again, and the last event.
pub async fn cut<S: Vendor>(bench: Bench<S>) {
    let closed = Faults { close_code: Some(1011), ..Faults::default() };
    for faults in cuts().into_iter().chain([closed]) {
        bench.server.set_faults(faults.clone());
        let mut stream = bench.client.open(RATE_HZ);
        speak(&stream).await;
        let failure = failure(&mut stream).await;
        assert_eq!(failure.class, FailureClass::Unavailable, "{faults:?}: {failure}");
    }
    bench.finish().await;
}

/// A lie is seen through or is a failure; true words are never lost beside harmless ones.
pub async fn lying_vendor<S: Vendor>(bench: Bench<S>) {
    for lie in LIES {
        bench.server.set_faults(lying(lie));
        let mut stream = bench.client.open(RATE_HZ);
        speak(&stream).await;
        stream.input.send(SttInput::Finalize).await.unwrap();
        match hear(&mut stream).await {
            Ok(text) => {
                assert!(text.contains(WORDS) && text.matches("help me").count() == 1, "{lie:?}: {text}")
            }
            Err(failure) => panic!("{lie:?}: {failure}"),
        }
    }
    bench.finish().await;
}

/// More than any message should hold is refused, not stored.
pub async fn oversized_vendor<S: Vendor>(bench: Bench<S>) {
    bench.server.set_faults(oversized());
    let mut stream = bench.client.open(RATE_HZ);
    speak(&stream).await;
    assert_eq!(failure(&mut stream).await.class, FailureClass::Malformed);
    bench.finish().await;
}

/// What is no message of any vendor ends the stream.
pub async fn garbled(client_at: impl Fn(&str) -> Arc<dyn Recogniser>) {
    for garble in [Garble::NotUtf8, Garble::Bytes] {
        let client = client_at(&garbler(garble).await);
        let mut stream = client.open(RATE_HZ);
        assert_eq!(failure(&mut stream).await.class, FailureClass::Malformed, "{garble:?}");
    }
}

/// Each refusal has its class, and no failure shows the key.
pub async fn refused<S: Vendor>(bench: Bench<S>) {
    for (faults, class) in refusals() {
        bench.server.set_faults(faults);
        let mut stream = bench.client.open(RATE_HZ);
        let failure = failure(&mut stream).await;
        assert_eq!(failure.class, class, "{failure}");
        assert_shows_no_key(&failure);
    }
    let asked_to_wait = Faults { status: Some(429), retry_after_ms: Some(2000), ..Faults::default() };
    bench.server.set_faults(asked_to_wait);
    let failure = failure(&mut bench.client.open(RATE_HZ)).await;
    assert_eq!(failure.retry_after, Some(Duration::from_secs(2)));
    bench.finish().await;
}

/// A key that the vendor does not know is no transient failure, and is not shown.
pub async fn wrong_key(client: Arc<dyn Recogniser>) {
    let failure = failure(&mut client.open(RATE_HZ)).await;
    assert_eq!(failure.class, FailureClass::Unauthorised, "{failure}");
    assert!(!failure.detail.contains("wrong-k3y"), "{failure}");
}

/// Dropping everything in mid-sentence leaves nothing behind.
pub async fn dropped<S: Vendor>(bench: Bench<S>) {
    let mut stream = bench.client.open(RATE_HZ);
    speak(&stream).await;
    // A sign that the vendor hears the caller.
    let is_heard = |event: &SttEvent| !matches!(event, SttEvent::Ready);
    while !is_heard(&next(&mut stream.events).await.expect("the caller is heard")) {}
    drop(stream);
    bench.server.assert_no_leftovers().await;
    bench.finish().await;
}

/// A reader that does not read stops neither the connection nor loses words, and holds no more than its channel.
pub async fn slow_reader<S: Vendor>(bench: Bench<S>, can: Can) {
    let mut stream = bench.client.open(RATE_HZ);
    for _ in 0..can.piles {
        speak(&stream).await;
    }
    assert!(stream.events.len() <= vox_core::provider::STREAM_DEPTH);
    for turn in 0..can.piles {
        let heard = hear(&mut stream).await.expect("the stream stands");
        assert!(!heard.is_empty(), "utterance {turn} has no words");
    }
    drop(stream);
    bench.finish().await;
}
