//! `vox up`, then `vox call`: a spoken call end to end, over each protocol, with the local engines.

use std::path::Path;

use serde_json::Value;
use vox_caller::Wav;

use super::platform::{Up, run, text};

/// Above the noise of a quiet line; speech is 40 dB louder.
const AUDIBLE: f64 = 300.0;

fn call(up: &Up, via: &str, more: &[&str]) -> (bool, Value, String) {
    let data_dir = up.data_dir();
    let mut arguments =
        vec!["call", "appointment-reminder", "--data-dir", data_dir.to_str().unwrap(), "--json"];
    arguments.extend(["--via", via]);
    arguments.extend(more);
    let output = run(arguments);
    let (json, shown) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(json.lines().count(), 1, "one object and nothing else: {json}\n{shown}");
    (output.status.success(), serde_json::from_str(&json).unwrap(), shown)
}

fn spoken(transcript: &Value, speaker: &str) -> String {
    let lines = transcript.as_array().unwrap().iter().filter(|entry| entry["speaker"] == speaker);
    lines.map(|entry| entry["text"].as_str().unwrap()).collect::<Vec<_>>().join(" ").to_lowercase()
}

/// Rules that a machine full of other tests breaks for everybody on it.
fn is_about_time(violation: &Value) -> bool {
    ["too_far_ahead", "starved"].iter().any(|rule| violation["rule"] == *rule)
}

/// RMS of each channel.
fn loudness(path: &Path) -> Vec<f64> {
    let wav = Wav::read(path).unwrap();
    let rms = |samples: &Vec<i16>| {
        (samples.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / samples.len().max(1) as f64).sqrt()
    };
    wav.channels.iter().map(rms).collect()
}

fn a_spoken_call(via: &str) {
    let up = Up::start(1);
    let save = up.directory.path().join("kept");
    let lines = ["--say", "yes I can", "--say", "no thank you", "--save", save.to_str().unwrap()];
    let (is_success, outcome, shown) = call(&up, via, &lines);
    assert!(is_success, "{outcome}\n{shown}");
    let by = outcome["disconnected_by"].as_str().unwrap();
    assert!(["bot", "customer"].contains(&by), "{by}");
    assert!(spoken(&outcome["transcript"], "bot").contains("maple street dental"), "{shown}");
    assert!(spoken(&outcome["transcript"], "caller").contains("yes"), "{shown}");
    assert!(!outcome["latency_samples"].as_array().unwrap().is_empty(), "{outcome}");
    assert!(outcome["heard"]["turns"][0]["reply_ms"].as_f64().is_some(), "{outcome}");
    let broken: Vec<&Value> =
        outcome["violations"].as_array().unwrap().iter().filter(|v| !is_about_time(v)).collect();
    assert!(broken.is_empty(), "{broken:?}");
    for file in ["recording", "heard"] {
        let path = outcome["paths"][file].as_str().unwrap_or_else(|| panic!("{file} in {outcome}"));
        let loudness = loudness(Path::new(path));
        assert!(loudness.len() == 2 && loudness.iter().all(|rms| *rms > AUDIBLE), "{file}: {loudness:?}");
    }
    let result: Value = serde_json::from_slice(&std::fs::read(save.join("result.json")).unwrap()).unwrap();
    assert_eq!(result["session_id"], outcome["call_id"]);
    assert!(
        shown.contains("Maple Street Dental") && shown.contains("endpoint"),
        "the screen shows it: {shown}"
    );
    assert!(up.stop().0);
}

#[test]
fn over_talk() {
    a_spoken_call("talk");
}

#[test]
fn over_ws() {
    a_spoken_call("ws");
}

#[test]
fn over_exotel() {
    a_spoken_call("exotel");
}

#[test]
fn an_unknown_bot_is_answered_with_the_known_ones() {
    let up = Up::start(1);
    let output = run(["call", "nobody", "--say", "x", "--data-dir", up.data_dir().to_str().unwrap()]);
    let said = text(&output.stderr);
    assert!(!output.status.success() && said.contains("appointment-reminder"), "{said}");
}
