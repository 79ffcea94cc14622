//! The pages from fixed figures.

use vox_caller::Spread;

use super::*;
use crate::calls::{MachineLoad, Talk};

fn spread(p50: f64) -> Spread {
    Spread { count: 40, p50, p90: p50, p99: p50 * 2.0, p999: p50 * 2.0, max: p50 * 2.0 }
}

fn level(calls: u32, cpu: f64, server: f64, private: f64, ear_ms: f64) -> Level {
    let machine = MachineLoad {
        cores: 2,
        workers: cpu * f64::from(calls),
        callers: 3.0,
        vendors: 4.0,
        server: server * f64::from(calls),
        others: 0.0,
        stolen: 0.0,
    };
    Level {
        calls,
        window_seconds: 30.0,
        cpu_percent: spread(cpu),
        idle_private_mib: spread(private),
        added_private_mib: spread(1.0),
        shared_mib: spread(9.0),
        results: u64::from(calls),
        recordings: u64::from(calls),
        machine,
        talk: Talk { wire_to_ear_ms: spread(ear_ms), ..Talk::default() },
    }
}

fn pair(calls: u32) -> Pair {
    Pair {
        calls,
        socket: level(calls, 0.75, 0.0, 1.0, 880.0),
        room: level(calls, 3.0, 2.0, 2.0, 968.0),
        entries: Entries { order_to_greeting_ms: spread(120.0), packets: 900, lost: 3, ..Entries::default() },
    }
}

fn report(agents: Option<Agents>) -> Report {
    Report {
        machine: Machine { processor: "Test CPU".into(), profile: "release".into(), ..Machine::default() },
        protocol: "ws".into(),
        voice: "synthetic sound".into(),
        delays: Delays { endpoint_ms: 350.0, recogniser_ms: 100.0, model_ms: 310.5, voice_ms: 120.0 },
        pairs: vec![pair(1), pair(20)],
        agents,
    }
}

fn agents() -> Agents {
    let level = AgentLevel {
        calls: 20,
        cpu_per_call: 9.0,
        busy_private_mib: 150.0,
        talk: Talk { wire_to_ear_ms: spread(1_936.0), ..Talk::default() },
        ..AgentLevel::default()
    };
    Agents { versions: "agent 1.0.".into(), levels: vec![level] }
}

#[test]
fn calls_in_rooms_stand_beside_those_over_sockets_with_their_ratios() {
    let page = report(None).to_markdown();
    for part in [
        "| processor | Test CPU, 0 cores |",
        "| calls at once | 1 over `/ws` | 1 in rooms | 20 over `/ws` | 20 in rooms |",
        "| CPU of workers per call, % of a core: mean (highest) | 0.75 (1.50) | 3.00 (6.00) | 0.75 (1.50) | 3.00 (6.00) |",
        "| CPU of the LiveKit server per call, % of a core | 0.00 | 2.00 | 0.00 | 2.00 |",
        "| CPU of the worker | 4.0 | 4.0 |",
        "| CPU of worker and LiveKit server | 6.7 | 6.7 |",
        "| private memory, idle and added | 1.5 | 1.5 |",
        "| end of speech to answer, P50 | 1.1 | 1.1 |",
        "| order to the greeting heard | 120.0 / 240.0 | 120.0 / 240.0 |",
        "| of these late / missing when due | 0 / 3 | 0 / 3 |",
        "It was not measured in this run",
        "880.5 ms of every turn",
    ] {
        assert!(page.contains(part), "{part:?} is not in\n{page}");
    }
    assert!(!has_stray_spaces(&page) && !page.contains("not of the release profile"), "{page}");
}

/// Of a text that was broken into lines in the source. Cells may be empty.
fn has_stray_spaces(page: &str) -> bool {
    page.lines().any(|line| !line.starts_with('|') && line.contains("  "))
}

#[test]
fn the_vendors_agent_stands_beside_ours_at_the_same_number_of_calls() {
    let report = report(Some(agents()));
    let page = report.to_markdown();
    for part in [
        "| calls at once, in rooms | 20 of Vox | 20 of the vendor's | times |",
        "| CPU per call, % of a core, all their processes | 3.00 | 9.00 | 3.0 |",
        "| private memory per call, MiB | 3.00 | 150.00 | 50.0 |",
        "| end of speech to answer, ms, P50 | 968.00 | 1936.00 | 2.0 |",
        "agent 1.0.",
    ] {
        assert!(page.contains(part), "{part:?} is not in\n{page}");
    }
    assert!(!has_stray_spaces(&page) && report.to_text().contains("of the vendor's"));
    assert_eq!(report.to_json()["agents"]["levels"][0]["cpu_per_call"], 9.0);
}

#[test]
fn a_level_that_only_the_agent_had_is_not_compared() {
    let mut theirs = agents();
    theirs.levels[0].calls = 3;
    let page = report(Some(theirs)).to_markdown();
    assert!(page.contains("| CPU per call, % of a core, all their processes | - | 9.00 | - |"), "{page}");
}

#[test]
fn what_became_of_a_call_on_a_bad_network_is_told_in_words() {
    let row = Row {
        trouble: "the caller's line: 20 % lost".into(),
        to_bot: Kept { said: 64, kept: 60 },
        packets: 90,
        lost: 10,
        caller_lost: 2,
        caller_resumed: 1,
        caller_rejoined: 1,
        through_proxy: 1,
        ended: "the caller hung up".into(),
        record: "customer".into(),
        ..Row::default()
    };
    let mut impaired = Impaired { machine: Machine::default(), rows: vec![row] };
    let page = impaired.to_markdown();
    let told = "| the caller's line: 20 % lost | 94 % of 64 | - | 10 of 100 | 0 | 0 | 0.0 | 2: 1, 1 | 0 | the caller hung up | customer |";
    assert!(page.contains(told) && !page.contains("worthless"), "{page}");
    assert!(!has_stray_spaces(&page), "stray spaces in\n{page}");
    impaired.rows[0].through_proxy = 0;
    assert!(impaired.to_markdown().contains("worthless"));
    assert_eq!(impaired.to_json()["rows"][0]["to_bot"]["kept"], 60);
}
