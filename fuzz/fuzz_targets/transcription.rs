//! Answers of transcription servers, and audio to the gate that cuts segments: no panic, whatever is read has sane times and confidence,
//! and every segment is within its bounds and none overlaps another.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vox_core::provider::stt::transcription::{Change, Cuts, Segmenter, parse_answer};

const RATE_HZ: u32 = 8_000;

fuzz_target!(|body: &[u8]| {
    if let Ok(transcript) = parse_answer(body) {
        assert_eq!(transcript.text.trim(), transcript.text);
        assert!(transcript.confidence.is_none_or(|confidence| (0.0..=1.0).contains(&confidence)));
        assert!(transcript.seconds.is_none_or(|seconds| seconds >= 0.0 && seconds.is_finite()));
        assert!(transcript.words.iter().all(|word| word.started_ms <= word.ended_ms));
    }
    let mut segmenter = Segmenter::new(RATE_HZ, Cuts { silence_ms: 400, interim_ms: Some(500) });
    let mut until = 0;
    for byte in body {
        // A byte is 100 ms of a level.
        let level = i16::from(*byte) * 100;
        let pcm: Vec<i16> = (0..800).map(|at| if at % 2 == 0 { level } else { -level }).collect();
        let mut over = Vec::new();
        for change in segmenter.push(&pcm) {
            if let Change::Over { segment, .. } = change {
                over.push(segment);
            }
        }
        assert!(segmenter.look().is_none_or(|segment| segment.began_ms >= until));
        if *byte == 7 {
            over.extend(segmenter.finish());
        }
        for segment in over {
            assert!(segment.began_ms >= until && segment.pcm.len() <= 26 * RATE_HZ as usize);
            until = segment.began_ms + segment.pcm.len() as u64 * 1000 / u64::from(RATE_HZ);
        }
    }
});
