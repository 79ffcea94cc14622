//! The config for the rest of a running call that another bot takes over: who gets it, and what of the call stays as it was.

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use vox_bridge::store::tenants::TenantStatus;
use vox_shared::ids::BotId;
use vox_shared::model::bot::{BotSettings, TransferMethod, TransferTarget, TransferType};
use vox_shared::wire::config::RuntimeConfig;

use crate::harness::{TestBridge, json, refusal, result};

const CLAIM: &str = "claim-of-one-worker-0123456789abcdef";
const OTHER_CLAIM: &str = "claim-of-another-0123456789abcdefghi";

fn to(bot: &BotId, enabled: bool) -> TransferTarget {
    TransferTarget {
        id: "next".into(),
        label: String::new(),
        method: TransferMethod::Bot,
        kind: TransferType::Bot,
        value: bot.to_string(),
        is_default: false,
        enabled,
        three_way: false,
        ring_secs: None,
    }
}

async fn ask(bridge: &TestBridge, bot: &BotId, request: &Value) -> Response {
    let path = format!("/api/v1/config/{bot}");
    bridge.internal(Method::POST, &path).json(request).send().await.unwrap()
}

fn handed(from: &BotId) -> Value {
    json!({"session_id": "call_1", "claim": CLAIM, "handed_from": from})
}

/// A bot, one that may hand calls over to it, and a call of that one's with a variable.
async fn stage(taker: BotSettings) -> (TestBridge, BotId, BotId) {
    let bridge = TestBridge::start().await;
    let taker = bridge.insert_bot(&bridge.tenant(), taker).await;
    let giver = BotSettings { transfer_targets: vec![to(&taker, true)], ..BotSettings::default() };
    let giver = bridge.insert_bot(&bridge.tenant(), giver).await;
    let begins = json!({"session_id": "call_1", "transport": "ws", "claim": CLAIM, "connected_event": {"name": "Asha"}});
    assert_eq!(ask(&bridge, &giver, &begins).await.status(), StatusCode::OK);
    (bridge, giver, taker)
}

#[tokio::test]
async fn the_rest_of_a_call_has_the_other_bots_config_and_nothing_is_begun_anew() {
    let taker = BotSettings {
        system_prompt: "You do the billing for {{name}}.".into(),
        max_call_duration_seconds: 3_600,
        ..BotSettings::default()
    };
    let (bridge, giver, taker) = stage(taker).await;
    let before = bridge.call("call_1").await;
    // Asked again, it says the same.
    for _ in 0..2 {
        let body = json(ask(&bridge, &taker, &handed(&giver)).await, StatusCode::OK).await;
        let config: RuntimeConfig = serde_json::from_value(body).unwrap();
        assert_eq!(config.session_id.as_str(), "call_1");
        assert_eq!(config.bot_id.as_ref(), Some(&taker));
        assert_eq!(config.system_prompt, "You do the billing for Asha.");
        assert!(config.call_token.is_none() && config.carrier.is_none(), "the call has those it began with");
    }
    let after = bridge.call("call_1").await;
    assert_eq!((&after["bot_id"], &after["status"]), (&json!(giver.as_str()), &json!("started")));
    assert_eq!(after["created_at"], before["created_at"]);
    let call = bridge.app.stores.all_calls().find_call(&"call_1".parse().unwrap()).await.unwrap().unwrap();
    let longest = call.value.deadline.unwrap().0.duration_since(bridge.now());
    assert!(longest.as_secs() > 3_600, "the longer time of the bot that has it now: {longest}");
}

#[tokio::test]
async fn only_the_calls_worker_gets_it_and_only_for_a_target_of_the_bot_that_has_the_call() {
    let (bridge, giver, taker) = stage(BotSettings::default()).await;
    let other = bridge.insert_bot(&bridge.tenant(), BotSettings::default()).await;
    let with = |name: &str, value: Value| {
        let mut request = handed(&giver);
        request[name] = value;
        request
    };
    for (bot, request, status, code) in [
        (&taker, with("claim", json!(OTHER_CLAIM)), StatusCode::NOT_FOUND, "unknown_call"),
        (&taker, with("claim", Value::Null), StatusCode::FORBIDDEN, "claim_missing"),
        (&taker, with("session_id", json!("call_2")), StatusCode::NOT_FOUND, "unknown_call"),
        (&taker, with("session_id", Value::Null), StatusCode::NOT_FOUND, "unknown_call"),
        (&other, handed(&giver), StatusCode::FORBIDDEN, "not_a_target"),
        (&taker, with("handed_from", json!(other.as_str())), StatusCode::FORBIDDEN, "not_a_target"),
        (&taker, with("handed_from", json!("bot_nobody")), StatusCode::FORBIDDEN, "not_a_target"),
    ] {
        assert_eq!(refusal(ask(&bridge, bot, &request).await, status).await, code, "{request}");
    }
    // A target that is switched off is none, and no bot of another tenant ever is one.
    let off = BotSettings { transfer_targets: vec![to(&taker, false)], ..BotSettings::default() };
    let off = bridge.insert_bot(&bridge.tenant(), off).await;
    assert_eq!(
        refusal(ask(&bridge, &taker, &handed(&off)).await, StatusCode::FORBIDDEN).await,
        "not_a_target"
    );
    let stranger = bridge.insert_tenant("strangers").await;
    let foreign = bridge.insert_bot(&stranger, BotSettings::default()).await;
    let naming = BotSettings { transfer_targets: vec![to(&foreign, true)], ..BotSettings::default() };
    let naming = bridge.insert_bot(&bridge.tenant(), naming).await;
    let refused = ask(&bridge, &foreign, &handed(&naming)).await;
    assert_eq!(refusal(refused, StatusCode::NOT_FOUND).await, "unknown_call");
    // A call that is over is nobody's.
    let mut ended = result("call_1", "bot");
    ended["proof"] = json!({"claim": CLAIM});
    json(bridge.deliver(&ended).await, StatusCode::OK).await;
    assert_eq!(
        refusal(ask(&bridge, &taker, &handed(&giver)).await, StatusCode::NOT_FOUND).await,
        "unknown_call"
    );
}

#[tokio::test]
async fn a_bot_that_would_not_answer_takes_nothing_over() {
    let hiding = json!({"name": "b", "redaction": {"kinds": ["card"], "sinks": ["transcript"]}});
    let (bridge, giver, taker) = stage(serde_json::from_value(hiding).unwrap()).await;
    let refused = ask(&bridge, &taker, &handed(&giver)).await;
    assert_eq!(refusal(refused, StatusCode::CONFLICT).await, "redaction_differs");
    bridge.app.stores.tenants().set_status(&bridge.tenant(), TenantStatus::Suspended).await.unwrap();
    let refused = ask(&bridge, &taker, &handed(&giver)).await;
    assert_eq!(refusal(refused, StatusCode::PAYMENT_REQUIRED).await, "tenant_suspended");
    let (bridge, giver, taker) = stage(BotSettings { enabled: false, ..BotSettings::default() }).await;
    assert_eq!(
        refusal(ask(&bridge, &taker, &handed(&giver)).await, StatusCode::NOT_FOUND).await,
        "unknown_bot"
    );
}
