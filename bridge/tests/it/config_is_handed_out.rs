//! The config fetch: what refuses a call, what is filled in, what is remembered.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;
use vox_bridge::runtime::memory::KEPT;
use vox_bridge::store::bots::BOTS;
use vox_bridge::store::tenants::TenantStatus;
use vox_shared::model::bot::{ActiveHours, ApiKey, BotSettings, LineAccess, Phrases, ReEngagement};
use vox_shared::wire::config::RuntimeConfig;

use crate::harness::{TestBridge, json, refusal, result, wrong_fields};

fn named(name: &str) -> BotSettings {
    BotSettings { name: name.into(), ..BotSettings::default() }
}

#[tokio::test]
async fn a_config_is_what_core_expects_and_leaves_a_skeleton() {
    let bridge = TestBridge::start().await;
    let event = json!({"callerId": "+4915112345678", "callDirection": "outgoing", "name": "Asha", "_campaign_id": "c1"});
    let query = [("session_id", "call_one"), ("connected_event", &event.to_string()), ("transport", "ws")];
    let body = json(bridge.fetch_config("faq", &query).await, StatusCode::OK).await;
    let config: RuntimeConfig = serde_json::from_value(body).unwrap();
    assert_eq!(config.session_id.as_str(), "call_one");
    assert_eq!(config.webhook_url, format!("{}/api/v1/call-results", bridge.url));
    assert_eq!(config.bot_id.unwrap().as_str(), "faq");

    let call = bridge.call("call_one").await;
    assert_eq!((&call["status"], &call["caller_id"]), (&json!("started"), &json!("+4915112345678")));
    assert_eq!((&call["call_direction"], &call["transport"]), (&json!("outgoing"), &json!("ws")));
    assert_eq!(call["connected_event"]["name"], "Asha");
    assert!(call["connected_event"].get("_campaign_id").is_none(), "reserved keys are taken out");
}

#[tokio::test]
async fn prompts_openings_and_phrases_are_filled_in() {
    let bridge = TestBridge::start().await;
    let mut settings = named("t");
    settings.timezone = "Asia/Kolkata".into();
    settings.variables.insert("clinic".into(), "Sunrise".into());
    settings.variables.insert("name".into(), "nobody".into());
    settings.system_prompt =
        "{{call.name}} at {{clinic}}, {{system.current_date}} {{current_time}}, {{unknown}}".into();
    settings.opening_message = "Hello {{name}}, it is {{system.current_weekday}}".into();
    settings.phrases.apology = "Sorry {{name}}".into();
    let bot = bridge.insert_bot(&bridge.tenant(), settings).await;
    let event = json!({"name": "Asha {{clinic}}", "_campaign_id": "secret"}).to_string();
    let body =
        json(bridge.fetch_config(bot.as_str(), &[("connected_event", &event)]).await, StatusCode::OK).await;
    assert_eq!(body["system_prompt"], "Asha {{clinic}} at Sunrise, 2026-11-20 15:30, {{unknown}}");
    assert_eq!(body["opening_message"], "Hello Asha {{clinic}}, it is Friday");
    assert_eq!(body.get("template_warnings"), None, "an unknown name in the prompt is no warning");
    assert_eq!(body["phrases"]["apology"], "Sorry Asha {{clinic}}");
}

#[tokio::test]
async fn what_has_no_value_is_never_spoken_and_told() {
    let bridge = TestBridge::start().await;
    let mut settings = named("t");
    settings.opening_message = "Hello {{customer}}, this is the clinic.".into();
    settings.voicemail_message = "Please call {{ office }} back.".into();
    settings.pre_transfer_message = "One moment {{customer}}.".into();
    settings.phrases.time_up = "{{time_up_text}}".into();
    settings.phrases.hold = "Let me see {{call.order.items.0.name}}.".into();
    settings.phrases.trouble = String::new();
    settings.re_engagement = Some(ReEngagement {
        prompts: vec!["{{customer}}?".into(), "Are you there, {{customer}}?".into(), "{{customer}}".into()],
        goodbye: "Goodbye {{customer}}!".into(),
        ..ReEngagement::default()
    });
    let bot = bridge.insert_bot(&bridge.tenant(), settings).await;
    let order = json!({"items": [{"name": "tea"}]}).to_string();
    let event = json!({"order": order, "customer": null}).to_string();
    let body =
        json(bridge.fetch_config(bot.as_str(), &[("connected_event", &event)]).await, StatusCode::OK).await;
    let config: RuntimeConfig = serde_json::from_value(body).unwrap();
    assert_eq!(config.opening_message, "Hello, this is the clinic.");
    assert_eq!(config.voicemail_message, "Please call back.");
    assert_eq!(config.pre_transfer_message, "One moment.");
    assert_eq!(config.phrases.hold, "Let me see tea.");
    assert_eq!(config.phrases.time_up, Phrases::default().time_up, "something has to be said");
    assert_eq!(config.phrases.trouble, "", "what says nothing on purpose stays so");
    let idle = config.re_engagement.unwrap();
    assert_eq!((idle.prompts, idle.goodbye.as_str()), (vec!["Are you there?".to_owned()], "Goodbye!"));
    assert_eq!(config.template_warnings, ["customer", "office", "time_up_text"]);
}

#[tokio::test]
async fn every_refusal_has_its_status() {
    let bridge = TestBridge::start().await;
    let wrong = bridge.get("/api/v1/config/faq").header("x-voxcore-secret", "wrong").send().await.unwrap();
    assert_eq!(refusal(wrong, StatusCode::FORBIDDEN).await, "forbidden");
    assert_eq!(refusal(bridge.fetch_config("nobody", &[]).await, StatusCode::NOT_FOUND).await, "unknown_bot");
    let disabled = bridge.insert_bot(&bridge.tenant(), BotSettings { enabled: false, ..named("off") }).await;
    assert_eq!(bridge.fetch_config(disabled.as_str(), &[]).await.status(), StatusCode::NOT_FOUND);

    // It is Friday, 10:00 UTC.
    let hours =
        ActiveHours { enabled: true, start: "09:00".into(), end: "09:30".into(), ..ActiveHours::default() };
    let closed =
        bridge.insert_bot(&bridge.tenant(), BotSettings { active_hours: hours, ..named("closed") }).await;
    let body = json(bridge.fetch_config(closed.as_str(), &[]).await, StatusCode::SERVICE_UNAVAILABLE).await;
    assert!(body["detail"].as_str().unwrap().starts_with("outside_active_hours"), "{body}");
    bridge.clock.set("2026-11-20T09:15:00Z".parse().unwrap());
    assert_eq!(bridge.fetch_config(closed.as_str(), &[]).await.status(), StatusCode::OK);

    bridge.app.stores.tenants().set_status(&bridge.tenant(), TenantStatus::Suspended).await.unwrap();
    assert_eq!(
        refusal(bridge.fetch_config("faq", &[]).await, StatusCode::PAYMENT_REQUIRED).await,
        "tenant_suspended"
    );
    bridge.app.stores.tenants().set_status(&bridge.tenant(), TenantStatus::Active).await.unwrap();
    assert_eq!(bridge.fetch_config("faq", &[]).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn fetching_again_is_harmless_but_another_calls_id_is_not_taken() {
    let bridge = TestBridge::start().await;
    let session = [("session_id", "call_again")];
    let first = json(bridge.fetch_config("faq", &session).await, StatusCode::OK).await;
    let second = json(bridge.fetch_config("faq", &session).await, StatusCode::OK).await;
    assert_eq!(first, second);
    assert_eq!(
        refusal(bridge.fetch_config("survey", &session).await, StatusCode::CONFLICT).await,
        "session_taken"
    );
    assert_eq!(bridge.deliver(&result("call_again", "bot")).await.status(), StatusCode::OK);
    assert_eq!(bridge.fetch_config("faq", &session).await.status(), StatusCode::CONFLICT, "it has ended");
    let bad = bridge.fetch_config("faq", &[("session_id", "../etc")]).await;
    assert_eq!(bad.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_campaign_chooses_the_session_and_broken_events_count_as_none() {
    let bridge = TestBridge::start().await;
    // Only a caller who has the bot's token may choose.
    let token = "lt-0123456789abcdef";
    let line_access = LineAccess { token: ApiKey::new(token), ..LineAccess::default() };
    let bot = bridge.insert_bot(&bridge.tenant(), BotSettings { line_access, ..named("campaign") }).await;
    let bot = bot.as_str();
    let event = json!({"_campaign_session_id": "camp_7"}).to_string();
    let query = [("session_id", "call_mine"), ("connected_event", &event), ("line_token", token)];
    let body = json(bridge.fetch_config(bot, &query).await, StatusCode::OK).await;
    assert_eq!(body["session_id"], "camp_7");
    assert_eq!(json(bridge.fetch_config(bot, &query).await, StatusCode::OK).await, body, "asked again");
    // Two calls on one id would share one record, one recording and one place in the fleet.
    let others = [
        &[("session_id", "call_other"), query[1], query[2]][..],
        &[("session_id", "camp_7"), query[2]],
        &query[1..],
    ];
    for other in others {
        let second = bridge.fetch_config(bot, other).await;
        assert_eq!(refusal(second, StatusCode::CONFLICT).await, "session_taken", "{other:?}");
    }
    for broken in ["{", "[]", "7", "{\"a\":", &"[".repeat(5_000)] {
        let body =
            json(bridge.fetch_config("faq", &[("connected_event", broken)]).await, StatusCode::OK).await;
        let call = bridge.call(body["session_id"].as_str().unwrap()).await;
        assert_eq!(call["connected_event"], Value::Null, "{broken}");
    }
}

#[tokio::test]
async fn vendor_keys_reach_core_in_clear() {
    let bridge = TestBridge::start().await;
    let token = bridge.token(vox_bridge::auth::role::Role::Admin).await;
    let bot = json!({"name": "k", "llm": {"provider": "openai", "api_key": "sk-0123456789abcdef"}});
    let made =
        bridge.request(Method::POST, "/api/v1/bots").bearer_auth(token).json(&bot).send().await.unwrap();
    let made = json(made, StatusCode::CREATED).await;
    let body = json(bridge.fetch_config(made["id"].as_str().unwrap(), &[]).await, StatusCode::OK).await;
    assert_eq!(body["llm"]["api_key"], "sk-0123456789abcdef");
}

/// In an address an event over some 20 KB was refused by the server and by proxies before it.
#[tokio::test]
async fn a_long_event_comes_in_a_body() {
    let bridge = TestBridge::start().await;
    let ask = |body: Value| bridge.internal(Method::POST, "/api/v1/config/faq").json(&body).send();
    let long = "x".repeat(500_000);
    let event = json!({"callerId": "+49151", "note": long, "_campaign_id": "c1"});
    for (session, event) in [("call_object", event.clone()), ("call_text", json!(event.to_string()))] {
        let body = json!({"session_id": session, "transport": "ws", "connected_event": event});
        let body = json(ask(body).await.unwrap(), StatusCode::OK).await;
        assert_eq!(body["session_id"], session);
        let call = bridge.call(session).await;
        assert_eq!((&call["caller_id"], &call["transport"]), (&json!("+49151"), &json!("ws")));
        assert_eq!(call["connected_event"]["note"].as_str().unwrap().len(), long.len());
        assert!(call["connected_event"].get("_campaign_id").is_none(), "reserved keys are taken out");
    }
    for event in [json!(null), json!([]), json!(7), json!("{"), json!("[[")] {
        let body = json(ask(json!({"connected_event": event})).await.unwrap(), StatusCode::OK).await;
        let call = bridge.call(body["session_id"].as_str().unwrap()).await;
        assert_eq!(call["connected_event"], Value::Null, "{event}");
    }
    let refused = ask(json!({"session_id": "call_x", "transport": "talk"})).await.unwrap();
    assert_eq!(refusal(refused, StatusCode::UNAUTHORIZED).await, "bad_ticket");
    assert_eq!(wrong_fields(ask(json!({"session_id": "../x"})).await.unwrap()).await, ["session_id"]);
    let nobody =
        bridge.internal(Method::POST, "/api/v1/config/nobody").json(&json!({})).send().await.unwrap();
    assert_eq!(refusal(nobody, StatusCode::NOT_FOUND).await, "unknown_bot");
}

#[tokio::test]
async fn everything_that_an_operator_sets_reaches_the_worker() {
    let bridge = TestBridge::start().await;
    let token = bridge.token(vox_bridge::auth::role::Role::Admin).await;
    let target = json!({"id": "desk", "label": "", "method": "agent_desk", "type": "agent_queue", "value": "billing", "is_default": true, "enabled": true});
    let settings = json!({
        "name": "collect", "system_prompt": "You are kind.", "timezone": "Asia/Kolkata",
        "transfer_targets": [target], "transfer_numbers": {"sales": "+49301234"},
        "post_call_analysis_prompt": "Sum up.", "qc_prompt": "Judge.", "analysis_schema": {"type": "object"},
        "auto_dispositions": {"rnr": "Nobody"}, "limits": {"max_tokens": 5000},
        "prompt_parts": {"mode": "direct", "cache_enabled": true, "cache_retention": "24h", "dynamic_prompt": "Speak to {{name}}."},
        "conversation_policy": {"type": "collection_recovery", "language": "hi", "fields": {"amount_due": "loan.emi"}},
        "sip_header_config": {"headers": {"X-Tier": "tier"}},
        "line_access": {"token": "line-token-1"}
    });
    let made = bridge.request(Method::POST, "/api/v1/bots").bearer_auth(token).json(&settings);
    let made = json(made.send().await.unwrap(), StatusCode::CREATED).await;
    let id = made["id"].as_str().unwrap();
    for (name, value) in settings.as_object().unwrap().iter().filter(|(name, _)| value_is_flat(name)) {
        assert_eq!(&made[name], value, "{name}");
    }
    // A dialler's text that is JSON itself, and headers of its line.
    let event = json!({
        "name": "Asha", "loan": r#"{"emi": "1,25,000"}"#, "due_date": "2026-12-05",
        "sip_candidate_headers": {"x-tier": "gold", "X-Secret": "canary"}
    });
    let body = json!({"transport": "ws", "session_id": "call_p", "line_token": "line-token-1", "connected_event": event});
    let fetch = bridge.internal(Method::POST, &format!("/api/v1/config/{id}")).json(&body);
    let text = json(fetch.send().await.unwrap(), StatusCode::OK).await;
    let config: RuntimeConfig = serde_json::from_value(text.clone()).unwrap();
    assert_eq!((config.transfer_targets, config.bot_version), (vec![target], Some(1)));
    assert_eq!(config.transfer_numbers["sales"], "+49301234");
    assert_eq!(
        (config.post_call_analysis_prompt.as_deref(), config.qc_prompt.as_deref()),
        (Some("Sum up."), Some("Judge."))
    );
    assert_eq!(
        (config.auto_dispositions.unwrap().rnr.as_deref(), config.limits.max_tokens),
        (Some("Nobody"), Some(5000))
    );
    let parts = config.prompt_parts;
    assert!(
        parts.cache_enabled && parts.static_system_prompt.starts_with("You are kind.\n\n## This call"),
        "{parts:?}"
    );
    for own in ["Speak to Asha.", "एक लाख पच्चीस हज़ार रुपये (1,25,000)", "पाँच दिसंबर दो हज़ार छब्बीस"]
    {
        assert!(parts.dynamic_runtime_prompt.contains(own), "{own} in {parts:?}");
        assert!(!parts.static_system_prompt.contains(own), "{own} is one caller's");
    }
    assert_eq!(
        config.system_prompt,
        format!("{}\n\n{}", parts.static_system_prompt, parts.dynamic_runtime_prompt)
    );
    assert_eq!(config.conversation_policy.unwrap()["applied"], true);
    let call = bridge.call("call_p").await;
    assert_eq!(call["connected_event"]["tier"], "gold");
    assert!(!call.to_string().contains("canary"), "{call}");
    // Of a stranger's line no header counts.
    let open = bridge
        .insert_bot(
            &bridge.tenant(),
            serde_json::from_value(
                json!({"name": "o", "sip_header_config": {"headers": {"X-Tier": "tier"}}}),
            )
            .unwrap(),
        )
        .await;
    let query = [("session_id", "call_q"), ("connected_event", &event.to_string())];
    assert_eq!(bridge.fetch_config(open.as_str(), &query).await.status(), StatusCode::OK);
    assert_eq!(bridge.call("call_q").await["connected_event"].get("tier"), None);
}

/// Those that are shown just as they were sent.
fn value_is_flat(name: &str) -> bool {
    [
        "transfer_targets",
        "transfer_numbers",
        "qc_prompt",
        "analysis_schema",
        "prompt_parts",
        "sip_header_config",
    ]
    .contains(&name)
}

#[tokio::test]
async fn what_seldom_changes_is_remembered_for_two_seconds_and_never_over_a_change_that_was_heard_of() {
    let bridge = TestBridge::start().await;
    let bot = bridge
        .insert_bot(
            &bridge.tenant(),
            BotSettings { name: "a".into(), system_prompt: "One.".into(), ..Default::default() },
        )
        .await;
    let prompt = async || {
        let config = json(bridge.fetch_config(bot.as_str(), &[]).await, StatusCode::OK).await;
        config["system_prompt"].as_str().unwrap().to_owned()
    };
    assert_eq!(prompt().await, "One.");
    // As another bridge changes it that cannot tell.
    let mut settings =
        bridge.engine.get(&BOTS, bot.to_string()).await.unwrap().unwrap().body["settings"].clone();
    settings["system_prompt"] = json!("Two.");
    bridge.damage(&BOTS, bot.as_str(), "settings", settings).await;
    assert_eq!(prompt().await, "One.");
    bridge.clock.advance(KEPT);
    assert_eq!(prompt().await, "Two.");
    let change = bridge.request(Method::PATCH, &format!("/api/v1/bots/{bot}"));
    let change =
        change.bearer_auth(bridge.token(Role::Admin).await).json(&json!({"system_prompt": "Three."}));
    json(change.send().await.unwrap(), StatusCode::OK).await;
    assert_eq!(prompt().await, "Three.");
}
