//! A tenant that was deleted thirty days ago goes for good, with everything of its in every collection; a legal hold keeps it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt;
use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;
use vox_bridge::auth::scope::Scope;
use vox_bridge::objects::Key;
use vox_bridge::store::calls::CALLS;
use vox_bridge::store::calls::tier::Kept;
use vox_bridge::store::engine::{Collection, Which};
use vox_bridge::store::proofs::{NewProof, ProofKind};
use vox_bridge::store::{COLLECTIONS, Stamp, Stores};
use vox_shared::ids::TenantId;
use vox_shared::model::bot::BotSettings;

use crate::harness::interposed::{Documents, Step};
use crate::harness::{TestBridge, json, refusal, result};
use crate::recordings_are_stored_and_served::upload;
use crate::sounds_are_kept::{kept, tone};

/// What stays: it is only ever added to.
const KEPT: [&str; 3] = ["ledger", "audit", "campaign_proofs"];

/// The name of an object of its archive.
const ARCHIVED: &str = "0123456789abcdef0123456789abcdef";

/// A tenant with something of many kinds, and a super_admin of another one.
struct Stage {
    bridge: TestBridge,
    tenant: TenantId,
}

impl Stage {
    async fn start() -> Self {
        let bridge = TestBridge::start().await;
        let operator = bridge.token(Role::SuperAdmin).await;
        let made = json!({"slug": "acme", "name": "Acme"});
        let made = bridge.send(Method::POST, "/api/v1/tenants", &operator, made).await;
        let tenant = json(made, StatusCode::CREATED).await["id"].as_str().unwrap().parse().unwrap();
        let stage = Self { bridge, tenant };
        stage.fill().await;
        stage
    }

    async fn fill(&self) {
        let (bridge, tenant) = (&self.bridge, &self.tenant);
        let admin = bridge.token_of(tenant, Role::SuperAdmin).await;
        let bot = bridge.insert_bot(tenant, BotSettings::default()).await;
        bridge.insert_key(tenant, Scope::ALL, |_| {}).await;
        bridge.insert_invitation(tenant, "new@acme").await;
        let posts = [
            (
                Method::PUT,
                format!("/api/v1/bots/{bot}/crm"),
                json!({"prefetch": {"url": "https://crm.example.com/x"}}),
            ),
            (Method::POST, "/api/v1/webhooks".into(), json!({"url": "https://crm.example.com/hook"})),
            (Method::POST, "/api/v1/dnc".into(), json!({"number": "+15550007"})),
            (Method::POST, "/api/v1/talk/tickets".into(), json!({"bot_id": bot})),
            (Method::PATCH, format!("/api/v1/bots/{bot}"), json!({"system_prompt": "two"})),
            (Method::PUT, "/api/v1/settings/api-keys".into(), json!({"openai": "sk-canary-0123456789"})),
            (
                Method::PUT,
                "/api/v1/integrations/exotel".into(),
                json!({"account_sid": "acme1", "api_key": "k", "api_token": "t"}),
            ),
        ];
        for (method, path, body) in posts {
            let answer = bridge.send(method, &path, &admin, body).await;
            assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
        }
        kept(bridge, &admin, "Music", &tone()).await;
        let campaign = json!({"name": "Reminders", "bot_id": bot});
        let campaign = bridge.send(Method::POST, "/api/v1/campaigns", &admin, campaign).await;
        let campaign = json(campaign, StatusCode::CREATED).await["id"].as_str().unwrap().to_owned();
        // Its file is never read here.
        let file = bridge.request(Method::POST, &format!("/api/v1/campaigns/{campaign}/imports"));
        let file = file.bearer_auth(&admin).header("content-type", "text/csv").body("phone\n+15550008888\n");
        assert_eq!(file.send().await.unwrap().status(), StatusCode::ACCEPTED);
        let query = [("session_id", "call_1"), ("caller_id", "+15550142")];
        assert_eq!(bridge.fetch_config(bot.as_str(), &query).await.status(), StatusCode::OK);
        assert_eq!(upload(bridge, "call_1.wav", b"RIFF".to_vec(), None).await.status(), StatusCode::OK);
        let mut ended = result("call_1", "bot");
        (ended["bot_id"], ended["recording_key"]) = (json!(bot), json!("call_1.wav"));
        assert_eq!(bridge.deliver(&ended).await.status(), StatusCode::OK);
        bridge.app.relay.move_all().await.unwrap();
        bridge.app.herald.tell_all().await.unwrap();
        bridge.app.roll_up.round().await.unwrap();
        let proof = NewProof { kind: ProofKind::OptOut, of: "att_1".into(), fact: serde_json::Map::new() };
        let now = Stamp(bridge.now());
        bridge.app.stores.proofs(tenant).append(&mut None, &proof, now).await.unwrap();
        // Something of the call is archived.
        let calls = bridge.app.stores.calls(tenant);
        let mut call = calls.get_call(&"call_1".parse().unwrap()).await.unwrap();
        call.value.kept = Some(Kept { objects: vec![ARCHIVED.to_owned()], ..Kept::default() });
        calls.shelve_call(call).await.unwrap();
        bridge.app.custodian.depot.put(tenant, ARCHIVED, b"words".to_vec()).await.unwrap();
    }

    /// The collections that still have something of the tenant, and how many documents.
    async fn left(&self) -> Vec<(&'static str, usize)> {
        let mut left = Vec::new();
        for collection in COLLECTIONS {
            let (mut found, mut after) = (0, None);
            loop {
                let page = self.bridge.engine.list_by_id(collection, Which::All, after).await.unwrap();
                let Some(last) = page.last() else { break };
                after = Some(last.document.id.clone());
                let names_it = |value: &Value| value.to_string().contains(self.tenant.as_str());
                let of_it = page.iter().filter(|kept| {
                    kept.document.id.contains(self.tenant.as_str())
                        || names_it(&Value::Object(kept.document.body.clone()))
                });
                found += of_it.count();
            }
            if found > 0 {
                left.push((collection.name, found));
            }
        }
        left
    }

    /// A token of a moment ago: none lives for thirty days.
    async fn operator(&self) -> String {
        self.bridge.token(Role::SuperAdmin).await
    }

    async fn delete(&self) {
        let path = format!("/api/v1/tenants/{}", self.tenant);
        let gone = self.bridge.send(Method::DELETE, &path, &self.operator().await, json!({})).await;
        assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    }

    async fn restore(&self) -> reqwest::Response {
        let path = format!("/api/v1/tenants/{}/restore", self.tenant);
        self.bridge.send(Method::POST, &path, &self.operator().await, json!({})).await
    }

    async fn rounds(&self) {
        while self.bridge.app.undertaker.round().await.unwrap() {}
    }

    /// Of its call the sound and what is archived, the sound of its bots, and the file of its campaign; they are there together, and go
    /// together.
    async fn has_recording(&self) -> bool {
        let keys = [Key::of_recording("call_1.wav").unwrap(), Key::of_call(ARCHIVED).unwrap()];
        let mut there = Vec::new();
        for key in keys {
            there.push(self.bridge.app.custodian.objects.head(key).await.unwrap().is_some());
        }
        for part in ["sounds", "imports"] {
            there.push(!self.bridge.objects_in(part).await.is_empty());
        }
        assert!(there.iter().all(|is_there| *is_there == there[0]), "{there:?}");
        there[0]
    }
}

#[tokio::test]
async fn nothing_of_a_tenant_is_left_but_what_is_only_ever_added_to() {
    let stage = Stage::start().await;
    stage.delete().await;
    let whole = stage.left().await;
    assert!(whole.len() >= 16, "it had something of many kinds: {whole:?}");
    stage.bridge.clock.advance(SignedDuration::from_hours(24 * 30));
    stage.rounds().await;
    assert_eq!(stage.left().await, whole, "an hour too early");
    assert!(stage.has_recording().await);
    stage.bridge.clock.advance(SignedDuration::from_hours(1));
    if stage.bridge.is_on_mongodb() {
        // Nobody knows whether it is held, and its recording's key must not go before it.
        stage.bridge.spoil(&CALLS, "call_1", "direction").await;
        stage.rounds().await;
        stage.bridge.unspoil(&CALLS, "call_1", "direction").await;
        assert!(stage.has_recording().await && stage.left().await == whole);
    }
    stage.rounds().await;
    let left: Vec<&str> = stage.left().await.into_iter().map(|(name, _)| name).collect();
    let mut expected: Vec<&str> =
        COLLECTIONS.iter().map(|of| of.name).filter(|name| KEPT.contains(name)).collect();
    expected.sort_unstable();
    let mut sorted = left.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, expected);
    assert!(!stage.has_recording().await);
    assert_eq!(refusal(stage.restore().await, StatusCode::NOT_FOUND).await, "not_found");
    let log = stage.bridge.get(&format!("/api/v1/audit?object={}", stage.tenant));
    let log = json(log.bearer_auth(&stage.operator().await).send().await.unwrap(), StatusCode::OK).await;
    let end = log["items"].as_array().unwrap().iter().find(|entry| entry["method"] == "JOB").unwrap();
    assert_eq!((&end["actor"]["id"], &end["kind"]), (&json!("bridge"), &json!("end")), "{log}");
    assert_eq!(end["in_tenant"], json!(stage.tenant));
    let checked =
        stage.bridge.get("/api/v1/audit/verify").bearer_auth(&stage.operator().await).send().await.unwrap();
    assert_eq!(json(checked, StatusCode::OK).await["intact"], true);
    // The default tenant is as it was, and the name is free.
    assert_eq!(stage.bridge.fetch_config("faq", &[]).await.status(), StatusCode::OK);
    let again = json!({"slug": "acme", "name": "Acme"});
    let again = stage.bridge.send(Method::POST, "/api/v1/tenants", &stage.operator().await, again).await;
    assert_eq!(again.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn a_legal_hold_keeps_a_deleted_tenant_until_somebody_lifts_it() {
    let stage = Stage::start().await;
    let admin = stage.bridge.token_of(&stage.tenant, Role::Admin).await;
    let hold = stage.bridge.request(Method::PUT, "/api/v1/calls/call_1/hold").bearer_auth(&admin);
    assert_eq!(hold.send().await.unwrap().status(), StatusCode::OK);
    stage.delete().await;
    let whole = stage.left().await;
    stage.bridge.clock.advance(SignedDuration::from_hours(24 * 31));
    assert_eq!(refusal(stage.restore().await, StatusCode::CONFLICT).await, "restore_time_over");
    stage.rounds().await;
    assert_eq!(stage.left().await.len(), whole.len());
    assert!(stage.has_recording().await);
    assert_eq!(stage.restore().await.status(), StatusCode::OK, "so that the hold can be lifted");
    let lift = stage
        .bridge
        .request(Method::DELETE, "/api/v1/calls/call_1/hold")
        .bearer_auth(&stage.operator().await);
    let lift = lift.header("x-tenant", stage.tenant.as_str()).send().await.unwrap();
    assert!(lift.status().is_success(), "{}", lift.status());
    stage.delete().await;
    stage.bridge.clock.advance(SignedDuration::from_hours(24 * 31));
    stage.rounds().await;
    let left: Vec<&str> = stage.left().await.into_iter().map(|(name, _)| name).collect();
    assert!(left.iter().all(|name| KEPT.contains(name)), "{left:?}");
}

/// A call that another bridge removed while holds were looked for was taken for one that cannot be read, and kept its tenant.
#[tokio::test]
async fn a_call_that_goes_while_holds_are_looked_for_keeps_no_tenant() {
    let stage = Stage::start().await;
    stage.delete().await;
    stage.bridge.clock.advance(SignedDuration::from_hours(24 * 31));
    let (inner, is_done) = (stage.bridge.engine.clone(), Arc::new(AtomicBool::new(false)));
    let before = move |step, of: &'static Collection| {
        let is_now = step == Step::Find && of.name == CALLS.name && !is_done.swap(true, Ordering::Relaxed);
        let inner = inner.clone();
        async move {
            if is_now {
                let call = inner.get(&CALLS, "call_1".into()).await?.expect("it is there");
                assert!(inner.delete(&CALLS, call.id, call.version).await?);
            }
            Ok(())
        }
        .boxed()
    };
    let engine = Documents { inner: stage.bridge.engine.clone(), before: Box::new(before) };
    let mut undertaker = stage.bridge.app.undertaker.clone();
    undertaker.stores = Stores::open(Arc::new(engine)).await.unwrap();
    undertaker.round().await.unwrap();
    let left = stage.bridge.app.stores.tenants().find(&stage.tenant).await.unwrap();
    assert!(left.is_none_or(|tenant| tenant.value.is_going), "its removal has begun");
}
