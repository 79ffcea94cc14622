//! Far ends that do not lie are understood by their codecs: what goes wrong in the conversations is not a mistake of the simulation.

use serde_json::json;
use tokio::time::Instant;
use vox_core::provider::llm::{Finish, LlmEvent, LlmUsage, ToolCall};
use vox_core::provider::stt::{SttEvent, SttInput};
use vox_core::provider::tts::{TtsEvent, TtsInput};
use vox_shared::catalogue::Kind;

use super::line::{Out, Sent};
use super::mouths::{Asked, Mouth, MouthWire, Spoken};
use super::{
    Clock, EARS, MODELS, MOUTHS, OTHER_EARS, OTHER_MODELS, OTHER_MOUTHS, UPLOADED, ears, models, mouths,
};

#[test]
fn every_vendor_of_the_catalogue_is_simulated_or_named_as_one_that_is_not() {
    let check = |kind: Kind, simulated: Vec<&str>, others: &[&str]| {
        let mut named: Vec<&str> = simulated.into_iter().chain(others.iter().copied()).collect();
        named.sort_unstable();
        named.dedup();
        let mut rows: Vec<&str> = kind.vendors().iter().map(|vendor| vendor.name).collect();
        rows.sort_unstable();
        assert_eq!(named, rows, "{kind:?}");
    };
    check(Kind::Recogniser, EARS.to_vec(), &OTHER_EARS);
    check(Kind::LanguageModel, MODELS.iter().map(|(name, _)| *name).collect(), &OTHER_MODELS);
    check(Kind::Voice, MOUTHS.to_vec(), &OTHER_MOUTHS);
    let (_, now) = Clock::new().set(0);
    assert!(OTHER_EARS.iter().all(|name| ears::of(name, now).is_none()));
    assert!(OTHER_MODELS.iter().all(|name| models::of(name, None).is_none()));
    assert!(OTHER_MOUTHS.iter().all(|name| mouths::of(name, now).is_none()));
}

fn final_words(text: &str, from_finalize: bool) -> SttEvent {
    SttEvent::Final {
        text: text.into(),
        confidence: None,
        words: Vec::new(),
        from_finalize,
        utterance_end: !from_finalize,
    }
}

fn heard(events: &[SttEvent]) -> Vec<String> {
    let text = |event: &SttEvent| match event {
        SttEvent::Final { text, .. } if !text.is_empty() => Some(text.clone()),
        _ => None,
    };
    events.iter().filter_map(text).collect()
}

#[test]
fn every_recogniser_is_heard() {
    // What becomes of questions over HTTP is tried beside this.
    for vendor in EARS.into_iter().filter(|vendor| !UPLOADED.contains(vendor)) {
        let clock = Clock::new();
        let (_, now) = clock.set(0);
        let (mut wire, mut far) = ears::of(vendor, now).unwrap();
        let mut out = Out::default();
        wire.connected(now, &mut out);
        for frame in far.opened() {
            wire.hear(frame, now, &mut out);
        }
        assert_eq!(out.events.first(), Some(&SttEvent::Ready), "{vendor}");
        let partial = SttEvent::Partial { text: "one".into() };
        for (at_ms, meaning) in [(500, &partial), (900, &final_words("one two", false))] {
            let (_, now) = clock.set(at_ms);
            far.tell(meaning, at_ms).into_iter().for_each(|frame| wire.hear(frame, now, &mut out));
        }
        let (_, now) = clock.set(3_000);
        let mut asked = Out::default();
        wire.order(SttInput::Audio(vec![0; 800].into()), now, &mut asked);
        wire.order(SttInput::Finalize, now, &mut asked);
        let mut messages = asked.sent.iter().filter_map(|sent| match sent {
            Sent::Message(message) => Some(message),
            Sent::Opened | Sent::Asked { .. } => None,
        });
        assert_eq!(messages.any(|message| far.is_asked(message)), vendor != "sarvam_realtime", "{vendor}");
        let (_, now) = clock.set(3_200);
        let frames = far.tell(&final_words("three", true), 3_200);
        frames.into_iter().for_each(|frame| wire.hear(frame, now, &mut out));
        assert_eq!(heard(&out.events), ["one two", "three"], "{vendor}: {:?}", out.events);
        let failed = out.events.iter().any(|event| matches!(event, SttEvent::Failed(_)));
        assert!(!failed && heard(&asked.events).is_empty(), "{vendor}");
    }
}

#[test]
fn every_model_is_read() {
    let call =
        ToolCall { id: "c1".into(), name: "look_up".into(), arguments: json!({"n": 1, "of": "books"}) };
    let usage = LlmUsage { tokens_in: 10, tokens_out: 20, ..LlmUsage::default() };
    let meanings = [
        LlmEvent::Progress,
        LlmEvent::Text(" Yes.".into()),
        LlmEvent::ToolCall(call.clone()),
        LlmEvent::Done { finish: Finish::Stop, usage: Some(usage) },
    ];
    for (vendor, api) in MODELS {
        let clock = Clock::new();
        let (handle, _) = clock.set(0);
        let _in = handle.enter();
        let (mut body, mut far) = models::of(vendor, api).unwrap();
        let written: Vec<String> = meanings.iter().flat_map(|meaning| far.write(meaning)).collect();
        let mut events: Vec<LlmEvent> =
            written.iter().flat_map(|event| body.piece(event.as_bytes())).collect();
        events.extend(body.end());
        events.retain(|event| *event != LlmEvent::Progress);
        let done = LlmEvent::Done { finish: Finish::ToolCalls, usage: Some(usage) };
        let expected = [LlmEvent::Text(" Yes.".into()), LlmEvent::ToolCall(call.clone()), done];
        assert_eq!(events, expected, "{vendor} {api:?}");
        let (mut body, mut far) = models::of(vendor, api).unwrap();
        let events = body.piece(far.break_off().as_bytes());
        assert!(matches!(&events[..], [LlmEvent::Failed(_)]), "{vendor} {api:?}: {events:?}");
    }
}

/// Do at once all that a voice is asked for, until nothing more is.
fn speak(wire: &mut MouthWire, far: &mut Box<dyn Mouth>, now: Instant, out: &mut Out<TtsEvent>) {
    let mut sound_ms = std::collections::HashMap::<String, u32>::new();
    while !out.sent.is_empty() {
        let sent = std::mem::take(&mut out.sent);
        // What was said on a connection that was replaced meanwhile is lost.
        let opened = sent.iter().rposition(|sent| matches!(sent, Sent::Opened));
        if opened.is_some() {
            far.opened();
        }
        for sent in sent.into_iter().skip(opened.map_or(0, |at| at + 1)) {
            let Sent::Message(message) = sent else { continue };
            let mut frames = Vec::new();
            for asked in far.read(&message) {
                match asked {
                    Asked::Text { key, text } => {
                        for word in text.split_whitespace() {
                            let known = sound_ms.entry(key.clone()).or_default();
                            let started_ms = *known;
                            *known += 300;
                            frames.extend(far.say(&key, Spoken { word, started_ms, ms: 300 }));
                        }
                        frames.extend(far.text_over(&key));
                    }
                    Asked::End { key } => frames.extend(far.over(&key)),
                    Asked::Cancel { key } => frames.extend(far.silent(&key, true)),
                    Asked::CancelAll => frames.extend(far.silent("", true)),
                }
            }
            frames.into_iter().for_each(|frame| wire.hear(frame, now, out));
        }
    }
}

#[test]
fn every_voice_is_heard() {
    for vendor in MOUTHS {
        let clock = Clock::new();
        let (_, now) = clock.set(0);
        let (mut wire, mut far) = mouths::of(vendor, now).unwrap();
        let mut out = Out::default();
        wire.connected(now, &mut out);
        for order in [
            TtsInput::Speak { utterance: 1, text: "Good day.".into() },
            TtsInput::Speak { utterance: 1, text: "Who is there?".into() },
            TtsInput::End { utterance: 1 },
        ] {
            wire.order(order, now, &mut out);
            speak(&mut wire, &mut far, now, &mut out);
        }
        let (mut samples, mut words) = (0, Vec::new());
        for event in &out.events {
            match event {
                TtsEvent::Audio { utterance: 1, pcm } => samples += pcm.len() as u32,
                TtsEvent::Words { utterance: 1, words: more } => {
                    words.extend(more.iter().map(|word| word.text.clone()));
                }
                _ => {}
            }
        }
        assert_eq!(samples * 1_000 / far.hz(), 1_500, "{vendor}: {:?}", out.events);
        let is_timed = ["elevenlabs", "elevenlabs_http", "cartesia", "soniox", "resemble"].contains(&vendor);
        let expected: &[&str] = if is_timed { &["Good", "day.", "Who", "is", "there?"] } else { &[] };
        assert_eq!(words, expected, "{vendor}");
        let dones = out.events.iter().filter(|event| **event == TtsEvent::Done { utterance: 1 }).count();
        let failed = out.events.iter().any(|event| matches!(event, TtsEvent::Failed(_)));
        assert_eq!((out.events.first(), dones, failed), (Some(&TtsEvent::Ready), 1, false), "{vendor}");
        // It is interrupted, and says something else.
        for order in [
            TtsInput::Speak { utterance: 2, text: "No.".into() },
            TtsInput::Cancel { utterance: 2 },
            TtsInput::Speak { utterance: 3, text: "Yes.".into() },
            TtsInput::End { utterance: 3 },
        ] {
            wire.order(order, now, &mut out);
        }
        speak(&mut wire, &mut far, now, &mut out);
        assert_eq!(out.events.last(), Some(&TtsEvent::Done { utterance: 3 }), "{vendor}: {:?}", out.events);
    }
}
