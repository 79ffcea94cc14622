//! What the paths of routes name: objects of the first tenant, each made when a path wants it, and anew after a request that may have
//! changed or taken it.

use std::collections::BTreeMap;

use reqwest::{Method, RequestBuilder, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;
use vox_bridge::auth::scope::Scope;
use vox_bridge::billing::limits::Limits;
use vox_bridge::billing::requests::Requests;
use vox_bridge::routes::Route;
use vox_bridge::store::Stamp;
use vox_bridge::store::bots::{Bot, Draft};
use vox_bridge::store::plans::Plan;
use vox_shared::ids::{
    BotId, CampaignId, CarrierId, ContactId, DidId, ImportId, JobId, PlanId, ReservationId, SessionId,
    SoundId, TenantId, VoiceId,
};
use vox_shared::model::bot::BotSettings;
use vox_shared::phone::Number;

use crate::harness::TestBridge;

/// In what the first tenant owns; nobody else may ever see it.
pub const CANARY: &str = "canary-7f3a";

const EXOTEL: &str = "/api/v1/integrations/exotel";

/// By the names in braces.
pub struct Objects<'a> {
    bridge: &'a TestBridge,
    made: BTreeMap<&'static str, String>,
}

impl<'a> Objects<'a> {
    pub fn new(bridge: &'a TestBridge) -> Self {
        Self { bridge, made: BTreeMap::new() }
    }

    /// A request for a route, with `{}` where it takes a body.
    pub async fn request(&mut self, route: &Route) -> RequestBuilder {
        let path = self.path(route).await;
        let request = self.bridge.request(method(route), &path);
        if method(route) == Method::GET { request } else { request.json(&json!({})) }
    }

    /// After a request: what it may have changed or taken is made anew for the next one.
    pub fn used(&mut self, route: &Route, status: StatusCode) {
        if method(route) != Method::GET && status.is_success() {
            let named: Vec<&str> = names(route.path).collect();
            // What hangs together goes together.
            let beside = |name: &str| match name {
                "delivery_id" => named.contains(&"webhook_id"),
                "did_id" => named.contains(&"carrier_id"),
                "contact_id" | "import_id" => named.contains(&"campaign_id"),
                "exotel_did" => route.path.starts_with(EXOTEL),
                _ => false,
            };
            self.made.retain(|name, _| !named.contains(name) && !beside(name));
        }
    }

    async fn path(&mut self, route: &Route) -> String {
        let is_exotel = route.path.starts_with(EXOTEL);
        if is_exotel {
            self.exotel_account().await;
        }
        let mut path = route.path.to_owned();
        for name in names(route.path) {
            let kind = if is_exotel && name == "did_id" { "exotel_did" } else { name };
            if !self.made.contains_key(kind) {
                self.make(kind).await;
            }
            path = path.replace(&format!("{{{name}}}"), &self.made[kind]);
        }
        path
    }

    async fn make(&mut self, name: &'static str) {
        let (bridge, own) = (self.bridge, self.bridge.tenant());
        let id = match name {
            "bot_id" => self.bot().await,
            "session_id" => self.call().await,
            "webhook_id" | "delivery_id" => {
                let (webhook, delivery) = bridge.insert_webhook(CANARY).await;
                self.made.extend([("webhook_id", webhook.to_string()), ("delivery_id", delivery)]);
                return;
            }
            "carrier_id" => self.carrier().await,
            "did_id" => {
                let carrier = self.made["carrier_id"].clone();
                self.did(&carrier).await
            }
            "exotel_did" => {
                let account = bridge.app.stores.exotel(&own).get_account().await.unwrap();
                self.did(account.value.carrier_id.as_str()).await
            }
            "key_id" => {
                bridge.insert_key(&own, Scope::ALL, |key| key.name = CANARY.into()).await.id.to_string()
            }
            "job_id" => bridge.insert_failed_job(CANARY).await.to_string(),
            "tenant_id" | "tenant" => bridge.insert_tenant(TenantId::generate().as_str()).await.to_string(),
            "user_id" => {
                let email = format!("{CANARY}-{}@test", TenantId::generate());
                bridge.person(&own, &email, Role::Agent).await.id.to_string()
            }
            "invitation_id" => bridge.insert_invitation(&own, &format!("{CANARY}@test")).await.0.to_string(),
            "voice_id" => self.voice().await,
            "sound_id" => self.sound().await,
            "campaign_id" => self.campaign().await,
            "contact_id" => {
                let campaign = self.made["campaign_id"].clone();
                self.contact(&campaign).await
            }
            "import_id" => {
                let campaign = self.made["campaign_id"].clone();
                self.import(&campaign).await
            }
            "erasure_id" => self.erasure().await,
            "plan_id" => self.plan().await,
            "host" => self.host().await,
            "reservation_id" => self.reservation().await,
            "attempt_id" => "con_none.1".into(),
            "phone" => self.barred_number().await,
            "number" => "1".into(),
            "resource" => "minutes".into(),
            "day" => "2026-11-19".into(),
            "period" => "2026-10".into(),
            "key" => "canary.wav".into(),
            "work" => "poll_fleet".into(),
            "file" => "swagger-initializer.js".into(),
            "token" => "no-such-token".into(),
            other => panic!("a path names {{{other}}}: say here what that is"),
        };
        self.made.insert(name, id);
    }

    fn now(&self) -> Stamp {
        Stamp(self.bridge.now())
    }

    /// A document from what is told of it; the rest are its tenant and its times.
    fn document<T: DeserializeOwned>(&self, told: Value) -> T {
        let mut all = json!({
            "tenant_id": self.bridge.tenant(), "created_at": self.now(), "updated_at": self.now(),
        });
        all.as_object_mut().unwrap().extend(told.as_object().unwrap().clone());
        serde_json::from_value(all).unwrap()
    }

    /// With a draft and a widget key.
    async fn bot(&self) -> String {
        let settings = BotSettings { name: CANARY.into(), ..BotSettings::default() };
        let mut bot = Bot::new(self.bridge.tenant(), settings.clone(), self.now());
        bot.draft = Some(Draft { settings, based_on: 1, updated_at: self.now(), author: "usr_x".into() });
        bot.widget_key = Some(CANARY.into());
        let id = BotId::generate();
        self.bridge.app.stores.bots(&self.bridge.tenant()).insert_bot(&id, &bot).await.unwrap();
        id.to_string()
    }

    /// A running one.
    async fn call(&self) -> String {
        let (bot, call) = (self.bot().await, SessionId::generate());
        let query = [("session_id", call.as_str()), ("caller_id", CANARY)];
        assert_eq!(self.bridge.fetch_config(&bot, &query).await.status(), StatusCode::OK);
        call.to_string()
    }

    async fn carrier(&self) -> String {
        let id = CarrierId::generate();
        let settings = json!({"name": CANARY, "sip_address": "sip.example"});
        let carrier = self.document(json!({ "settings": settings }));
        self.bridge.app.stores.carriers(&self.bridge.tenant()).insert_carrier(&id, &carrier).await.unwrap();
        id.to_string()
    }

    async fn exotel_account(&self) {
        let accounts = self.bridge.app.stores.exotel(&self.bridge.tenant());
        if accounts.find_account().await.unwrap().is_none() {
            let settings =
                json!({"account_sid": CANARY, "region": "mumbai", "api_key": "k", "api_token": "t"});
            let account = json!({"carrier_id": CarrierId::generate(), "settings": settings});
            accounts.insert_account(&self.document(account)).await.unwrap();
        }
    }

    async fn did(&self, carrier: &str) -> String {
        let number = format!("+1555{:07}", rand::random_range(0..10_000_000));
        let did = self.document(json!({
            "carrier_id": carrier, "number": number, "comparable": number.parse::<Number>().unwrap().comparable(),
            "label": CANARY,
        }));
        let id = DidId::generate();
        self.bridge.app.stores.dids(&self.bridge.tenant()).insert_did(&id, &did).await.unwrap();
        id.to_string()
    }

    /// One whose file is missing.
    async fn sound(&self) -> String {
        let (id, now) = (SoundId::generate(), self.now());
        let sound = self.document(json!({
            "name": CANARY, "created_at": now, "duration_ms": 500, "format": "wav", "sha256": "00", "created_by": "usr_x"
        }));
        self.bridge.app.stores.sounds(&self.bridge.tenant()).insert_sound(&id, &sound).await.unwrap();
        id.to_string()
    }

    async fn voice(&self) -> String {
        let (id, now) = (VoiceId::generate(), self.now());
        let voice = self.document(json!({
            "name": CANARY, "language": "en", "provider": "elevenlabs", "state": "failed", "never_made": true,
            "clip": {
                "format": "wav", "size_bytes": 1, "sha256": "00", "duration_ms": 1, "sample_rate": 8000, "channels": 1
            },
            "consent": {
                "statement": "yes", "given_by": CANARY, "given_at": now, "recorded_by": "usr_x", "recorded_at": now
            },
        }));
        self.bridge.app.stores.voices(&self.bridge.tenant()).insert_voice(&id, &voice).await.unwrap();
        id.to_string()
    }

    /// A draft.
    async fn campaign(&self) -> String {
        let id = CampaignId::generate();
        let campaign = self.document(json!({
            "name": CANARY, "bot_id": self.bot().await, "created_by": "usr_x", "state": "draft", "partitions": 16, "settings": {},
        }));
        self.bridge
            .app
            .stores
            .campaigns(&self.bridge.tenant())
            .insert_campaign(&id, &campaign)
            .await
            .unwrap();
        id.to_string()
    }

    async fn contact(&self, campaign: &str) -> String {
        let id = ContactId::generate();
        let contact = self.document(json!({
            "campaign_id": campaign, "partition": 0, "status": "done", "class": "fresh", "prio": 0, "next_at": self.now(),
            "numbers": [{"number": "+919876543210", "region": "IN", "kind": "mobile"}], "reason": CANARY,
        }));
        let contacts = self.bridge.app.stores.contacts(&self.bridge.tenant());
        assert!(contacts.insert_contacts(vec![(id.clone(), contact)]).await.unwrap().is_empty());
        id.to_string()
    }

    /// One that is done.
    async fn import(&self, campaign: &str) -> String {
        let id = ImportId::generate();
        let import = self.document(json!({
            "campaign_id": campaign, "created_by": "usr_x", "name": CANARY, "size_bytes": 1, "sha256": "00", "encoding": "utf8",
            "separator": ",", "header": ["phone"], "fingerprint": "00", "mapping": {"phone": "phone"}, "state": "done",
            "counts": {"rows": 0, "created": 0, "updated": 0, "unchanged": 0, "duplicate": 0},
        }));
        let imports = self.bridge.app.stores.campaign_imports(&self.bridge.tenant());
        imports.insert_import(&id, &import).await.unwrap();
        id.to_string()
    }

    /// One that is done.
    async fn erasure(&self) -> String {
        let (id, now) = (JobId::generate(), self.now());
        let erasure = self.document(json!({
            "asked_by": CANARY, "asked_at": now, "done_at": now, "number_hash": CANARY, "calls": 0, "held": 0, "waiting": 0,
        }));
        self.bridge.app.stores.erasures(&self.bridge.tenant()).insert_erasure(&id, &erasure).await.unwrap();
        id.to_string()
    }

    /// Plans are the deployment's.
    async fn plan(&self) -> String {
        let (id, now) = (PlanId::generate(), self.now());
        let (limits, requests) = (Limits::default(), Requests::default());
        let plan = Plan { name: "Plan".into(), limits, requests, created_at: now, updated_at: now };
        self.bridge.app.stores.plans().insert_plan(&id, &plan).await.unwrap();
        id.to_string()
    }

    /// Hosts are the deployment's.
    async fn host(&self) -> String {
        let name = format!("host-{}", rand::random_range(0..u32::MAX));
        let host = self.document(json!({
            "name": name, "draining": false, "added_at": self.now(), "url": "http://127.0.0.1:9",
        }));
        self.bridge.app.stores.hosts().insert_host(&host).await.unwrap();
        name
    }

    async fn reservation(&self) -> String {
        let id = ReservationId::generate();
        let reservation = self.document(json!({
            "purpose": "api", "made_at": self.now(), "expires_at": self.now(), "host": "large", "worker_id": "wrk_large",
            "address": "http://127.0.0.1:9", "candidates": [],
        }));
        self.bridge.app.stores.reservations().insert(&id, &reservation).await.unwrap();
        id.to_string()
    }

    async fn barred_number(&self) -> String {
        let number = format!("+1666{:07}", rand::random_range(0..10_000_000));
        let entry = self.document(json!({
            "number": number.parse::<Number>().unwrap().comparable(), "added_at": self.now(), "added_by": CANARY,
        }));
        self.bridge.app.stores.do_not_call(&self.bridge.tenant()).add(vec![entry]).await.unwrap();
        number
    }
}

/// What stands in braces.
fn names(path: &'static str) -> impl Iterator<Item = &'static str> {
    path.split('{').skip(1).map(|rest| rest.split_once('}').expect("a brace is closed").0)
}

/// The client's HTTP types are not the server's.
pub fn method(route: &Route) -> Method {
    route.method.as_str().parse().unwrap()
}
