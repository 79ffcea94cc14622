//! Redis, a LiveKit server and a gateway, which end with this value.

use serde_json::json;
use vox_gateway::{Gateway, Settings};
use vox_harness::{LiveKitServer, RedisServer};
use vox_sip::Transport;

use super::{Api, Phone, Webhooks};

/// The number that telephones call.
pub const OURS: &str = "bot";

pub struct Deployment {
    pub gateway: Gateway,
    pub api: Api,
    pub webhooks: Webhooks,
    // After the gateway: it ends before what it stands on.
    pub livekit: LiveKitServer,
    _redis: RedisServer,
}

impl Deployment {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let webhooks = Webhooks::listen().await;
        let redis = RedisServer::start();
        let livekit = LiveKitServer::over_and_telling(&redis, &webhooks.url);
        let mut settings = Settings::new(&redis.url(), &livekit.url, &livekit.key, &livekit.secret);
        change(&mut settings);
        let gateway = Gateway::start(settings).await.unwrap();
        let api = Api::new(&livekit.url, &livekit.key, &livekit.secret);
        Self { gateway, api, webhooks, livekit, _redis: redis }
    }

    /// A trunk for calls to [`OURS`], and a rule that sends them all to one room.
    pub async fn takes_calls_into(&self, room: &str) -> &Self {
        let trunk = json!({"trunk": {"name": "in", "numbers": [OURS]}});
        self.takes_calls_by(trunk, json!({"dispatch_rule_direct": {"room_name": room}})).await
    }

    pub async fn takes_calls_by(&self, trunk: serde_json::Value, rule: serde_json::Value) -> &Self {
        let trunk = self.api.asks("SIP/CreateSIPInboundTrunk", trunk).await.taken();
        let rule = json!({
            "trunk_ids": [trunk["sip_trunk_id"]], "rule": rule, "name": "all",
            "attributes": {"tenant": "t1"}, "metadata": "{\"k\":1}",
        });
        self.api.asks("SIP/CreateSIPDispatchRule", rule).await.taken();
        self
    }

    /// A trunk to this phone; its id.
    pub async fn trunk_to(&self, phone: &Phone) -> String {
        let transport =
            if phone.transport == Transport::Tcp { "SIP_TRANSPORT_TCP" } else { "SIP_TRANSPORT_UDP" };
        let trunk = json!({"trunk": {
            "name": "out", "address": phone.address.to_string(), "numbers": ["+15550199"], "transport": transport,
        }});
        let trunk = self.api.asks("SIP/CreateSIPOutboundTrunk", trunk).await.taken();
        trunk["sip_trunk_id"].as_str().unwrap().to_owned()
    }

    /// Call a phone into a room and wait for its answer.
    pub async fn dials(&self, phone: &Phone, room: &str, more: serde_json::Value) -> super::Answer {
        let mut request = json!({
            "sip_trunk_id": self.trunk_to(phone).await, "sip_call_to": "+15550100", "room_name": room,
            "participant_identity": "callee", "participant_name": "Callee",
            "participant_attributes": {"campaign": "c7"}, "wait_until_answered": true,
        });
        for (name, value) in more.as_object().unwrap() {
            request[name] = value.clone();
        }
        self.api.asks("SIP/CreateSIPParticipant", request).await
    }
}
