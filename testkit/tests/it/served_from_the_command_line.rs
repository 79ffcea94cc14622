use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::clients::http;

fn serve(arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_vox-testkit"))
        .arg("serve")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn first_line(child: &mut Child) -> (Value, impl Read + use<>) {
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    (serde_json::from_str(&line).unwrap(), out)
}

fn script(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

#[tokio::test]
async fn it_says_where_it_listens_and_stops_at_the_end_of_input() {
    let report = tempfile::NamedTempFile::new().unwrap();
    let file = script(r#"{"default": {"say": "scripted"}, "models": ["my-model"]}"#);
    let (path, to) = (file.path().to_str().unwrap(), report.path().to_str().unwrap());
    let mut child = serve(&["openai", "--script", path, "--api-key", "k", "--until-eof", "--report", to]);
    let (line, mut rest) = first_line(&mut child);
    assert_eq!(line["api_key"], "k");
    let url = format!("{}/v1/chat/completions", line["url"].as_str().unwrap());
    let body = json!({"model": "my-model", "messages": [{"role": "user", "content": "x"}]});
    let answer: Value =
        http().post(url).bearer_auth("k").json(&body).send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["choices"][0]["message"]["content"], "scripted");
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    let mut more = String::new();
    rest.read_to_string(&mut more).unwrap();
    assert_eq!(more, "", "exactly one line");
    let report: Value = serde_json::from_slice(&std::fs::read(report.path()).unwrap()).unwrap();
    assert_eq!(report["exchanges"][0]["status"], 200);
}

#[tokio::test]
async fn fault_options_reach_the_server_and_a_signal_stops_it() {
    let mut child = serve(&["elevenlabs", "--status", "429", "--retry-after-ms", "700"]);
    let (line, _out) = first_line(&mut child);
    let request =
        http().get(format!("{}/v1/user", line["url"].as_str().unwrap())).header("xi-api-key", "test-key");
    let answer = request.send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["retry-after-ms"]),
        (429, &"700".parse().unwrap())
    );
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert!(child.wait().unwrap().success());
}

fn check_refused(vendor: &str, text: &str, expected: &str) {
    let file = script(text);
    let output = serve(&[vendor, "--script", file.path().to_str().unwrap()]).wait_with_output().unwrap();
    assert!(!output.status.success());
    assert_eq!(output.stdout, b"");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(expected), "{said}");
}

#[test]
fn a_wrong_script_is_refused_by_the_name_of_its_field() {
    check_refused("deepgram", r#"{"utterances": [{"text": 5}]}"#, "utterances[0].text");
    check_refused("deepgram", r#"{"uterances": []}"#, "unknown field `uterances`");
    check_refused("openai", r#"{"rules": [{"when": {"matches": "("}}]}"#, "rules[0].when.matches");
    check_refused("elevenlabs", r#"{"faults": {"lies": ["fib"]}}"#, "faults.lies[0]");
    check_refused("elevenlabs", "{", "line 1");
}

#[tokio::test]
async fn a_carrier_is_served_with_what_is_set() {
    let settings = script(r#"{"key": "other", "callees": {"law": {"human": 1, "voicemail": 0}}}"#);
    let report = tempfile::NamedTempFile::new().unwrap();
    let (path, to) = (settings.path().to_str().unwrap(), report.path().to_str().unwrap());
    let carrier = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vox-testkit"));
        command.arg("carrier").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(Stdio::piped()).spawn().unwrap()
    };
    let refused = carrier(&["--settings", path]).wait_with_output().unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && said.contains("more than 1 together"), "{said}");
    let mut child = carrier(&["--key", "vox", "--until-eof", "--report", to]);
    let (line, _out) = first_line(&mut child);
    assert_eq!((&line["key"], &line["workers"]), (&json!("vox"), &json!(0)));
    let url = format!("{}/twirp/livekit.RoomService/ListRooms", line["url"].as_str().unwrap());
    let answer = http().post(url).json(&json!({})).send().await.unwrap();
    assert_eq!(answer.status(), 401, "without a token");
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    let report: Value = serde_json::from_slice(&std::fs::read(report.path()).unwrap()).unwrap();
    assert_eq!(report["carrier"]["requests"]["ListRooms"], 1);
}

/// The scripts of the README, with the vendors that each is for.
#[test]
fn the_scripts_of_the_readme_are_read() {
    let readme = include_str!("../../README.md");
    let mut read = 0;
    for block in readme.split("```json ").skip(1) {
        let (vendors, rest) = block.split_once('\n').unwrap();
        let text = rest.split("```").next().unwrap();
        for vendor in vendors.split_whitespace() {
            let error = match vendor {
                "deepgram" => serde_json::from_str::<vox_testkit::vendor::deepgram::Script>(text).err(),
                "openai" => serde_json::from_str::<vox_testkit::vendor::openai::Script>(text).err(),
                "anthropic" => serde_json::from_str::<vox_testkit::vendor::anthropic::Script>(text).err(),
                "gemini" => serde_json::from_str::<vox_testkit::vendor::gemini::Script>(text).err(),
                "elevenlabs" => serde_json::from_str::<vox_testkit::vendor::elevenlabs::Script>(text).err(),
                "assemblyai" => serde_json::from_str::<vox_testkit::vendor::assemblyai::Script>(text).err(),
                "flux" => serde_json::from_str::<vox_testkit::vendor::flux::Script>(text).err(),
                "sarvam" => serde_json::from_str::<vox_testkit::vendor::sarvam::Script>(text).err(),
                "transcription" => {
                    serde_json::from_str::<vox_testkit::vendor::transcription::Script>(text).err()
                }
                "cartesia" => serde_json::from_str::<vox_testkit::vendor::cartesia::Script>(text).err(),
                "aura" => serde_json::from_str::<vox_testkit::vendor::aura::Script>(text).err(),
                "bulbul" => serde_json::from_str::<vox_testkit::vendor::bulbul::Script>(text).err(),
                "soniox-voices" => {
                    serde_json::from_str::<vox_testkit::vendor::soniox_voices::Script>(text).err()
                }
                "resemble" => serde_json::from_str::<vox_testkit::vendor::resemble::Script>(text).err(),
                "speech" => serde_json::from_str::<vox_testkit::vendor::speech::Script>(text).err(),
                "chatterbox" => serde_json::from_str::<vox_testkit::vendor::chatterbox::Script>(text).err(),
                "soniox" => serde_json::from_str::<vox_testkit::vendor::soniox::Script>(text).err(),
                "carrier" => serde_json::from_str::<vox_testkit::exchange::Settings>(text).err(),
                other => panic!("unknown vendor {other}"),
            };
            assert!(error.is_none(), "{vendor}: {error:?}");
            read += 1;
        }
    }
    assert_eq!(read, 28);
}
