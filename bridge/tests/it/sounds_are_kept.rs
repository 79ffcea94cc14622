//! Sounds of bots: sent in whatever form, kept in one, named by bots, given to the workers of their calls, and to nobody else.

use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;
use vox_bridge::config::Sealing;
use vox_bridge::jobs::sealing::{self, Look};
use vox_bridge::sound::desk::key_of;

use crate::harness::{TestBridge, json, refusal, wrong_fields};

const OGG: &[u8] = include_bytes!("clips/tone.ogg");
pub const ALL: &str = "/api/v1/sounds";

/// A tone of half a second, 44.1 kHz and stereo.
pub fn tone() -> Vec<u8> {
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: 44_100,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut file, spec).unwrap();
    for n in 0..44_100 {
        let phase = (n / 2) as f32 * 440.0 * std::f32::consts::TAU / 44_100.0;
        writer.write_sample((phase.sin() * 12_000.0) as i16).unwrap();
    }
    writer.finalize().unwrap();
    file.into_inner()
}

pub fn sent(name: &str, file: &[u8]) -> Value {
    json!({"name": name, "sound": STANDARD.encode(file)})
}

pub async fn kept(bridge: &TestBridge, token: &str, name: &str, file: &[u8]) -> Value {
    json(bridge.send(Method::POST, ALL, token, sent(name, file)).await, StatusCode::CREATED).await
}

async fn wav(answer: reqwest::Response) -> (u32, u16, usize) {
    assert_eq!(answer.status(), StatusCode::OK);
    let bytes = answer.bytes().await.unwrap();
    let reader = hound::WavReader::new(bytes.as_ref()).unwrap();
    (reader.spec().sample_rate, reader.spec().channels, reader.duration() as usize)
}

#[tokio::test]
async fn whatever_form_they_come_in_and_given_to_the_calls_of_their_tenant() {
    let bridge = TestBridge::start().await;
    let admin = bridge.token(Role::Admin).await;
    let (music, office) =
        (kept(&bridge, &admin, "Music", &tone()).await, kept(&bridge, &admin, "Office", OGG).await);
    assert_eq!((&music["format"], &music["duration_ms"]), (&json!("wav"), &json!(500)));
    assert_eq!(office["format"], "ogg");
    let id = music["id"].as_str().unwrap();
    let heard = bridge.get(&format!("{ALL}/{id}/wav")).bearer_auth(&admin).send().await.unwrap();
    let (rate, channels, length) = wav(heard).await;
    assert_eq!((rate, channels), (16_000, 1));
    assert!((7_900..8_100).contains(&length), "{length}");
    let listed = bridge.get(ALL).bearer_auth(&admin).send().await.unwrap();
    let listed = json(listed, StatusCode::OK).await;
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(2));

    // A bot may name them, and only what is there.
    let sounds = |id: &str| json!({"name": "Asha", "sounds": {"hold": id, "recorded": [{"text": "Hello.", "sound": id}]}});
    let refused = bridge.send(Method::POST, "/api/v1/bots", &admin, sounds("snd_nobody")).await;
    assert_eq!(wrong_fields(refused).await, ["sounds.hold", "sounds.recorded.0.sound"]);
    let bot =
        json(bridge.send(Method::POST, "/api/v1/bots", &admin, sounds(id)).await, StatusCode::CREATED).await;
    let gone = bridge.send(Method::DELETE, &format!("{ALL}/{id}"), &admin, Value::Null).await;
    assert_eq!(refusal(gone, StatusCode::CONFLICT).await, "sound_in_use");

    // Its calls are told of them, and their workers given them.
    let bot_id = bot["id"].as_str().unwrap();
    let asked = bridge.internal(Method::GET, &format!("/api/v1/config/{bot_id}?caller_id=1"));
    let config = json(asked.send().await.unwrap(), StatusCode::OK).await;
    assert_eq!(config["sounds"]["hold"], *id);
    let call = config["session_id"].as_str().unwrap();
    let ask = async |call: &str, id: &str, token: &str| {
        let path = format!("/api/v1/internal/calls/{call}/sounds/{id}");
        bridge.get(&path).header("x-vox-call-token", token).send().await.unwrap()
    };
    let token = config["call_token"].as_str().unwrap();
    assert_eq!(wav(ask(call, id, token).await).await.0, 16_000);
    assert_eq!(ask(call, "snd_nobody", token).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(ask("call_other", id, token).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(ask(call, id, "forged").await.status(), StatusCode::FORBIDDEN);

    // What no bot names may go.
    let other = office["id"].as_str().unwrap();
    let gone = bridge.send(Method::DELETE, &format!("{ALL}/{other}"), &admin, Value::Null).await;
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    let heard = bridge.get(&format!("{ALL}/{other}/wav")).bearer_auth(&admin).send().await.unwrap();
    assert_eq!(heard.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn and_what_is_no_sound_is_refused() {
    let bridge = TestBridge::start().await;
    let (admin, agent) = (bridge.token(Role::Admin).await, bridge.token(Role::Agent).await);
    for (body, fields) in [
        (json!({"name": " ", "sound": "****"}), &["name", "sound"][..]),
        (sent("Noise", b"no sound at all"), &["sound"]),
        (json!({"name": "x", "sound": "", "loud": true}), &["loud"]),
    ] {
        let refused = bridge.send(Method::POST, ALL, &admin, body.clone()).await;
        assert_eq!(wrong_fields(refused).await, fields, "{body}");
    }
    let forbidden = bridge.send(Method::POST, ALL, &agent, sent("Music", &tone())).await;
    assert_eq!(forbidden.status(), StatusCode::FORBIDDEN);
}

/// Those that were sent while nothing was sealed stayed in clear for ever.
#[tokio::test]
async fn those_in_clear_are_sealed_when_recordings_are() {
    let bridge = TestBridge::start_with(|config| config.storage.sealing = Sealing::Off).await;
    let admin = bridge.token(Role::Admin).await;
    let id = kept(&bridge, &admin, "Music", &tone()).await["id"].as_str().unwrap().to_owned();
    let mut recordings = bridge.app.recordings.clone();
    recordings.archive.sealing = Sealing::On;
    let key = key_of(&id.parse().unwrap()).unwrap();
    let is_sealed = async || {
        let found = recordings.archive.find(Some(&bridge.tenant()), key.clone()).await.unwrap();
        found.unwrap().is_sealed()
    };
    assert!(!is_sealed().await);
    let mut look = Look::default();
    assert!(sealing::once(&recordings, &mut look).await.unwrap() && look.failed.is_empty());
    assert!(is_sealed().await);
    let heard = bridge.get(&format!("{ALL}/{id}/wav")).bearer_auth(&admin).send().await.unwrap();
    assert_eq!(wav(heard).await.0, 16_000);
}
