//! `POST /livekit/widget` with a real LiveKit server: a visitor of a web page talks to a bot in a room.

use std::time::Duration;

use futures_util::StreamExt;
use reqwest::StatusCode;
use serde_json::{Value, json};
use vox_livekit::{AccessToken, Event, Kind, Options, Rate};
use vox_testkit::chaos::ChaosProxy;
use vox_testkit::vendor::openai::{Rule, Script};

use crate::harness::bridge::secret;
use crate::harness::rooms::{Guest, LiveKit, Rooms, post};
use crate::harness::sound::Recording;
use crate::harness::vendors::Scripts;
use crate::harness::{GREETING, Stage, eventually, lines, speech, texts};

const PATH: &str = "/livekit/widget";
const ASKS: &str = "What are your opening hours?";
const STORY: &str = "Let me tell you everything about our opening hours, which are long and many and different on \
                     every day of the week, beginning with Monday and ending with Sunday.";
const ENOUGH: &str = "Thank you, that is enough.";
const GOODBYE: &str = "Good bye and thank you.";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visitor_is_greeted_answered_interrupts_and_leaves() {
    let model = Script::saying("As you like.").with_rule(Rule::on("opening hours", STORY));
    let rooms = Rooms::start(Scripts::new([ASKS, ENOUGH], model)).await;
    let bot = rooms.stage.bot(|_| {}).await;
    let room = format!("widget-{bot}-0123456789ab");
    let call = rooms.takes(PATH, &json!({"bot_id": bot, "room_name": room, "caller_id": "visitor"})).await;

    let mut visitor = rooms.visitor(&room).await;
    visitor.hears_reply().await;
    visitor.reads(GREETING).await;
    visitor.says(&speech(5));
    visitor.hears_speech().await;
    visitor.reads(ASKS).await;
    visitor.listens(Duration::from_secs(2)).await;
    visitor.says(&speech(8));
    // Silence for 600 ms of at least 400 ms of speech, the fade and what is on its way.
    let silent_after = visitor.hears_silence().await;
    assert!(silent_after < 5_000, "the bot spoke on for {silent_after} ms");
    visitor.hears_reply().await;
    let captioned = visitor.reads("As you like.").await;
    assert_eq!(captioned.attributes["lk.transcription_final"], "true");
    assert!(captioned.attributes["lk.transcribed_track_id"].starts_with("TR_"));
    for state in ["listening", "thinking", "speaking"] {
        assert!(visitor.states().contains(&state), "{state}: {:?}", visitor.states());
    }
    visitor.leaves().await;

    let record = rooms.stage.record("visitor").await;
    assert_eq!(record["session_id"], json!(call));
    assert_eq!(
        (&record["disconnected_by"], &record["transport"], &record["call_direction"], &record["stream_id"]),
        (&json!("customer"), &json!("livekit"), &json!("incoming"), &json!(room))
    );
    assert_eq!(texts(&record, "caller"), [ASKS, ENOUGH]);
    let said = lines(&record, "bot");
    let (story, heard) = (said[1], said[1]["text"].as_str().unwrap());
    assert!(story["interrupted"] == true && STORY.starts_with(heard) && heard.len() < STORY.len(), "{heard}");
    let asked = rooms.stage.vendors.asked();
    assert!(!asked.last().unwrap().to_string().contains("Sunday"), "what nobody heard is not known");
    let recording = Recording::fetch(&rooms.stage, &record).await;
    assert_eq!(recording.rate_hz(), 16_000);
    recording.assert_holds(&record);
    rooms.stage.end().await;
}

/// The goodbye is heard to its end, and then the visitor is sent away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bot_that_hangs_up_is_heard_to_its_end_and_closes_the_room() {
    let model = Script::saying("?")
        .with_rule(Rule::on("good bye", "").calling("end_call", json!({"message": GOODBYE})));
    let rooms = Rooms::start(Scripts::new(["None, good bye."], model)).await;
    let bot = rooms.stage.bot(|_| {}).await;
    rooms.takes(PATH, &json!({"bot_id": bot, "room_name": "widget-1"})).await;
    // Whoever else is in the room is no caller, and is not heard.
    let mut visitor = rooms.visitor("widget-1").await;
    visitor.hears_reply().await;
    let mut eve = Guest::join(&rooms.livekit, "widget-1", "eve", Options::default()).await;
    eve.says(Rate::Hz16000, 440.0).await;
    visitor.says(&speech(4));
    // Eve's tone goes on: the visitor cannot listen for silence, but is sent away.
    visitor.sees_itself_sent_away().await;
    let record = rooms.stage.record("widget-user").await;
    assert_eq!(record["disconnected_by"], "bot");
    assert_eq!(texts(&record, "bot"), [GREETING, GOODBYE]);
    assert_eq!(texts(&record, "caller"), ["None, good bye."]);
    let recording = Recording::fetch(&rooms.stage, &record).await;
    recording.assert_holds(&record);
    rooms.stage.end().await;
}

/// What refuses a call comes before anything is done: nobody has joined the room.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_is_refused_before_anything_is_done() {
    let rooms = Rooms::start(Scripts::default()).await;
    let bot = rooms.stage.bot(|_| {}).await;
    let body = json!({"bot_id": bot, "room_name": "widget-1"});
    let refused = async |secret: &str, body: &Value| {
        let (status, answer) = post(&rooms.stage, PATH, secret, body).await;
        (status.as_u16(), answer["error"].as_str().unwrap().to_owned())
    };
    assert_eq!(refused("guess", &body).await, (401, "unauthorized".to_owned()));
    assert_eq!(refused(&secret(), &json!({"bot_id": bot})).await, (400, "bad_body".to_owned()));
    for wrong in [json!({"bot_id": "a b", "room_name": "r"}), json!({"bot_id": bot, "room_name": " "})] {
        assert_eq!(refused(&secret(), &wrong).await, (422, "invalid".to_owned()), "{wrong}");
    }
    rooms.takes(PATH, &body).await;
    let busy = rooms.order(PATH, &json!({"bot_id": bot, "room_name": "widget-2"})).await;
    assert_eq!(busy, (StatusCode::TOO_MANY_REQUESTS, json!({"error": "at_capacity"})));
    let visitor = rooms.visitor("widget-2").await;
    assert!(visitor.guest.room.participants().await.is_empty(), "nobody was sent there");
    visitor.leaves().await;

    // The visitor goes before the bot has spoken: a call without an answer, and the slot is free again.
    let mut visitor = rooms.visitor("widget-1").await;
    visitor.hears_speech().await;
    visitor.leaves().await;
    assert_eq!(rooms.stage.record("widget-user").await["disconnected_by"], "customer");
    eventually("the slot is free", async || {
        let health: Value = reqwest::get(rooms.stage.worker.http("/health")).await.ok()?.json().await.ok()?;
        (health["worker_calls"] == 0).then_some(())
    })
    .await;
    rooms.stage.end().await;
}

/// A page that is closed while it connects: the server tells of no joining, only that somebody left whom nobody saw come.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visitor_who_goes_before_their_media_is_up_lets_the_worker_go() {
    let rooms = Rooms::start(Scripts::default()).await;
    let bot = rooms.stage.bot(|_| {}).await;
    rooms.takes(PATH, &json!({"bot_id": bot, "room_name": "widget-1"})).await;
    // No caller, by its kind: it sees when the bot is there.
    let mut token = AccessToken::new("widget-1", "bystander");
    token.kind = Kind::Agent;
    let mut seen = Guest::join_with(&rooms.livekit, &rooms.livekit.sign(&token), Options::default()).await;
    let is_bot =
        |event: &Event| matches!(event, Event::Joined(who) if who.identity.starts_with("bot-")).then_some(());
    seen.sees("the bot", is_bot).await;
    let token = rooms.livekit.sign(&AccessToken::new("widget-1", "widget-user-0a1b2c3d"));
    let url = format!("{}/rtc?protocol=16&auto_subscribe=1&access_token={token}", rooms.livekit.url);
    let (mut page, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    // The server has let it in; it says nothing to that, and offers no media.
    page.next().await.unwrap().unwrap();
    drop(page);
    let record = rooms.stage.record("widget-user").await;
    assert_eq!(record["disconnected_by"], "customer", "and not no_answer after 30 s");
    rooms.stage.end().await;
}

/// Several bridges on one fleet: a call is of the one that ordered it, and not of the worker's own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_belong_to_the_bridge_that_the_order_names() {
    let rooms = Rooms::start(Scripts::default()).await;
    let bot = rooms.stage.bot(|_| {}).await;
    let own = rooms.stage.bridge.url().trim_start_matches("http://").parse().unwrap();
    // The same bridge under another address, which shows who was asked.
    let other = ChaosProxy::start(own).await.unwrap();
    let dispatch = json!({
        "room_name": "call-1", "caller_number": "+1", "dialed_number": "+15550199", "config_url": other.url()
    });
    let refused = rooms.order("/livekit/dispatch", &dispatch).await;
    assert_eq!((refused.0, &refused.1["error"]), (StatusCode::NOT_FOUND, &json!("unknown_number")));
    let asked = other.counters().upstream_bytes;
    assert!(asked > 0, "whose number it is");
    let widget = json!({"bot_id": bot, "room_name": "widget-1", "config_url": format!("{}/", other.url())});
    rooms.takes(PATH, &widget).await;
    let mut visitor = rooms.visitor("widget-1").await;
    visitor.hears_speech().await;
    visitor.leaves().await;
    assert_eq!(rooms.stage.record("widget-user").await["disconnected_by"], "customer");
    assert!(other.counters().upstream_bytes > asked, "its config and its record");
    for (path, mut body) in [(PATH, widget), ("/livekit/dispatch", dispatch)] {
        body["config_url"] = json!("bridge.example");
        let (status, answer) = rooms.order(path, &body).await;
        assert_eq!((status.as_u16(), &answer["error"]), (422, &json!("invalid")), "{answer}");
        assert!(answer["detail"].as_str().unwrap().contains("config_url"), "{answer}");
    }
    rooms.stage.end().await;
}

#[tokio::test]
async fn a_worker_without_a_server_says_what_to_set() {
    let stage = Stage::start(Scripts::default()).await;
    let bot = stage.bot(|_| {}).await;
    for (path, body) in [
        (PATH, json!({"bot_id": bot, "room_name": "r"})),
        ("/livekit/dispatch", json!({"room_name": "r", "caller_number": "1", "dialed_number": "2"})),
        ("/livekit/dialout", json!({"bot_id": bot, "to_number": "+15550100"})),
        ("/attach", json!({"bot_id": bot, "room_name": "r"})),
    ] {
        let (status, answer) = post(&stage, path, &secret(), &body).await;
        assert_eq!((status.as_u16(), &answer["error"]), (503, &json!("livekit_not_configured")), "{path}");
        assert!(answer["detail"].as_str().unwrap().contains("LIVEKIT_URL"), "{answer}");
    }
    stage.end().await;
}

/// A room that cannot be joined is a call that failed, with its reason.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_away_leaves_a_record_that_says_so() {
    let away = LiveKit::start();
    let url = away.url.clone();
    let rooms = Rooms::with(Scripts::default(), away, &url.replace("127.0.0.1", "127.0.0.2"), &[]).await;
    let bot = rooms.stage.bot(|_| {}).await;
    rooms.takes(PATH, &json!({"bot_id": bot, "room_name": "widget-1"})).await;
    let record = rooms.stage.record("widget-user").await;
    assert_eq!(record["disconnected_by"], "error");
    assert!(record["error"].as_str().unwrap().contains("could not be joined"), "{}", record["error"]);
    rooms.stage.end().await;
}
