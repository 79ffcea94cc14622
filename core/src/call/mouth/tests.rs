use super::*;

const FRAME: u64 = 160;

fn mouth(pacing: Pacing, buffers: bool) -> (Mouth, Given) {
    (Mouth::new(LineSound { rate_hz: 8_000, pacing, buffers, echoes_marks: buffers }), Given::default())
}

/// A line that plays what it gets, 20 ms at a time, and has a frame more than it plays.
fn direct() -> (Mouth, Given) {
    mouth(Pacing { chunk: 160, lead: 320 }, false)
}

/// A carrier that holds sound, 100 ms at a time, and echoes marks.
fn carrier() -> (Mouth, Given) {
    mouth(Pacing { chunk: 800, lead: 1_600 }, true)
}

fn audio(utterance: UtteranceId, ms: usize) -> TtsEvent {
    TtsEvent::Audio { utterance, pcm: vec![9_000; 8 * ms] }
}

fn played(given: &Given) -> Vec<(UtteranceId, u32, bool)> {
    let of = |event: &Event| match event {
        Event::Played { utterance, played_ms, audible } => Some((*utterance, *played_ms, *audible)),
        _ => None,
    };
    given.events.iter().filter_map(of).collect()
}

fn sent(given: &Given) -> usize {
    given.orders.iter().map(|o| if let Order::Play { pcm, .. } = o { pcm.len() } else { 0 }).sum()
}

#[test]
fn what_the_voice_gives_is_told_in_lengths_that_add_up() {
    let (mut mouth, mut given) = direct();
    for samples in [33, 50, 77, 1_000, 3] {
        mouth.hear(TtsEvent::Audio { utterance: 1, pcm: vec![9_000; samples] }, true, 0, &mut given);
    }
    let lengths = given.events.iter().filter_map(|e| match e {
        Event::Voice(VoiceEvent::Audio { ms, .. }) => Some(*ms),
        _ => None,
    });
    assert_eq!(lengths.sum::<u32>(), 1_163 * 1000 / 8_000);
}

#[test]
fn an_utterance_is_heard_frame_by_frame_and_its_end_once() {
    let (mut mouth, mut given) = direct();
    mouth.hear(audio(1, 50), true, 0, &mut given);
    mouth.hear(TtsEvent::Done { utterance: 1 }, true, 0, &mut given);
    given.events.clear();
    let mut now = 0;
    while mouth.is_busy(now) && now < 20 * FRAME {
        mouth.step(now, &mut given);
        now += FRAME;
    }
    assert_eq!(sent(&given), 480, "the last frame is filled with silence");
    let heard = played(&given);
    assert!(heard.windows(2).all(|pair| pair[0].1 <= pair[1].1), "{heard:?}");
    assert_eq!(heard.last(), Some(&(1, 50, true)));
    assert_eq!(heard.iter().filter(|(_, ms, _)| *ms == 50).count(), 1, "{heard:?}");
    assert_eq!(mouth.underruns(), 0);
}

#[test]
fn what_is_to_wait_is_heard_then_and_a_fade_at_once() {
    let (mut mouth, mut given) = direct();
    mouth.hear(audio(1, 400), true, 0, &mut given);
    mouth.step(0, &mut given);
    mouth.keep_silent(20 * FRAME);
    mouth.stop(1, Duration::from_millis(80), 0, &mut given);
    mouth.hear(audio(2, 100), true, 0, &mut given);
    let mut begun = None;
    for step in 1..30 {
        given.events.clear();
        mouth.step(step * FRAME, &mut given);
        if step == 10 {
            assert_eq!((sent(&given), mouth.may_begin(step * FRAME)), (640, false), "the fade");
        }
        if played(&given).iter().any(|(utterance, ms, _)| (*utterance, *ms > 0) == (2, true)) {
            begun.get_or_insert(step);
        }
    }
    assert_eq!(begun, Some(20));
}

/// A step of the clock that comes up to a frame late leaves the caller no hole.
#[test]
fn a_late_step_is_not_heard_on_a_direct_line() {
    for begins in [0, 1, 80, 159] {
        let (mut mouth, mut given) = direct();
        mouth.hear(audio(1, 400), true, begins, &mut given);
        mouth.begin(begins, &mut given);
        let mut plays_until = begins + sent(&given) as u64;
        for step in 1..10 {
            let late = if step % 3 == 0 { FRAME - 1 } else { 0 };
            let now = step * FRAME + late;
            assert!(plays_until >= now, "begun at {begins}, step {step}: {plays_until} < {now}");
            given.orders.clear();
            mouth.step(step * FRAME, &mut given);
            plays_until += sent(&given) as u64;
        }
        assert_eq!(mouth.underruns(), 0);
    }
}

#[test]
fn the_end_waits_for_the_carriers_mark_or_its_grace() {
    for echo in [true, false] {
        let (mut mouth, mut given) = carrier();
        mouth.hear(audio(7, 300), true, 0, &mut given);
        mouth.hear(TtsEvent::Done { utterance: 7 }, true, 0, &mut given);
        let mut ended_at = None;
        for step in 0..100 {
            given.events.clear();
            mouth.step(step * FRAME, &mut given);
            if echo && step == 20 {
                mouth.mark("u6", &mut given);
                assert!(played(&given).is_empty(), "another utterance's mark");
                mouth.mark("u7", &mut given);
            }
            if played(&given).contains(&(7, 300, true)) {
                ended_at.get_or_insert(step);
            }
        }
        assert!(given.orders.contains(&Order::Mark("u7".into())));
        let expected = if echo { 20..21 } else { 60..66 };
        assert!(ended_at.is_some_and(|at| expected.contains(&at)), "echo {echo}: {ended_at:?}");
    }
}

#[test]
fn stopping_clears_a_carrier_and_fades_a_direct_line() {
    let (mut mouth, mut given) = carrier();
    mouth.hear(audio(1, 1_000), true, 0, &mut given);
    mouth.step(0, &mut given);
    given.orders.clear();
    mouth.stop(1, Duration::from_millis(80), 400, &mut given);
    assert_eq!(given.orders, [Order::Clear { from: Some(400) }]);
    given.events.clear();
    mouth.step(800, &mut given);
    assert!(played(&given).is_empty() && sent(&given) == 0);

    let (mut mouth, mut given) = direct();
    mouth.hear(audio(1, 1_000), true, 0, &mut given);
    mouth.step(0, &mut given);
    mouth.stop(1, Duration::from_millis(80), FRAME, &mut given);
    given.orders.clear();
    given.events.clear();
    for step in 1..10 {
        mouth.step(step * FRAME, &mut given);
    }
    assert_eq!(sent(&given), 640 - 160, "silent 80 ms after the decision, of which 20 had left before it");
    assert_eq!(given.orders.last(), Some(&Order::Clear { from: None }));
    assert!(played(&given).is_empty(), "a fade counts as nothing heard");
}

#[test]
fn sound_that_is_not_wanted_and_silence_in_front_are_not_played() {
    let (mut mouth, mut given) = direct();
    mouth.hear(audio(1, 100), false, 0, &mut given);
    assert!(!mouth.is_busy(0) && given.events.is_empty());
    let mut pcm = vec![0i16; 1_600];
    pcm.extend([9_000i16; 800]);
    let word = WordMark { text: "hi".into(), started_ms: 200, ended_ms: 300 };
    mouth.hear(TtsEvent::Words { utterance: 2, words: vec![word] }, true, 0, &mut given);
    assert!(given.events.is_empty(), "their place is not known yet");
    mouth.hear(TtsEvent::Audio { utterance: 2, pcm }, true, 0, &mut given);
    let words = given.events.iter().find_map(|e| match e {
        Event::Voice(VoiceEvent::Words { words, .. }) => Some(words.clone()),
        _ => None,
    });
    assert_eq!(words.map(|w| w[0].ended_ms), Some(115));
}

#[test]
fn a_voice_that_stalls_is_an_underrun_and_its_tail_is_played() {
    let (mut mouth, mut given) = direct();
    mouth.hear(audio(1, 30), true, 0, &mut given);
    for step in 0..20 {
        mouth.step(step * FRAME, &mut given);
    }
    assert!(mouth.underruns() > 0);
    assert_eq!(played(&given).last(), Some(&(1, 30, true)));
}

#[test]
fn a_hold_tone_breaks_in_and_the_next_voice_is_not_blocked() {
    let (mut mouth, mut given) = direct();
    mouth.hear(audio(1, 10), true, 0, &mut given);
    mouth.change_voice();
    mouth.hold_tone();
    mouth.hear(audio(2, 20), true, 0, &mut given);
    for step in 0..40 {
        mouth.step(step * FRAME, &mut given);
    }
    let heard: Vec<UtteranceId> = played(&given).iter().map(|(u, ..)| *u).collect();
    assert!(heard.contains(&1) && heard.last() == Some(&2), "{heard:?}");
}

#[test]
fn too_much_sound_holds_the_voice_back() {
    let (mut mouth, mut given) = direct();
    assert!(!mouth.is_full() && !mouth.may_begin(0));
    mouth.hear(audio(1, 12_000), true, 0, &mut given);
    assert!(mouth.is_full() && mouth.may_begin(0));
}

/// The silence until another voice spoke was counted as the carrier running dry, once for each frame.
#[test]
fn a_voice_that_was_replaced_leaves_no_carrier_dry() {
    let (mut mouth, mut given) = direct();
    mouth.hear(audio(1, 40), true, 0, &mut given);
    let mut now = 0;
    while mouth.is_busy(now) {
        mouth.step(now, &mut given);
        now += FRAME;
    }
    mouth.change_voice();
    for _ in 0..50 {
        mouth.step(now, &mut given);
        now += FRAME;
    }
    mouth.hear(audio(2, 40), true, now, &mut given);
    assert_eq!(mouth.underruns(), 0);
    for step in 0..4 {
        mouth.step(now + step * FRAME, &mut given);
    }
    assert!(mouth.underruns() > 0, "of the new voice it counts");
}

/// A room whose connection is lost takes no sound: what was not sent is not heard, and is said when it is back.
#[test]
fn nothing_is_heard_while_the_line_stands_still_and_all_of_it_after() {
    let (mut mouth, mut given) = direct();
    mouth.hear(audio(1, 400), true, 0, &mut given);
    mouth.hear(TtsEvent::Done { utterance: 1 }, true, 0, &mut given);
    let mut now = 0;
    let mut steps = |mouth: &mut Mouth, given: &mut Given, count: u64| {
        for _ in 0..count {
            mouth.step(now, given);
            now += FRAME;
        }
        now
    };
    let held_at = steps(&mut mouth, &mut given, 5);
    let (sent_before, heard_before) = (sent(&given), played(&given).last().copied().unwrap());
    mouth.hold(held_at);
    given.events.clear();
    let back_at = steps(&mut mouth, &mut given, 500);
    assert_eq!(sent(&given), sent_before, "nothing is said to nobody");
    assert!(mouth.is_busy(back_at) && !mouth.may_begin(back_at));
    // The session is told so, or it would give the line up.
    let told = played(&given);
    assert!((8..=10).contains(&told.len()) && told.iter().all(|told| *told == heard_before), "{told:?}");
    mouth.go_on(back_at);
    given.orders.clear();
    steps(&mut mouth, &mut given, 40);
    assert_eq!((sent(&given) + sent_before, played(&given).last().copied()), (3_200, Some((1, 400, true))));
    let next = given
        .orders
        .iter()
        .find_map(|order| if let Order::Play { at, .. } = order { Some(*at) } else { None });
    assert!(next.is_some_and(|at| at >= back_at), "in the recording it stands where it is heard: {next:?}");
    assert_eq!(mouth.underruns(), 0);
}

#[test]
fn a_line_that_stands_still_for_too_long_is_not_kept_alive() {
    let (mut mouth, mut given) = direct();
    mouth.hear(audio(1, 400), true, 0, &mut given);
    for step in 0..5 {
        mouth.step(step * FRAME, &mut given);
    }
    mouth.hold(5 * FRAME);
    given.events.clear();
    for step in 5..5 + 60 * 50 {
        mouth.step(step * FRAME, &mut given);
    }
    assert!((19..=20).contains(&played(&given).len()), "{}", played(&given).len());
}
