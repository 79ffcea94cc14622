//! Campaigns are made, changed, started, paused and ended; and say why somebody is not called yet.

use jiff::SignedDuration;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use vox_bridge::auth::scope::Scope;
use vox_bridge::campaign::desk::{PREFLIGHTS, REHEARSALS};
use vox_bridge::store::Stamp;
use vox_bridge::store::trunks::Trunk;
use vox_shared::ids::{CarrierId, DidId};
use vox_shared::model::bot::BotSettings;
use vox_shared::phone::Number;

use crate::harness::keys::TestKey;
use crate::harness::{TestBridge, json, refusal, wrong_fields};

struct Scene {
    bridge: TestBridge,
    key: TestKey,
    bot: String,
}

impl Scene {
    async fn start() -> Self {
        let bridge = TestBridge::start().await;
        let key = bridge
            .key(&[Scope::CampaignsRead, Scope::CampaignsWrite, Scope::DncWrite, Scope::EventsRead])
            .await;
        let settings = BotSettings { name: "Asha".into(), ..BotSettings::default() };
        let bot = bridge.insert_bot(&bridge.tenant(), settings).await.to_string();
        Self { bridge, key, bot }
    }

    async fn send(&self, (method, path): (Method, &str), body: Value) -> Response {
        let request = self.bridge.request(method, &format!("/api/v1/campaigns{path}"));
        self.key.sign(request).json(&body).send().await.unwrap()
    }

    async fn post(&self, path: &str, body: Value) -> Response {
        self.send((Method::POST, path), body).await
    }

    async fn reads(&self, path: &str) -> Value {
        self.key.reads(&self.bridge, &format!("/api/v1/campaigns{path}")).await
    }

    async fn made(&self, settings: Value) -> String {
        let wish = json!({"name": "Reminders", "bot_id": self.bot, "settings": settings});
        json(self.post("", wish).await, StatusCode::CREATED).await["id"].as_str().unwrap().to_owned()
    }

    async fn adds(&self, campaign: &str, rows: Value) {
        let added = self.post(&format!("/{campaign}/contacts"), json!({ "rows": rows })).await;
        let added = json(added, StatusCode::OK).await;
        assert_eq!(added["errors"], json!([]));
    }

    /// A number to call from, on a trunk that LiveKit has.
    async fn has_a_number(&self) {
        let (stores, tenant, now) = (&self.bridge.app.stores, self.bridge.tenant(), Stamp(self.bridge.now()));
        let (carrier, number): (CarrierId, Number) =
            (CarrierId::generate(), "+914412345678".parse().unwrap());
        let trunk = Trunk { outbound_id: Some("ST_1".into()), ..Trunk::pending(tenant.clone()) };
        stores.trunks(&tenant).keep(&carrier, &trunk).await.unwrap();
        let did = serde_json::from_value(json!({
            "tenant_id": tenant, "carrier_id": carrier, "number": number, "comparable": number.comparable(), "created_at": now,
        }));
        stores.dids(&tenant).insert_did(&DidId::generate(), &did.unwrap()).await.unwrap();
    }

    /// Why a contact of a campaign with one contact is not called yet.
    async fn why(&self, campaign: &str) -> (String, Value) {
        let contacts = self.reads(&format!("/{campaign}/contacts")).await;
        let id = contacts["items"][0]["id"].as_str().unwrap();
        let why = self.reads(&format!("/{campaign}/contacts/{id}")).await["why"].clone();
        (why["reason"].as_str().unwrap().to_owned(), why["next_at"].clone())
    }
}

#[tokio::test]
async fn a_campaign_is_a_draft_until_nothing_is_in_its_way() {
    let scene = Scene::start().await;
    let wrong = json!({"name": " ", "bot_id": "bot_nobody", "partitions": 5, "settings": {"canary": 99}});
    let wrong = scene.post("", wrong).await;
    assert_eq!(wrong_fields(wrong).await, ["name", "partitions", "settings.canary", "bot_id"]);
    let id = scene.made(json!({"region": "IN"})).await;
    let refused = scene.post(&format!("/{id}/start"), Value::Null).await;
    let told = json(refused, StatusCode::CONFLICT).await["error"].clone();
    assert_eq!(told["code"], "campaign_not_ready");
    let detail = told["detail"].as_str().unwrap();
    assert!(detail.contains("no number to call from") && detail.contains("nobody to call"), "{detail}");
    let flight = scene.reads(&format!("/{id}/preflight")).await;
    let codes: Vec<&str> =
        flight["blockers"].as_array().unwrap().iter().map(|b| b["code"].as_str().unwrap()).collect();
    assert_eq!((codes, &flight["ready"]), (vec!["no_number", "no_contacts"], &json!(false)));

    scene.has_a_number().await;
    // A Friday afternoon in India.
    scene
        .adds(
            &id,
            json!([{"phones": ["9876543210"]}, {"phones": ["+14155552671"]}, {"phones": ["+18005550100"]}]),
        )
        .await;
    let flight = scene.reads(&format!("/{id}/preflight")).await;
    assert_eq!((&flight["ready"], &flight["contacts"]), (&json!(true), &json!(3)));
    assert_eq!((&flight["called_now"], &flight["called_later"]), (&json!(1), &json!(1)));
    // San Francisco opens at nine, which is 17:00 in London.
    assert_eq!(flight["by_hour"], json!([{"from": "2026-11-20T17:00:00Z", "contacts": 1}]));
    assert_eq!(flight["skipped"], json!({"zone_unknown": 1}));
    assert!(flight["expected"]["attempts"].as_u64().unwrap() >= 2, "{flight}");

    let started = json(scene.post(&format!("/{id}/start"), Value::Null).await, StatusCode::OK).await;
    assert_eq!((&started["state"], &started["run_number"]), (&json!("running"), &json!(1)));
    let twice = scene.post(&format!("/{id}/start"), Value::Null).await;
    assert_eq!(refusal(twice, StatusCode::CONFLICT).await, "campaign_state");
    let locked = scene.send((Method::PATCH, &format!("/{id}")), json!({"name": "Other"})).await;
    assert_eq!(refusal(locked, StatusCode::CONFLICT).await, "campaign_locked");
    let status = scene.reads(&format!("/{id}/status")).await;
    assert_eq!((&status["due"], &status["limiting"]["factor"]), (&json!(3), &json!("dialler")));
    assert!(status["expected_end"].is_string(), "{status}");
}

#[tokio::test]
async fn a_campaign_goes_through_its_states_and_tells_of_it() {
    let scene = Scene::start().await;
    scene.has_a_number().await;
    let id = scene.made(json!({"region": "IN"})).await;
    scene.adds(&id, json!([{"phones": ["9876543210"]}])).await;
    let order = async |order: &str| {
        let done = json(scene.post(&format!("/{id}/{order}"), Value::Null).await, StatusCode::OK).await;
        (done["state"].as_str().unwrap().to_owned(), done["draining"].as_bool().unwrap())
    };
    for (name, state, draining) in [
        ("start", "running", false),
        ("pause", "paused", false),
        ("resume", "running", false),
        ("drain", "running", true),
        ("resume", "running", false),
        ("stop", "completed", false),
        ("restart", "running", false),
        ("stop", "completed", false),
        ("archive", "archived", false),
    ] {
        assert_eq!(order(name).await, (state.to_owned(), draining), "{name}");
    }
    let kept = scene.reads(&format!("/{id}")).await;
    assert_eq!((&kept["run_number"], &kept["contacts"]["ready"]), (&json!(2), &json!(1)));
    let copy =
        json(scene.post(&format!("/{id}/clone"), json!({"name": "Again"})).await, StatusCode::CREATED).await;
    assert_eq!(
        (&copy["name"], &copy["state"], &copy["settings"]),
        (&json!("Again"), &json!("draft"), &kept["settings"])
    );
    let drafts = scene.reads("?state=draft").await;
    assert_eq!(drafts["items"].as_array().unwrap().len(), 1);
    let not_yet =
        scene.send((Method::DELETE, &format!("/{}", copy["id"].as_str().unwrap())), Value::Null).await;
    assert_eq!(refusal(not_yet, StatusCode::CONFLICT).await, "campaign_not_archived");
    let gone = scene.send((Method::DELETE, &format!("/{id}")), Value::Null).await;
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    assert_eq!(
        scene.key.status(&scene.bridge, &format!("/api/v1/campaigns/{id}")).await,
        StatusCode::NOT_FOUND
    );
    let events = scene.bridge.app.stores.events(&scene.bridge.tenant());
    let told = events.list_events(vox_bridge::store::engine::Order::Ascending, 50, None).await.unwrap();
    let names: Vec<String> = told.items.into_iter().map(|event| event.value.event).collect();
    for name in ["started", "paused", "resumed", "draining", "completed", "restarted", "archived"] {
        assert!(names.contains(&format!("campaign.{name}")), "{name}: {names:?}");
    }
}

#[tokio::test]
async fn a_request_that_is_repeated_makes_one_campaign() {
    let scene = Scene::start().await;
    let ask = async |name: &str| {
        let wish = json!({"name": name, "bot_id": scene.bot});
        let request =
            scene.bridge.request(Method::POST, "/api/v1/campaigns").header("idempotency-key", "once");
        scene.key.sign(request).json(&wish).send().await.unwrap()
    };
    let first = json(ask("A").await, StatusCode::CREATED).await;
    assert_eq!(json(ask("A").await, StatusCode::CREATED).await["id"], first["id"]);
    assert_eq!(refusal(ask("B").await, StatusCode::UNPROCESSABLE_ENTITY).await, "idempotency_key_reused");
}

/// The same reasons as before the start, for one contact, one after the other.
#[tokio::test]
async fn a_contact_says_why_it_is_not_called_yet() {
    let scene = Scene::start().await;
    scene.has_a_number().await;
    let id = scene.made(json!({"region": "IN", "purpose": "sales"})).await;
    let with_consent = json!([{
        "phones": ["9876543210"], "consent_source": "web form", "consent_until": "2026-11-21", "expires_at": "2026-11-22",
    }]);
    scene.adds(&id, with_consent).await;
    assert_eq!(scene.why(&id).await.0, "not_started");
    let started = scene.post(&format!("/{id}/start"), Value::Null).await;
    assert_eq!(started.status(), StatusCode::OK);
    assert_eq!(scene.why(&id).await, ("due".into(), json!("2026-11-20T10:00:00Z")));
    let bar = scene.bridge.request(Method::POST, "/api/v1/dnc");
    let barred = scene.key.sign(bar).json(&json!({"number": "+919876543210"})).send().await.unwrap();
    assert_eq!(barred.status(), StatusCode::CREATED);
    assert_eq!(scene.why(&id).await, ("do_not_call".into(), Value::Null), "at once");
    let free = scene.bridge.request(Method::DELETE, "/api/v1/dnc/+919876543210");
    assert_eq!(scene.key.sign(free).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    scene.bridge.clock.advance(SignedDuration::from_hours(5));
    assert_eq!(scene.why(&id).await, ("outside_window".into(), json!("2026-11-21T03:30:00Z")));
    scene.bridge.clock.advance(SignedDuration::from_hours(24));
    assert_eq!(scene.why(&id).await.0, "outside_window");
    scene.bridge.clock.advance(SignedDuration::from_hours(18));
    assert_eq!(scene.why(&id).await, ("no_consent".into(), Value::Null));
    scene.bridge.clock.advance(SignedDuration::from_hours(24));
    assert_eq!(scene.why(&id).await.0, "expired");
    scene.post(&format!("/{id}/pause"), Value::Null).await;
    assert_eq!(scene.why(&id).await.0, "paused");
}

/// Any number of preflights read twenty thousand contacts each at once.
#[tokio::test]
async fn only_some_lists_are_looked_through_at_once() {
    let scene = Scene::start().await;
    let id = scene.made(json!({})).await;
    let desk = scene.bridge.app.campaigns.clone();
    let (preflight, dry_run) = (format!("/{id}/preflight"), format!("/{id}/dry-run"));
    let all = u32::try_from(PREFLIGHTS).unwrap();
    let taken = [
        desk.preflights.acquire_many_owned(all).await.unwrap(),
        desk.rehearsals.acquire_many_owned(u32::try_from(REHEARSALS).unwrap()).await.unwrap(),
    ];
    let (preflight, dry_run) = ((Method::GET, preflight.as_str()), (Method::POST, dry_run.as_str()));
    for (method, path) in [preflight.clone(), dry_run.clone()] {
        let busy = scene.send((method, path), Value::Null).await;
        assert!(busy.headers().contains_key("retry-after"), "{path}");
        assert_eq!(refusal(busy, StatusCode::SERVICE_UNAVAILABLE).await, "busy", "{path}");
    }
    drop(taken);
    for (method, path) in [preflight, dry_run.clone(), dry_run] {
        assert_eq!(scene.send((method, path), Value::Null).await.status(), StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn a_key_of_some_bots_opens_no_campaign() {
    let scene = Scene::start().await;
    let bot = scene.bot.parse().unwrap();
    let limited = scene
        .bridge
        .insert_key(&scene.bridge.tenant(), &[Scope::CampaignsRead], |key| key.bots = Some(vec![bot]))
        .await;
    let asked = limited.sign(scene.bridge.get("/api/v1/campaigns")).send().await.unwrap();
    assert_eq!(refusal(asked, StatusCode::FORBIDDEN).await, "key_limited_to_bots");
}
