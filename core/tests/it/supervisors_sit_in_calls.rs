//! Supervisors in a call in a room, by the bridge's route and with a real LiveKit server: who listens is not noticed, who whispers is heard
//! by the bot alone, who barges in talks with the caller while the bot is silent, and who leaves is out.

use std::cell::Cell;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::time::timeout;
use vox_bridge::auth::role::Role;
use vox_caller::Protocol;
use vox_livekit::{Disconnect, Event};
use vox_testkit::vendor::openai::Script;

use crate::harness::rooms::{Guest, Person, Rooms};
use crate::harness::vendors::Scripts;
use crate::harness::{PATIENCE, Stage, client, eventually, lines, speech, texts};

/// What every recogniser hears, the caller's and the others'.
const HEARD: &str = "Make it short, please.";
const REPLY: &str = "As you like.";
const GUIDANCE: &str = "Your supervisor tells you, and the caller does not hear it: ";
const CALLER: f64 = 500.0;
const EVE: f64 = 1700.0;

/// Somebody with a login at the bridge.
struct Desk {
    http: Client,
    url: String,
    token: String,
}

impl Desk {
    async fn of(stage: &Stage, role: Role) -> Self {
        let token = stage.bridge.person(role).await;
        Self { http: client(), url: stage.bridge.url(), token }
    }

    async fn asks(&self, call: &str, body: &Value) -> (u16, Value) {
        let url = format!("{}/api/v1/calls/{call}/supervision", self.url);
        let answer = self.http.put(url).bearer_auth(&self.token).json(body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// The recogniser's key serves so many streams at once.
    async fn states_streams(&self, streams: u32) {
        let url = format!("{}/api/v1/settings/vendor-limits", self.url);
        let limits = json!({"items": [{"service": "stt", "provider": "deepgram", "streams": streams}]});
        let answer = self.http.put(url).bearer_auth(&self.token).json(&limits).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
    }

    async fn sits(&self, call: &str, part: &str) -> Value {
        let (status, seat) = self.asks(call, &json!({"part": part})).await;
        assert_eq!((status, &seat["part"]), (200, &json!(part)), "{seat}");
        seat
    }

    async fn leaves(&self, call: &str) {
        let url = format!("{}/api/v1/calls/{call}/supervision", self.url);
        let answer = self.http.delete(url).bearer_auth(&self.token).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 204);
    }

    /// Follow the call until this happened in it.
    async fn sees(&self, call: &str, what: impl Fn(&Value) -> bool) -> Value {
        let url = format!("{}/api/v1/calls/{call}/events", self.url);
        let mut stream = self.http.get(url).bearer_auth(&self.token).send().await.unwrap();
        let mut text = String::new();
        let read = async {
            loop {
                let piece = stream.chunk().await.unwrap().expect("the call goes on");
                text.push_str(std::str::from_utf8(&piece).unwrap());
                while let Some((block, rest)) = text.split_once("\n\n") {
                    let data = block.lines().find_map(|line| line.strip_prefix("data: "));
                    let told: Value =
                        data.map(|data| serde_json::from_str(data).unwrap()).unwrap_or_default();
                    text = rest.to_owned();
                    if what(&told) {
                        return told;
                    }
                }
            }
        };
        timeout(PATIENCE, read).await.expect("it happens")
    }

    async fn sees_event(&self, call: &str, event: &str) -> Value {
        self.sees(call, |told| told["data"]["event"] == event).await
    }
}

/// How often running calls were given a place at the recogniser.
async fn streams_asked_for(stage: &Stage) -> u32 {
    let metrics = stage.bridge.metrics().await;
    let name = "vendor_permits_total{service=\"stt\",provider=\"deepgram\",outcome=\"fall_back\"} ";
    metrics.lines().find_map(|line| line.strip_prefix(name)).map_or(0, |count| count.parse().unwrap())
}

fn rooms_of(seat: &Value) -> Vec<(String, String, bool, bool)> {
    let text = |room: &Value, field: &str| room[field].as_str().unwrap().to_owned();
    let is = |room: &Value, field: &str| room[field].as_bool().unwrap();
    let rooms = seat["rooms"].as_array().unwrap().iter();
    rooms
        .map(|room| {
            (
                text(room, "room_name"),
                text(room, "participant_token"),
                is(room, "speaks"),
                is(room, "listens"),
            )
        })
        .collect()
}

fn claims(token: &str) -> Value {
    let claims = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&claims).unwrap()
}

/// Nobody but these is in the room, as far as the caller is shown.
async fn assert_sees_no_supervisor(visitor: &mut Person) {
    let people = visitor.guest.room.participants().await;
    let is_one = |identity: &str| identity.starts_with("supervisor-");
    assert!(!people.iter().any(|who| is_one(&who.identity)), "{people:?}");
    let joined = |event: &Event| matches!(event, Event::Joined(who) if is_one(&who.identity));
    assert!(!visitor.guest.saw(joined), "{:?}", visitor.guest.happened);
}

async fn sees_end(guest: &mut Guest) {
    let is_it = |event: &Event| match event {
        Event::Disconnected(why) => Some(why.clone()),
        _ => None,
    };
    let why = guest.sees("the end", is_it).await;
    assert!(matches!(why, Disconnect::SentAway(_)), "{why:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_supervisor_listens_whispers_barges_in_and_leaves() {
    let rooms = Rooms::start(Scripts::new([HEARD; 8], Script::saying(REPLY))).await;
    Desk::of(&rooms.stage, Role::SuperAdmin).await.states_streams(5).await;
    let bot = rooms.stage.bot(|_| {}).await;
    let body = json!({"bot_id": bot, "room_name": "widget-1", "caller_id": "visitor"});
    let call = rooms.takes("/livekit/widget", &body).await;
    let mut visitor = rooms.visitor("widget-1").await;
    visitor.hears_reply().await;
    let eve = Desk::of(&rooms.stage, Role::Supervisor).await;

    // Listening: the caller's tone and the bot's answer are heard, and nobody is seen.
    let seat = eve.sits(&call, "listen").await;
    let [(room, token, speaks, listens)] = &rooms_of(&seat)[..] else { panic!("{seat}") };
    assert_eq!((room.as_str(), speaks, listens), ("widget-1", &false, &true));
    let video = &claims(token)["video"];
    assert_eq!(
        (
            &video["room"],
            &video["hidden"],
            &video["canPublish"],
            &video["canPublishData"],
            &video["canSubscribe"]
        ),
        (&json!("widget-1"), &json!(true), &json!(false), &json!(false), &json!(true))
    );
    let life = claims(token)["exp"].as_i64().unwrap() - vox_shared::clock::Clock::system().now().as_second();
    assert!((1..=60).contains(&life), "{life}");
    let mut listener = rooms.listens_with(token).await;
    eve.sees_event(&call, "supervisor_joined").await;
    visitor.says_tone(CALLER, Duration::from_secs(2));
    visitor.says(&speech(5));
    listener.hears(CALLER, 0.5).await;
    visitor.hears_reply().await;
    assert_sees_no_supervisor(&mut visitor).await;

    // Whispering: the model is told, and the caller hears nothing while it is said.
    let seat = eve.sits(&call, "whisper_to_bot").await;
    let [listens, whispers] = &rooms_of(&seat)[..] else { panic!("{seat}") };
    assert_eq!((listens.0.as_str(), listens.2, listens.3), ("widget-1", false, true));
    assert_eq!((whispers.0.as_str(), whispers.2, whispers.3), ("ear-bot-widget-1", true, false));
    listener.room.leave().await;
    let listener = rooms.listens_with(&listens.1).await;
    let whisperer = rooms.comes_with(&whispers.1).await;
    // The bot comes into its ear's room meanwhile.
    whisperer.says_tone(EVE, Duration::from_secs(2));
    whisperer.says(&speech(8));
    assert!(!visitor.hears_anything(Duration::from_secs(6)).await, "the caller hears a whisper");
    let whispered = eve.sees_event(&call, "whispered").await;
    assert!(whispered.to_string().contains(HEARD), "{whispered}");
    visitor.says(&speech(5));
    visitor.hears_reply().await;
    let asked = rooms.stage.vendors.asked();
    let messages = asked.last().unwrap()["messages"].as_array().unwrap().clone();
    let is_guidance = |message: &Value| {
        let text = message["content"].as_str().unwrap_or_default();
        message["role"] == "system" && text.starts_with(GUIDANCE) && text.contains(HEARD)
    };
    assert!(messages.iter().any(is_guidance), "{messages:?}");
    assert_sees_no_supervisor(&mut visitor).await;

    // Barging in: all hear, and the bot is silent.
    let seat = eve.sits(&call, "barge").await;
    let [barges] = &rooms_of(&seat)[..] else { panic!("{seat}") };
    assert_eq!((barges.0.as_str(), barges.2, barges.3), ("widget-1", true, true));
    listener.room.leave().await;
    whisperer.leaves().await;
    let mut barger = rooms.comes_with(&barges.1).await;
    eve.sees_event(&call, "agent_joined").await;
    let before = rooms.stage.vendors.asked().len();
    barger.says_tone(EVE, Duration::from_secs(3));
    barger.says(&speech(6));
    visitor.guest.hears(EVE, 0.5).await;
    visitor.says_tone(CALLER, Duration::from_secs(3));
    barger.guest.hears(CALLER, 0.5).await;
    let is_agents = |told: &Value| told["event"] == "transcript.turn" && told["data"]["speaker"] == "agent";
    eve.sees(&call, is_agents).await;
    assert_eq!(rooms.stage.vendors.asked().len(), before, "the bot answers nobody meanwhile");
    // The recogniser of each ear has asked for a place of its own.
    assert!(streams_asked_for(&rooms.stage).await >= 2);

    // Leaving: out at once, and the bot takes the call back.
    eve.leaves(&call).await;
    sees_end(&mut barger.guest).await;
    eve.sees_event(&call, "agent_left").await;
    eventually("the model is asked to go on", async || {
        (rooms.stage.vendors.asked().len() > before).then_some(())
    })
    .await;
    visitor.leaves().await;

    let record = rooms.stage.record("visitor").await;
    let events: Vec<&str> =
        record["events"].as_array().unwrap().iter().filter_map(|event| event["event"].as_str()).collect();
    let count = |name: &str| events.iter().filter(|event| **event == name).count();
    assert_eq!((count("supervisor_joined"), count("supervisor_left")), (3, 1), "{events:?}");
    assert!(count("whispered") > 0, "{events:?}");
    assert!(!lines(&record, "agent").is_empty());
    assert!(!texts(&record, "bot").iter().any(|text| text.contains("supervisor")));
    rooms.stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seats_are_few_are_freed_when_left_and_end_with_the_call() {
    let rooms = Rooms::start(Scripts::default()).await;
    let bot = rooms.stage.bot(|_| {}).await;
    let body = json!({"bot_id": bot, "room_name": "widget-1", "caller_id": "visitor"});
    let call = rooms.takes("/livekit/widget", &body).await;
    let mut visitor = rooms.visitor("widget-1").await;
    visitor.hears_speech().await;
    let desks = [
        Desk::of(&rooms.stage, Role::Supervisor).await,
        Desk::of(&rooms.stage, Role::Admin).await,
        Desk::of(&rooms.stage, Role::SuperAdmin).await,
    ];
    let mut seats = Vec::new();
    for desk in &desks {
        seats.push(desk.sits(&call, "listen").await);
    }
    let ids: Vec<&str> = seats.iter().map(|seat| seat["identity"].as_str().unwrap()).collect();
    assert!(ids[0] != ids[1] && ids[1] != ids[2], "{ids:?}");
    let again = desks[0].sits(&call, "listen").await;
    assert_eq!(again["identity"], ids[0], "it is one's own seat");
    let (status, refused) = desks[0].asks(&call, &json!({"part": "whisper_to_agent"})).await;
    assert_eq!((status, &refused["error"]["code"]), (409, &json!("order_refused")), "{refused}");

    // One takes a seat and goes without a word; one with a token of before is put out.
    let token = |seat: &Value| rooms_of(seat)[0].1.clone();
    let first = rooms.listens_with(&token(&again)).await;
    desks[0].sees_event(&call, "supervisor_joined").await;
    first.room.leave().await;
    let left = desks[0].sees_event(&call, "supervisor_left").await;
    assert!(left.to_string().contains("the connection was lost"), "{left}");
    let mut late = rooms.listens_with(&token(&again)).await;
    sees_end(&mut late).await;

    // One is there to the end, and is told.
    let mut last = rooms.listens_with(&token(&seats[1])).await;
    let joined = Cell::new(0);
    let is_second = |told: &Value| {
        joined.set(joined.get() + u32::from(told["data"]["event"] == "supervisor_joined"));
        joined.get() == 2
    };
    desks[1].sees(&call, is_second).await;
    visitor.leaves().await;
    let is_it = |event: &Event| match event {
        Event::Text(text) if text.topic == "vox.supervision" => Some(text.text.clone()),
        _ => None,
    };
    assert_eq!(last.sees("why it ends", is_it).await, r#"{"left":"the call ended"}"#);
    sees_end(&mut last).await;
    rooms.stage.record("visitor").await;
    let (status, over) = desks[2].asks(&call, &json!({"part": "listen"})).await;
    assert_eq!((status, &over["error"]["code"]), (409, &json!("call_ended")), "{over}");
    rooms.stage.end().await;
}

#[tokio::test]
async fn a_call_on_a_socket_says_that_nobody_can_sit_in_it() {
    let rooms = Rooms::start(Scripts::default()).await;
    let stage = &rooms.stage;
    let bot = stage.bot(|_| {}).await;
    let call = stage.dial(Protocol::Ws, &bot, "socket").await;
    let id = eventually("the bridge knows the call", async || {
        Some(stage.bridge.calls().await.first()?["session_id"].as_str()?.to_owned())
    })
    .await;
    let eve = Desk::of(stage, Role::Supervisor).await;
    // Its config is handed out a moment before it takes orders.
    let refused = eventually("the conversation refuses it", async || {
        let (status, refused) = eve.asks(&id, &json!({"part": "listen"})).await;
        (status == 409 && refused["error"]["code"] == "order_refused").then_some(refused)
    })
    .await;
    assert!(refused["detail"].as_str().unwrap().contains("on a socket"), "{refused}");
    call.finish().await;
    rooms.stage.record("socket").await;
    rooms.stage.end().await;
}
