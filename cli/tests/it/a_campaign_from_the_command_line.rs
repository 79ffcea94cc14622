//! `vox campaign`: from a file of people to a file of what became of each call, on the embedded engines and a simulated carrier.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::json;
use vox_shared::clock::Clock;
use vox_testkit::campaign::each_once;

use super::platform::{Up, run, text};

const PEOPLE: usize = 100;

/// People who may be called now, by the rules of their place: India, New York or Hawaii.
fn people() -> String {
    let hour = Clock::system().now().as_second().div_euclid(3_600).rem_euclid(24);
    let begins = match hour {
        4..13 => "+91981055",
        13..24 => "+1212555",
        _ => "+1808555",
    };
    let rows: String = (0..PEOPLE).map(|n| format!("{begins}{:04},Person {n}\n", 3_000 + n)).collect();
    format!("phone,name\n{rows}+1212555,too short\n")
}

/// At all hours, and each once: a rehearsal does not wait for tomorrow.
fn settings() -> String {
    let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    json!({
        "hours": {"open": [{"days": days, "start": "00:00", "end": "24:00"}]},
        "retries": each_once(), "canary": 0, "numbers": {"per_hour": 1000, "per_day": 1000},
        "pacing": {"mode": "reserve_first", "max_lines": 40},
    })
    .to_string()
}

fn campaign(up: &Up, arguments: &[&str]) -> std::process::Output {
    let data_dir = up.data_dir();
    run(["campaign"].iter().chain(arguments).chain(&["--data-dir", data_dir.to_str().unwrap()]))
}

#[test]
fn a_hundred_people_are_called_by_one_command() {
    let up = Up::rehearse(60, 60);
    up.prints("simulated carrier");
    let at = |name: &str| up.directory.path().join(name);
    std::fs::write(at("people.csv"), people()).unwrap();
    std::fs::write(at("settings.json"), settings()).unwrap();
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let (csv, settings) = (path(&at("people.csv")), path(&at("settings.json")));
    let (report, errors) = (path(&at("attempts.csv")), path(&at("errors.csv")));
    let files = ["--settings", &settings, "--report", &report, "--errors", &errors];
    let mut arguments = vec!["run", csv.as_str(), "--bot", "faq"];
    arguments.extend(files);
    let done = campaign(&up, &arguments);
    let (said, complained) = (text(&done.stdout), text(&done.stderr));
    assert!(done.status.success(), "{said}\n{complained}");
    assert!(said.contains("101 rows, 100 new, 1 not taken") && said.contains("completed"), "{said}");
    let attempts = std::fs::read_to_string(&report).unwrap();
    let mut lines = attempts.lines();
    let number = lines.next().unwrap().split(',').position(|name| name == "number").unwrap();
    let called: BTreeSet<&str> = lines.map(|line| line.split(',').nth(number).unwrap()).collect();
    assert_eq!(called.len(), PEOPLE, "{attempts}");
    assert_eq!(std::fs::read_to_string(&errors).unwrap().lines().count(), 2, "a header and the short number");
    let id = said.split_whitespace().nth(1).unwrap();
    let status = campaign(&up, &["status", id]);
    assert!(text(&status.stdout).contains("completed (finished): 100 done"), "{}", text(&status.stdout));
    let unknown = campaign(&up, &["pause", "cmp_none"]);
    assert!(
        !unknown.status.success() && text(&unknown.stderr).contains("error"),
        "{}",
        text(&unknown.stderr)
    );
}
