//! `vox up`: the ready file, one platform per directory, children that are started again, an orderly end.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::platform::{Up, get, processes_of, run, text};

#[test]
fn the_ready_file_is_one_object_for_this_user_alone() {
    let up = Up::start(2);
    let names: Vec<&str> = up.ready.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = ["admin_email", "admin_password", "bots", "bridge_url", "calls_url", "internal_secret"];
    assert_eq!(names, expected);
    let bots: Vec<&str> =
        up.ready["bots"].as_array().unwrap().iter().map(|bot| bot["id"].as_str().unwrap()).collect();
    for bot in ["appointment-reminder", "faq", "survey"] {
        assert!(bots.contains(&bot), "{bots:?}");
    }
    let file = up.directory.path().join("ready.json");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let found: Value =
        serde_json::from_slice(&std::fs::read(up.data_dir().join("run/up.json")).unwrap()).unwrap();
    assert_eq!(found, up.ready, "`vox call` finds the same");
    up.prints("Vox is up");
    let printed = up.printed();
    for name in ["bridge_url", "calls_url", "admin_email", "admin_password"] {
        assert!(printed.contains(up.text(name)), "{name} in {printed}");
    }
    let second =
        run(["up", "--port", "0", "--bridge-port", "0", "--data-dir", up.data_dir().to_str().unwrap()]);
    let said = text(&second.stderr);
    assert!(
        !second.status.success() && said.contains("already running") && said.contains(up.text("bridge_url")),
        "{said}"
    );
}

/// A second request on the connection would come past the dispatcher, and a pooled client would hold a worker.
#[test]
fn a_connection_that_was_handed_over_answers_one_request() {
    let up = Up::start(1);
    for (path, status) in [("/health", "200"), ("/ws/faq", "426"), ("/health", "200")] {
        let mut stream = TcpStream::connect(up.text("calls_url").trim_start_matches("http://")).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: vox\r\n\r\n");
        stream.write_all(request.repeat(2).as_bytes()).unwrap();
        let mut answer = Vec::new();
        // It may be reset behind the answer, with our second request unread.
        let _reset = stream.read_to_end(&mut answer).map_err(|error| {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{path} is kept open");
        });
        let answer = text(&answer);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    }
}

#[test]
fn a_second_start_keeps_secrets_and_prints_no_password() {
    let first = Up::start(1);
    let (secret, password) =
        (first.text("internal_secret").to_owned(), first.text("admin_password").to_owned());
    let (data_dir, bridge_url) = (first.data_dir(), first.text("bridge_url").to_owned());
    let (was_content, directory) = first.stop();
    assert!(was_content, "no call was running: it ends with success");
    assert!(!data_dir.join("run/up.json").exists(), "nobody is led to a platform that is gone");
    assert_eq!(processes_of(&data_dir), [], "no process is left");
    assert!(std::net::TcpStream::connect(bridge_url.trim_start_matches("http://")).is_err());
    let second = Up::start_in(directory, 1);
    assert_eq!(second.text("internal_secret"), secret);
    second.prints("Vox is up");
    assert!(!second.printed().contains(&password), "the password is printed once");
    assert_eq!(second.text("admin_password"), password, "and scripts can read it until it is changed");
}

#[test]
fn children_that_are_killed_are_started_again() {
    let up = Up::start(1);
    let pid = |name: &str| {
        let found = processes_of(&up.data_dir());
        found.into_iter().find(|(_, process)| process == name).map(|(pid, _)| pid)
    };
    for (name, said) in [("vox-core", "w1 ended by itself"), ("vox-bridge", "bridge ended by itself")] {
        let old = pid(name).unwrap();
        kill_process(Pid::from_raw(old.cast_signed()).unwrap(), Signal::KILL).unwrap();
        up.prints(said);
        up.eventually(name, || pid(name).is_some_and(|new| new != old));
    }
    up.eventually("the worker answers at the same address", || {
        up.get("/health").contains("\"worker_id\":\"w1\"")
    });
    up.eventually("the bridge answers at the same address", || {
        get(up.text("bridge_url"), "/health").contains("\"ok\"")
    });
    assert!(up.stop().0);
}

#[test]
fn an_output_that_nobody_reads_stops_nothing() {
    let (reader, mut writer) = std::io::pipe().unwrap();
    // The smallest pipe there is, full from the beginning.
    let capacity = rustix::pipe::fcntl_setpipe_size(&writer, 4096).unwrap();
    writer.write_all(&vec![b'x'; capacity]).unwrap();
    let mut up = Up::start_onto(tempfile::tempdir().unwrap(), 1, writer.into());
    up.eventually("the worker answers", || up.get("/health").contains("\"worker_id\":\"w1\""));
    up.signal(Signal::TERM);
    assert_eq!(up.end(), Some(0));
    drop(reader);
}

#[test]
fn a_start_that_fails_leaves_no_secret_behind() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    // The ready file is written last: everything runs by then, and `up.json` is there.
    let ready_file = directory.path().join("nowhere/ready.json");
    let ready_file = ready_file.to_str().unwrap();
    let arguments = ["up", "--port", "0", "--bridge-port", "0", "--workers", "1", "--ready-file", ready_file];
    let failed = run(arguments.into_iter().chain(["--data-dir", data_dir.to_str().unwrap()]));
    assert!(!failed.status.success(), "{}", text(&failed.stdout));
    assert!(!data_dir.join("run/up.json").exists() && !data_dir.join("run/bridge.json").exists());
    assert_eq!(processes_of(&data_dir), [], "no process is left");
}
