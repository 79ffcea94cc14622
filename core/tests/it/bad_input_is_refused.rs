//! What no call can be made of: a defined close or status with a reason, a terminal record where a call had begun, and the
//! worker takes the next call. What a call goes on with is in `untidy_carriers_keep_their_calls`.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use vox_caller::{Protocol, Scenario, run};
use vox_shared::model::bot::ActiveHours;

use crate::harness::raw::{Raw, exotel_handshake, text, ws_handshake};
use crate::harness::vendors::Scripts;
use crate::harness::{Stage, assert_clean};

const UNSUPPORTED: u16 = 1003;
const POLICY: u16 = 1008;
const TOO_BIG: u16 = 1009;
/// Over every line's limit for one message.
const OVERSIZED: usize = 512 * 1024;

/// What a carrier does, what it is told, and whether a call had begun by then.
struct Case {
    name: &'static str,
    messages: Vec<Message>,
    /// What follows, fifty times a second.
    stream: Option<Message>,
    code: u16,
    begun: bool,
}

/// Messages that end the line by themselves.
fn case(name: &'static str, messages: Vec<Message>, code: u16, begun: bool) -> Case {
    Case { name, messages, stream: None, code, begun }
}

/// A handshake (or none), and then nothing but this.
fn only(name: &'static str, handshake: Vec<Message>, bad: Message, code: u16) -> Case {
    let begun = !handshake.is_empty();
    Case { name, messages: handshake, stream: Some(bad), code, begun }
}

fn with(mut handshake: Vec<Message>, more: Message) -> Vec<Message> {
    handshake.push(more);
    handshake
}

async fn check(stage: &Stage, line: &str, bot: &str, case: Case) {
    let what = format!("{line}: {}", case.name);
    let mut url = format!("{}/{line}/{bot}", stage.worker.url());
    let caller = caller_of(line, case.name);
    if line == "talk" {
        url = format!("{url}?ticket={}&caller_id={caller}", stage.bridge.ticket(bot).await);
    }
    let mut raw = Raw::open(&url).await;
    raw.send_all(case.messages).await;
    let ended = raw.until_closed(case.stream).await;
    let Some((code, reason)) = ended.close else { panic!("{what}: not closed\n{}", stage.worker.log()) };
    assert_eq!(code, case.code, "{what}: {reason}");
    assert!(!reason.is_empty(), "{what}: no reason");
    if case.begun {
        let record = stage.record(&caller).await;
        assert_eq!(record["disconnected_by"], "error", "{what}: {}", record["events"]);
    } else {
        let calls = stage.bridge.calls().await;
        assert!(calls.iter().all(|call| call["caller_id"] != caller.as_str()), "{what}: {calls:?}");
    }
}

fn caller_of(line: &str, name: &str) -> String {
    format!("{line}-{}", name.replace(' ', "-"))
}

async fn takes_the_next_call(stage: Stage, protocol: Protocol) {
    let bot = stage.bot(|_| {}).await;
    let call = stage.dial(protocol, &bot, "next").await;
    let quiet = std::time::Duration::from_millis(700);
    let done = run(call, Scenario::new().await_reply(quiet).hangup()).await;
    assert!(done.is_complete(), "{:?}", done.steps);
    assert_clean(&done.call);
    stage.record("next").await;
    stage.end().await;
}

#[tokio::test]
async fn on_ws() {
    let stage = Stage::start(Scripts::default()).await;
    let bot = stage.bot(|_| {}).await;
    let at = |name: &str| ws_handshake(&caller_of("ws", name));
    let media = |payload: &str| text(json!({"event": "media", "payload": payload}));
    let rate = json!({"encoding": "LINEAR16", "sampleRate": 16000, "channels": 1});
    let start_at_16 = text(json!({"event": "start", "streamId": "s", "mediaFormat": rate}));
    let connected = at("wrong rate").remove(0);
    let binary = Message::binary(vec![0u8; 320]);
    let no_payload = text(json!({"event": "media"}));
    let cases = [
        only("nothing but garbage", vec![], Message::text("{\"event\":"), POLICY),
        only("nothing but binary", vec![], binary.clone(), UNSUPPORTED),
        case("oversized at once", vec![Message::text("x".repeat(OVERSIZED))], TOO_BIG, false),
        case("wrong rate", vec![connected, start_at_16], UNSUPPORTED, false),
        only("malformed", at("malformed"), Message::text("{"), POLICY),
        only("binary", at("binary"), binary, UNSUPPORTED),
        only("half a sample", at("half a sample"), media("AAAA"), UNSUPPORTED),
        only("no base64", at("no base64"), media("%%%%"), UNSUPPORTED),
        only("no payload", at("no payload"), no_payload, UNSUPPORTED),
        case("oversized", with(at("oversized"), media(&"A".repeat(OVERSIZED))), TOO_BIG, true),
    ];
    for case in cases {
        check(&stage, "ws", &bot, case).await;
    }
    takes_the_next_call(stage, Protocol::Ws).await;
}

#[tokio::test]
async fn on_exotel() {
    let stage = Stage::start(Scripts::default()).await;
    let bot = stage.bot(|_| {}).await;
    let at = |name: &str| exotel_handshake(&caller_of("exotel", name));
    let media =
        |payload: &str| text(json!({"event": "media", "stream_sid": "s1", "media": {"payload": payload}}));
    let other_rate = exotel_handshake("x").remove(1).to_string().replace("8000", "11025");
    let binary = Message::binary(vec![0u8; 320]);
    let cases = [
        only("nothing but garbage", vec![], Message::text("nonsense"), POLICY),
        only("nothing but binary", vec![], binary.clone(), UNSUPPORTED),
        case("wrong rate", vec![Message::text(other_rate)], UNSUPPORTED, false),
        only("malformed", at("malformed"), Message::text("{]"), POLICY),
        only("binary", at("binary"), binary, UNSUPPORTED),
        only("half a sample", at("half a sample"), media("AAAA"), UNSUPPORTED),
        case("oversized", with(at("oversized"), media(&"A".repeat(OVERSIZED))), TOO_BIG, true),
    ];
    for case in cases {
        check(&stage, "exotel", &bot, case).await;
    }
    takes_the_next_call(stage, Protocol::Exotel { rate_hz: 8_000 }).await;
}

#[tokio::test]
async fn on_talk() {
    let stage = Stage::start(Scripts::default()).await;
    let bot = stage.bot(|_| {}).await;
    // The address of this line has said everything: the call has begun.
    let only = |name, bad, code| Case { name, messages: vec![], stream: Some(bad), code, begun: true };
    let cases = [
        only("malformed", Message::text("{"), POLICY),
        only("no type", Message::text("{}"), POLICY),
        only("half a sample", Message::binary(vec![0u8; 641]), UNSUPPORTED),
        case("oversized", vec![Message::binary(vec![0u8; OVERSIZED])], TOO_BIG, true),
    ];
    for case in cases {
        check(&stage, "talk", &bot, case).await;
    }
    takes_the_next_call(stage, Protocol::Talk).await;
}

async fn refused(stage: &Stage, path: &str) -> (u16, Option<String>, Value) {
    match Raw::try_open(&format!("{}{path}", stage.worker.url())).await {
        Ok(_) => panic!("{path} is let in"),
        Err(refused) => (refused.status, refused.retry_after, refused.body),
    }
}

#[tokio::test]
async fn before_the_upgrade_with_a_status() {
    let stage = Stage::start(Scripts::default()).await;
    let bot = stage.bot(|_| {}).await;
    for (path, status, code) in [
        (format!("/talk/{bot}"), 401, "ticket_required"),
        (format!("/talk/{bot}?ticket="), 401, "ticket_required"),
        (format!("/exotel/{bot}?sample-rate=11025"), 400, "bad_sample_rate"),
        ("/ws/no%20bot%20at%20all".to_owned(), 400, "bad_bot_id"),
        (format!("/nowhere/{bot}"), 404, ""),
    ] {
        let (found, _, body) = refused(&stage, &path).await;
        assert_eq!(found, status, "{path}: {body}");
        assert!(code.is_empty() || body["error"] == code, "{path}: {body}");
    }
    let plain = reqwest::get(stage.worker.http(&format!("/ws/{bot}"))).await.unwrap();
    assert_eq!(plain.status(), 426);
    let body: Value = plain.json().await.unwrap();
    assert_eq!(body["error"], "websocket_upgrade_required");
    takes_the_next_call(stage, Protocol::Ws).await;
}

#[tokio::test]
async fn a_second_call_at_a_worker_is_told_to_come_back() {
    let stage = Stage::start(Scripts::default()).await;
    let bot = stage.bot(|_| {}).await;
    let first = stage.dial(Protocol::Ws, &bot, "first").await;
    let path = format!("/ws/{bot}");
    assert_eq!(refused(&stage, &path).await, (503, Some("2".into()), json!({"error": "busy"})));
    let report = first.finish().await;
    assert_clean(&report);
    stage.record("first").await;
    takes_the_next_call(stage, Protocol::Ws).await;
}

async fn rejected(stage: &Stage, bot: &str, query: &str) -> (u16, String, Vec<String>) {
    let mut raw = Raw::open(&format!(
        "{}/{}/{bot}{query}",
        stage.worker.url(),
        if query.is_empty() { "ws" } else { "talk" }
    ))
    .await;
    if query.is_empty() {
        raw.send_all(ws_handshake("rejected")).await;
    }
    let ended = raw.until_closed(None).await;
    let events = ended.events().into_iter().map(str::to_owned).collect();
    let (code, reason) = ended.close.unwrap_or_else(|| panic!("not closed\n{}", stage.worker.log()));
    (code, reason, events)
}

#[tokio::test]
async fn what_the_bridge_refuses_is_closed_with_its_reason() {
    let stage = Stage::start(Scripts::default()).await;
    let never = ActiveHours { enabled: true, days: Vec::new(), ..ActiveHours::default() };
    let closed = stage.bot(|bot| bot.active_hours = never).await;
    let open = stage.bot(|_| {}).await;
    for (bot, query, reason) in [
        ("no-such-bot", "", "unknown_bot"),
        (closed.as_str(), "", "outside_hours"),
        (open.as_str(), "?ticket=stolen", "bad_ticket"),
    ] {
        let (code, told, events) = rejected(&stage, bot, query).await;
        assert_eq!((code, told.as_str()), (POLICY, reason), "{bot}");
        let hangup: &[&str] =
            if query.is_empty() { &["reverse-media-stop", "reverse-hangup-call"] } else { &[] };
        assert_eq!(events, hangup, "{bot}");
    }
    assert_eq!(stage.bridge.calls().await, Vec::<Value>::new(), "none of them was a call");
    takes_the_next_call(stage, Protocol::Ws).await;
}

#[tokio::test]
async fn without_its_bridge_a_call_ends_as_an_error_that_is_delivered_later() {
    let mut stage = Stage::start(Scripts::default()).await;
    let bot = stage.bot(|_| {}).await;
    stage.bridge.go_away().await;
    let mut raw = Raw::open(&format!("{}/ws/{bot}", stage.worker.url())).await;
    raw.send_all(ws_handshake("orphan")).await;
    let ended = raw.until_closed(None).await;
    assert_eq!(ended.close, Some((1013, "control_plane_unavailable".into())), "{}", stage.worker.log());
    stage.bridge.come_back().await;
    let record = stage.record("orphan").await;
    assert_eq!((&record["disconnected_by"], &record["status"]), (&json!("error"), &json!("failed")));
    assert_eq!(record["bot_id"], bot);
    takes_the_next_call(stage, Protocol::Ws).await;
}
