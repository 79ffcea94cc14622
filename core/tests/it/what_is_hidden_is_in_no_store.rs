//! Numbers that a bot hides are said to it in many forms, in parts, over the keypad and by the bot itself. Then everything that
//! has to do with the call is searched for them: the model's requests, the worker's disk and log, the bridge's disk and log, a
//! webhook's and a CRM's requests. In the recording there is a tone where they were said, and nowhere else.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;
use vox_caller::{Call, Direction, Options, Outcome, Protocol, Step, Talker, connect};
use vox_shared::model::bot::{Hidden, Redaction};
use vox_testkit::crm::ScriptedCrm;
use vox_testkit::receiver::Receiver;
use vox_testkit::vendor::openai::{Rule, Script};

use crate::harness::bridge_process::BridgeProcess;
use crate::harness::sound::Recording;
use crate::harness::vendors::Scripts;
use crate::harness::{PATIENCE, Stage, eventually, files_in, speech};

const CALLER: &str = "hidden";
const CRM_KEY: &str = "a-key-of-the-crm";
/// What the caller says in turn; each is answered by the rule below that its mark, or its words, fit.
const SAID: [&str; 5] = [
    "my card number is five four two five",
    "2334 3010",
    "and double nine zero three that is all",
    "मेरा ओटीपी है चार आठ दो नौ एक तीन सात पांच",
    "I owe 1250 rupees",
];
/// Of the keypad; asked for before.
const KEYED: &str = "97351846";
/// However they may be written somewhere.
const CANARIES: [&str; 14] = [
    "54252334",
    "5425 2334",
    "5425-2334",
    "2334 3010",
    "23343010",
    "30109903",
    "five four two five",
    "double nine zero three",
    "three zero one zero",
    "48291375",
    "चार आठ दो",
    "\\u091a\\u093e\\u0930 \\u0906\\u0920",
    "97351846",
    "9735 1846",
];

fn model() -> Script {
    Script::saying("I see.")
        .with_rule(Rule::on("my card number", "Go on."))
        .with_rule(Rule::on("that is all", "So 5425 2334, three zero one zero, 9903, is it?"))
        .with_rule(Rule::on("ओटीपी", "Now key in your PIN."))
        .with_rule(Rule::on("keypad", "Thank you. How much do you owe?"))
}

/// The bot is heard out.
fn hears() -> Step {
    Step::AwaitReply { quiet: Duration::from_millis(700), within: PATIENCE }
}

async fn talk(call: &Call) {
    let mut talker = Talker::new(call);
    assert_eq!(talker.act(hears()).await, Outcome::Done);
    for said in SAID {
        if said.contains("1250") {
            for key in KEYED.chars().chain(['#']) {
                assert_eq!(talker.act(Step::Dtmf(key)).await, Outcome::Done);
            }
            assert_eq!(talker.act(hears()).await, Outcome::Done, "after the keys");
        }
        let syllables = u32::try_from(said.split(' ').count()).unwrap() + 2;
        assert_eq!(talker.act(Step::Say(speech(syllables))).await, Outcome::Done);
        assert_eq!(talker.act(hears()).await, Outcome::Done, "after '{said}'");
    }
}

/// The bridge's API, for somebody who may do all.
struct Api {
    http: Client,
    url: String,
    token: String,
}

impl Api {
    async fn ask(&self, method: Method, path: &str, body: Value) -> Value {
        let request = self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token);
        let answer = if body.is_null() { request } else { request.json(&body) }.send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }
}

fn has_canary(bytes: &[u8]) -> Option<&'static str> {
    CANARIES.into_iter().find(|canary| bytes.windows(canary.len()).any(|window| window == canary.as_bytes()))
}

fn assert_clean(what: &str, bytes: &[u8]) {
    assert_eq!(has_canary(bytes), None, "in {what}");
}

/// All files below a directory.
fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .flat_map(|entry| if entry.path().is_dir() { files(&entry.path()) } else { vec![entry.path()] })
        .collect()
}

/// Answers how many bytes there were.
fn assert_files_clean(dir: &Path) -> usize {
    let read = |file: PathBuf| {
        let bytes = std::fs::read(&file).unwrap_or_default();
        assert_clean(&file.display().to_string(), &bytes);
        bytes.len()
    };
    files(dir).into_iter().map(read).sum()
}

/// A tone sounds alike on both channels, and crosses zero twice in each of its thousand turns a second.
fn is_tone(recording: &Recording, from_ms: u64, to_ms: u64) -> bool {
    let at = |ms: u64| (ms * u64::from(recording.rate_hz()) / 1_000) as usize;
    let (caller, bot) =
        (&recording.caller()[at(from_ms)..at(to_ms)], &recording.bot()[at(from_ms)..at(to_ms)]);
    let crossings = caller.windows(2).filter(|pair| (pair[0] < 0) != (pair[1] < 0)).count() as f64;
    let expected = 2.0 * (to_ms - from_ms) as f64;
    caller == bot && (crossings - expected).abs() <= expected * 0.02 + 2.0
}

/// Every hidden word is under a tone, and of the others at least those that stand away from it are not.
fn judge_sound(recording: &Recording, record: &Value) {
    let (mut hidden, mut clear) = (0, 0);
    for line in record["transcript"].as_array().unwrap() {
        let is_marked = |text: &Value| text.as_str().is_some_and(|text| text.contains('['));
        let words = line["words"].as_array().cloned().unwrap_or_default();
        let times = |of: &Value| (of["started_ms"].as_u64().unwrap(), of["ended_ms"].as_u64().unwrap());
        if is_marked(&line["text"]) && words.is_empty() {
            let (from, to) = times(line);
            assert!(is_tone(recording, from, to), "{line}");
            hidden += 1;
        }
        for word in &words {
            let (from, to) = times(word);
            let is_far = words.iter().all(|other| {
                let (start, end) = times(other);
                !is_marked(&other["text"]) || end + 300 < from || to + 300 < start
            });
            match is_marked(&word["text"]) {
                true => assert!(is_tone(recording, from, to), "{word} of {line}"),
                false => assert!(!is_far || !is_tone(recording, from, to), "{word} of {line}"),
            }
            hidden += usize::from(is_marked(&word["text"]));
            clear += usize::from(is_far);
        }
    }
    assert!(hidden >= 6 && clear >= 6, "{hidden} hidden and {clear} clear: {record:#}");
}

#[tokio::test]
async fn of_a_whole_deployment() {
    let mut stage = Stage::start_with(Scripts::new(SAID, model()), &[("LOG_LEVEL", "debug")]).await;
    let bot = stage
        .bot(|bot| bot.redaction = Redaction { kinds: Hidden::ALL.to_vec(), ..Redaction::default() })
        .await;
    let token = stage.bridge.person(Role::Admin).await;
    stage.bridge.go_away().await;
    let logs = tempfile::tempdir().unwrap();
    let log = logs.path().join("bridge.log");
    let settings = [("LOG_LEVEL", "debug"), ("VOX_EGRESS_ALLOW", "127.0.0.0/8")];
    let bridge =
        BridgeProcess::start_with(&stage.bridge, std::fs::File::create(&log).unwrap(), &settings).await;
    let api = Api { http: Client::builder().no_proxy().build().unwrap(), url: stage.bridge.url(), token };
    let (hook, crm) =
        (Receiver::start().await.unwrap(), ScriptedCrm::start(CRM_KEY, json!({})).await.unwrap());
    api.ask(Method::POST, "/api/v1/webhooks", json!({"url": hook.url()})).await;
    let push = json!({"url": crm.url("/results"), "body": {"said": "{{result.transcript}}", "from": "{{call.caller_id}}"},
        "headers": [{"name": "Authorization", "value": format!("Bearer {CRM_KEY}")}]});
    api.ask(Method::PUT, &format!("/api/v1/bots/{bot}/crm"), json!({"push": push})).await;

    let call = connect(stage.options(Protocol::Ws, &bot, CALLER).await).await.unwrap();
    talk(&call).await;
    // What the worker has written so far is read while it still has it, and again when the result waits for a bridge.
    let (outbox, recordings) = (stage.core_data().join("outbox"), stage.core_data().join("recordings"));
    assert!(assert_files_clean(&outbox) > 1_000, "the journal is there");
    bridge.kill().await;
    call.finish().await;
    eventually("the recording is closed", async || (files_in(&recordings).len() == 1).then_some(())).await;
    assert_files_clean(&outbox);
    let again = std::fs::File::options().append(true).open(&log).unwrap();
    let bridge = BridgeProcess::start_with(&stage.bridge, again, &settings).await;

    let record = stage.record(CALLER).await;
    let told = eventually("the webhook and the CRM are told", async || {
        let ended = hook.received().iter().any(|message| message.body["event"] == "call.ended");
        let pushed: Vec<Value> = crm.asked().into_iter().map(|asked| asked.body).collect();
        (ended && !pushed.is_empty()).then_some(pushed)
    })
    .await;
    eventually("the recording is uploaded", async || files_in(&recordings).is_empty().then_some(())).await;
    judge(&stage, &record, &told).await;
    let detail = api
        .ask(
            Method::GET,
            &format!("/api/v1/calls/{}/export.json", record["session_id"].as_str().unwrap()),
            Value::Null,
        )
        .await;
    assert_clean("the export", detail.to_string().as_bytes());
    for message in hook.received() {
        assert_clean("a webhook", message.body.to_string().as_bytes());
    }
    bridge.kill().await;
    assert!(assert_files_clean(stage.bridge.data()) > 100_000, "the store is there");
    assert_clean("the bridge's log", &std::fs::read(&log).unwrap());
    stage.end().await;
}

/// The detector's signs of who has answered hold what they said first.
#[tokio::test]
async fn of_who_has_answered() {
    let stage = Stage::start(Scripts::new([SAID[0]], model())).await;
    let bot = stage
        .bot(|bot| {
            bot.redaction = Redaction { kinds: Hidden::ALL.to_vec(), ..Redaction::default() };
            bot.answering.detect = true;
        })
        .await;
    let options =
        Options { direction: Direction::Outgoing, ..stage.options(Protocol::Ws, &bot, CALLER).await };
    let call = connect(options).await.unwrap();
    let mut talker = Talker::new(&call);
    assert_eq!(talker.act(Step::Say(speech(6))).await, Outcome::Done);
    // Whoever speaks for so long at once is taken for a machine, and hung up on.
    assert_eq!(talker.act(hears()).await, Outcome::CallEnded);
    call.finish().await;
    let record = stage.record(CALLER).await;
    let signs = record["answered_by"]["evidence"]["signs"].as_array().unwrap();
    let is_word = |sign: &&Value| sign[1].get("w").or_else(|| sign[1].get("W")).is_some();
    assert!(signs.iter().any(|sign| is_word(&sign)), "{record:#}");
    assert_clean("the record", record.to_string().as_bytes());
    stage.end().await;
}

async fn judge(stage: &Stage, record: &Value, pushed: &[Value]) {
    let texts: Vec<&str> =
        record["transcript"].as_array().unwrap().iter().filter_map(|line| line["text"].as_str()).collect();
    for expected in [
        "my card number is [card]",
        "[card]",
        "and [card] that is all",
        "So [card], is it?",
        "मेरा ओटीपी है [otp]",
        "[keypad: [pin]]",
        "I owe 1250 rupees",
    ] {
        assert!(texts.contains(&expected), "'{expected}' in {texts:#?}");
    }
    assert_clean("the record", record.to_string().as_bytes());
    let asked = stage.vendors.asked();
    assert!(asked.len() >= SAID.len(), "{}", asked.len());
    let last = asked.last().unwrap().to_string();
    assert!(last.contains("[card]") && last.contains("[otp]") && last.contains("1250"), "{last}");
    for request in asked {
        assert_clean("a request to the model", request.to_string().as_bytes());
    }
    for body in pushed {
        assert!(body.to_string().contains("[card]"), "{body}");
        assert_clean("the CRM's request", body.to_string().as_bytes());
    }
    assert_clean("the worker's log", stage.worker.whole_log().as_bytes());
    judge_sound(&Recording::fetch(stage, record).await, record);
}
