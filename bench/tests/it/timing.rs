//! What only a quiet machine can show: the figures are the server's delays and little more, and nobody's frames are late.
//! `scripts/test.sh` gives these tests the machine to themselves.

use vox_bench::load::drive;

use crate::load_tells_what_callers_hear::{plan, start_bot};

#[tokio::test]
async fn the_drivers_own_delays_are_small_and_its_clock_is_right() {
    let summary = drive(plan(start_bot().await, 4, 10)).await;
    let figures = format!("{summary}");
    assert!(summary.violations.is_empty(), "{figures}");
    assert!(summary.wire_to_ear_ms.p50 < 700.0, "{figures}");
    assert!(summary.barge_in_to_silence_ms.p50 < 500.0, "{figures}");
    assert!(summary.answer_to_first_audio_ms.p50 < 200.0, "{figures}");
}
