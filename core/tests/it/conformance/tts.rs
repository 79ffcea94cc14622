//! The suite for voices.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use vox_core::provider::tts::{TtsEvent, TtsInput, TtsStream, UtteranceId, Voice, WordMark};
use vox_core::provider::{Failure, FailureClass, STREAM_DEPTH};
use vox_testkit::vendor::{Faults, Lie, Vendor};

use super::{
    LIES, QUIET, assert_shows_no_key, cuts, deaf, eventually, lying, next, oversized, refusals, rest, silent,
    slow,
};

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
        assert_eq!(reply.text(), SENTENCES.join(" "));
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
        assert_eq!(reply.text(), SENTENCES.join(" "));
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
    assert_eq!(hear(&mut stream, 1).await.expect("the stream stands").text(), SENTENCES.join(" "));
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
            assert_eq!(reply.text(), SENTENCES.join(" "), "{lie:?}");
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
    speak(&stream, 1, &[sentence; 30]).await;
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
