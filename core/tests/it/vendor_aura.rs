//! Deepgram's Aura against the suite.

use std::sync::Arc;

use serde_json::json;
use vox_core::provider::tts::Voice;
use vox_core::provider::tts::aura::Aura;
use vox_shared::model::bot::{ApiKey, TtsSettings};
use vox_testkit::vendor::aura::{Script, Server};
use vox_testkit::vendor::speaking::Speaking;

use crate::conformance::{local_egress, tts};

fn client(url: &str, key: &str) -> Arc<dyn Voice> {
    let settings = TtsSettings {
        provider: "deepgram".into(),
        api_key: ApiKey::new(key),
        extra: json!({"base_url": url, "mip_opt_out": true}).as_object().cloned().unwrap(),
        ..TtsSettings::default()
    };
    Arc::new(Aura::from_settings(&settings, &local_egress()).unwrap())
}

async fn bench(speaking: Speaking) -> tts::Bench<Script> {
    let server = Server::start(Script { speaking, ..Script::default() }).await;
    let client = client(&server.url(), server.api_key());
    tts::Bench { server, client }
}

tts::suite!(websocket);
