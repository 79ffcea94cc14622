use vox_engines::{EngineError, FliteClient, FliteEvent, FliteVoice, Speech, WordTime, synthesise_to_pcm};

use crate::{binary, soon};

const SENTENCE: &str = "Hello, this is your dentist; are you coming on Monday at 9:30?";

async fn speak(voice: FliteVoice, text: &str) -> Speech {
    soon(synthesise_to_pcm(&binary(), voice, text)).await.unwrap()
}

fn milliseconds(speech: &Speech) -> u32 {
    u32::try_from(speech.pcm.len() * 1000 / speech.rate as usize).unwrap()
}

fn loudness(pcm: &[i16]) -> f64 {
    let energy: f64 = pcm.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    (energy / pcm.len().max(1) as f64).sqrt()
}

/// Words follow one another inside the audio, and together are the text as it was written.
fn assert_covers(words: &[WordTime], text: &str, length_ms: u32) {
    let written: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    assert_eq!(written, text.split_whitespace().collect::<Vec<_>>());
    let mut now = 0;
    for word in words {
        assert!(word.start_ms >= now && word.end_ms >= word.start_ms, "{words:?}");
        now = word.end_ms;
    }
    assert!(now <= length_ms, "the last word ends at {now} ms of {length_ms}");
    assert!(now > length_ms / 2, "the last word ends at {now} ms of {length_ms}");
}

#[tokio::test]
async fn both_voices_speak_at_their_rate_with_word_times_that_cover_the_audio() {
    for (voice, rate) in [(FliteVoice::Kal8k, 8_000), (FliteVoice::Slt16k, 16_000)] {
        let speech = speak(voice, SENTENCE).await;
        assert_eq!((speech.rate, voice.rate()), (rate, rate));
        let length_ms = milliseconds(&speech);
        assert!((2_000..8_000).contains(&length_ms), "{voice:?} took {length_ms} ms");
        assert!(loudness(&speech.pcm) > 500.0, "{voice:?} is silent");
        assert_covers(&speech.words, SENTENCE, length_ms);
    }
}

#[tokio::test]
async fn word_times_point_at_sound_and_the_gaps_between_them_at_silence() {
    let speech = speak(FliteVoice::Kal8k, "Yes. No.").await;
    let at = |ms: u32| ms as usize * 8;
    for word in &speech.words {
        assert!(loudness(&speech.pcm[at(word.start_ms)..at(word.end_ms)]) > 500.0, "{word:?}");
    }
    let [yes, no] = &speech.words[..] else { panic!("{:?}", speech.words) };
    assert!(no.start_ms > yes.end_ms + 100, "no pause between {yes:?} and {no:?}");
    let gap = &speech.pcm[at(yes.end_ms + 30)..at(no.start_ms - 30)];
    assert!(loudness(gap) < 200.0, "the gap is as loud as {}", loudness(gap));
}

#[tokio::test]
async fn the_first_audio_leaves_long_before_the_last() {
    let mut client = soon(FliteClient::spawn(&binary(), FliteVoice::Slt16k)).await.unwrap();
    let text = format!("{SENTENCE} ").repeat(20);
    client.synthesise(1, &text).await.unwrap();
    let mut order = Vec::new();
    while let Some(event) = soon(client.next_event()).await {
        match event {
            FliteEvent::Words { .. } => order.push("words"),
            FliteEvent::Audio { pcm, .. } => {
                assert!(pcm.len() <= 1_600, "a piece of {} samples is longer than 100 ms", pcm.len());
                order.push("audio");
            }
            FliteEvent::Done { id: 1 } => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(order[..2], ["words", "audio"]);
    assert!(order.iter().filter(|event| **event == "words").count() >= 20, "spoken in one piece");
}

#[tokio::test]
async fn a_cancelled_text_falls_silent_and_the_next_is_spoken() {
    let mut client = soon(FliteClient::spawn(&binary(), FliteVoice::Slt16k)).await.unwrap();
    client.synthesise(1, &format!("{SENTENCE} ").repeat(100)).await.unwrap();
    client.synthesise(2, SENTENCE).await.unwrap();
    client.synthesise(3, "Goodbye.").await.unwrap();
    while !matches!(soon(client.next_event()).await, Some(FliteEvent::Audio { id: 1, .. })) {}
    client.cancel(1).await.unwrap();
    client.cancel(2).await.unwrap();
    assert_eq!(soon(client.next_event()).await, Some(FliteEvent::Done { id: 1 }));
    assert_eq!(soon(client.next_event()).await, Some(FliteEvent::Done { id: 2 }));
    let mut samples = 0;
    loop {
        match soon(client.next_event()).await {
            Some(FliteEvent::Audio { id: 3, pcm, .. }) => samples += pcm.len(),
            Some(FliteEvent::Words { id: 3, .. }) => {}
            Some(FliteEvent::Done { id: 3 }) => break,
            other => panic!("{other:?}"),
        }
    }
    assert!(samples > 16_000 / 4, "{samples} samples of a whole word");
    client.cancel(3).await.expect("a cancel may cross with the end");
}

#[tokio::test]
async fn a_long_text_is_spoken_to_its_end() {
    let text = format!("{SENTENCE} ").repeat(200);
    let speech = speak(FliteVoice::Kal8k, &text).await;
    assert_covers(&speech.words, &text, milliseconds(&speech));
    assert!(milliseconds(&speech) > 200 * 2_000);
}

#[tokio::test]
async fn a_text_without_sound_is_done_or_refused_but_always_answered() {
    let mut client = soon(FliteClient::spawn(&binary(), FliteVoice::Kal8k)).await.unwrap();
    for (id, text) in [(1, ""), (2, " \n ")] {
        client.synthesise(id, text).await.unwrap();
        assert_eq!(soon(client.next_event()).await, Some(FliteEvent::Done { id }));
    }
    client.synthesise(3, "你好 …").await.unwrap();
    let answer = soon(client.next_event()).await;
    assert!(
        matches!(&answer, Some(FliteEvent::Failed { id: Some(3), message }) if message.contains("English")),
        "{answer:?}"
    );
}

#[tokio::test]
async fn odd_texts_neither_crash_the_voice_nor_lose_words() {
    for text in [
        "Dr. O'Neil (room #4) owes $3.50 & 20% of 1,234,567 — e.g. “naïve” café, a.b@c.de!",
        "-- ... !!! ok ??? ' \" ` ( ) [ ] { } < > / \\ | ~ ^ * _ = + @ # $ % &",
        "http://example.com/a?b=c&d=%20 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "3/4 1st 2nd 1999 10:15 12/25/2024 0049-30-123456 MMXIV xkcd qqq ...and so on",
    ] {
        for voice in [FliteVoice::Kal8k, FliteVoice::Slt16k] {
            let speech = speak(voice, text).await;
            assert_covers(&speech.words, text, milliseconds(&speech));
        }
    }
}

#[tokio::test]
async fn a_client_is_told_of_its_own_mistakes() {
    let mut client = soon(FliteClient::spawn(&binary(), FliteVoice::Kal8k)).await.unwrap();
    let long = client.synthesise(1, &"a".repeat(20_000)).await;
    assert!(matches!(long, Err(EngineError::TextTooLong { limit: 16_384, .. })), "{long:?}");
    client.synthesise(1, "one").await.unwrap();
    let twice = client.synthesise(1, "one again").await;
    assert!(matches!(twice, Err(EngineError::IdInUse { id: 1 })), "{twice:?}");
    for id in 2..=32 {
        client.synthesise(id, "more").await.unwrap();
    }
    let many = client.synthesise(33, "too many").await;
    assert!(matches!(many, Err(EngineError::TooManyOpen { limit: 32 })), "{many:?}");
}
