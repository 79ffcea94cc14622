//! Somebody is asked to take the call, in rooms of a real LiveKit server: the caller hears music and nothing of it, and then, if they
//! take it, both hear each other. The gateway that would ring them is a script, and its telephones are guests of its kind.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::{Value, json};
use vox_livekit::{AccessToken, Disconnect, Event, Heard, Kind, Options, Rate};
use vox_shared::model::bot::{Tool, TransferTarget};
use vox_testkit::vendor::openai::{Rule, Script, When};

use crate::harness::rooms::sip::{Asked, Gateway};
use crate::harness::rooms::{Guest, Person, Rooms, power};
use crate::harness::sound::Recording;
use crate::harness::vendors::Scripts;
use crate::harness::{GREETING, PATIENCE, eventually, speech, texts};

const ROOM: &str = "widget-1";
const CONSULT: &str = "consult-widget-1";
const DESK: &str = "+15550111";
const CALLER_HZ: f64 = 1_250.0;
const THIRD_HZ: f64 = 2_500.0;
/// Of the bot's own hold music.
const MUSIC_HZ: f64 = 700.0;
/// Frames of two seconds.
const TWO_SECONDS: usize = 100;
/// Of the energy that is heard: a tone that is there has most of it, and one that is not has none.
const THERE: f64 = 0.3;
const NOT_THERE: f64 = 0.01;
/// Each recogniser's first words, whoever it listens to: the caller's wish, and the person's answer.
const SAID: &str = "No, I want a human.";
const TRIED: &str = "I am sorry, nobody can come just now.";

fn pcm(heard: &[Heard]) -> Vec<i16> {
    heard.iter().flat_map(|heard| heard.mix.iter().copied()).collect()
}

fn part(heard: &[Heard], hz: f64) -> f64 {
    power(Rate::Hz16000, &pcm(heard), hz)
}

fn is_audible(heard: &[Heard]) -> bool {
    pcm(heard).iter().filter(|sample| sample.unsigned_abs() > 300).count() > 1_000
}

/// The gateway's telephone, as it comes into the room that was asked for.
fn telephone(asked: &Asked) -> AccessToken {
    assert_eq!((asked.text("room_name"), asked.text("sip_call_to")), (CONSULT, DESK), "{}", asked.body);
    assert_eq!((asked.text("ringing_timeout"), &asked.body["wait_until_answered"]), ("30s", &json!(true)));
    let mut token = AccessToken::new(CONSULT, asked.text("participant_identity"));
    token.kind = Kind::Sip;
    token.attributes.insert("sip.callStatus".to_owned(), "dialing".to_owned());
    token
}

async fn becomes(guest: &Guest, status: &str) {
    let attributes = BTreeMap::from([("sip.callStatus".to_owned(), status.to_owned())]);
    guest.room.set_attributes(attributes).await.unwrap();
}

async fn hears_somebody(guest: &mut Guest) {
    let listen = async { while !is_audible(&guest.listens(25).await) {} };
    tokio::time::timeout(PATIENCE, listen).await.expect("somebody is heard");
}

async fn is_sent_away(mut guest: Guest) {
    let is_it = |event: &Event| match event {
        Event::Disconnected(why) => Some(why.clone()),
        _ => None,
    };
    let why = guest.sees("the end", is_it).await;
    assert!(matches!(why, Disconnect::SentAway(_)), "{why:?}");
}

async fn rings(gateway: &Gateway, rooms: &Rooms) -> (Asked, Person) {
    let asked = gateway.is_asked("CreateSIPParticipant").await;
    let token = telephone(&asked);
    let phone = rooms.phone(CONSULT, &token.identity, &[("sip.callStatus", "dialing")]).await;
    phone.becomes("ringing").await;
    (asked, phone)
}

fn events<'a>(record: &'a Value, name: &str) -> Vec<&'a Value> {
    record["events"].as_array().unwrap().iter().filter(|event| event["event"] == name).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_hears_music_and_then_whoever_took_the_call() {
    let (rooms, gateway) = Rooms::with_gateway(Scripts::default()).await;
    let music = rooms.stage.bridge.tone(MUSIC_HZ as f32, 2_000, 8_000.0).await;
    let bot = rooms.stage.bot(|bot| bot.sounds.hold = Some(music)).await;
    let call = rooms.takes("/livekit/widget", &json!({"bot_id": bot, "room_name": ROOM})).await;
    let mut caller = rooms.whistles(&AccessToken::new(ROOM, "visitor"), CALLER_HZ).await;
    hears_somebody(&mut caller).await;
    let order = json!({"order": "transfer", "to": "+1 (555) 0111", "warm": true});
    let (status, taken) = rooms.orders(&call, order).await;
    assert_eq!(status, 200, "{taken}");

    let asked = gateway.is_asked("CreateSIPParticipant").await;
    let mut third = rooms.whistles(&telephone(&asked), THIRD_HZ).await;
    // It rings, and the caller hears music.
    let to_caller = caller.listens(TWO_SECONDS).await;
    assert!(is_audible(&to_caller[50..]), "there is music");
    caller.hears(MUSIC_HZ, THERE).await;
    becomes(&third, "active").await;
    asked.succeeds();
    hears_somebody(&mut third).await;
    // Of the caller's sound a second waits unread from before, which is passed over.
    let (to_caller, to_third) = tokio::join!(caller.listens(50 + TWO_SECONDS), third.listens(TWO_SECONDS));
    let to_caller = &to_caller[50..];
    assert!(is_audible(to_caller) && is_audible(&to_third), "music here, and there what it is about");
    assert!(
        part(to_caller, THIRD_HZ) < NOT_THERE,
        "the caller hears nothing of the third: {}",
        part(to_caller, THIRD_HZ)
    );
    assert!(
        part(&to_third, CALLER_HZ) < NOT_THERE,
        "the third hears nothing of the caller: {}",
        part(&to_third, CALLER_HZ)
    );

    // Whoever has a token and was not asked is put out, and the caller's key decides nothing.
    is_sent_away(Guest::join(&rooms.livekit, CONSULT, "eve", Options::default()).await).await;
    caller.room.send_digit('1', Vec::new()).await.unwrap();
    let to_third = third.listens(50 + TWO_SECONDS).await;
    assert!(part(&to_third[50..], CALLER_HZ) < NOT_THERE, "it is not the caller's to say");

    third.room.send_digit('1', Vec::new()).await.unwrap();
    let accepted = Instant::now();
    caller.hears(THIRD_HZ, THERE).await;
    third.hears(CALLER_HZ, THERE).await;
    println!("accepted to both hearing each other for 400 ms: {} ms", accepted.elapsed().as_millis());
    let (to_caller, to_third) = tokio::join!(caller.listens(TWO_SECONDS), third.listens(TWO_SECONDS));
    assert!(part(&to_caller, THIRD_HZ) > 0.9, "nobody else, and no music: {}", part(&to_caller, THIRD_HZ));
    assert!(part(&to_third, CALLER_HZ) > 0.9, "{}", part(&to_third, CALLER_HZ));
    // Whoever took the call hangs up: it is over for the caller too.
    third.room.leave().await;
    is_sent_away(caller).await;

    let record = rooms.stage.record("widget-user").await;
    assert_eq!(
        (&record["disconnected_by"], &record["was_transferred"]),
        (&json!("transfer_to_agent"), &json!(true)),
        "{record}"
    );
    assert_eq!(
        (&record["transfer_method"], &record["transfer_destination"], &record["transfer_failed_reason"]),
        (&json!("warm"), &json!("+1 (555) 0111"), &Value::Null)
    );
    assert!(record["transfer_at"].as_f64().unwrap() > 0.0);
    // The order may have cut it short.
    let said = texts(&record, "bot");
    assert!(said.iter().all(|text| GREETING.starts_with(text.as_str())), "{said:?}");
    let requested = events(&record, "transfer_requested");
    assert_eq!(requested[0]["data"]["transfer_type"], "warm");
    assert_eq!(events(&record, "transferred")[0]["data"]["transferred_to"], "+1 (555) 0111");
    let asides = events(&record, "consult_line");
    assert!(asides.iter().any(|aside| aside["data"]["speaker"] == "bot"), "{asides:?}");
    // Nothing of the consultation, the music or the talk after it is in the recording.
    let recording = Recording::fetch(&rooms.stage, &record).await;
    let from = requested[0]["at_ms"].as_u64().unwrap() + 300;
    let until = (record["call_duration_seconds"].as_f64().unwrap() * 1e3) as u64;
    let beyond = recording.bot().len() as u64 * 1000 / u64::from(recording.rate_hz());
    assert!(beyond < until, "it ends when the bot leaves: {beyond} of {until} ms");
    assert_eq!(recording.audible(recording.bot(), from, beyond), 0.0);
    assert_eq!(recording.audible(recording.caller(), from, beyond), 0.0);
    rooms.stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_comes_back_when_nobody_takes_the_call() {
    let first = When { contains: Some("human".into()), request: Some(1), ..When::default() };
    let hands_over = Rule { when: first, ..Rule::default() }
        .calling("transfer_call", json!({"reason": "a refund", "summary": "Asha wants her money back."}));
    let model = Script::saying(TRIED).with_rule(hands_over);
    let (rooms, gateway) = Rooms::with_gateway(Scripts::new([SAID], model)).await;
    let target = json!({"id": "desk", "method": "warm", "type": "phone_number", "value": DESK});
    let bot = rooms
        .stage
        .bot(|bot| {
            bot.tools.push(Tool::built_in("transfer_call"));
            bot.transfer_targets = vec![serde_json::from_value::<TransferTarget>(target).unwrap()];
            bot.pre_transfer_message = "One moment, I ask my colleague.".into();
        })
        .await;
    let call = rooms.takes("/livekit/widget", &json!({"bot_id": bot, "room_name": ROOM})).await;
    let mut caller = rooms.visitor(ROOM).await;
    caller.hears_reply().await;
    caller.says(&speech(4));

    // Declined in words.
    let (asked, mut phone) = rings(&gateway, &rooms).await;
    phone.becomes("active").await;
    asked.succeeds();
    phone.hears_all().await;
    phone.says(&speech(4));
    phone.sees_itself_sent_away().await;
    // Music ends, the model says what came of it, and hears the caller again.
    caller.reads(TRIED).await;
    caller.hears_silence().await;
    caller.says(&speech(4));
    caller.reads(SAID).await;
    caller.hears_reply().await;

    // Busy, by a supervisor's order.
    let order = json!({"order": "transfer", "to": DESK, "warm": true});
    assert_eq!(rooms.orders(&call, order.clone()).await.0, 200);
    let asked = gateway.is_asked("CreateSIPParticipant").await;
    telephone(&asked);
    asked.fails(429, "resource_exhausted", (486, "Busy Here"));
    eventually("the model is told", async || {
        let asked = rooms.stage.vendors.asked();
        asked.last()?.to_string().contains("The transfer failed: busy.").then_some(())
    })
    .await;
    caller.hears_silence().await;

    // The caller hangs up while the desk decides: it is told, and let go.
    assert_eq!(rooms.orders(&call, order).await.0, 200);
    let (asked, mut phone) = rings(&gateway, &rooms).await;
    phone.becomes("active").await;
    asked.succeeds();
    phone.hears_speech().await;
    caller.leaves().await;
    phone.sees_itself_sent_away().await;

    let record = rooms.stage.record("widget-user").await;
    assert_eq!(
        (&record["disconnected_by"], &record["was_transferred"]),
        (&json!("customer"), &json!(false)),
        "{record}"
    );
    assert_eq!(record["transfer_failed_reason"], "the caller hung up while somebody was asked");
    let failed: Vec<&str> =
        events(&record, "transfer_failed").iter().map(|event| event["why"].as_str().unwrap()).collect();
    assert_eq!(failed, ["declined", "busy"]);
    assert_eq!(texts(&record, "caller"), [SAID, SAID]);
    let said = texts(&record, "bot");
    assert!(said.contains(&"One moment, I ask my colleague.".to_owned()), "{said:?}");
    assert!(!said.iter().any(|text| text.contains("money back") || text.contains("hung up")), "{said:?}");
    let asides: Vec<&str> =
        events(&record, "consult_line").iter().map(|event| event["data"]["text"].as_str().unwrap()).collect();
    for text in ["Asha wants her money back.", SAID] {
        assert!(asides.contains(&text), "{asides:?}");
    }
    assert!(asides.last().unwrap().contains("hung up"), "{asides:?}");
    rooms.stage.end().await;
}
