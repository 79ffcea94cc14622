//! Ctrl-C lets running calls end and lets no new one in; a second Ctrl-C waits for nothing.

use std::process::{Child, Stdio};

use rustix::process::Signal;
use serde_json::Value;

use super::platform::{Up, processes_of, run, text, vox};

/// A call of one line that is answered.
fn answered_call(up: &Up) -> Child {
    let child = vox()
        .args(["call", "appointment-reminder", "--say", "yes I can", "--json", "--data-dir"])
        .arg(up.data_dir())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    up.eventually("the call is on", || up.get("/health").contains(r#""worker_calls":1"#));
    child
}

#[test]
fn the_running_call_ends_with_its_record_and_no_other_is_let_in() {
    let mut up = Up::start(1);
    let call = answered_call(&up);
    up.signal(Signal::INT);
    up.prints("Waiting for 1 running call to end");
    let refused = run(["call", "faq", "--say", "x", "--data-dir", up.data_dir().to_str().unwrap()]);
    assert!(text(&refused.stderr).contains("all workers are in a call"), "{}", text(&refused.stderr));
    let output = call.wait_with_output().unwrap();
    let outcome: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(output.status.success() && outcome["disconnected_by"].is_string(), "{outcome}");
    assert!(outcome["end"]["by"] == "caller" || outcome["end"]["by"] == "bot", "it was not cut: {outcome}");
    assert_eq!(up.end(), Some(0));
    assert_eq!(processes_of(&up.data_dir()), []);
}

#[test]
fn a_second_signal_stops_at_once() {
    let mut up = Up::start(1);
    let mut call = answered_call(&up);
    up.signal(Signal::INT);
    up.prints("Waiting for 1 running call to end");
    up.signal(Signal::INT);
    assert_eq!(up.end(), Some(1));
    up.prints("Stopping at once");
    assert_eq!(processes_of(&up.data_dir()), []);
    // It would wait for a record that comes with the next start.
    call.kill().unwrap();
    call.wait().unwrap();
}
