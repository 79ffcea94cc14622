use std::io::Write;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use vox_engines::frame::FrameParser;
use vox_engines::message::{Reply, Request};
use vox_engines::{
    EngineBinary, EngineError, EngineKind, FliteClient, FliteEvent, FliteVoice, SphinxClient, SphinxEvent,
    SphinxSettings, check,
};

use crate::{DEADLINE, binary, soon};

fn settings() -> SphinxSettings {
    SphinxSettings { rate: 8_000, expected: vec!["yes".to_owned()], free: false }
}

/// The processes that this test process started and that run `vox-engine`, told apart by an argument.
fn engine_with(argument: &str) -> Vec<Pid> {
    let ours = std::process::id().to_string();
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_string_lossy().parse::<i32>().ok())
        .filter(|pid| {
            let read =
                |file: &str| std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
            let parent =
                read("status").lines().any(|line| line.strip_prefix("PPid:\t") == Some(ours.as_str()));
            parent && read("cmdline").contains(argument)
        })
        .filter_map(Pid::from_raw)
        .collect()
}

#[tokio::test]
async fn both_engines_pass_their_check_here() {
    let flite = check(&binary(), EngineKind::Flite).await.unwrap();
    assert_eq!(flite.voices, ["kal", "slt"]);
    assert!(flite.libraries.iter().any(|name| name.contains("libflite_cmu_us_slt")), "{flite:?}");
    let pocketsphinx = check(&binary(), EngineKind::Pocketsphinx).await.unwrap();
    assert!(pocketsphinx.model_dir.is_some_and(|dir| dir.join("cmudict-en-us.dict").is_file()));
}

#[tokio::test]
async fn missing_libraries_are_named_with_the_command_that_installs_them() {
    let empty = tempfile::tempdir().unwrap();
    let binary = binary().with_library_dir(empty.path());
    let flite = soon(FliteClient::spawn(&binary, FliteVoice::Kal8k)).await.unwrap_err();
    let text = flite.to_string();
    assert!(matches!(flite, EngineError::NotInstalled { kind: EngineKind::Flite, .. }), "{flite:?}");
    assert!(text.contains("libflite.so.1") && text.contains("apt-get install libflite1"), "{text}");
    let text = check(&binary, EngineKind::Pocketsphinx).await.unwrap_err().to_string();
    assert!(text.contains("libsphinxbase.so.3") && text.contains("pocketsphinx-en-us"), "{text}");
}

#[tokio::test]
async fn a_missing_model_is_named_with_the_command_that_installs_it() {
    let empty = tempfile::tempdir().unwrap();
    let binary = binary().with_model_dir(empty.path());
    let error = soon(SphinxClient::spawn(&binary, settings())).await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, EngineError::NotInstalled { .. }), "{error:?}");
    assert!(text.contains(&*empty.path().to_string_lossy()) && text.contains("pocketsphinx-en-us"), "{text}");
}

#[tokio::test]
async fn a_missing_binary_is_an_error_and_not_a_hang() {
    let error = EngineBinary::at("/nonexistent/vox-engine").unwrap_err();
    assert!(error.to_string().contains("cargo build -p vox-engines"), "{error}");
}

#[tokio::test]
async fn a_voice_killed_in_mid_stream_fails_once_and_closes() {
    // A library directory of its own tells this process from those of other tests.
    let marked = tempfile::tempdir().unwrap();
    link_libraries(marked.path());
    let binary = binary().with_library_dir(marked.path());
    let mut client = soon(FliteClient::spawn(&binary, FliteVoice::Slt16k)).await.unwrap();
    client.synthesise(1, &"This goes on and on. ".repeat(700)).await.unwrap();
    while !matches!(soon(client.next_event()).await, Some(FliteEvent::Audio { .. })) {}
    let running = engine_with(&marked.path().to_string_lossy());
    assert_eq!(running.len(), 1, "one process per client");
    kill_process(running[0], Signal::KILL).unwrap();
    let message = loop {
        match soon(client.next_event()).await {
            Some(FliteEvent::Failed { id: None, message }) => break message,
            Some(FliteEvent::Audio { .. } | FliteEvent::Words { .. }) => {}
            other => panic!("{other:?}"),
        }
    };
    assert!(message.contains("flite ended by itself (signal: 9"), "{message}");
    assert_eq!(soon(client.next_event()).await, None);
    let late = client.synthesise(2, "still there?").await;
    assert!(matches!(late, Err(EngineError::Exited { .. })), "{late:?}");
}

#[tokio::test]
async fn dropping_the_client_ends_the_process_even_while_it_speaks() {
    let marked = tempfile::tempdir().unwrap();
    link_libraries(marked.path());
    let binary = binary().with_library_dir(marked.path());
    let mut client = soon(FliteClient::spawn(&binary, FliteVoice::Slt16k)).await.unwrap();
    client.synthesise(1, &"This goes on and on. ".repeat(700)).await.unwrap();
    let running = engine_with(&marked.path().to_string_lossy());
    assert_eq!(running.len(), 1);
    drop(client);
    let gone = async {
        while test_kill_process(running[0]).is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, gone).await.expect("the process is still there");
}

#[tokio::test]
async fn settings_that_make_no_sense_are_refused_with_the_reason() {
    let check = async |settings: SphinxSettings, reason: &str| {
        let error = soon(SphinxClient::spawn(&binary(), settings)).await.unwrap_err();
        assert!(matches!(error, EngineError::Refused { .. }), "{error:?}");
        assert!(error.to_string().contains(reason), "{error}");
    };
    check(SphinxSettings { rate: 44_100, ..settings() }, "8000 or 16000").await;
    check(SphinxSettings { expected: vec![], ..settings() }, "expected").await;
    check(SphinxSettings { expected: vec!["xqzzv".to_owned()], ..settings() }, "dictionary").await;
    check(SphinxSettings { expected: vec!["yes".to_owned(); 501], ..settings() }, "500").await;
}

#[tokio::test]
async fn a_recogniser_that_ends_fails_once_and_closes() {
    let marked = tempfile::tempdir().unwrap();
    let model = marked.path().join("model");
    std::os::unix::fs::symlink("/usr/share/pocketsphinx/model/en-us", &model).unwrap();
    let binary = binary().with_model_dir(&model);
    let mut client = soon(SphinxClient::spawn(&binary, settings())).await.unwrap();
    client.audio(&[0; 160]).await.unwrap();
    let running = engine_with(&model.to_string_lossy());
    assert_eq!(running.len(), 1);
    kill_process(running[0], Signal::KILL).unwrap();
    let event = soon(client.next_event()).await;
    assert!(
        matches!(&event, Some(SphinxEvent::Failed { message }) if message.contains("signal: 9")),
        "{event:?}"
    );
    assert_eq!(soon(client.next_event()).await, None);
}

/// Run an engine by hand, write these bytes, and read its replies until it ends.
fn replies_to(engine: &str, bytes: &[u8]) -> (Vec<Reply>, bool) {
    let mut child = Command::new(binary().path())
        .arg(engine)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    let mut parser = FrameParser::default();
    parser.push(&output.stdout);
    let mut replies = Vec::new();
    while let Some(frame) = parser.next_frame().unwrap() {
        replies.push(Reply::decode(&frame).unwrap());
    }
    (replies, output.status.success())
}

#[test]
fn what_is_no_message_ends_the_engine_with_a_message() {
    let check = |engine: &str, bytes: &[u8], reason: &str| {
        let (replies, success) = replies_to(engine, bytes);
        let Some(Reply::Failed(failure)) = replies.last() else { panic!("{engine}: {replies:?}") };
        assert!(failure.message.contains(reason), "{engine}: {}", failure.message);
        assert!(!success);
    };
    let audio_first = Request::Hear(vec![0; 160]).encode().unwrap();
    for engine in ["flite", "pocketsphinx"] {
        check(engine, &[0; 4], "length 0");
        check(engine, &u32::MAX.to_le_bytes(), "longer than the limit");
        check(engine, &[1, 0, 0, 0, 99], "kind 99");
        check(engine, &[9, 0, 0, 0, 1, b'{'], "missing");
        check(engine, &[2, 0, 0, 0, 1, b'{'], "JSON");
    }
    check("flite", &audio_first, "no audio");
    check("pocketsphinx", &audio_first, "settings");
}

#[test]
fn an_engine_ends_quietly_when_its_client_goes() {
    let (replies, success) = replies_to("flite", &[]);
    assert_eq!(replies.len(), 1, "only that it was ready: {replies:?}");
    assert!(success);
    assert_eq!(replies_to("pocketsphinx", &[]), (vec![], true));
}

/// The real libraries, reached through a directory of the test's own.
fn link_libraries(dir: &std::path::Path) {
    let names =
        ["libflite", "libflite_usenglish", "libflite_cmulex", "libflite_cmu_us_kal", "libflite_cmu_us_slt"];
    let places = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"];
    for name in names.map(|name| format!("{name}.so.1")) {
        let real =
            places.iter().map(|place| std::path::Path::new(place).join(&name)).find(|path| path.exists());
        let real = real.expect("flite is not installed: run scripts/install-engines.sh");
        std::os::unix::fs::symlink(real, dir.join(&name)).unwrap();
    }
}
