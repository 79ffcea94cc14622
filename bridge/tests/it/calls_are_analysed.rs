//! A bot's model is asked about calls that ended; what it claims is held to what was said, and the CRM waits for it.

use std::time::{Duration, Instant};

use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio_util::sync::{CancellationToken, DropGuard};
use vox_bridge::analysis::ask::{Form, Prompt, ask};
use vox_bridge::auth::role::Role;
use vox_bridge::store::bots::BOTS;
use vox_bridge::store::budgets::Scope;
use vox_shared::egress::HostRules;
use vox_shared::ids::BotId;
use vox_shared::model::bot::{BotSettings, LlmSettings};
use vox_testkit::crm::ScriptedCrm;
use vox_testkit::vendor::openai::{Rule, Script, Server, Usage, When};
use vox_testkit::vendor::{Cut, Faults, Lie};

use crate::calls_are_judged_by_rule::said;
use crate::harness::{TestBridge, json, refusal};
use crate::s3_server::eventually;

const SOON: Duration = Duration::from_secs(20);
const CRM_KEY: &str = "crm-key-canary-2";
const TALK: &[&str] = &[
    "b: Hello, this is Maya of the bank. You owe 1500 rupees.",
    "c: Yes, I know.",
    "b: When can you pay?",
    "c: I will pay five hundred rupees tomorrow.",
];

/// The answer to the n-th question.
fn answer(n: u32, say: &Value) -> Rule {
    let usage = Usage { prompt_tokens: 1_000 * n, completion_tokens: 10, cached_tokens: 0 };
    Rule {
        when: When { request: Some(n), ..When::default() },
        say: say.to_string(),
        usage: Some(usage),
        ..Rule::default()
    }
}

fn answers(all: &[Value]) -> Script {
    let script = Script { strict_fields: true, ..Script::saying("not asked for") };
    (1..).zip(all).fold(script, |script, (n, say)| script.with_rule(answer(n, say)))
}

fn promise(utterance: u64, quote: &str) -> Value {
    let field = |name: &str, value: &str, quote: &str| json!({"name": name, "value": value, "utterance": utterance, "quote": quote});
    json!({"claims": [{"name": "promise_to_pay", "utterance": utterance, "quote": quote, "fields": [
        field("amount", "500", "five hundred rupees"), field("on", "2026-11-21", "tomorrow")
    ]}]})
}

struct Asked {
    bridge: TestBridge,
    model: Server,
    bot: BotId,
    token: String,
}

impl Asked {
    async fn start(script: Script) -> Self {
        Self::with(script, json!({})).await
    }

    /// A bot with these settings besides.
    async fn with(script: Script, more: Value) -> Self {
        let (bridge, model) = (TestBridge::start().await, Server::start(script).await);
        let outcome = json!({
            "name": "promise_to_pay", "description": "the caller says that they will pay", "needs": ["pay"], "disposition": "PTP",
            "fields": [{"name": "amount", "type": "amount"}, {"name": "on", "type": "date"}]
        });
        let mut settings =
            serde_json::to_value(BotSettings { name: "b".into(), ..BotSettings::default() }).unwrap();
        settings["llm"] = json!({
            "provider": "openai", "model": "gpt-5.4-mini", "api_key": model.api_key(), "extra": {"base_url": model.url()}
        });
        settings["post_call_analysis_prompt"] = "Tell the mood of {{call.caller_id}} as JSON.".into();
        settings["analysis_schema"] =
            json!({"type": "object", "properties": {"mood": {"type": "string"}}, "required": ["mood"]});
        settings["qc_prompt"] = "Score the bot.".into();
        settings["outcomes"] = json!([outcome]);
        settings["max_cost_micros_per_day"] = 12_000.into();
        settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let bot = bridge.insert_bot(&bridge.tenant(), serde_json::from_value(settings).unwrap()).await;
        let token = bridge.token(Role::SuperAdmin).await;
        Self { bridge, model, bot, token }
    }

    async fn ends(&self, session: &str, lines: &[&str]) {
        assert_eq!(
            self.bridge.deliver(&said(session, &self.bot, "customer", lines)).await.status(),
            StatusCode::OK
        );
        self.bridge.app.relay.move_all().await.unwrap();
    }

    fn work(&self) -> DropGuard {
        let stop = CancellationToken::new();
        tokio::spawn(self.bridge.app.runner.clone().run(stop.clone()));
        tokio::spawn(self.bridge.app.relay.clone().run(stop.clone()));
        stop.drop_guard()
    }

    async fn read(&self, path: &str) -> Value {
        json(self.bridge.get(path).bearer_auth(&self.token).send().await.unwrap(), StatusCode::OK).await
    }

    async fn settles(&self, session: &str, status: &str) -> Value {
        let is = || async { self.bridge.call(session).await["outcomes"]["status"] == status };
        assert!(eventually(SOON, is).await, "{:#}", self.bridge.call(session).await);
        self.bridge.call(session).await
    }

    async fn is_tried_to_the_end(&self) {
        for (tries, minutes) in [(1, 1), (2, 2), (3, 4), (4, 8), (5, 0)] {
            let tried = || async {
                let job = self.job("process_result").await;
                job["tries"] == tries && job["state"] != "running"
            };
            assert!(eventually(SOON, tried).await, "{tries}: {}", self.job("process_result").await);
            self.bridge.clock.advance(SignedDuration::from_mins(minutes));
        }
    }

    async fn again(&self, session: &str) -> reqwest::Response {
        let path = format!("/api/v1/calls/{session}/analysis");
        self.bridge.request(Method::POST, &path).bearer_auth(&self.token).send().await.unwrap()
    }

    async fn job(&self, kind: &str) -> Value {
        let jobs = self.read("/api/v1/jobs").await;
        jobs["items"].as_array().unwrap().iter().find(|job| job["kind"] == kind).cloned().unwrap_or_default()
    }

    /// What of the bot's day is spent.
    async fn spent(&self) -> i64 {
        let budgets = self.bridge.app.stores.budgets(&self.bridge.tenant());
        budgets.committed(&Scope::Bot(self.bot.clone()), "2026-11-20").await.unwrap()
    }

    /// What of the ledger belongs to analyses.
    async fn charged(&self, session: &str) -> Vec<Value> {
        self.bridge.app.relay.move_all().await.unwrap();
        let page = self.read(&format!("/v1/conversations/{session}/events")).await;
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|entry| entry["entry"] == "analysis")
            .cloned()
            .collect()
    }
}

#[tokio::test]
async fn a_call_is_analysed_and_the_crm_waits_for_what_was_proven() {
    // What the rules say, the model does not.
    let output = json!({"mood": "calm", "disposition": "Paid", "reached": "no"});
    let asked = Asked::start(answers(&[
        output.clone(),
        json!({"score": 7}),
        promise(4, "I will pay five hundred rupees tomorrow"),
    ]))
    .await;
    let crm = ScriptedCrm::start(CRM_KEY, json!({})).await.unwrap();
    let body = json!({
        "mood": "{{analysis.mood}}", "score": "{{qc.score}}", "amount": "{{analysis.outcomes.promise_to_pay.amount}}",
        "status": "{{analysis.outcomes.promise_to_pay.status}}", "word": "{{analysis.disposition}}", "contact": "{{result.disposition}}",
        "reached": "{{analysis.reached}}"
    });
    let headers = json!([{"name": "Authorization", "value": format!("Bearer {CRM_KEY}")}]);
    let push = json!({"push": {"url": crm.url("/results"), "headers": headers, "body": body}});
    let path = format!("/api/v1/bots/{}/crm", asked.bot);
    json(asked.bridge.send(Method::PUT, &path, &asked.token, push).await, StatusCode::OK).await;

    let price = json!({
        "service": "llm", "vendor": "openai", "unit": "tokens_in", "money": 1, "per": 1, "effective_from": "2026-01-01T00:00:00Z"
    });
    json(asked.bridge.send(Method::POST, "/api/v1/prices", &asked.token, price).await, StatusCode::CREATED)
        .await;

    asked.ends("call_1", TALK).await;
    assert_eq!(
        asked.job("push_crm").await["begins_at"].as_str().unwrap()[..16],
        *"2026-11-20T10:20",
        "it waits"
    );
    assert_eq!(refusal(asked.again("call_1").await, StatusCode::CONFLICT).await, "analysis_running");
    let _works = asked.work();
    let call = asked.settles("call_1", "done").await;
    assert_eq!((&call["analysis"]["output"], &call["qc"]["output"]), (&output, &json!({"score": 7})));
    assert_eq!(call["analysis"]["model"], "openai gpt-5.4-mini");
    let faults = call["analysis"]["schema_faults"].as_array().unwrap();
    assert!(faults.is_empty() == cfg!(feature = "schema"), "a build without schemas says so: {faults:?}");
    let proof = &call["outcomes"]["items"][0];
    assert_eq!(
        (&proof["status"], &call["disposition"], &call["disposition_by"]),
        (&json!("proven"), &json!("PTP"), &json!("outcome"))
    );
    let evidence = json!({"utterance": 4, "turn": 1, "speaker": "caller", "started_ms": 12_000, "ended_ms": 15_000, "quote": "five hundred rupees"});
    assert_eq!((&proof["fields"][0]["value"], &proof["fields"][0]["evidence"]), (&json!("500"), &evidence));
    assert!(eventually(SOON, || async { crm.asked().len() == 1 }).await, "{}", asked.job("push_crm").await);
    let expected = json!({
        "mood": "calm", "score": "7", "amount": "500", "status": "proven", "word": "PTP", "contact": "Connected", "reached": "yes"
    });
    assert_eq!(crm.asked()[0].body, expected);

    let observed = asked.model.observed();
    assert!(
        observed.exchanges.len() == 3 && observed.exchanges.iter().all(|e| e.violations.is_empty()),
        "{observed:#?}"
    );
    let events = asked.bridge.app.stores.events(&asked.bridge.tenant());
    let ready = || async {
        events
            .list_of_call("call_1", 50)
            .await
            .unwrap()
            .into_iter()
            .filter(|e| e.value.event == "analysis.ready")
            .collect::<Vec<_>>()
    };
    assert!(eventually(SOON, || async { ready().await.len() == 1 }).await);
    let told = &ready().await[0].value.data;
    assert_eq!(
        (&told["outcomes"], &told["reached"]),
        (&json!([{"name": "promise_to_pay", "status": "proven"}]), &json!("yes"))
    );
    let charged = asked.charged("call_1").await;
    let tokens: i64 = charged.iter().map(|entry| entry["amounts"]["tokens_in"].as_i64().unwrap()).sum();
    assert_eq!((charged.len(), tokens), (3, 6_000), "{charged:#?}");
    let cost = call["cost"]["vendors"].as_array().unwrap();
    assert_eq!(cost.iter().filter(|line| line["entry"] == "analysis").count(), 3, "{cost:#?}");

    // The same once more, by hand, with a model that lies.
    asked.model.set_faults(Faults::default());
    asked.model.set_script(answers(&[
        json!({"score": "high"}),
        json!({"score": 8}),
        promise(1, "this is Maya"),
    ]));
    let begun = json(asked.again("call_1").await, StatusCode::ACCEPTED).await;
    assert_eq!((&begun["run"], &begun["analysis"]["output"]), (&json!(2), &output));
    let is = || async { asked.bridge.call("call_1").await["qc"]["output"]["score"] == 8 };
    assert!(eventually(SOON, is).await);
    let call = asked.settles("call_1", "done").await;
    assert_eq!(call["analysis"]["schema_faults"].as_array().unwrap().len(), 1);
    let proof = &call["outcomes"]["items"][0];
    assert_eq!(
        (&proof["status"], &proof["reason"], &call["disposition"]),
        (&json!("unproven"), &json!("wrong_speaker"), &json!("Connected"))
    );
    assert_eq!(asked.charged("call_1").await.len(), 6);
    assert_eq!(crm.asked().len(), 1, "nothing is pushed twice");

    // Both runs have cost 6,000, which is all that the bot may spend today.
    assert!(eventually(SOON, || async { asked.spent().await == 12_000 }).await, "{}", asked.spent().await);
    assert_eq!(refusal(asked.again("call_1").await, StatusCode::PAYMENT_REQUIRED).await, "budget_exceeded");
}

#[tokio::test]
async fn a_vendor_that_fails_is_asked_again_and_in_the_end_the_call_says_so() {
    let asked =
        Asked::start(answers(&[json!({"mood": "calm"}), json!({"score": 7}), json!({"claims": []})])).await;
    asked.model.set_faults(Faults { status: Some(429), ..Faults::default() });
    asked.ends("call_1", TALK).await;
    let _works = asked.work();
    asked.is_tried_to_the_end().await;
    let call = asked.settles("call_1", "failed").await;
    assert_eq!(call["analysis"]["reason"], "analysis: openai answered 429: rate_limit_exceeded");
    assert_eq!((&call["qc"]["status"], &call["disposition"]), (&json!("failed"), &json!("Connected")));
    let job = asked.job("process_result").await;
    assert_eq!(job["state"], "failed");
    assert!(asked.charged("call_1").await.is_empty(), "nothing was answered");

    // A person has it done again when the vendor is back.
    asked.model.set_faults(Faults::default());
    let retry = format!("/api/v1/jobs/{}/retry", job["id"].as_str().unwrap());
    assert_eq!(
        asked.bridge.send(Method::POST, &retry, &asked.token, Value::Null).await.status(),
        StatusCode::ACCEPTED
    );
    let call = asked.settles("call_1", "done").await;
    assert_eq!(
        (&call["analysis"]["status"], &call["outcomes"]["items"][0]["status"]),
        (&json!("done"), &json!("not_claimed"))
    );
}

/// Its parts stayed open, and nobody was told.
#[tokio::test]
async fn an_analysis_that_cannot_even_be_asked_for_has_failed_in_the_end() {
    let asked = Asked::start(answers(&[])).await;
    asked.ends("call_1", TALK).await;
    asked.bridge.damage(&BOTS, asked.bot.as_str(), "settings", json!(7)).await;
    let _works = asked.work();
    asked.is_tried_to_the_end().await;
    let call = asked.settles("call_1", "failed").await;
    let reason = "analysis: the bot, its keys or the CRM's settings could not be read";
    assert_eq!((&call["analysis"]["reason"], &call["qc"]["status"]), (&json!(reason), &json!("failed")));
    let events = asked.bridge.app.stores.events(&asked.bridge.tenant());
    let is_told = || async {
        events.list_of_call("call_1", 50).await.unwrap().iter().any(|e| e.value.event == "analysis.ready")
    };
    assert!(eventually(SOON, is_told).await);
}

#[tokio::test]
async fn a_result_that_comes_late_is_asked_about_and_the_guess_before_it_no_more() {
    let asked =
        Asked::start(answers(&[json!({"mood": "calm"}), json!({"score": 7}), promise(4, "I will pay")]))
            .await;
    asked.bridge.deliver(&said("call_1", &asked.bot, "worker_lost", TALK)).await;
    asked.ends("call_1", TALK).await;
    assert_eq!(asked.bridge.call("call_1").await["analysis"]["run"], 1);
    let _works = asked.work();
    asked.settles("call_1", "done").await;
    let done = || async {
        let jobs = asked.read("/api/v1/jobs?state=done").await;
        jobs["items"].as_array().unwrap().len() == 2
    };
    assert!(eventually(SOON, done).await);
    assert_eq!(asked.model.observed().exchanges.len(), 3, "about the last record only");
    // What has nothing to be asked says why.
    asked.ends("call_2", &["b: Hello."]).await;
    let refused = asked.again("call_2").await.text().await.unwrap();
    assert!(refused.contains("nothing_to_ask") && refused.contains("never spoke"), "{refused}");
}

/// The transcript is kept in clear, for people. What the bot's model and its CRM may not hear in a call, they do not read after it.
#[tokio::test]
async fn what_a_model_may_not_hear_it_may_not_read_either_and_only_where_the_tenant_allows() {
    let redaction = json!({"redaction": {"kinds": ["card"], "sinks": ["model", "crm"]}});
    let says = [
        json!({"mood": "gave 4111 1111 1111 1111"}),
        json!({"score": 7}),
        promise(4, "I will pay five hundred rupees tomorrow with [card]"),
    ];
    let asked = Asked::with(answers(&says), redaction).await;
    let crm = ScriptedCrm::start(CRM_KEY, json!({})).await.unwrap();
    let headers = json!([{"name": "Authorization", "value": format!("Bearer {CRM_KEY}")}]);
    let body = json!({"mood": "{{analysis.mood}}", "said": "{{result.transcript}}"});
    let push = json!({"push": {"url": crm.url("/results"), "headers": headers, "body": body}});
    let path = format!("/api/v1/bots/{}/crm", asked.bot);
    json(asked.bridge.send(Method::PUT, &path, &asked.token, push).await, StatusCode::OK).await;
    let talk = [
        "b: You owe 1500 rupees.",
        "c: Yes.",
        "b: When can you pay?",
        "c: I will pay five hundred rupees tomorrow with 4111 1111 1111 1111.",
    ];
    asked.ends("call_1", &talk).await;
    let _works = asked.work();
    let call = asked.settles("call_1", "done").await;
    assert!(call["transcript"].to_string().contains("4111 1111"), "people may read it");
    let observed = asked.model.observed().exchanges;
    let read = format!("{:?}", observed.iter().map(|exchange| &exchange.received).collect::<Vec<_>>());
    assert!(observed.len() == 3 && !read.contains("1111") && read.contains("[card]"), "{read}");
    assert_eq!(
        call["outcomes"]["items"][0]["status"], "proven",
        "by the words that the model was shown: {call:#}"
    );
    assert!(eventually(SOON, || async { crm.asked().len() == 1 }).await);
    let pushed = &crm.asked()[0].body;
    assert_eq!(pushed["mood"], "gave [card]");
    assert!(!pushed.to_string().contains("1111"), "{pushed}");

    // The address of the bot's model is the tenant's, and is outside its rules now.
    let rules = json!({"egress": {"allow": ["elsewhere.test"]}});
    let ruled = asked.bridge.send(Method::PATCH, "/api/v1/tenants/default", &asked.token, rules).await;
    assert_eq!(ruled.status(), StatusCode::OK);
    json(asked.again("call_1").await, StatusCode::ACCEPTED).await;
    let call = asked.settles("call_1", "failed").await;
    assert!(call["outcomes"]["reason"].as_str().unwrap().contains("127.0.0.1"), "{}", call["outcomes"]);
    assert_eq!(asked.model.observed().exchanges.len(), 3, "it was not asked");

    // It is within them again, and outside the tenant's region.
    let pinned = json!({"egress": {}, "data_residency": "us"});
    let pinned = asked.bridge.send(Method::PATCH, "/api/v1/tenants/default", &asked.token, pinned).await;
    assert_eq!(pinned.status(), StatusCode::OK);
    json(asked.again("call_1").await, StatusCode::ACCEPTED).await;
    let call = asked.settles("call_1", "skipped").await;
    let why = call["outcomes"]["reason"].as_str().unwrap();
    assert!(why.contains("data_residency_hosts"), "{why}");
    assert_eq!(asked.model.observed().exchanges.len(), 3, "it was not asked");
}

fn settings_of(model: &Server) -> LlmSettings {
    let extra = json!({"base_url": model.url()});
    let given =
        json!({"provider": "openai", "model": "gpt-4o-mini", "api_key": model.api_key(), "extra": extra});
    serde_json::from_value(given).unwrap()
}

#[tokio::test]
async fn every_manner_of_a_vendor_ends_within_its_deadline_and_limits() {
    let model = Server::start(Script::saying("{\"a\": 1}")).await;
    let bridge = TestBridge::start().await;
    let (egress, rules) = (&bridge.app.analyst.egress, HostRules::default());
    let schema = json!({"type": "object", "properties": {"a": {"type": "integer"}}});
    let form = Form::Schema { name: "analysis", schema, strict: false };
    let prompt = Prompt { instructions: "Answer in JSON.".into(), material: "{}".into(), form };
    let settings = settings_of(&model);
    let (rules, settings, prompt) = (&rules, &settings, &prompt);
    const LONG: Duration = Duration::from_secs(20);
    let tried = |within: Duration| async move {
        let began = Instant::now();
        let reply = ask((egress, rules), settings, prompt, within).await;
        assert!(began.elapsed() < within + Duration::from_secs(10), "{:?}", began.elapsed());
        reply
    };
    assert_eq!(json!(tried(LONG).await.answer.unwrap()), json!({"a": 1}));
    for (faults, expected) in [
        (Faults { silent: true, ..Faults::default() }, "within 0.7 s"),
        (Faults { half_open: true, ..Faults::default() }, "within 0.7 s"),
        (Faults { accept_delay_ms: 5_000, ..Faults::default() }, "within 0.7 s"),
        (Faults { drip_bytes_per_s: Some(50), ..Faults::default() }, "within 0.7 s"),
        (Faults { cut_after: Some(Cut::Messages(0)), ..Faults::default() }, "error sending request"),
        (Faults { cut_after: Some(Cut::Bytes(300)), ..Faults::default() }, ""),
        (Faults { status: Some(401), ..Faults::default() }, "answered 401: invalid_api_key"),
        (Faults { status: Some(429), ..Faults::default() }, "answered 429: rate_limit_exceeded"),
        (Faults { status: Some(500), ..Faults::default() }, "answered 500"),
        (Faults { oversized_mb: Some(2), ..Faults::default() }, "longer than 1048576 bytes"),
        (Faults { lies: vec![Lie::MalformedJson], ..Faults::default() }, "the answer is no JSON"),
    ] {
        model.set_faults(faults.clone());
        // Whoever answers may take its time on a busy machine.
        let within = if expected == "within 0.7 s" { Duration::from_millis(700) } else { LONG };
        let failure = tried(within).await.answer.expect_err("it fails");
        assert!(failure.detail.contains(expected), "{faults:?}: {failure}");
    }
    // What a compatible server does not know is left out.
    model.set_faults(Faults::default());
    for unknown in ["response_format.json_schema", "response_format", "store", "temperature"] {
        model.set_script(Script {
            unknown_fields: vec![unknown.into()],
            ..Script::saying("Here: {\"a\": 1}")
        });
        assert_eq!(json!(tried(LONG).await.answer.unwrap()), json!({"a": 1}), "{unknown}");
    }
    model.set_script(Script { only_below_v1: true, ..Script::saying("{\"a\": 1}") });
    assert!(tried(LONG).await.answer.is_ok());
    model.set_script(Script::saying("I would rather not."));
    let reply = tried(LONG).await;
    assert!(
        reply.answer.unwrap_err().detail.contains("no JSON") && reply.used.tokens_out > 0,
        "it is paid for"
    );
}
