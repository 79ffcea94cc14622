//! The page from fixed figures.

use vox_caller::Spread;

use super::*;

fn spread(p50: f64, p99: f64) -> Spread {
    Spread { count: 40, p50, p90: p99, p99, p999: p99 * 2.0, max: p99 * 2.0 }
}

fn level(calls: u32, cpu_percent: f64, lateness_ms: f64) -> Level {
    Level {
        calls,
        window_seconds: 30.0,
        cpu_percent: spread(cpu_percent, cpu_percent * 1.5),
        idle_private_mib: spread(3.5, 4.0),
        added_private_mib: spread(4.5, 6.0),
        shared_mib: spread(9.0, 9.5),
        results: u64::from(calls),
        recordings: u64::from(calls),
        machine: MachineLoad {
            cores: 2,
            workers: cpu_percent * f64::from(calls),
            callers: 7.25,
            vendors: 8.5,
            server: 0.0,
            others: 1.0,
            stolen: 0.5,
        },
        talk: Talk {
            platform_ms: spread(4.0, 9.0),
            platform_by_delays_ms: spread(6.0, 12.5),
            frame_lateness_ms: spread(0.5, lateness_ms),
            barge_in_from_decision_ms: spread(95.0, 118.0),
            barge_in_from_onset_ms: spread(560.0, 700.0),
            ..Talk::default()
        },
    }
}

fn report() -> Report {
    Report {
        machine: Machine {
            processor: "Test CPU".into(),
            commit: "abc1234".into(),
            profile: "debug".into(),
            kernel: "6.1".into(),
            date: "2030-01-02".into(),
            ..Machine::default()
        },
        protocol: "ws".into(),
        voice: "synthetic sound".into(),
        delays: Delays { endpoint_ms: 350.0, recogniser_ms: 100.0, model_ms: 310.5, voice_ms: 120.0 },
        once: Once { cold_start_ms: spread(21.0, 80.0), ..Once::default() },
        levels: vec![level(1, 0.9, 1.0), level(20, 0.75, 2.0), level(50, 0.8, 31.0)],
    }
}

fn verdict(report: &Report, name: &str) -> Verdict {
    let bars = report.bars();
    bars.iter().find(|bar| bar.name.starts_with(name)).unwrap_or_else(|| panic!("no bar {name}")).verdict
}

#[test]
fn every_figure_stands_beside_its_target_with_an_honest_verdict() {
    let report = report();
    assert_eq!(verdict(&report, "platform time per turn, worker's account"), Verdict::Met);
    assert_eq!(verdict(&report, "platform time per turn, by the known delays"), Verdict::Missed);
    assert_eq!(verdict(&report, "CPU per call"), Verdict::Met);
    assert_eq!(verdict(&report, "private memory added"), Verdict::Missed);
    assert_eq!(verdict(&report, "worker ready"), Verdict::Met);
    assert_eq!(verdict(&report, "answer to first audio"), Verdict::NotMeasured);
    assert_eq!(verdict(&report, "calls at once"), Verdict::Missed, "50 calls had late frames");
}

#[test]
fn the_tail_is_judged_at_a_hundred_calls_and_nowhere_else() {
    let name = "frame lateness at the caller, P99.9, at 100 calls";
    assert_eq!(verdict(&report(), name), Verdict::NotMeasured);
    let at =
        |lateness_ms| Report { levels: vec![level(50, 0.8, 9.0), level(100, 0.8, lateness_ms)], ..report() };
    assert_eq!(verdict(&at(2.5), name), Verdict::Met);
    assert_eq!(verdict(&at(2.6), name), Verdict::Missed);
}

#[test]
fn levels_that_nobody_tried_are_not_claimed() {
    let fluent = Report { levels: vec![level(50, 0.8, 3.0)], ..report() };
    assert_eq!(verdict(&fluent, "calls at once"), Verdict::NotMeasured);
    let many = Report { levels: vec![level(200, 0.8, 3.0)], ..report() };
    assert_eq!(verdict(&many, "calls at once"), Verdict::Met);
}

#[test]
fn the_page_names_machine_commit_targets_and_limits() {
    let page = report().to_markdown();
    for part in [
        "| processor | Test CPU, 0 cores |",
        "| commit | `abc1234`, debug profile |",
        "| calls at once | 1 | 20 | 50 |",
        "| CPU per call, % of a core: mean (highest) | 0.90 (2.70) | 0.75 (2.25) | 0.80 (2.40) |",
        "| platform time per turn, by the known delays, P99, at 20 calls | <= 10 ms | 12.50 ms | **missed** |",
        "880.5 ms in all",
        "not of the release profile",
        "P99 is the slowest turn",
        "silero_bench",
    ] {
        assert!(page.contains(part), "{part:?} is not in\n{page}");
    }
    assert!(!page.contains("  "), "stray spaces in\n{page}");
}

#[test]
fn the_terminal_and_the_json_tell_the_same_levels() {
    let report = report();
    assert!(report.to_text().contains("calls at once"));
    let json = report.to_json();
    assert_eq!(json["levels"][1]["calls"], 20);
    assert_eq!(json["levels"][1]["platform_by_delays_ms"]["p99"], 12.5);
    assert_eq!(json["bars"][1]["verdict"], "missed");
}
