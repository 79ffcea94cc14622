//! The suite for voices.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use vox_core::provider::link::class_of_code;
use vox_core::provider::tts::{TtsEvent, TtsInput, TtsStream, UtteranceId, Voice, WordMark};
use vox_core::provider::{Failure, FailureClass, STREAM_DEPTH};
use vox_shared::catalogue::{Ability, Kind};
use vox_testkit::vendor::{Faults, Lie, Vendor};

use super::{
    Garble, LIES, QUIET, assert_shows_no_key, cuts, deaf, eventually, garbler, lying, next, oversized,
    refusals, rest, silent, slow,
};

/// The whole suite as tests, for a vendor whose file has `bench(Speaking)`, and `client(url, key)` for a client at any address. What
/// the vendor can is asked of its row of the catalogue.
macro_rules! suite {
    (websocket) => {
        $crate::conformance::tts::suite!(http);
        mod websocket {
            use super::{bench, client};
            use vox_testkit::vendor::speaking::{Habit, Speaking};
            use $crate::conformance::tts;

            #[tokio::test]
            async fn a_voice_that_never_says_that_it_is_done_is_done() {
                tts::never_done(bench(Speaking { habits: vec![Habit::NeverDone], ..Speaking::default() }).await).await;
            }

            #[tokio::test]
            async fn a_lying_vendor_is_seen_through() {
                tts::lying_vendor(bench(Speaking::default()).await).await;
            }

            #[tokio::test]
            async fn an_oversized_message_is_a_failure() {
                tts::oversized_vendor(bench(Speaking::default()).await).await;
            }

            #[tokio::test]
            async fn every_close_code_has_its_class() {
                tts::closed(bench(Speaking::default()).await).await;
            }

            #[tokio::test]
            async fn what_is_no_message_is_a_failure() {
                tts::garbled(|url| client(url, "k")).await;
            }
        }
    };
    (http) => {
        mod suite {
            use super::{bench, client};
            use vox_testkit::vendor::speaking::{Habit, Speaking};
            use $crate::conformance::tts;

            $crate::conformance::tts::suite!(@tests
                replies_are_spoken happy,
                an_interrupted_reply_falls_silent interrupted,
                each_rate_is_asked_for_and_comes rates,
                a_slow_vendor_is_waited_for slow_vendor,
                a_reply_that_drips_in_is_whole dripping_vendor,
                a_silent_vendor_is_left_to_the_session silent_vendor,
                a_vendor_that_reads_nothing_is_left_to_the_session deaf_vendor,
                a_cut_connection_is_a_failure cut,
                refusals_have_their_class refused,
                a_dropped_stream_leaves_nothing_open dropped,
            );

            #[tokio::test]
            async fn a_slow_reader_holds_little_and_loses_nothing() {
                tts::slow_reader(bench(Speaking { realtime_factor: 0.0, ..Speaking::default() }).await).await;
            }

            #[tokio::test]
            async fn done_without_a_sound_is_a_failure() {
                tts::mute(bench(Speaking { habits: vec![Habit::Mute], ..Speaking::default() }).await).await;
            }

            #[tokio::test]
            async fn a_wrong_key_is_unauthorised() {
                let bench = bench(Speaking::default()).await;
                tts::wrong_key(client(&bench.server.url(), "wrong-k3y")).await;
            }
        }
    };
    (@tests $($name:ident $question:ident),+ $(,)?) => {
        $(
            #[tokio::test]
            async fn $name() {
                tts::$question(bench(Speaking::default()).await).await;
            }
        )+
    };
}
pub(crate) use suite;

const RATE_HZ: u32 = 16_000;
const SENTENCES: [&str; 2] = ["Good morning.", "How can I help you today?"];
/// More sound than may wait for a reader that does not read.
const HELD_MAX: Duration = Duration::from_secs(4);

pub type Bench<S> = super::Bench<S, Arc<dyn Voice>>;

/// What came of one reply.
#[derive(Debug, Default)]
struct Reply {
    samples: usize,
    words: Vec<WordMark>,
    characters: u64,
}

impl Reply {
    fn text(&self) -> String {
        self.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    fn milliseconds(&self) -> u64 {
        self.samples as u64 * 1000 / u64::from(RATE_HZ)
    }
}

/// What is told of the words of these sentences.
fn told<S: Vendor>(bench: &Bench<S>, sentences: &[&str]) -> String {
    let row = Kind::Voice.find(bench.client.name()).expect("the vendor has a row");
    let tells = row.abilities.contains(&Ability::WordTimes);
    if tells { sentences.join(" ") } else { String::new() }
}

async fn speak(stream: &TtsStream, utterance: UtteranceId, texts: &[&str]) {
    for text in texts {
        let text = (*text).to_owned();
        // A stream that has failed takes nothing; its failure is what the test looks at.
        let _gone = stream.input.send(TtsInput::Speak { utterance, text }).await;
    }
    let _gone = stream.input.send(TtsInput::End { utterance }).await;
}

async fn hear(stream: &mut TtsStream, wanted: UtteranceId) -> Result<Reply, Failure> {
    let mut reply = Reply::default();
    loop {
        match next(&mut stream.events).await.expect("a reply ends before the stream does") {
            TtsEvent::Audio { utterance, pcm } if utterance == wanted => reply.samples += pcm.len(),
            TtsEvent::Words { utterance, words } if utterance == wanted => reply.words.extend(words),
            TtsEvent::Usage { characters } => reply.characters += characters,
            TtsEvent::Done { utterance } if utterance == wanted => return Ok(reply),
            TtsEvent::Failed(failure) => return Err(failure),
            _ => {}
        }
    }
}

async fn failure(stream: &mut TtsStream) -> Failure {
    let events = rest(&mut stream.events).await;
    match events.last() {
        Some(TtsEvent::Failed(failure)) => failure.clone(),
        other => panic!("the last event is {other:?} instead of a failure"),
    }
}

/// Two replies over one stream: sound, words with times, what it cost, and a goodbye.
pub async fn happy<S: Vendor>(bench: Bench<S>) {
    let mut stream = bench.client.open(RATE_HZ);
    assert_eq!(next(&mut stream.events).await, Some(TtsEvent::Ready));
    for utterance in 1..=2 {
        speak(&stream, utterance, &SENTENCES).await;
        let reply = hear(&mut stream, utterance).await.expect("the stream stands");
        assert_eq!(reply.text(), told(&bench, &SENTENCES));
        assert_eq!(reply.characters, SENTENCES.iter().map(|text| text.len() as u64).sum::<u64>());
        assert!(reply.milliseconds() > 500, "{reply:?}");
        assert!(reply.words.is_sorted_by_key(|word| word.started_ms), "{reply:?}");
        let spoken_ms = reply.words.last().map_or(0, |word| u64::from(word.ended_ms));
        assert!(spoken_ms <= reply.milliseconds() + 200, "{reply:?}");
    }
    let TtsStream { input, mut events, task: _task } = stream;
    drop(input);
    assert_eq!(rest(&mut events).await, []);
    bench.finish().await;
}

/// Replies of which every word comes end, whether the vendor says so or not.
pub async fn ends_by_itself<S: Vendor>(bench: Bench<S>, tells_words: bool) {
    let mut stream = bench.client.open(RATE_HZ);
    for utterance in 1..=6 {
        speak(&stream, utterance, &SENTENCES).await;
        let reply = hear(&mut stream, utterance).await.expect("the stream stands");
        assert!(reply.milliseconds() > 1500, "{reply:?}");
        assert_eq!(reply.text(), if tells_words { SENTENCES.join(" ") } else { String::new() });
    }
    drop(stream);
    bench.finish().await;
}

/// Replies of one sentence end although the vendor says nothing of it, and hold nobody up.
pub async fn never_done<S: Vendor>(bench: Bench<S>) {
    let mut stream = bench.client.open(RATE_HZ);
    for utterance in 1..=3 {
        speak(&stream, utterance, &SENTENCES[1..]).await;
        let reply = hear(&mut stream, utterance).await.expect("the stream stands");
        assert!(reply.milliseconds() > 1000, "{reply:?}");
        assert_eq!(reply.text(), told(&bench, &SENTENCES[1..]));
    }
    drop(stream);
    bench.finish().await;
}

/// Each rate that a line may have is asked for, or made of what the vendor has.
pub async fn rates<S: Vendor>(bench: Bench<S>) {
    for rate_hz in [8000, 16_000, 24_000] {
        let mut stream = bench.client.open(rate_hz);
        speak(&stream, 1, &["Ten chars."]).await;
        let reply = hear(&mut stream, 1).await.expect("the stream stands");
        // Ten characters of 60 ms each, and perhaps the space after them.
        let expected = f64::from(rate_hz) * 0.06 * 10.0;
        let share = reply.samples as f64 / expected;
        assert!((0.95..1.15).contains(&share), "{} samples at {rate_hz} Hz", reply.samples);
    }
    bench.finish().await;
}

/// However thinly it comes, a reply is whole.
pub async fn dripping_vendor<S: Vendor>(bench: Bench<S>) {
    bench.server.set_faults(Faults { drip_bytes_per_s: Some(100_000), ..Faults::default() });
    let mut stream = bench.client.open(RATE_HZ);
    speak(&stream, 1, &SENTENCES).await;
    let reply = hear(&mut stream, 1).await.expect("the stream stands");
    let spoken_ms: u64 = SENTENCES.iter().map(|text| text.len() as u64 * 60).sum();
    assert!(reply.milliseconds() + 50 >= spoken_ms, "{reply:?}");
    assert_eq!(reply.text(), told(&bench, &SENTENCES));
    drop(stream);
    bench.finish().await;
}

/// A vendor that says "done" and made no sound has failed.
pub async fn mute<S: Vendor>(bench: Bench<S>) {
    let mut stream = bench.client.open(RATE_HZ);
    speak(&stream, 1, &SENTENCES).await;
    let failure = failure(&mut stream).await;
    assert_eq!(failure.class, FailureClass::Unavailable, "{failure}");
    bench.finish().await;
}

/// A wrong key is told as such, and not shown.
pub async fn wrong_key(client: Arc<dyn Voice>) {
    let mut stream = client.open(RATE_HZ);
    speak(&stream, 1, &SENTENCES).await;
    let failure = failure(&mut stream).await;
    assert_eq!(failure.class, FailureClass::Unauthorised, "{failure}");
    assert!(!failure.detail.contains("wrong-k3y"), "{failure}");
}

/// Every way in which a vendor closes a connection has its class.
pub async fn closed<S: Vendor>(bench: Bench<S>) {
    for code in [1000, 1001, 1003, 1008, 1009, 1011, 1012, 1013, 4000, 4401, 4429] {
        bench.server.set_faults(Faults { close_code: Some(code), ..Faults::default() });
        let mut stream = bench.client.open(RATE_HZ);
        speak(&stream, 1, &SENTENCES).await;
        let failure = failure(&mut stream).await;
        assert_eq!(failure.class, class_of_code(Some(code)), "{code}: {failure}");
    }
    bench.finish().await;
}

/// What is no message of any vendor ends the stream.
pub async fn garbled(client_at: impl Fn(&str) -> Arc<dyn Voice>) {
    let client = client_at(&garbler(Garble::NotUtf8).await);
    let mut stream = client.open(RATE_HZ);
    assert_eq!(failure(&mut stream).await.class, FailureClass::Malformed);
}

/// A reply is whole although part of it had to be asked for again, and was paid for again.
pub async fn happy_but_for_its_price<S: Vendor>(bench: Bench<S>) {
    let mut stream = bench.client.open(RATE_HZ);
    for utterance in 1..=2 {
        speak(&stream, utterance, &SENTENCES).await;
        let reply = hear(&mut stream, utterance).await.expect("the stream stands");
        assert_eq!(reply.text(), SENTENCES.join(" "));
        assert!(reply.words.is_sorted_by_key(|word| word.started_ms), "{reply:?}");
    }
    drop(stream);
    bench.finish().await;
}

/// An interrupted reply falls silent, and the next is whole.
pub async fn interrupted<S: Vendor>(bench: Bench<S>) {
    let mut stream = bench.client.open(RATE_HZ);
    for utterance in [1, 3, 5, 7, 9, 11] {
        speak(&stream, utterance, &["A long sentence that nobody wants to hear to its end."; 3]).await;
        while !matches!(next(&mut stream.events).await, Some(TtsEvent::Audio { .. })) {}
        stream.input.send(TtsInput::Cancel { utterance }).await.unwrap();
        speak(&stream, utterance + 1, &SENTENCES).await;
        let reply = hear(&mut stream, utterance + 1).await.expect("the stream stands");
        assert_eq!(reply.text(), told(&bench, &SENTENCES));
        assert!(reply.milliseconds() > 500, "{reply:?}");
        assert!(!(0..stream.events.len()).any(|_| {
            matches!(stream.events.try_recv(), Ok(TtsEvent::Audio { utterance: heard, .. }) if heard == utterance)
        }));
    }
    drop(stream);
    bench.finish().await;
}

pub async fn slow_vendor<S: Vendor>(bench: Bench<S>) {
    bench.server.set_faults(slow());
    let mut stream = bench.client.open(RATE_HZ);
    speak(&stream, 1, &SENTENCES).await;
    let reply = hear(&mut stream, 1).await.expect("the stream stands");
    assert_eq!(reply.text(), told(&bench, &SENTENCES));
    drop(stream);
    bench.finish().await;
}

/// Silence is the session's to judge: the stream stays, and goes at once when it is dropped.
pub async fn silent_vendor<S: Vendor>(bench: Bench<S>) {
    bench.server.set_faults(silent());
    let mut stream = bench.client.open(RATE_HZ);
    speak(&stream, 1, &SENTENCES).await;
    let watching = timeout(QUIET, rest(&mut stream.events)).await;
    assert!(watching.is_err(), "the stream ended by itself: {watching:?}");
    drop(stream);
    bench.finish().await;
}

/// The same with a vendor that reads nothing either; such a server cannot notice that its client has left.
pub async fn deaf_vendor<S: Vendor>(bench: Bench<S>) {
    bench.server.set_faults(deaf());
    let mut stream = bench.client.open(RATE_HZ);
    speak(&stream, 1, &SENTENCES).await;
    let watching = timeout(QUIET, rest(&mut stream.events)).await;
    assert!(watching.is_err(), "the stream ended by itself: {watching:?}");
}

/// A lost connection is a failure that may be tried again, and the last event.
pub async fn cut<S: Vendor>(bench: Bench<S>) {
    let closed = Faults { close_code: Some(1011), ..Faults::default() };
    for faults in cuts().into_iter().chain([closed]) {
        bench.server.set_faults(faults.clone());
        let mut stream = bench.client.open(RATE_HZ);
        speak(&stream, 1, &SENTENCES).await;
        let failure = failure(&mut stream).await;
        assert_eq!(failure.class, FailureClass::Unavailable, "{faults:?}: {failure}");
    }
    bench.finish().await;
}

/// A lie is seen through or is a failure. Sound that comes twice or shuffled cannot be told from true sound; that the reply
/// ends is what counts there.
pub async fn lying_vendor<S: Vendor>(bench: Bench<S>) {
    for lie in LIES {
        bench.server.set_faults(lying(lie));
        let mut stream = bench.client.open(RATE_HZ);
        speak(&stream, 1, &SENTENCES).await;
        // A message that is held back to come out of order needs a successor.
        speak(&stream, 2, &SENTENCES).await;
        let reply = hear(&mut stream, 1).await.unwrap_or_else(|failure| panic!("{lie:?}: {failure}"));
        assert!(reply.milliseconds() > 500, "{lie:?}: {reply:?}");
        if matches!(lie, Lie::MalformedJson | Lie::UnknownEvent | Lie::WrongTypes | Lie::UnknownContext) {
            assert_eq!(reply.text(), told(&bench, &SENTENCES), "{lie:?}");
        }
    }
    bench.finish().await;
}

pub async fn oversized_vendor<S: Vendor>(bench: Bench<S>) {
    bench.server.set_faults(oversized());
    let mut stream = bench.client.open(RATE_HZ);
    speak(&stream, 1, &SENTENCES).await;
    assert_eq!(failure(&mut stream).await.class, FailureClass::Malformed);
    bench.finish().await;
}

/// Each refusal has its class, and no failure shows the key.
pub async fn refused<S: Vendor>(bench: Bench<S>) {
    for (faults, class) in refusals() {
        bench.server.set_faults(faults);
        let failure = failure(&mut bench.client.open(RATE_HZ)).await;
        assert_eq!(failure.class, class, "{failure}");
        assert_shows_no_key(&failure);
    }
    let asked_to_wait = Faults { status: Some(429), retry_after_ms: Some(2000), ..Faults::default() };
    bench.server.set_faults(asked_to_wait);
    let failure = failure(&mut bench.client.open(RATE_HZ)).await;
    assert_eq!(failure.retry_after, Some(Duration::from_secs(2)));
    bench.finish().await;
}

/// Dropping everything in mid-sentence leaves nothing behind.
pub async fn dropped<S: Vendor>(bench: Bench<S>) {
    let mut stream = bench.client.open(RATE_HZ);
    speak(&stream, 1, &["A long sentence that nobody wants to hear to its end."; 10]).await;
    while !matches!(next(&mut stream.events).await, Some(TtsEvent::Audio { .. })) {}
    drop(stream);
    bench.server.assert_no_leftovers().await;
    bench.finish().await;
}

/// However fast the vendor is, a reader that does not read holds only a few seconds of sound, and loses none.
pub async fn slow_reader<S: Vendor>(bench: Bench<S>) {
    let mut stream = bench.client.open(RATE_HZ);
    let sentence = "One sentence of many that make up a reply of more than a minute.";
    speak(&stream, 1, &[sentence; 20]).await;
    eventually(|| stream.events.len() == STREAM_DEPTH).await;
    let mut held = 0;
    while let Ok(event) = stream.events.try_recv() {
        if let TtsEvent::Audio { pcm, .. } = event {
            held += pcm.len();
        }
    }
    let held_time = Duration::from_secs_f64(held as f64 / f64::from(RATE_HZ));
    assert!(held_time > Duration::from_secs(1) && held_time <= HELD_MAX, "{held_time:?} of sound was held");
    let reply = hear(&mut stream, 1).await.expect("the stream stands");
    let total = Duration::from_secs_f64((held + reply.samples) as f64 / f64::from(RATE_HZ));
    assert!(total > Duration::from_secs(60), "{total:?} of sound in all");
    drop(stream);
    bench.finish().await;
}
