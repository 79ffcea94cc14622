//! A scripted server of any of the protocols. It does everything right by itself; tests that want it wrong send
//! their own messages.

use std::{future::Future, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::{Instant, sleep_until, timeout},
};
use tokio_tungstenite::{
    WebSocketStream, accept_async,
    tungstenite::{
        Message,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};
use vox_caller::{Clip, Options, Protocol, Report, Rule};

/// Longest wait for the caller in any test.
const PATIENCE: Duration = Duration::from_secs(20);
const FRAME: Duration = Duration::from_millis(20);
pub const EXOTEL: Protocol = Protocol::Exotel { rate_hz: 8_000 };

pub struct Bot {
    pub socket: WebSocketStream<TcpStream>,
    pub protocol: Protocol,
    /// Everything the caller sent but its audio.
    pub events: Vec<Value>,
    pub stream_id: String,
    chunk: i64,
}

/// Serve one call with `script`; returns the address to call and what the script returns.
pub async fn serve<F, T>(
    protocol: Protocol,
    script: impl FnOnce(Bot) -> F + Send + 'static,
) -> (String, JoinHandle<T>)
where
    F: Future<Output = T> + Send,
    T: Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/{}/b", listener.local_addr().unwrap(), protocol.segment());
    let task = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let socket = accept_async(stream).await.unwrap();
        script(Bot { socket, protocol, events: Vec::new(), stream_id: String::new(), chunk: 0 }).await
    });
    (url, task)
}

/// Options of a call to `url`, in a hurry where a deadline is tested.
pub fn options(protocol: Protocol, url: &str) -> Options {
    Options::new(protocol, url).unwrap()
}

/// A tone of whole frames that is loud from its first to its last sample.
pub fn tone(rate_hz: u32, ms: u32) -> Clip {
    let step = 2.0 * std::f64::consts::PI * 440.0 / f64::from(rate_hz);
    let samples =
        (0..rate_hz * ms / 1_000).map(|at| (9_000.0 * (f64::from(at) * step).cos()) as i16).collect();
    Clip::new(samples, rate_hz).unwrap()
}

/// The rules that were broken, with how often; but for those of the bot's pace, which a busy machine breaks.
pub fn broken(report: &Report) -> Vec<(Rule, u64)> {
    let of_pace = |rule| matches!(rule, Rule::Starved | Rule::TooFarAhead);
    let broken = report.violations.iter().filter(|violation| !of_pace(violation.rule));
    broken.map(|violation| (violation.rule, violation.count)).collect()
}

impl Bot {
    pub async fn handshake(&mut self) {
        match self.protocol {
            Protocol::Talk => self.ready().await,
            Protocol::Ws => {
                for name in ["connected", "start", "answer"] {
                    assert_eq!(self.next_event().await["event"], name);
                }
                self.stream_id = self.events[1]["streamId"].as_str().unwrap().to_owned();
            }
            Protocol::Exotel { .. } => {
                for name in ["connected", "start"] {
                    assert_eq!(self.next_event().await["event"], name);
                }
                self.stream_id = self.events[1]["start"]["stream_sid"].as_str().unwrap().to_owned();
            }
            other => unreachable!("{other:?} is tried with a real worker (core/tests/it)"),
        }
    }

    pub async fn ready(&mut self) {
        self.send(json!({"type": "ready", "session_id": "s", "sample_rate": 16_000, "frame_ms": 20})).await;
    }

    pub async fn send(&mut self, event: Value) {
        self.socket.send(Message::text(event.to_string())).await.unwrap();
    }

    /// The next message, or `None` when the caller closed.
    pub async fn next(&mut self) -> Option<Message> {
        let message = timeout(PATIENCE, self.socket.next()).await.expect("the caller went silent");
        match message {
            Some(Ok(Message::Close(_)) | Err(_)) | None => None,
            Some(Ok(message)) => Some(message),
        }
    }

    /// Samples of the caller in a message; anything else is kept in `events`.
    fn audio(&mut self, message: &Message) -> Option<Vec<i16>> {
        let bytes = match message {
            Message::Binary(bytes) => bytes.to_vec(),
            Message::Text(text) => {
                let event: Value = serde_json::from_str(text).unwrap();
                let payload = event["payload"].as_str().or_else(|| event["media"]["payload"].as_str());
                let Some(payload) = payload else {
                    self.events.push(event);
                    return None;
                };
                STANDARD.decode(payload).unwrap()
            }
            _ => return None,
        };
        Some(bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect())
    }

    /// The next message that is not audio.
    pub async fn next_event(&mut self) -> Value {
        loop {
            let message = self.next().await.expect("an event, not the end");
            if self.audio(&message).is_none() {
                return self.events.last().unwrap().clone();
            }
        }
    }

    /// Wait for the caller to begin to speak.
    pub async fn hear_onset(&mut self) -> Instant {
        loop {
            if self.hears_sound().await {
                return Instant::now();
            }
        }
    }

    /// Wait for the caller to speak and to be silent again; returns when the last sound came.
    pub async fn hear_turn(&mut self) -> Instant {
        let mut last = self.hear_onset().await;
        loop {
            if self.hears_sound().await {
                last = Instant::now();
            } else if last.elapsed() > Duration::from_millis(90) {
                return last;
            }
        }
    }

    /// Listen for `time`, whatever comes.
    pub async fn hear_turn_or(&mut self, time: Duration) {
        let _ = timeout(time, self.hear_turn()).await;
    }

    async fn hears_sound(&mut self) -> bool {
        let message = self.next().await.expect("the caller is there");
        self.audio(&message).is_some_and(|samples| samples.iter().any(|sample| sample.unsigned_abs() > 1_000))
    }

    /// A message with these samples, as it should be.
    pub fn media(&mut self, samples: &[i16]) -> Message {
        let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        if self.protocol == Protocol::Talk {
            return Message::binary(bytes);
        }
        self.chunk += 1;
        Message::text(self.media_event(&bytes).to_string())
    }

    pub fn media_event(&self, bytes: &[u8]) -> Value {
        let payload = STANDARD.encode(bytes);
        if self.protocol != Protocol::Ws {
            return json!({"event": "media", "stream_sid": self.stream_id, "media": {"payload": payload}});
        }
        let connected = &self.events[0];
        json!({
            "event": "reverse-media", "chunk": self.chunk, "did": connected["did"], "payload": payload,
            "timestamp": "2026-01-02 03:04:05", "streamId": self.stream_id, "callerId": connected["callerId"],
            "chunk_durn_ms": 20, "callDirection": connected["callDirection"], "encoding": "LINEAR", "RevMediaQ": 0,
            "source": "ai",
        })
    }

    /// Speak for `ms` in real time; returns when the first piece was sent.
    pub async fn say(&mut self, ms: u32) -> Instant {
        let rate_hz = self.protocol.rate_hz();
        // Exotel takes no piece under 3,200 bytes: 200 ms at 8 kHz.
        let piece = if matches!(self.protocol, Protocol::Exotel { .. }) { FRAME * 10 } else { FRAME };
        let size = (rate_hz as u128 * piece.as_millis() / 1_000) as usize;
        let began = Instant::now();
        for (at, samples) in tone(rate_hz, ms).samples().chunks_exact(size).enumerate() {
            sleep_until(began + piece * at as u32).await;
            let message = self.media(samples);
            self.socket.send(message).await.unwrap();
        }
        began
    }

    pub async fn hangup(&mut self) {
        match self.protocol {
            Protocol::Talk => self.send(json!({"type": "hangup", "disconnected_by": "bot"})).await,
            Protocol::Exotel { .. } => {}
            Protocol::Ws => {
                self.send(self.ids("reverse-media-stop")).await;
                self.send(self.hangup_event()).await;
                while self.next_event().await["event"] != "hangup-call" {}
            }
            other => unreachable!("{other:?} is tried with a real worker (core/tests/it)"),
        }
        self.close(1_000).await;
    }

    pub fn hangup_event(&self) -> Value {
        let mut hangup = self.ids("reverse-hangup-call");
        hangup["source"] = "ai".into();
        hangup["message"] = "Call Dropped on BOT".into();
        hangup
    }

    pub fn ids(&self, event: &str) -> Value {
        json!({"event": event, "streamId": self.stream_id, "callerId": self.events[0]["callerId"]})
    }

    /// Wait for the caller to hang up, and close as the protocol says.
    pub async fn end(&mut self) {
        let is_end = |event: &Value| {
            event["event"] == "hangup-call" || event["event"] == "stop" || event["type"] == "hangup"
        };
        while let Some(message) = self.next().await {
            if self.audio(&message).is_none() && self.events.last().is_some_and(is_end) {
                break;
            }
        }
        if self.protocol == Protocol::Talk {
            self.send(json!({"type": "hangup", "disconnected_by": "customer"})).await;
        }
        self.close(1_000).await;
    }

    pub async fn close(&mut self, code: u16) {
        let frame = CloseFrame { code: CloseCode::from(code), reason: "".into() };
        let _ = self.socket.close(Some(frame)).await;
        while self.next().await.is_some() {}
    }
}
