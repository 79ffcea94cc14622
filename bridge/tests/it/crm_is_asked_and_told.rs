//! A bot's CRM is asked before a call, which goes on whatever it answers, and is told of the result until it has taken it.

use std::time::Duration;

use jiff::SignedDuration;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tokio_util::sync::{CancellationToken, DropGuard};
use vox_bridge::auth::role::Role;
use vox_bridge::store::crm::{CRM_INTEGRATIONS, CRM_PUSHES};
use vox_bridge::store::engine::Which;
use vox_shared::ids::BotId;
use vox_shared::model::bot::BotSettings;
use vox_testkit::crm::ScriptedCrm;
use vox_testkit::receiver::Manner;

use crate::harness::{TestBridge, json, result, wrong_fields};
use crate::recordings_are_stored_and_served::upload;
use crate::s3_server::eventually;

const SOON: Duration = Duration::from_secs(20);
const KEY: &str = "crm-key-canary-1";
const LINE: &str = "line-token-of-the-dialler";

struct Bot {
    bridge: TestBridge,
    crm: ScriptedCrm,
    id: BotId,
    token: String,
}

impl Bot {
    async fn start() -> Self {
        let bridge = TestBridge::start().await;
        let reply = json!({
            "name": "Asha", "due": 1200, "plan": {"tier": "gold"}, "tags": ["a"], "gone": null, "evil": "{{call.caller_id}}"
        });
        let crm = ScriptedCrm::start(KEY, reply).await.unwrap();
        let settings = BotSettings {
            opening_message: "Hello {{crm.name}}, you owe {{due}}.".into(),
            system_prompt: "{{crm.plan.tier}} {{crm.plan}} {{crm.tags}} {{crm.gone}} {{crm.evil}}".into(),
            timezone: "Asia/Kolkata".into(),
            ..BotSettings::default()
        };
        // What speaks to the bridge counts only from a caller who has the line's token.
        let mut settings = serde_json::to_value(settings).unwrap();
        settings["line_access"] = json!({"token": LINE, "addresses": []});
        let settings = serde_json::from_value(settings).unwrap();
        let id = bridge.insert_bot(&bridge.tenant(), settings).await;
        let token = bridge.token(Role::Admin).await;
        Self { bridge, crm, id, token }
    }

    async fn set(&self, wish: Value) -> Response {
        let path = format!("/api/v1/bots/{}/crm", self.id);
        let request = self.bridge.request(Method::PUT, &path).bearer_auth(&self.token);
        request.json(&wish).send().await.unwrap()
    }

    fn headers(&self) -> Value {
        json!([{"name": "Authorization", "value": format!("Bearer {KEY}")}])
    }

    fn prefetch(&self) -> Value {
        let url = self.crm.url("/leads/{{call.caller_id}}?list={{list}}&x={{unknown}}");
        json!({"url": url, "headers": self.headers()})
    }

    fn push(&self) -> Value {
        let body = json!({
            "id": "{{result.call_id}}", "who": "{{crm.name}}", "from": "{{call.caller_id}}", "list": "{{call.list}}",
            "how": ["{{result.disposition}}", "{{result.disconnected_by}}"], "seconds": "{{result.call_duration_seconds}}",
            "said": "{{result.transcript}}", "moved": "{{result.was_transferred}}", "none": "[{{result.nothing}}]",
            "times": "{{result.start_time}}, {{result.answer_time}}, {{result.end_time}}",
            "link": "{{result.recording_url}}", "fixed": 7
        });
        let url = self.crm.url("/results?from={{call.caller_id}}&card={{call.card}}");
        json!({"url": url, "headers": self.headers(), "body": body})
    }

    async fn config(&self, session: &str, event: Value) -> Value {
        let body = json!({
            "session_id": session, "caller_id": "+15550123", "connected_event": event, "line_token": LINE
        });
        let path = format!("/api/v1/config/{}", self.id);
        let request = self.bridge.internal(Method::POST, &path);
        json(request.json(&body).send().await.unwrap(), StatusCode::OK).await
    }

    async fn ends(&self, session: &str) {
        self.ends_as(&result(session, "customer")).await;
    }

    async fn ends_as(&self, result: &Value) {
        let taken = self.bridge.deliver(result).await;
        assert!(taken.status().is_success(), "{}", taken.status());
        self.bridge.app.relay.move_all().await.unwrap();
    }

    async fn read(&self, path: &str) -> Value {
        json(self.bridge.get(path).bearer_auth(&self.token).send().await.unwrap(), StatusCode::OK).await
    }

    async fn pushes(&self, session: &str) -> Vec<Value> {
        let page = self.read(&format!("/api/v1/calls/{session}/pushes")).await;
        page["items"].as_array().unwrap().clone()
    }

    fn work(&self) -> DropGuard {
        let stop = CancellationToken::new();
        tokio::spawn(self.bridge.app.runner.clone().run(stop.clone()));
        stop.drop_guard()
    }
}

#[tokio::test]
async fn what_a_crm_knows_is_in_the_templates() {
    let bot = Bot::start().await;
    json(bot.set(json!({"prefetch": bot.prefetch()})).await, StatusCode::OK).await;
    let config = bot.config("call_a", json!({"list": "a b&c/.."})).await;
    assert_eq!(config["opening_message"], "Hello Asha, you owe 1200.");
    let expected = r#"gold {"tier":"gold"} ["a"] {{crm.gone}} {{call.caller_id}}"#;
    assert_eq!(config["system_prompt"], expected);
    let asked = bot.crm.asked();
    assert_eq!((asked.len(), asked[0].method.as_str()), (1, "GET"));
    assert_eq!(asked[0].path, "/leads/%2B15550123?list=a%20b%26c%2F..&x=");
    assert!(asked[0].faults.is_empty(), "{asked:?}");

    // What steers it comes with the call.
    let config = bot.config("call_b", json!({"_skip_prefetch": "true"})).await;
    assert_eq!(config["opening_message"], "Hello, you owe.");
    let mock = json!({"_mock_crm": {"name": "Mock", "due": "nothing"}});
    let config = bot.config("call_c", mock).await;
    assert_eq!(config["opening_message"], "Hello Mock, you owe nothing.");
    assert_eq!(bot.crm.asked().len(), 1);
}

#[tokio::test]
async fn no_manner_of_a_crm_keeps_a_call_from_its_config() {
    let bot = Bot::start().await;
    json(bot.set(json!({"prefetch": bot.prefetch()})).await, StatusCode::OK).await;
    let manners = [
        (Manner::Silent, "no answer within 1 s"),
        (Manner::Slow(Duration::from_secs(5)), "no answer within 1 s"),
        (Manner::Dripping, "not whole within 1 s"),
        (Manner::Oversized, "longer than 65536 bytes"),
        (Manner::Refuse(500), "answered 500"),
        (Manner::Refuse(404), "answered 404"),
        (Manner::TooMany(60), "answered 429"),
        (Manner::Redirect("http://169.254.169.254/".into()), "redirects are not followed"),
        (Manner::Refuse(200), "no JSON object"),
    ];
    for (n, (manner, reason)) in manners.into_iter().enumerate() {
        if n == 3 {
            // These answer, on a busy machine in their time.
            let patient = bot.prefetch().as_object().unwrap().clone().into_iter();
            let patient: Value = patient.chain([("timeout_ms".to_owned(), json!(1_500))]).collect();
            json(bot.set(json!({"prefetch": patient})).await, StatusCode::OK).await;
        }
        bot.crm.behave(manner.clone());
        let began = std::time::Instant::now();
        let config = bot.config(&format!("call_{n}"), json!({})).await;
        assert!(began.elapsed() < Duration::from_secs(5), "{manner:?} {:?}", began.elapsed());
        assert_eq!(config["opening_message"], "Hello, you owe.", "{manner:?}");
        let notes = config["template_warnings"].to_string();
        assert!(notes.contains("crm: ") && notes.contains(reason), "{manner:?} {notes}");
    }
    assert_eq!(bot.crm.asked().len(), 9, "nothing is asked twice");
}

#[tokio::test]
async fn a_result_is_pushed_until_the_crm_takes_it_and_every_attempt_is_seen() {
    let bot = Bot::start().await;
    json(bot.set(json!({"prefetch": bot.prefetch(), "push": bot.push()})).await, StatusCode::OK).await;
    bot.config("call_a", json!({"list": "north", "card": "4111 1111 1111 1111"})).await;
    for manner in [Manner::Refuse(503), Manner::Redirect("http://10.0.0.1/".into())] {
        bot.crm.then(manner);
    }
    let sound = b"what was heard".to_vec();
    assert_eq!(upload(&bot.bridge, "call_a.wav", sound.clone(), None).await.status(), StatusCode::OK);
    let mut ended = result("call_a", "customer");
    for (name, value) in [
        ("recording_key", "call_a.wav"),
        ("started_at", "2026-11-20T10:00:00Z"),
        ("answered_at", "2026-11-20T10:00:02Z"),
        ("ended_at", "2026-11-20T10:00:14Z"),
    ] {
        ended[name] = json!(value);
    }
    bot.ends_as(&ended).await;
    let _worked = bot.work();
    for tries in 1..=3 {
        let noted = || async {
            bot.pushes("call_a").await.iter().any(|p| p["attempts"].as_array().unwrap().len() == tries)
        };
        assert!(eventually(SOON, noted).await, "{tries}");
        let settled = || async {
            let jobs = bot.read("/api/v1/jobs").await;
            jobs["items"][0]["state"] != "running"
        };
        assert!(eventually(SOON, settled).await);
        bot.bridge.clock.advance(SignedDuration::from_mins(3));
    }
    let push = bot.pushes("call_a").await.remove(0);
    assert_eq!(push["taken"], true);
    let attempts: Vec<_> = push["attempts"].as_array().unwrap().iter().map(|a| a["status"].clone()).collect();
    assert_eq!(attempts, [503, 302, 200]);
    // What was asked, and never a card's number.
    let url = bot.crm.url("/results?from=%2B15550123&card=%5Bcard%5D");
    for attempt in push["attempts"].as_array().unwrap() {
        assert_eq!(attempt["request"], json!({"method": "POST", "url": url}));
    }
    let pushed: Vec<_> = bot.crm.asked().into_iter().filter(|asked| asked.method == "POST").collect();
    assert!(pushed.len() == 3 && pushed.iter().all(|p| p.faults.is_empty()), "{pushed:#?}");
    assert!(pushed.iter().all(|p| p.idempotency_key.as_deref() == push["id"].as_str()), "{pushed:#?}");
    let body = &pushed[2].body;
    let link = body["link"].as_str().unwrap();
    let expected = json!({
        "id": "call_a", "who": "Asha", "from": "+15550123", "list": "north", "how": ["Connected", "customer"],
        "seconds": "12.5", "said": body["said"], "moved": "no", "none": "[]",
        "times": "2026-11-20 15:30:00, 2026-11-20 15:30:02, 2026-11-20 15:30:14", "link": link, "fixed": 7
    });
    assert_eq!(body, &expected);
    assert_eq!(serde_json::from_str::<Value>(body["said"].as_str().unwrap()).unwrap(), ended["transcript"]);
    let public = link.strip_prefix(&bot.bridge.url).unwrap();
    assert!(public.starts_with("/api/v1/public/recordings/"), "{link}");
    let heard = bot.bridge.get(public).send().await.unwrap();
    assert_eq!((heard.status(), heard.bytes().await.unwrap().to_vec()), (StatusCode::OK, sound));
    // The same result once more changes nothing.
    bot.ends_as(&ended).await;
    assert_eq!(bot.read("/api/v1/jobs").await["items"].as_array().unwrap().len(), 1);
}

/// The caller's number stands in the addresses that were asked.
#[tokio::test]
async fn an_erased_caller_is_in_no_attempt_any_more() {
    let bot = Bot::start().await;
    json(bot.set(json!({"push": bot.push()})).await, StatusCode::OK).await;
    bot.config("call_a", json!({})).await;
    bot.ends("call_a").await;
    let worked = bot.work();
    let kept = || async { bot.bridge.engine.list_by_id(&CRM_PUSHES, Which::All, None).await.unwrap() };
    assert!(eventually(SOON, || async { kept().await.len() == 1 }).await);
    assert!(format!("{:?}", kept().await).contains("15550123"), "{:?}", kept().await);
    drop(worked);
    let number = json!({"number": "+15550123"});
    let begun = bot.bridge.send(Method::POST, "/api/v1/erasures", &bot.token, number).await;
    json(begun, StatusCode::ACCEPTED).await;
    assert!(bot.bridge.app.custodian.erase_due().await.unwrap());
    assert_eq!(kept().await.len(), 0);
}

/// What the CRM answers may name the person whom the deletion was about.
#[tokio::test]
async fn a_push_of_a_call_that_is_deleted_meanwhile_leaves_nothing() {
    let bot = Bot::start().await;
    json(bot.set(json!({"push": bot.push()})).await, StatusCode::OK).await;
    bot.config("call_a", json!({})).await;
    bot.ends("call_a").await;
    bot.crm.then(Manner::Slow(Duration::from_secs(6)));
    let _worked = bot.work();
    let is_asked = eventually(SOON, || async { !bot.crm.asked().is_empty() }).await;
    assert!(is_asked, "the push is on its way");
    let gone = bot.bridge.request(Method::DELETE, "/api/v1/calls/call_a").bearer_auth(&bot.token);
    assert!(gone.send().await.unwrap().status().is_success());
    let failed =
        || async { bot.read("/api/v1/jobs?state=failed").await["items"].as_array().unwrap().len() == 1 };
    assert!(eventually(SOON, failed).await, "{}", bot.read("/api/v1/jobs").await);
    let job = bot.read("/api/v1/jobs").await["items"][0].clone();
    assert_eq!(job["error"], "the call is gone", "{job}");
    let kept = bot.bridge.engine.list_by_id(&CRM_PUSHES, Which::All, None).await.unwrap();
    assert!(kept.is_empty(), "{kept:?}");
}

#[tokio::test]
async fn a_call_that_says_so_or_a_bot_without_a_push_makes_no_job() {
    let bot = Bot::start().await;
    bot.config("call_none", json!({})).await;
    bot.ends("call_none").await;
    json(bot.set(json!({"push": bot.push()})).await, StatusCode::OK).await;
    bot.config("call_skip", json!({"_skip_post_push": true})).await;
    bot.ends("call_skip").await;
    assert_eq!(bot.read("/api/v1/jobs").await["items"], json!([]));
    bot.config("call_b", json!({})).await;
    bot.ends("call_b").await;
    assert_eq!(bot.read("/api/v1/jobs").await["items"][0]["kind"], "push_crm");
}

#[tokio::test]
async fn the_values_of_headers_are_sealed_and_never_shown_and_stay_when_left_out() {
    let bot = Bot::start().await;
    let set = bot.set(json!({"prefetch": bot.prefetch()})).await.text().await.unwrap();
    assert!(set.contains("Authorization") && !set.contains(KEY), "{set}");
    let mut again = bot.prefetch();
    again["headers"] = json!([{"name": "authorization"}]);
    let moved =
        json!({"prefetch": {"url": "https://elsewhere.example.com/leads", "headers": again["headers"]}});
    assert_eq!(wrong_fields(bot.set(moved).await).await, ["prefetch.headers.0.value"], "it is for one host");
    json(bot.set(json!({"prefetch": again})).await, StatusCode::OK).await;
    let test = |body: Value| {
        let path = format!("/api/v1/bots/{}/crm/test", bot.id);
        bot.bridge.request(Method::POST, &path).bearer_auth(&bot.token).json(&body).send()
    };
    let tested = test(json!({"which": "prefetch", "call": {"caller_id": "7"}})).await.unwrap();
    let tested = json(tested, StatusCode::OK).await;
    assert_eq!((&tested["attempt"]["status"], &tested["fields"]["name"]), (&json!(200), &json!("Asha")));
    assert!(tested["request"]["url"].as_str().unwrap().ends_with("/leads/7?list=&x="), "{tested}");
    assert!(!tested.to_string().contains(KEY));
    assert_eq!(wrong_fields(test(json!({"which": "push"})).await.unwrap()).await, ["which"]);
    let kept = bot.bridge.engine.list_by_id(&CRM_INTEGRATIONS, Which::All, None).await.unwrap();
    assert!(kept.len() == 1 && !format!("{kept:?}").contains(KEY), "{kept:?}");
}

#[tokio::test]
async fn bad_settings_are_refused_by_field_and_private_addresses_are_not_asked() {
    let bot = Bot::start().await;
    let cases = [
        (json!({"prefetch": {"url": "http://10.0.0.1/x"}}), "prefetch.url"),
        (json!({"prefetch": {"url": "http://[::ffff:169.254.169.254]/x"}}), "prefetch.url"),
        (json!({"prefetch": {"url": "https://{{call.host}}/x"}}), "prefetch.url"),
        (json!({"prefetch": {"url": "https://crm.example.com{{call.host}}/x"}}), "prefetch.url"),
        (json!({"prefetch": {"url": "https://u:p@crm.example.com/"}}), "prefetch.url"),
        (json!({"prefetch": {"url": "ftp://crm.example.com/"}}), "prefetch.url"),
        (json!({"prefetch": {"url": "https://crm.example.com", "timeout_ms": 3000}}), "prefetch.timeout_ms"),
        (json!({"prefetch": {"url": "https://crm.example.com", "method": "PUT"}}), "prefetch.method"),
        (json!({"prefetch": {"url": "https://crm.example.com", "body": {}}}), "prefetch.body"),
        (json!({"push": {"url": "https://crm.example.com"}}), "push.body"),
        (
            json!({"push": {"url": "https://crm.example.com", "body": {}, "headers": [{"name": "Host", "value": "x"}]}}),
            "push.headers.0.name",
        ),
        (
            json!({"push": {"url": "https://crm.example.com", "body": {}, "headers": [{"name": "a"}]}}),
            "push.headers.0.value",
        ),
        (
            json!({"push": {"url": "https://crm.example.com", "body": {}, "headers": [{"name": "a", "value": "b\r\nc: d"}]}}),
            "push.headers.0.value",
        ),
    ];
    for (wish, field) in cases {
        assert_eq!(wrong_fields(bot.set(wish.clone()).await).await, [field], "{wish}");
    }
}
