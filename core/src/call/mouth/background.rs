//! A background under what the bot says changes nothing of what counts as heard.

use super::*;
use crate::media::bed::Loudness;

const FRAME: u64 = 160;
const LOUD: Loudness = Loudness { alone: 0.5, ducked: 0.1 };

fn mouth(pacing: Pacing, buffers: bool, has_background: bool) -> (Mouth, Given) {
    let mut mouth = Mouth::new(LineSound { rate_hz: 8_000, pacing, buffers, echoes_marks: buffers });
    mouth.lay(Bed::new(vec![10_000; 400].into(), LOUD, 8_000).filter(|_| has_background));
    (mouth, Given::default())
}

const DIRECT: Pacing = Pacing { chunk: 160, lead: 320 };

/// All that the line is sent, each step of the clock until `steps`; 50 ms are said at step 20.
fn said(has_background: bool, steps: u64) -> (Vec<i16>, Given) {
    let (mut mouth, mut given) = mouth(DIRECT, false, has_background);
    for step in 0..steps {
        if step == 20 {
            let pcm = vec![9_000; 400];
            mouth.hear(TtsEvent::Audio { utterance: 1, pcm }, true, step * FRAME, &mut given);
            mouth.hear(TtsEvent::Done { utterance: 1 }, true, step * FRAME, &mut given);
        }
        mouth.step(step * FRAME, &mut given);
    }
    assert_eq!((mouth.underruns(), mouth.is_busy(steps * FRAME)), (0, has_background));
    let sent = given.orders.iter().flat_map(|order| match order {
        Order::Play { pcm, .. } => pcm.clone(),
        Order::Mark(_) | Order::Clear { .. } => Vec::new(),
    });
    (sent.collect(), given)
}

#[test]
fn the_line_is_never_silent_and_the_same_counts_as_heard() {
    let (sent, given) = said(true, 60);
    let (bare, without) = said(false, 60);
    assert!(sent.len() as u64 >= 60 * FRAME, "a frame for each step");
    let heard = |given: &Given| {
        let is_played = |event: &&Event| matches!(event, Event::Played { .. });
        given.events.iter().filter(is_played).cloned().collect::<Vec<_>>()
    };
    // What was sent ahead of the first word makes it later by at most the lead; what is told of it is the same.
    assert_eq!(heard(&given).last(), heard(&without).last());
    assert!(bare.iter().filter(|sample| **sample != 0).count() < 500);
    assert!(sent[2_400..3_200].iter().all(|sample| *sample == 5_000), "alone it is as loud as was asked for");
    let last = *sent.last().unwrap();
    assert_eq!(last, 5_000, "and is so again when the bot has spoken");
    let softest = sent[2_400..].iter().filter(|sample| **sample < 5_000).min();
    assert!(softest < Some(&4_900), "it gave way to the voice: {softest:?}");
}

#[test]
fn a_line_that_is_told_to_stop_is_told_so_under_a_background() {
    let (mut mouth, mut given) = mouth(DIRECT, false, true);
    mouth.hear(TtsEvent::Audio { utterance: 1, pcm: vec![9_000; 8_000] }, true, 0, &mut given);
    for step in 0..10 {
        mouth.step(step * FRAME, &mut given);
    }
    mouth.stop(1, Duration::from_millis(80), 10 * FRAME, &mut given);
    for step in 10..30 {
        mouth.step(step * FRAME, &mut given);
    }
    let cleared = given.orders.iter().filter(|order| matches!(order, Order::Clear { .. })).count();
    assert_eq!(cleared, 1);
    mouth.lay(None);
    assert!(!mouth.is_busy(40 * FRAME));
}

#[test]
fn a_carrier_that_has_nothing_but_background_is_not_cleared() {
    let (mut mouth, mut given) = mouth(Pacing { chunk: 800, lead: 1_600 }, true, true);
    for step in 0..20 {
        mouth.step(step * FRAME, &mut given);
    }
    mouth.stop(1, Duration::from_millis(80), 20 * FRAME, &mut given);
    assert!(given.orders.iter().all(|order| matches!(order, Order::Play { .. })), "{:?}", given.orders.len());
}
