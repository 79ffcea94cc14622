//! The load driver against a server whose delays are known, and against one that is full.

use std::{net::SocketAddr, time::Duration};

use axum::{
    Router,
    extract::{
        WebSocketUpgrade,
        ws::{Message, WebSocket},
    },
    http::{StatusCode, header::RETRY_AFTER},
    response::IntoResponse as _,
    routing::any,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until, timeout_at};
use vox_bench::load::{BargeIn, Plan, Tickets, drive};
use vox_caller::{Options, Protocol, synthetic};

const FRAME: Duration = Duration::from_millis(20);
/// From the last sound of the caller to the reply: what the server waits.
const REPLY_AFTER: Duration = Duration::from_millis(500);
const SPEECH: Duration = Duration::from_millis(1_500);

async fn start(router: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// A server whose bot has known delays.
pub async fn start_bot() -> SocketAddr {
    let bot = any(|upgrade: WebSocketUpgrade| async {
        upgrade.on_upgrade(|socket| async { _ = Bot::answer(socket).await })
    });
    start(Router::new().route("/ws/{bot}", bot)).await
}

/// A bot of the dialler's protocol that answers everything after a fixed wait and stops when it is spoken over.
struct Bot {
    socket: WebSocket,
    connected: Value,
    chunk: u64,
    /// When the caller was last audible, and since when without a longer pause.
    last_sound: Option<Instant>,
    sound_since: Option<Instant>,
}

impl Bot {
    async fn answer(socket: WebSocket) -> Option<()> {
        let mut bot = Self { socket, connected: Value::Null, chunk: 0, last_sound: None, sound_since: None };
        while bot.next().await?["event"] != "answer" {}
        loop {
            bot.speak().await?;
            while bot.last_sound.is_none_or(|at| at.elapsed() < REPLY_AFTER) {
                bot.next().await?;
            }
        }
    }

    /// Read one message of the carrier; `None` at the end of the call.
    async fn next(&mut self) -> Option<Value> {
        let Message::Text(text) = self.socket.recv().await?.ok()? else { return Some(Value::Null) };
        let event: Value = serde_json::from_str(&text).ok()?;
        match event["event"].as_str()? {
            "connected" => self.connected = event.clone(),
            "media" => self.listen(event["payload"].as_str()?),
            "hangup-call" => return None,
            _ => {}
        }
        Some(event)
    }

    fn listen(&mut self, payload: &str) {
        let audio = STANDARD.decode(payload).unwrap_or_default();
        let is_loud =
            audio.chunks_exact(2).any(|pair| i16::from_le_bytes([pair[0], pair[1]]).unsigned_abs() > 1_000);
        let now = Instant::now();
        if is_loud {
            let goes_on = self.last_sound.is_some_and(|last| now - last < Duration::from_millis(150));
            self.sound_since = self.sound_since.filter(|_| goes_on).or(Some(now));
            self.last_sound = Some(now);
        }
    }

    async fn speak(&mut self) -> Option<()> {
        self.last_sound = None;
        let began = Instant::now();
        let samples: Vec<u8> = (0..160)
            .map(|at| (8_000.0 * (f64::from(at) * 0.35).sin()) as i16)
            .flat_map(i16::to_le_bytes)
            .collect();
        let payload = STANDARD.encode(samples);
        for at in 0u32.. {
            let due = began + FRAME * at;
            while let Ok(event) = timeout_at(due, self.next()).await {
                event?;
            }
            sleep_until(due).await;
            let is_interrupted = self.last_sound.is_some()
                && self
                    .sound_since
                    .is_some_and(|since| since > began && since.elapsed() >= Duration::from_millis(200));
            if is_interrupted || due - began >= SPEECH {
                break;
            }
            self.send_media(&payload).await?;
        }
        let ids = json!({"event": "reverse-media-stop", "streamId": self.connected["streamId"],
            "callerId": self.connected["callerId"]});
        self.socket.send(Message::text(ids.to_string())).await.ok()
    }

    async fn send_media(&mut self, payload: &str) -> Option<()> {
        self.chunk += 1;
        let media = json!({
            "event": "reverse-media", "chunk": self.chunk, "did": self.connected["did"], "payload": payload,
            "timestamp": "2026-01-02 03:04:05", "streamId": self.connected["streamId"],
            "callerId": self.connected["callerId"], "chunk_durn_ms": 20,
            "callDirection": self.connected["callDirection"], "encoding": "LINEAR", "RevMediaQ": 0, "source": "ai",
        });
        self.socket.send(Message::text(media.to_string())).await.ok()
    }
}

pub fn plan(address: SocketAddr, callers: u32, seconds: u64) -> Plan {
    let mut options = Options::new(Protocol::Ws, &format!("ws://{address}")).expect("an address");
    options.bot_id = Some("bot_1".to_owned());
    Plan {
        options,
        callers,
        duration: Duration::from_secs(seconds),
        ramp: Duration::from_millis(100),
        barge_in: BargeIn::Often,
        tickets: Tickets::None,
        clips: (1..4).map(|seed| synthetic(seed, 4).at_rate(8_000)).collect(),
    }
}

#[tokio::test]
async fn callers_talk_and_their_figures_are_the_servers_delays() {
    let summary = drive(plan(start_bot().await, 4, 20)).await;
    let figures = format!("{summary}");
    assert_eq!((summary.calls.placed, summary.calls.completed, summary.calls.failed), (4, 4, 0), "{figures}");
    assert!(summary.turns.answered >= 8 && summary.turns.barge_ins >= 2, "{figures}");
    // A busy machine adds to these and never takes away from them; how much is for `timing.rs` to judge.
    assert!(summary.wire_to_ear_ms.p50 >= 480.0, "{figures}");
    assert!(summary.barge_in_to_silence_ms.p50 >= 200.0, "{figures}");
    assert_eq!(summary.answer_to_first_audio_ms.count, 4, "{figures}");
    assert!(summary.frame_lateness_ms.count > 500, "{figures}");
    assert!(summary.caller.cpu_percent_of_core_per_caller.is_some_and(|percent| percent > 0.0), "{figures}");
}

#[tokio::test]
async fn a_full_server_is_a_count_of_refusals() {
    let busy = any(|| async { (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")]).into_response() });
    let address = start(Router::new().route("/ws/{bot}", busy)).await;
    let summary = drive(plan(address, 3, 1)).await;
    assert_eq!((summary.calls.placed, summary.calls.failed), (3, 3));
    assert_eq!(summary.calls.reasons.get("refused_503"), Some(&3));
    let json = serde_json::to_value(&summary).expect("plain data");
    assert_eq!(json["calls"]["reasons"]["refused_503"], 3);
    assert_eq!(json["wire_to_ear_ms"]["count"], 0);
}
