//! ElevenLabs over HTTP against the suite.

use std::sync::Arc;

use serde_json::json;
use vox_core::provider::tts::Voice;
use vox_core::provider::tts::elevenlabs::ElevenLabsHttp;
use vox_shared::model::bot::{ApiKey, TtsSettings};
use vox_testkit::vendor::elevenlabs::{Habit, Script, Server};
use vox_testkit::vendor::speaking::{self, Speaking};

use crate::conformance::{local_egress, tts};

fn client(url: &str, key: &str) -> Arc<dyn Voice> {
    let settings = TtsSettings {
        provider: "elevenlabs_http".into(),
        api_key: ApiKey::new(key),
        voice: "21m00Tcm4TlvDq8ikWAM".into(),
        extra: json!({"base_url": url, "stability": 0.4, "seed": 7}).as_object().cloned().unwrap(),
        ..TtsSettings::default()
    };
    Arc::new(ElevenLabsHttp::from_settings(&settings, &local_egress()).unwrap())
}

async fn bench(speaking: Speaking) -> tts::Bench<Script> {
    let is_mute = speaking.habits.contains(&speaking::Habit::Mute);
    let script = Script {
        realtime_factor: speaking.realtime_factor,
        ms_per_char: speaking.ms_per_char,
        chunk_ms: speaking.chunk_ms,
        habits: is_mute.then_some(Habit::Mute).into_iter().collect(),
        ..Script::default()
    };
    let server = Server::start(script).await;
    let client = client(&server.url(), server.api_key());
    tts::Bench { server, client }
}

tts::suite!(http);
