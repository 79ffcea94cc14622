//! A bot that is set up as the documentation says, through the API: three tools of its owner's, a server of tools, and people who take
//! its callers. Its calls are walked over the dialler's line and in a room.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::time::timeout;
use vox_bridge::auth::role::Role;
use vox_caller::{Event, Outcome, Protocol, Step, Talker};
use vox_testkit::mcp::{self, ScriptedMcp, says};
use vox_testkit::tool::{Manner, ScriptedTool};
use vox_testkit::vendor::openai::{Rule, Script, When};

use crate::harness::rooms::Rooms;
use crate::harness::vendors::Scripts;
use crate::harness::{PATIENCE, Stage, assert_clean, client, speech, texts};

const KEY: &str = "k-0123456789abcdef";
const CALLER: &str = "+919800000053";
const DESK: &str = "+15550111";
const ROOM: &str = "widget-1";
const CONSULT: &str = "consult-widget-1";
const HEARD: [&str; 3] = ["Where is my order?", "Do you know my name?", "I want a human."];
const ARRIVES: &str = "It arrives tomorrow, and I noted that you asked.";
const KNOWS: &str = "You are Asha Rao.";
const CONNECTS: &str = "I connect you.";

/// Three tools at once, then the server's, then a person.
fn model() -> Script {
    let when = |contains: &str, result: Option<&str>| When {
        contains: Some(contains.into()),
        tool_result: result.map(str::to_owned),
        ..When::default()
    };
    let asks = |contains: &str| Rule { when: when(contains, None), ..Rule::default() };
    let tells = |contains: &str, say: &str| Rule {
        when: when(contains, Some("*")),
        say: say.into(),
        ..Rule::default()
    };
    let person = json!({"reason": "wants a person", "summary": "Asha asks about her order."});
    Script::default()
        .with_rule(tells("order", ARRIVES))
        .with_rule(
            asks("order")
                .calling("find_order", json!({"number": "A-1234"}))
                .calling("find_slot", json!({"day": "tuesday"}))
                .calling("open_ticket", json!({"about": "delay", "urgent": false})),
        )
        .with_rule(tells("name", KNOWS))
        .with_rule(asks("name").calling("crm__find_customer", json!({"number": CALLER})))
        .with_rule(Rule { say: CONNECTS.into(), ..asks("human") }.calling("transfer_call", person))
}

/// The servers that the bot's owner has.
struct Owner {
    shop: ScriptedTool,
    crm: ScriptedMcp,
}

impl Owner {
    async fn new() -> Self {
        let pages = vec![vec![mcp::tool("find_customer", "number"), mcp::tool("delete_customer", "number")]];
        let knows = mcp::Manner::Events(says(r#"{"name": "Asha Rao"}"#));
        Self {
            shop: ScriptedTool::start(KEY, Manner::Json(json!({"state": "sent"}))).await.unwrap(),
            crm: ScriptedMcp::start(KEY, pages, knows).await.unwrap(),
        }
    }

    /// Set the bot up as an operator does.
    async fn sets_up(&self, stage: &Stage) -> String {
        let bot = stage.bot(|_| {}).await;
        let key = json!([{"name": "Authorization", "secret": format!("Bearer {KEY}")}]);
        let text = json!({"type": "string"});
        let tool = |name: &str, required: &str, properties: Value, http: Value| {
            json!({"name": name, "description": format!("Use it to {name}."), "http": http,
                "parameters": {"type": "object", "required": [required], "properties": properties}})
        };
        let set = json!({
            "tools": [
                {"name": "end_call"},
                {"name": "transfer_call"},
                tool("find_order", "number", json!({"number": text}),
                    json!({"method": "GET", "url": self.shop.url("/orders/{{number}}?caller={{call.caller_id}}"), "headers": key})),
                tool("find_slot", "day", json!({"day": {"enum": ["monday", "tuesday"]}}),
                    json!({"url": self.shop.url("/slots"), "headers": key, "filler": "I look into the calendar."})),
                tool("open_ticket", "about", json!({"about": text, "urgent": {"type": "boolean"}}),
                    json!({"method": "PUT", "url": self.shop.url("/tickets"), "headers": key,
                        "body": {"about": "{{about}}", "urgent": "{{urgent}}", "by": "caller {{call.caller_id}}"}})),
            ],
            "mcp_servers": [{"name": "crm", "url": self.crm.url(), "headers": key, "allow": ["find_customer"]}],
            "transfer_targets": [
                {"id": "desk", "label": "Front desk", "method": "warm", "type": "phone_number", "value": DESK},
                {"id": "dialler", "method": "websocket_reverse_transfer", "type": "phone_number", "value": DESK},
            ],
        });
        let url = format!("{}/api/v1/bots/{bot}", stage.bridge.url());
        let token = stage.bridge.person(Role::Admin).await;
        let answer = client().patch(url).bearer_auth(token).json(&set).send().await.unwrap();
        let (status, told) = (answer.status(), answer.text().await.unwrap());
        assert_eq!(status, StatusCode::OK, "{told}");
        assert!(!told.contains("0123456789"), "{told}");
        bot
    }

    /// What its servers were asked, and the record has of it.
    fn judge(&self, record: &Value, caller: &str) {
        let events = record["events"].as_array().unwrap();
        let of = |kind: &str| events.iter().filter(|event| event["event"] == kind).collect::<Vec<_>>();
        let mut runs: Vec<&str> = of("tool_called").iter().map(|run| run["why"].as_str().unwrap()).collect();
        runs[..3].sort_unstable();
        let expected = ["find_order", "find_slot", "open_ticket", "crm__find_customer", "transfer_call"];
        assert_eq!(runs, expected, "{events:?}");
        assert!(of("tool_called").iter().all(|run| run["data"]["status"] == "ok"), "{events:?}");
        assert_eq!(of("tools_found")[0]["data"]["tools"], json!(["crm__find_customer"]));
        let mut said = texts(record, "bot");
        // On a slow machine there may be a filler between them.
        said.retain(|text| [ARRIVES, KNOWS, CONNECTS].contains(&text.as_str()));
        assert_eq!(said, [ARRIVES, KNOWS, CONNECTS]);
        let mut asked = self.shop.asked();
        asked.sort_by(|one, other| one.path.cmp(&other.path));
        let paths: Vec<&str> = asked.iter().map(|asked| asked.path.as_str()).collect();
        let order = format!("/orders/A-1234?caller={caller}");
        assert_eq!(paths, [order.as_str(), "/slots", "/tickets"]);
        assert_eq!(asked[1].body, json!({"day": "tuesday"}));
        assert_eq!((&asked[2].body["about"], &asked[2].body["urgent"]), (&json!("delay"), &json!(false)));
        assert!(asked.iter().all(|asked| asked.faults.is_empty()), "{asked:?}");
        assert_eq!(self.crm.faults(), [] as [&str; 0]);
        assert_eq!(
            (&record["disconnected_by"], &record["was_transferred"], &record["transfer_destination"]),
            (&json!("transfer_to_agent"), &json!(true), &json!(DESK))
        );
    }
}

#[tokio::test]
async fn its_call_is_walked_over_the_diallers_line() {
    let stage = Stage::start(Scripts::new(HEARD, model())).await;
    let owner = Owner::new().await;
    let bot = owner.sets_up(&stage).await;
    let mut call = stage.dial(Protocol::Ws, &bot, CALLER).await;
    let mut events = call.take_events().unwrap();
    let mut talker = Talker::new(&call);
    for _ in HEARD {
        let hears = Step::AwaitReply { quiet: Duration::from_millis(700), within: PATIENCE };
        assert_eq!(talker.act(hears).await, Outcome::Done);
        assert_eq!(talker.act(Step::Say(speech(4))).await, Outcome::Done);
    }
    let asked = async {
        loop {
            if let Event::Transfer { to } = events.recv().await.expect("the call goes on") {
                return to;
            }
        }
    };
    assert_eq!(timeout(PATIENCE, asked).await.expect("the dialler is asked"), DESK);
    let _over_already = call.take_over().await;
    assert_clean(&call.ended().await);
    let record = stage.record(CALLER).await;
    assert_eq!(record["transfer_method"], "websocket_reverse_transfer");
    owner.judge(&record, "%2B919800000053");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_call_is_walked_until_a_person_has_taken_it() {
    let (rooms, gateway) = Rooms::with_gateway(Scripts::new(HEARD, model())).await;
    let owner = Owner::new().await;
    let bot = owner.sets_up(&rooms.stage).await;
    rooms.takes("/livekit/widget", &json!({"bot_id": bot, "room_name": ROOM})).await;
    let mut caller = rooms.visitor(ROOM).await;
    for _ in HEARD {
        caller.hears_reply().await;
        caller.says(&speech(4));
    }
    let asked = gateway.is_asked("CreateSIPParticipant").await;
    assert_eq!((asked.text("room_name"), asked.text("sip_call_to")), (CONSULT, DESK));
    let dialled = [("sip.callStatus", "dialing")];
    let mut person = rooms.phone(CONSULT, asked.text("participant_identity"), &dialled).await;
    person.becomes("active").await;
    asked.succeeds();
    person.hears_speech().await;
    person.guest.room.send_digit('1', Vec::new()).await.unwrap();
    person.says_tone(2_500.0, Duration::from_secs(20));
    caller.guest.hears(2_500.0, 0.3).await;
    person.leaves().await;
    caller.sees_itself_sent_away().await;
    let record = rooms.stage.record("widget-user").await;
    assert_eq!(record["transfer_method"], "warm");
    owner.judge(&record, "widget-user");
    rooms.stage.end().await;
}
