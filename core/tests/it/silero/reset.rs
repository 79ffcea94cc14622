use vox_core::media::silero::{Activity, Rate, Silero};

use super::signal::Signal;
use super::{probabilities, weights};

/// The first count of windows that makes two seconds.
const TWO_SECONDS: usize = 63;

fn fresh(rate: Rate) -> Silero {
    Silero::new(weights(), rate)
}

#[test]
fn two_quiet_seconds_make_the_detector_new() {
    for rate in Rate::ALL {
        let split = TWO_SECONDS * rate.window_samples();
        let pcm = Signal::Noise.samples(rate, split + rate.hertz() as usize);
        let found = probabilities(&mut fresh(rate), &pcm, 160, Activity::Quiet);
        let anew = probabilities(&mut fresh(rate), &pcm[split..], 160, Activity::Quiet);
        let kept = probabilities(&mut fresh(rate), &pcm, 160, Activity::Speech);
        assert_eq!(
            found[TWO_SECONDS..],
            anew[..],
            "state and context of {} Hz are those of a new line",
            rate.hertz()
        );
        assert_eq!(found[..TWO_SECONDS], kept[..TWO_SECONDS], "nothing is forgotten before");
        assert_ne!(found[TWO_SECONDS], kept[TWO_SECONDS], "the reset shows");
    }
}

#[test]
fn nothing_is_forgotten_while_the_caller_speaks() {
    let rate = Rate::Hz8000;
    let pcm = Signal::Zeros.samples(rate, 5 * rate.hertz() as usize);
    let found = probabilities(&mut fresh(rate), &pcm, 160, Activity::Speech);
    let first = found[0];
    assert!(found.iter().all(|p| *p < 0.1), "every window scores low");
    assert!(found[1..].iter().all(|p| *p != first), "no window looks like the first one");
}

/// The rule written a second time, driving a detector that never resets by itself.
#[test]
fn resets_come_exactly_when_the_rule_says() {
    let rate = Rate::Hz8000;
    let tenth = rate.hertz() as usize / 10;
    let phrase = [Signal::Zeros.samples(rate, 19 * tenth), Signal::Vowel.samples(rate, 5 * tenth)].concat();
    let pcm = phrase.repeat(4);
    let found = probabilities(&mut fresh(rate), &pcm, 160, Activity::Quiet);

    let mut manual = fresh(rate);
    let (mut since, mut last, mut resets) = (0, Vec::new(), Vec::new());
    for (window, samples) in pcm.chunks_exact(rate.window_samples()).enumerate() {
        let probability = probabilities(&mut manual, samples, usize::MAX, Activity::Speech)[0];
        assert_eq!(found[window], probability, "window {window}, resets after {resets:?}");
        since += 1;
        last.push(probability);
        if since * 32 >= 2000 && last.iter().rev().take(5).all(|p| *p < 0.1) {
            manual.reset();
            resets.push((window, since));
            since = 0;
        }
    }
    assert!(resets.len() >= 2, "the signal never lets the rule apply: {resets:?}");
    assert!(
        resets.iter().any(|(_, since)| *since > TWO_SECONDS),
        "no reset waited for low scores: {resets:?}"
    );
}

#[test]
fn the_clock_of_the_rule_starts_again_with_a_reset_by_hand() {
    let rate = Rate::Hz16000;
    let window = rate.window_samples();
    let pcm = Signal::Noise.samples(rate, (TWO_SECONDS + 20) * window);
    let (before, after) = pcm.split_at(20 * window);
    let mut silero = fresh(rate);
    probabilities(&mut silero, before, window, Activity::Quiet);
    silero.reset();
    let found = probabilities(&mut silero, after, window, Activity::Quiet);
    assert_eq!(found, probabilities(&mut fresh(rate), after, window, Activity::Quiet));
}

#[test]
fn a_reset_by_hand_drops_an_unfinished_window() {
    let rate = Rate::Hz16000;
    let pcm = Signal::Vowel.samples(rate, 4 * rate.window_samples());
    let mut silero = fresh(rate);
    probabilities(&mut silero, &pcm[..700], 160, Activity::Speech);
    silero.reset();
    let found = probabilities(&mut silero, &pcm, 160, Activity::Speech);
    assert_eq!(found, probabilities(&mut fresh(rate), &pcm, 160, Activity::Speech));
}
