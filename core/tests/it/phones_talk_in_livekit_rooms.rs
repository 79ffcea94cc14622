//! Telephones in rooms of a real LiveKit server. The gateway that would bring them is played: its telephones are guests of its kind
//! with its attributes, and its requests are answered by a script (`docs/livekit.md` says what that leaves untried).

use std::time::Instant;

use reqwest::StatusCode;
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;
use vox_livekit::Event;
use vox_shared::model::bot::{ActiveHours, Tool};
use vox_testkit::vendor::openai::{self, Rule, Script, When};

use crate::harness::rooms::Rooms;
use crate::harness::vendors::Scripts;
use crate::harness::{GREETING, client, eventually, speech, texts};

const DID: &str = "+918045678901";
const CALLER: &str = "+15550100";

impl Rooms {
    /// A bot that has a number.
    async fn bot_with_number(&self) -> String {
        let bot = self
            .stage
            .bot(|bot| {
                let wanted = json!({"headers": {"X-Campaign": "campaign"}});
                bot.tools.push(Tool::built_in("send_dtmf"));
                bot.system_prompt = "Campaign {{call.campaign}}".into();
                bot.sip_header_config = Some(serde_json::from_value(wanted).unwrap());
            })
            .await;
        let (http, token) = (client(), self.stage.bridge.person(Role::SuperAdmin).await);
        let post = async |path: String, body: Value| -> Value {
            let url = format!("{}{path}", self.stage.bridge.url());
            let answer = http.post(url).bearer_auth(&token).json(&body).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::CREATED);
            answer.json().await.unwrap()
        };
        let carrier =
            post("/api/v1/carriers".into(), json!({"name": "C", "sip_address": "sip.example"})).await;
        let numbers = format!("/api/v1/carriers/{}/dids", carrier["id"].as_str().unwrap());
        post(numbers, json!({"number": DID, "bot_id": bot})).await;
        bot
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_telephone_that_rings_is_answered_by_the_bot_of_its_number() {
    let when = |contains: &str, result: Option<&str>| When {
        contains: Some(contains.into()),
        tool_result: result.map(str::to_owned),
        ..When::default()
    };
    let presses = openai::ToolCall { name: "send_dtmf".into(), arguments: json!({"digits": "9#"}) };
    let script = Script {
        rules: vec![
            Rule {
                when: when("Press nine", Some("send_dtmf")),
                say: "It is pressed.".into(),
                ..Rule::default()
            },
            Rule { when: when("Press nine", None), tool_calls: vec![presses], ..Rule::default() },
        ],
        ..Script::saying("With pleasure.")
    };
    let rooms = Rooms::start(Scripts::new(["Press nine."], script)).await;
    rooms.bot_with_number().await;
    let room = "call-_+15550100_2nWqmHoLSJ4K";
    let ringing = [
        ("sip.callStatus", "ringing"),
        ("sip.callID", "SCL_rqVhfF6Vidz"),
        ("sip.phoneNumber", CALLER),
        ("sip.h.x-campaign", "demo-7"),
        ("tenant", "t1"),
    ];
    let mut phone = rooms.phone(room, "sip_+15550100", &ringing).await;
    let body = json!({"room_name": room, "caller_number": CALLER, "dialed_number": DID});
    rooms.takes("/livekit/dispatch", &body).await;
    phone.is_offered_a_voice().await;
    let answered = Instant::now();
    phone.becomes("active").await;
    phone.hears_speech().await;
    println!("answer to greeting, heard in the room: {} ms", answered.elapsed().as_millis());
    phone.hears_silence().await;
    for key in ['4', '2', '#'] {
        phone.guest.room.send_digit(key, Vec::new()).await.unwrap();
    }
    phone.hears_reply().await;
    phone.says(&speech(4));
    // What a gateway plays to the telephone.
    let key = |event: &Event| match event {
        Event::Digit { digit, .. } => Some(*digit),
        _ => None,
    };
    let pressed = [phone.guest.sees("a key", key).await, phone.guest.sees("another key", key).await];
    assert_eq!(pressed, ['9', '#']);
    phone.hears_reply().await;
    phone.leaves().await;

    let record = rooms.stage.record(CALLER).await;
    assert_eq!(
        (&record["disconnected_by"], &record["call_direction"], &record["transport"]),
        (&json!("customer"), &json!("incoming"), &json!("livekit"))
    );
    assert_eq!(texts(&record, "caller"), ["[keypad: 42]", "Press nine."]);
    assert_eq!(texts(&record, "bot")[0], GREETING);
    let told = &record["connected_event"];
    assert_eq!(
        (&told["did"], &told["sip"]["callID"], &told["attributes"]["tenant"]),
        (&json!(DID), &json!("SCL_rqVhfF6Vidz"), &json!("t1")),
        "{told}"
    );
    assert!(
        rooms.stage.vendors.asked()[0].to_string().contains("Campaign demo-7"),
        "its header is a variable"
    );
    rooms.stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_telephone_that_nobody_answers_is_let_go_before_the_answer() {
    let rooms = Rooms::start(Scripts::default()).await;
    let bot = rooms.bot_with_number().await;
    let phone = rooms.phone("call-1", "sip_1", &[("sip.callStatus", "ringing")]).await;
    let ask =
        |room: &str, did: &str| json!({"room_name": room, "caller_number": CALLER, "dialed_number": did});
    let (status, answer) = rooms.order("/livekit/dispatch", &ask("call-1", "+15559999999")).await;
    assert_eq!((status.as_u16(), &answer["error"]), (404, &json!("unknown_number")));
    phone.sees_itself_sent_away().await;

    rooms.takes("/livekit/widget", &json!({"bot_id": bot, "room_name": "widget-1"})).await;
    let visitor = rooms.visitor("widget-1").await;
    let phone = rooms.phone("call-2", "sip_2", &[("sip.callStatus", "ringing")]).await;
    let busy = rooms.order("/livekit/dispatch", &ask("call-2", DID)).await;
    assert_eq!(busy, (StatusCode::TOO_MANY_REQUESTS, json!({"error": "at_capacity"})));
    phone.sees_itself_sent_away().await;
    visitor.leaves().await;
    rooms.stage.record("widget-user").await;
    rooms.stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bot_rings_waits_for_the_answer_speaks_and_hands_over() {
    let model = Script::saying("I am sorry, nobody is free.");
    let (rooms, gateway) = Rooms::with_gateway(Scripts::new(["Give me a human."], model)).await;
    let bot = rooms.stage.bot(|_| {}).await;
    let body = json!({"bot_id": bot, "to_number": "1 (555) 0100", "config_url": rooms.stage.bridge.url(),
                      "connected_event": {"name": "Asha"}});
    let (status, taken) = rooms.order("/livekit/dialout", &body).await;
    assert_eq!((status, &taken["status"]), (StatusCode::OK, &json!("accepted")), "{taken}");
    let (call, room) = (taken["call_id"].as_str().unwrap(), taken["room_name"].as_str().unwrap());
    let dialled = gateway.is_asked("CreateSIPParticipant").await;
    assert!(room.starts_with("dialout-") && dialled.text("room_name") == room);
    assert_eq!(
        (dialled.text("sip_trunk_id"), dialled.text("sip_call_to"), dialled.text("participant_identity")),
        ("ST_test", "15550100", "sip-15550100")
    );
    assert_eq!(
        (dialled.text("ringing_timeout"), &dialled.body["wait_until_answered"]),
        ("45s", &json!(true))
    );

    let mut phone = rooms.phone(room, "sip-15550100", &[("sip.callStatus", "dialing")]).await;
    phone.becomes("ringing").await;
    phone.is_offered_a_voice().await;
    let answered = Instant::now();
    phone.becomes("active").await;
    dialled.succeeds();
    phone.hears_speech().await;
    println!("answer to greeting, heard in the room: {} ms", answered.elapsed().as_millis());
    phone.hears_silence().await;

    assert_eq!(rooms.orders(call, json!({"order": "transfer", "to": "+15550111"})).await.0, StatusCode::OK);
    let refer = gateway.is_asked("TransferSIPParticipant").await;
    assert_eq!(
        (refer.text("transfer_to"), refer.text("participant_identity"), refer.text("room_name")),
        ("tel:+15550111", "sip-15550100", room)
    );
    assert_eq!(
        (&refer.claims["video"]["room"], &refer.claims["video"]["roomAdmin"]),
        (&json!(room), &json!(true))
    );
    refer.fails(429, "resource_exhausted", (486, "Busy Here"));
    // The model is told, and says something about it.
    phone.hears_reply().await;
    assert_eq!(
        rooms.orders(call, json!({"order": "transfer", "to": "sip:desk@pbx.example"})).await.0,
        StatusCode::OK
    );
    let refer = gateway.is_asked("TransferSIPParticipant").await;
    assert_eq!(refer.text("transfer_to"), "sip:desk@pbx.example");
    refer.succeeds();
    let record = rooms.stage.record("15550100").await;
    phone.leaves().await;
    assert_eq!(
        (&record["disconnected_by"], &record["call_direction"], &record["session_id"]),
        (&json!("transfer_to_agent"), &json!("outgoing"), &json!(call))
    );
    assert_eq!(
        (&record["was_transferred"], &record["transfer_method"], &record["transfer_destination"]),
        (&json!(true), &json!("livekit_sip_refer"), &json!("sip:desk@pbx.example"))
    );
    let failed: Vec<_> =
        record["events"].as_array().unwrap().iter().filter(|e| e["event"] == "transfer_failed").collect();
    assert_eq!((failed.len(), &failed[0]["why"]), (1, &json!("busy")));
    assert!(rooms.stage.vendors.asked().last().unwrap().to_string().contains("The transfer failed: busy"));
    rooms.stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_answer_is_told_apart_by_the_far_ends_status() {
    let (rooms, gateway) = Rooms::with_gateway(Scripts::default()).await;
    let bot = rooms.stage.bot(|_| {}).await;
    for (n, (http, code, said, by)) in [
        (429, "resource_exhausted", Some((486, "Busy Here")), "busy"),
        (429, "resource_exhausted", Some((480, "Temporarily Unavailable")), "no_answer"),
        (403, "permission_denied", Some((603, "Decline")), "rejected"),
        (408, "canceled", None, "no_answer"),
        (412, "failed_precondition", Some((503, "Service Unavailable")), "error"),
    ]
    .into_iter()
    .enumerate()
    {
        let to = format!("+1555020{n}");
        let body = json!({"bot_id": bot, "to_number": to});
        let (status, taken) = eventually("a slot is free", async || {
            let asked = rooms.order("/livekit/dialout", &body).await;
            (asked.0 != StatusCode::TOO_MANY_REQUESTS).then_some(asked)
        })
        .await;
        assert_eq!(status, StatusCode::OK, "{taken}");
        let dialled = gateway.is_asked("CreateSIPParticipant").await;
        let phone = rooms
            .phone(
                taken["room_name"].as_str().unwrap(),
                &format!("sip-{to}"),
                &[("sip.callStatus", "ringing")],
            )
            .await;
        match said {
            Some(said) => dialled.fails(http, code, said),
            None => dialled
                .answers(http, json!({"code": code, "msg": "twirp error unknown: sip request timed out"})),
        }
        // As older gateways do it: gone without a reason.
        phone.leaves().await;
        let record = rooms.stage.record(&to).await;
        assert_eq!(record["disconnected_by"], by, "{record}");
        if by == "error" {
            assert!(
                record["error"].as_str().unwrap().contains("503 Service Unavailable"),
                "{}",
                record["error"]
            );
        }
    }
    // Without a carrier's trunk nothing is rung, and the record says what is missing.
    let body = json!({"bot_id": bot, "to_number": "+15550300", "from_number": "+15550399"});
    eventually("a slot is free", async || {
        (rooms.order("/livekit/dialout", &body).await.0 == 200).then_some(())
    })
    .await;
    let record = rooms.stage.record("+15550300").await;
    assert_eq!((&record["disconnected_by"], &record["from_number"]), (&json!("error"), &json!("+15550399")));
    assert!(record["error"].as_str().unwrap().contains("no carrier's"), "{}", record["error"]);
    let wrong = rooms.order("/livekit/dialout", &json!({"bot_id": bot, "to_number": "nobody"})).await;
    assert_eq!((wrong.0.as_u16(), &wrong.1["error"]), (422, &json!("invalid")));
    rooms.stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bot_is_attached_to_a_telephone_that_has_answered() {
    let rooms = Rooms::start(Scripts::default()).await;
    let bot = rooms.stage.bot(|_| {}).await;
    let mut phone = rooms.phone("campaign-1", "sip-+15550100", &[("sip.callStatus", "active")]).await;
    let body = json!({
        "room_name": "campaign-1", "bot_id": bot, "to_number": CALLER, "campaign_call_id": "cc-1",
        "connected_event": {"_campaign_session_id": "call_of_campaign_1", "_campaign_id": "camp-1", "name": "Asha"},
        "reservation_id": "rsv_1", "config_url": rooms.stage.bridge.url(),
    });
    assert_eq!(rooms.takes("/attach", &body).await, "call_of_campaign_1");
    phone.hears_reply().await;
    assert_eq!(rooms.orders("call_of_campaign_1", json!({"order": "end"})).await.0, StatusCode::OK);
    phone.sees_itself_sent_away().await;
    let record = rooms.stage.record(CALLER).await;
    assert_eq!(
        (&record["disconnected_by"], &record["session_id"], &record["call_direction"]),
        (&json!("bot"), &json!("call_of_campaign_1"), &json!("outgoing"))
    );

    // Diallers spell the number as they were given it, or call whom they rang the callee.
    // Whoever rang the telephone learns the outcome also where the bot may not speak.
    let closed = rooms
        .stage
        .bot(|bot| {
            bot.active_hours = ActiveHours { enabled: true, days: Vec::new(), ..ActiveHours::default() }
        })
        .await;
    let phone = rooms.phone("campaign-2", "sip-15550101", &[("sip.callStatus", "active")]).await;
    let body = json!({"room_name": "campaign-2", "bot_id": closed, "to_number": "+15550101"});
    eventually("a slot is free", async || (rooms.order("/attach", &body).await.0 == 200).then_some(())).await;
    phone.sees_itself_sent_away().await;
    let record = rooms.stage.record("+15550101").await;
    assert_eq!(
        (&record["disconnected_by"], &record["call_duration_seconds"]),
        (&json!("outside_hours"), &json!(0.0))
    );
    // So they do when the disk is full.
    let phone = rooms.phone("campaign-3", "callee", &[("sip.callStatus", "active")]).await;
    let body = json!({"room_name": "campaign-3", "bot_id": closed, "to_number": "+15550102"});
    rooms.stage.worker.limit_files(Some(1));
    eventually("a slot is free", async || (rooms.order("/attach", &body).await.0 == 200).then_some(())).await;
    phone.sees_itself_sent_away().await;
    let record = rooms.stage.record("+15550102").await;
    assert!(record["error"].as_str().unwrap().contains("could not write the call down"), "{record}");
    rooms.stage.worker.limit_files(None);
    rooms.stage.end().await;
}

/// Whoever rang the telephone may be gone: nobody but the bot's side hangs it up when the bot cannot join, or falls out of the room.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_left_on_a_silent_line_when_the_room_is_lost() {
    let (rooms, door) = Rooms::with_gateway(Scripts::default()).await;
    let bot = rooms.stage.bot(|_| {}).await;
    let attach = |room: &str, to: Option<&str>| json!({"room_name": room, "bot_id": bot, "to_number": to});
    // Not joined, and which telephone it would have been is not known.
    door.lets_in(false);
    let phone = rooms.phone("campaign-1", "sip-1", &[("sip.callStatus", "active")]).await;
    rooms.takes("/attach", &attach("campaign-1", None)).await;
    phone.sees_itself_sent_away().await;
    // Joined and lost: the server still takes requests.
    door.lets_in(true);
    let mut phone = rooms.phone("campaign-2", "sip-+15550100", &[("sip.callStatus", "active")]).await;
    let body = attach("campaign-2", Some(CALLER));
    eventually("a slot is free", async || (rooms.order("/attach", &body).await.0 == 200).then_some(())).await;
    phone.hears_speech().await;
    door.lets_in(false);
    let record = rooms.stage.record(CALLER).await;
    assert_eq!(record["disconnected_by"], "error", "{record}");
    phone.sees_itself_sent_away().await;
    rooms.stage.end().await;
}
