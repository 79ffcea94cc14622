//! The keyless voice and recogniser through the traits a call uses. They need the engine's program and its libraries:
//! `cargo build -p vox-engines` and `scripts/install-engines.sh`.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;
use vox_core::media::resample::Resampler;
use vox_core::provider::egress::Egress;
use vox_core::provider::registry::Providers;
use vox_core::provider::stt::{SttEvent, SttInput, SttStream};
use vox_core::provider::tts::{TtsEvent, TtsInput, TtsStream, WordMark};
use vox_engines::EngineBinary;
use vox_shared::clock::Clock;
use vox_shared::egress::Policy;
use vox_shared::model::bot::{SttSettings, TtsSettings};

/// Longest wait for one event; the engines load in about a second.
const PATIENCE: Duration = Duration::from_secs(20);

fn providers() -> Providers {
    let engines = EngineBinary::beside_current_exe();
    assert!(engines.is_some(), "vox-engine is not built: run `cargo build -p vox-engines`");
    Providers::new(Arc::new(Egress::new(Policy::default())), Clock::system(), engines)
}

fn voice(name: &str, rate_hz: u32) -> TtsStream {
    let settings = TtsSettings { voice: name.into(), ..TtsSettings::default() };
    providers().voice(&settings).unwrap().open(rate_hz)
}

fn ear(expected: &[&str], rate_hz: u32) -> SttStream {
    let mut settings = SttSettings::default();
    settings.extra.insert("expected".into(), json!(expected));
    providers().recogniser(&settings).unwrap().open(rate_hz)
}

async fn next_sound(stream: &mut TtsStream) -> TtsEvent {
    timeout(PATIENCE, stream.events.recv()).await.expect("the voice is silent").expect("the voice ended")
}

async fn next_heard(stream: &mut SttStream) -> SttEvent {
    timeout(PATIENCE, stream.events.recv()).await.expect("no event").expect("the recogniser ended")
}

/// A whole reply: its sound and its words.
async fn reply(stream: &mut TtsStream, utterance: u64, texts: &[&str]) -> (Vec<i16>, Vec<WordMark>) {
    for text in texts {
        stream.input.send(TtsInput::Speak { utterance, text: (*text).into() }).await.unwrap();
    }
    stream.input.send(TtsInput::End { utterance }).await.unwrap();
    let (mut sound, mut marks) = (Vec::new(), Vec::new());
    loop {
        match next_sound(stream).await {
            TtsEvent::Audio { utterance: of, pcm } if of == utterance => sound.extend(pcm),
            TtsEvent::Words { utterance: of, words } if of == utterance => marks.extend(words),
            TtsEvent::Done { utterance: of } if of == utterance => return (sound, marks),
            TtsEvent::Ready | TtsEvent::Usage { .. } => {}
            other => panic!("unexpected {other:?}"),
        }
    }
}

async fn heard(stream: &mut SttStream, sound: &[i16]) -> SttEvent {
    for frame in sound.chunks(160) {
        stream.input.send(SttInput::Audio(frame.into())).await.unwrap();
    }
    stream.input.send(SttInput::Finalize).await.unwrap();
    loop {
        match next_heard(stream).await {
            SttEvent::Ready | SttEvent::Partial { .. } => {}
            last => return last,
        }
    }
}

#[tokio::test]
async fn what_the_voice_says_the_recogniser_hears() {
    let (mut voice, mut ear) =
        (voice("kal", 8_000), ear(&["yes please", "no thank you", "tuesday at ten"], 8_000));
    let silence = vec![0; 4_000];
    for (utterance, said) in (1..).zip(["no thank you", "tuesday at ten"]) {
        let (sound, _) = reply(&mut voice, utterance, &[said]).await;
        let sound = [&silence[..], &sound, &silence].concat();
        let SttEvent::Final { text, words, confidence, from_finalize, .. } = heard(&mut ear, &sound).await
        else {
            panic!("no words");
        };
        assert_eq!((text.as_str(), from_finalize), (said, true));
        assert!(confidence.is_some() && words.len() == said.split(' ').count());
        assert!(words[0].started_ms >= 300, "the silence before the words counts: {words:?}");
    }
}

#[tokio::test]
async fn a_wideband_line_is_heard_too() {
    let (mut voice, mut ear) = (voice("slt", 16_000), ear(&["yes please", "no thank you"], 24_000));
    let (sound, _) = reply(&mut voice, 1, &["yes please"]).await;
    let mut up = Vec::new();
    Resampler::new(16_000, 24_000).push(&[&[0; 8_000], &sound[..], &[0; 8_000]].concat(), &mut up);
    let last = heard(&mut ear, &up).await;
    assert!(matches!(&last, SttEvent::Final { text, .. } if text == "yes please"), "{last:?}");
}

#[tokio::test]
async fn sentences_follow_each_other_on_one_clock() {
    let mut voice = voice("slt", 8_000);
    let (sound, marks) = reply(&mut voice, 5, &["Good morning.", "How are you?"]).await;
    let length_ms = u32::try_from(sound.len() / 8).unwrap();
    let words: Vec<&str> = marks.iter().map(|mark| mark.text.as_str()).collect();
    assert_eq!(words, ["Good", "morning.", "How", "are", "you?"]);
    assert!(marks.is_sorted_by_key(|mark| mark.started_ms), "{marks:?}");
    assert!(marks[4].ended_ms <= length_ms + 50, "{marks:?} in {length_ms} ms");
    assert!(sound.iter().any(|sample| sample.abs() > 3_000), "the voice is audible");
}

#[tokio::test]
async fn a_cancelled_reply_falls_silent_and_the_next_one_speaks() {
    let mut voice = voice("slt", 8_000);
    let long =
        "This sentence is long enough to be interrupted in the middle of it, at least by a quick caller. "
            .repeat(4);
    voice.input.send(TtsInput::Speak { utterance: 1, text: long }).await.unwrap();
    loop {
        if let TtsEvent::Audio { .. } = next_sound(&mut voice).await {
            break;
        }
    }
    voice.input.send(TtsInput::Cancel { utterance: 1 }).await.unwrap();
    voice.input.send(TtsInput::Speak { utterance: 2, text: "Go on.".into() }).await.unwrap();
    voice.input.send(TtsInput::End { utterance: 2 }).await.unwrap();
    let mut of_second = 0;
    loop {
        match next_sound(&mut voice).await {
            TtsEvent::Audio { utterance: 2, pcm } => of_second += pcm.len(),
            TtsEvent::Audio { utterance: 1, .. } => assert_eq!(of_second, 0, "the cancelled reply came back"),
            TtsEvent::Done { utterance } => {
                assert_eq!(utterance, 2);
                break;
            }
            _ => {}
        }
    }
    assert!(of_second > 8 * 200, "{of_second} samples");
}

#[tokio::test]
async fn a_phrase_that_was_not_expected_is_not_made_up() {
    let (mut voice, mut ear) = (voice("kal", 8_000), ear(&["yes", "no"], 8_000));
    let (sound, _) = reply(&mut voice, 1, &["the weather in the mountains was beautiful"]).await;
    let last = heard(&mut ear, &sound).await;
    assert!(
        matches!(&last, SttEvent::Final { text, from_finalize: true, .. } if text.is_empty()),
        "{last:?}"
    );
}
