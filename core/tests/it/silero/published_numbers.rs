use vox_core::media::silero::{Activity, Kernel, Rate, Silero};

use super::golden::GOLDEN;
use super::signal::Signal;
use super::{probabilities, weights};

const GOLDEN_TOLERANCE: f32 = 1e-4;
const KERNEL_TOLERANCE: f32 = 1e-5;

fn assert_near(found: &[f32], expected: &[f32], tolerance: f32, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}: number of windows");
    for (window, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!(
            (found - expected).abs() <= tolerance,
            "{what}, window {window}: {found} instead of {expected}"
        );
    }
}

#[test]
fn every_kernel_gives_the_published_probabilities() {
    for golden in &GOLDEN {
        let pcm = golden.signal.samples(golden.rate, golden.rate.hertz() as usize);
        for kernel in Kernel::available() {
            let mut silero = Silero::with_kernel(weights(), golden.rate, kernel);
            let found = probabilities(&mut silero, &pcm, pcm.len(), Activity::Speech);
            let what = format!("{:?} at {} Hz, {kernel}", golden.signal, golden.rate.hertz());
            assert_near(&found, &golden.probabilities, GOLDEN_TOLERANCE, &what);
        }
    }
}

#[test]
fn kernels_agree_over_a_call() {
    for rate in Rate::ALL {
        let pcm = [Signal::Vowel, Signal::Noise, Signal::Vowel]
            .map(|signal| signal.samples(rate, rate.hertz() as usize))
            .concat();
        let mut runs = Kernel::available().map(|kernel| {
            let mut silero = Silero::with_kernel(weights(), rate, kernel);
            (kernel, probabilities(&mut silero, &pcm, pcm.len(), Activity::Speech))
        });
        let (_, first) = runs.next().unwrap();
        assert!(first.iter().any(|p| *p > 0.5) && first.iter().any(|p| *p < 0.1), "the signal tells nothing");
        for (kernel, other) in runs {
            assert_near(&other, &first, KERNEL_TOLERANCE, &format!("{kernel} at {} Hz", rate.hertz()));
        }
    }
}

#[test]
fn the_portable_kernel_runs_everywhere_and_the_fastest_is_taken() {
    let names: Vec<String> = Kernel::available().map(|kernel| kernel.to_string()).collect();
    assert_eq!(names.last().map(String::as_str), Some("portable"));
    assert_eq!(names.first(), Some(&Kernel::detect().to_string()));
}

#[test]
fn chunking_changes_nothing() {
    for rate in Rate::ALL {
        let pcm = Signal::Vowel.samples(rate, rate.hertz() as usize / 4);
        let run = |size| probabilities(&mut Silero::new(weights(), rate), &pcm, size, Activity::Speech);
        let whole = run(pcm.len());
        assert_eq!(whole.len(), pcm.len() / rate.window_samples());
        for size in [1, 7, 160, 255, 256, 257, 320, 512, 1000] {
            assert_eq!(run(size), whole, "chunks of {size} at {} Hz", rate.hertz());
        }
    }
}

#[test]
fn a_window_is_scored_with_its_last_sample_and_not_before() {
    for rate in Rate::ALL {
        let mut silero = Silero::new(weights(), rate);
        assert_eq!(silero.window_samples() * 1000, rate.hertz() as usize * 32);
        let almost = vec![100; silero.window_samples() - 1];
        assert_eq!(probabilities(&mut silero, &almost, usize::MAX, Activity::Speech).len(), 0);
        assert_eq!(probabilities(&mut silero, &[100], 1, Activity::Speech).len(), 1);
        assert_eq!(probabilities(&mut silero, &[], 1, Activity::Speech).len(), 0);
    }
}

#[test]
fn the_loudest_sound_gives_a_probability() {
    for rate in Rate::ALL {
        for kernel in Kernel::available() {
            let square: Vec<i16> =
                (0..rate.hertz()).map(|i| if i % 80 < 40 { i16::MIN } else { i16::MAX }).collect();
            let mut silero = Silero::with_kernel(weights(), rate, kernel);
            let found = probabilities(&mut silero, &square, usize::MAX, Activity::Speech);
            assert!(
                found.iter().all(|p| (0.0..=1.0).contains(p)),
                "{kernel} at {} Hz: {found:?}",
                rate.hertz()
            );
        }
    }
}
