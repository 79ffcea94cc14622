//! A campaign's bot is in the room, and ready, before its telephone is rung (`/attach` with `answer: awaited`), in rooms of a real server.

use reqwest::StatusCode;
use serde_json::{Value, json};
use vox_livekit::Event;

use crate::harness::rooms::{Person, Rooms};
use crate::harness::vendors::Scripts;

const ROOM: &str = "att-1";
const CALLEE: &str = "+15550100";

fn attach(bot: &str, more: &Value) -> Value {
    let mut body = json!({
        "room_name": ROOM, "bot_id": bot, "to_number": CALLEE, "answer": "awaited", "ring_secs": 20,
        "connected_event": {"_campaign_session_id": "call_att_1", "_campaign_id": "cmp_1"},
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

/// Have a bot attached; whoever watches the room sees when it may be rung.
async fn awaits(rooms: &Rooms, bot: &str) -> Person {
    let mut dialler = rooms.visitor(ROOM).await;
    assert_eq!(rooms.takes("/attach", &attach(bot, &json!({}))).await, "call_att_1");
    let is_ready = |event: &Event| match event {
        Event::Joined(who) | Event::Changed { participant: who, .. } => {
            (who.attributes.get("vox.ready").map(String::as_str) == Some("1")).then_some(())
        }
        _ => None,
    };
    dialler.guest.sees("the bot is ready", is_ready).await;
    dialler
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn and_say_that_they_are_ready_before_anybody_is_rung() {
    let rooms = Rooms::start(Scripts::default()).await;
    let bot = rooms.stage.bot(|_| {}).await;
    let (status, wrong) = rooms.order("/attach", &attach(&bot, &json!({"ring_secs": 121}))).await;
    assert_eq!((status, &wrong["error"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("invalid")));

    let _dialler = awaits(&rooms, &bot).await;

    // It rings, and nobody is spoken to before they answer.
    let mut phone = rooms.phone(ROOM, "callee", &[("sip.callStatus", "dialing")]).await;
    phone.becomes("ringing").await;
    phone.becomes("active").await;
    phone.hears_reply().await;
    assert_eq!(rooms.orders("call_att_1", json!({"order": "end"})).await.0, StatusCode::OK);
    phone.sees_itself_sent_away().await;
    let record = rooms.stage.record(CALLEE).await;
    assert_eq!((&record["disconnected_by"], &record["session_id"]), (&json!("bot"), &json!("call_att_1")));
    rooms.stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn and_write_down_that_nobody_took_the_call() {
    let rooms = Rooms::start(Scripts::default()).await;
    let bot = rooms.stage.bot(|_| {}).await;
    let _dialler = awaits(&rooms, &bot).await;
    let phone = rooms.phone(ROOM, "callee", &[("sip.callStatus", "dialing")]).await;
    phone.becomes("ringing").await;
    phone.guest.room.leave().await;
    let record = rooms.stage.record(CALLEE).await;
    assert_eq!(record["disconnected_by"], "no_answer", "{record}");
    rooms.stage.end().await;
}
