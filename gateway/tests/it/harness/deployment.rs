//! Redis, a LiveKit server and a gateway, which end with this value.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdin, Command, Stdio};

use serde_json::json;
use vox_gateway::{Gateway, Settings};
use vox_sip::Transport;

use super::{Api, Phone, Webhooks};

/// The number that telephones call.
pub const OURS: &str = "bot";

pub struct Deployment {
    pub gateway: Gateway,
    pub api: Api,
    pub webhooks: Webhooks,
    pub url: String,
    pub key: String,
    pub secret: String,
    // After the gateway: it ends before what it stands on.
    _livekit: Program,
    _redis: Program,
}

impl Deployment {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let webhooks = Webhooks::listen().await;
        let (redis, lines) = Program::start("redis/run.sh", &[], 2);
        let at = word(&lines[1], 1).to_owned();
        let place = at.trim_start_matches("redis://");
        let options = ["--redis", place, "--webhook", &webhooks.url];
        let (livekit, lines) = Program::start("livekit/run.sh", &options, 3);
        let (key, secret, url) = (word(&lines[1], 1), word(&lines[1], 2), word(&lines[2], 1));
        let mut settings = Settings::new(&at, url, key, secret);
        change(&mut settings);
        let gateway = Gateway::start(settings).await.unwrap();
        let api = Api::new(url, key, secret);
        let (url, key, secret) = (url.to_owned(), key.to_owned(), secret.to_owned());
        Self { gateway, api, webhooks, url, key, secret, _livekit: livekit, _redis: redis }
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

pub(super) fn word(line: &str, at: usize) -> &str {
    line.split(' ').nth(at).unwrap()
}

/// A server of the scripts.
pub(super) struct Program {
    // Its end is what ends the server.
    stdin: Option<ChildStdin>,
    child: Child,
}

impl Program {
    pub(super) fn start(script: &str, options: &[&str], lines: usize) -> (Self, Vec<String>) {
        let path = format!("{}/../scripts/{script}", env!("CARGO_MANIFEST_DIR"));
        let mut child = Command::new(&path)
            .arg("--until-eof")
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{path}: {error}"));
        let told: Vec<String> =
            BufReader::new(child.stdout.take().unwrap()).lines().take(lines).map_while(Result::ok).collect();
        if told.len() < lines {
            let mut error = String::new();
            let _ = child.stderr.take().unwrap().read_to_string(&mut error);
            panic!("{script}: {error}\ninstall it: scripts/{}", script.replace("run", "install"));
        }
        (Self { stdin: child.stdin.take(), child }, told)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.stdin.take());
        // Only a script that failed already does not end.
        let _ = self.child.wait();
    }
}
