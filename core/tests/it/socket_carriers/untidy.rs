//! Messages that a carrier should not send are left out and counted, and the call goes on; what the caller said before the call
//! began is heard.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use vox_audio::g711::linear_to_ulaw;
use vox_caller::Protocol;

use super::line::Set;
use crate::harness::PATIENCE;
use crate::harness::raw::{Raw, exotel_handshake, text, ws_handshake};
use crate::harness::sound::Recording;

const CALLER: &str = "4930000005";

/// A loud tone, 100 ms at 8 kHz.
fn tone() -> Vec<i16> {
    (0..800_i16).map(|n| if n % 20 < 10 { 12_000 } else { -12_000 }).collect()
}

/// What the line sends, in its own words at 8 kHz.
struct Words {
    handshake: Vec<Message>,
    media: fn(&[u8]) -> Message,
    is_ulaw: bool,
    end: Option<Message>,
    /// Of `start`, sent again.
    repeated: usize,
}

impl Words {
    fn of(protocol: Protocol) -> Self {
        let ids = json!({"from": CALLER, "to": "800"});
        let mulaw = json!({"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1});
        match protocol {
            Protocol::Ws => Self {
                handshake: ws_handshake(CALLER),
                media: |bytes| text(json!({"event": "media", "payload": STANDARD.encode(bytes)})),
                is_ulaw: false,
                end: Some(text(json!({"event": "hangup-call", "disconnectedBy": "customer"}))),
                repeated: 3,
            },
            Protocol::Exotel { .. } => Self {
                handshake: exotel_handshake(CALLER),
                media: |bytes| text(json!({"event": "media", "media": {"payload": STANDARD.encode(bytes)}})),
                is_ulaw: false,
                end: Some(text(json!({"event": "stop"}))),
                repeated: 2,
            },
            Protocol::Twilio => Self {
                handshake: vec![
                    text(json!({"event": "connected", "protocol": "Call", "version": "1.0.0"})),
                    text(json!({"event": "start", "streamSid": "MZ1", "start": {
                        "streamSid": "MZ1", "callSid": "CA1", "customParameters": ids, "mediaFormat": mulaw,
                    }})),
                ],
                media: |bytes| text(json!({"event": "media", "media": {"payload": STANDARD.encode(bytes)}})),
                is_ulaw: true,
                end: Some(text(json!({"event": "stop", "streamSid": "MZ1"}))),
                repeated: 2,
            },
            Protocol::Plivo { .. } => Self {
                handshake: vec![text(json!({
                    "event": "start", "start": {"callId": "c1", "streamId": "s1", "mediaFormat": mulaw},
                    "extra_headers": ids,
                }))],
                media: |bytes| text(json!({"event": "media", "media": {"payload": STANDARD.encode(bytes)}})),
                is_ulaw: true,
                end: None,
                repeated: 1,
            },
            Protocol::Telnyx { .. } => Self {
                handshake: vec![
                    text(json!({"event": "connected", "version": "1.0.0"})),
                    text(json!({"event": "start", "stream_id": "s1", "start": {
                        "call_control_id": "v3:1", "from": CALLER, "to": "800",
                        "media_format": {"encoding": "PCMU", "sample_rate": 8000, "channels": 1},
                    }})),
                ],
                media: |bytes| text(json!({"event": "media", "media": {"payload": STANDARD.encode(bytes)}})),
                is_ulaw: true,
                end: Some(text(json!({"event": "stop", "stream_id": "s1"}))),
                repeated: 2,
            },
            Protocol::Vonage { .. } => Self {
                handshake: vec![text(json!({
                    "event": "websocket:connected", "content-type": "audio/l16;rate=8000", "from": CALLER, "uuid": "u1",
                }))],
                media: |bytes| Message::binary(bytes.to_vec()),
                is_ulaw: false,
                end: None,
                repeated: 1,
            },
            Protocol::Talk => panic!("it has no handshake"),
        }
    }

    fn sound(&self, pcm: &[i16]) -> Message {
        let bytes: Vec<u8> = match self.is_ulaw {
            true => pcm.iter().map(|sample| linear_to_ulaw(*sample)).collect(),
            false => pcm.iter().flat_map(|sample| sample.to_le_bytes()).collect(),
        };
        (self.media)(&bytes)
    }

    /// What is wrong with it, and how that is counted.
    fn bad(&self, is_binary: bool) -> Vec<(Message, &'static str)> {
        let mut bad = vec![
            (Message::text("{\"event\":"), "not_json"),
            (Message::text("{\"event\":7}"), "no_event"),
            (
                text(json!({"event": "dtmf", "digit": {}})),
                if is_binary { "unknown_event" } else { "bad_field" },
            ),
            (text(json!({"event": "newer"})), "unknown_event"),
        ];
        if is_binary {
            bad.push((text(json!({"event": "websocket:dtmf", "digit": "x"})), "bad_field"));
            bad.push((Message::binary(vec![1u8]), "half_sample"));
            bad.push((Message::binary(Vec::new()), "empty"));
        } else {
            bad.push((Message::binary(vec![0u8; 320]), "binary"));
            bad.push((
                text(json!({"event": "media", "payload": "%%%%", "media": {"payload": "%%%%"}})),
                "not_base64",
            ));
            bad.push((text(json!({"event": "media", "payload": 5, "media": {"payload": 5}})), "no_payload"));
            bad.push(((self.media)(&[]), "empty"));
        }
        bad
    }
}

pub async fn is_left_out_and_counted(set: &Set) {
    let (name, words) = (set.line.name(), Words::of(set.line.protocol));
    let is_binary = matches!(set.line.protocol, Protocol::Vonage { .. });
    let url = format!("{}/{name}/{}", set.stage.worker.url(), set.bot);
    let mut request = url.into_client_request().unwrap();
    for (name, value) in set.proof() {
        request.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_str(&value).unwrap());
    }
    let silence = words.sound(&[0; 160]);
    let mut raw = Raw::request(request).await;
    raw.send(words.sound(&tone())).await;
    raw.send_all(words.handshake.clone()).await;
    raw.send_all(words.handshake.clone()).await;
    let bad = words.bad(is_binary);
    for (message, _) in &bad {
        raw.send_all([message.clone(), silence.clone()]).await;
    }
    hear_the_bot(&mut raw, &silence).await;
    // A recording is as long as its call.
    let until = Instant::now() + Duration::from_millis(300);
    while let Some(left) = until.checked_duration_since(Instant::now()) {
        raw.next(left).await;
    }
    match &words.end {
        Some(end) => {
            raw.send(end.clone()).await;
            raw.until_closed(None).await;
        }
        // It says nothing, and is gone.
        None => drop(raw),
    }

    let record = set.stage.record(CALLER).await;
    assert_eq!((&record["disconnected_by"], &record["error"]), (&json!("customer"), &Value::Null), "{name}");
    let mut expected = json!({"repeated": words.repeated});
    for (_, kind) in bad {
        expected[kind] = (expected[kind].as_u64().unwrap_or_default() + 1).into();
    }
    let events = record["events"].as_array().unwrap();
    let dropped = events.iter().find(|event| event["event"] == "messages_dropped");
    assert_eq!(dropped.map(|event| &event["data"]), Some(&expected), "{name}");
    let recording = Recording::fetch(&set.stage, &record).await;
    let loud = recording.caller().iter().filter(|sample| sample.unsigned_abs() > 5_000).count();
    assert_eq!(loud, tone().len(), "{name}: what was said before the call began");
}

/// Wait for the bot's first sound, saying silence meanwhile.
async fn hear_the_bot(raw: &mut Raw, silence: &Message) {
    let until = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < until, "the bot is not heard");
        raw.send(silence.clone()).await;
        match raw.next(Duration::from_millis(20)).await {
            Some(Message::Binary(_)) => return,
            Some(Message::Text(message)) => {
                let message: Value = serde_json::from_str(&message).unwrap();
                if matches!(message["event"].as_str(), Some("media" | "playAudio" | "reverse-media")) {
                    return;
                }
            }
            _ => {}
        }
    }
}
