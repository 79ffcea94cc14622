//! A real LiveKit server for one test, and people in its rooms: a visitor with a browser, a telephone.
//!
//! The server's starter and its guests are those of the client's own tests.

#[path = "../../../../livekit/tests/it/harness/guest.rs"]
pub mod guest;
#[expect(dead_code, reason = "a part of it is for the tests of the client, whose it is")]
#[path = "../../../../livekit/tests/it/harness/server.rs"]
pub mod server;
pub mod sip;
#[expect(dead_code, reason = "a part of it is for the tests of the client, whose it is")]
#[path = "../../../../livekit/tests/it/harness/tone.rs"]
pub mod tone;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;
use tokio::time::timeout;
use vox_caller::Clip;
use vox_livekit::{AccessToken, Disconnect, Event, Kind, Options, Publish, Rate, Text};
use vox_shared::wire::SECRET_HEADER;

use super::bridge::secret;
use super::vendors::Scripts;
use super::{PATIENCE, Stage, client};
pub use guest::Guest;
pub use server::LiveKit;
pub use tone::{power, tone};

/// Above this a frame can be heard, RMS of 16-bit samples.
const AUDIBLE_RMS: f64 = 150.0;
const FRAME_MS: u64 = 20;

/// A stage whose worker takes calls in rooms of a server.
pub struct Rooms {
    pub stage: Stage,
    pub livekit: LiveKit,
}

impl Rooms {
    pub async fn start(scripts: Scripts) -> Self {
        let livekit = LiveKit::start();
        let url = livekit.url.clone();
        Self::with(scripts, livekit, &url, &[]).await
    }

    /// The worker finds the server at this address, and has more settings.
    pub async fn with(scripts: Scripts, livekit: LiveKit, url: &str, more: &[(&str, &str)]) -> Self {
        let (key, secret) = (livekit.key.clone(), livekit.secret.clone());
        let mut settings =
            vec![("LIVEKIT_URL", url), ("LIVEKIT_API_KEY", &*key), ("LIVEKIT_API_SECRET", &*secret)];
        settings.extend(more);
        let stage = Stage::start_with(scripts, &settings).await;
        Self { stage, livekit }
    }

    /// Order a call.
    pub async fn order(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        post(&self.stage, path, &secret(), body).await
    }

    /// The same, which must be taken: the call's id.
    pub async fn takes(&self, path: &str, body: &Value) -> String {
        let (status, answer) = self.order(path, body).await;
        assert_eq!((status, &answer["status"]), (StatusCode::OK, &Value::from("accepted")), "{answer}");
        answer["call_id"].as_str().unwrap().to_owned()
    }

    /// Somebody with a browser in a room.
    pub async fn visitor(&self, room: &str) -> Person {
        self.person(&AccessToken::new(room, "widget-user-0a1b2c3d")).await
    }

    /// A telephone in a room as the gateway brings one, in this state.
    pub async fn phone(&self, room: &str, identity: &str, attributes: &[(&str, &str)]) -> Person {
        let mut token = AccessToken::new(room, identity);
        token.kind = Kind::Sip;
        token.attributes =
            attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.person(&token).await
    }

    /// Somebody who says a tone all the time, and hears everything.
    pub async fn whistles(&self, token: &AccessToken, hz: f64) -> Guest {
        let options = Options { hear: Rate::Hz16000, ..Options::default() };
        let mut guest = Guest::join_with(&self.livekit, &self.livekit.sign(token), options).await;
        guest.says(Rate::Hz16000, hz).await;
        guest
    }

    async fn person(&self, token: &AccessToken) -> Person {
        self.comes_with(&self.livekit.sign(token)).await
    }

    /// Somebody whose token was signed by others.
    pub async fn comes_with(&self, token: &str) -> Person {
        let mut guest = self.listens_with(token).await;
        let saying = Arc::<Mutex<VecDeque<Vec<i16>>>>::default();
        let frames = saying.clone();
        let next = move || {
            let mut frames = frames.lock().unwrap_or_else(PoisonError::into_inner);
            frames.pop_front().unwrap_or_else(|| vec![0; Rate::Hz16000.frame()])
        };
        guest.publishes(Publish { rate: Rate::Hz16000, ..Publish::default() }, next).await;
        Person { guest, saying }
    }

    /// The same without a microphone.
    pub async fn listens_with(&self, token: &str) -> Guest {
        let options = Options { hear: Rate::Hz16000, ..Options::default() };
        Guest::join_with(&self.livekit, token, options).await
    }
}

/// Ask a worker something.
pub async fn post(stage: &Stage, path: &str, secret: &str, body: &Value) -> (StatusCode, Value) {
    let request = client().post(stage.worker.http(path)).header(SECRET_HEADER, secret).json(body);
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

/// Somebody in a room, whose microphone is open.
pub struct Person {
    pub guest: Guest,
    saying: Arc<Mutex<VecDeque<Vec<i16>>>>,
}

impl Person {
    /// Begin to say this.
    pub fn says(&self, clip: &Clip) {
        let pcm = clip.at_rate(Rate::Hz16000.hz());
        let mut saying = self.saying.lock().unwrap_or_else(PoisonError::into_inner);
        for piece in pcm.samples().chunks(Rate::Hz16000.frame()) {
            let mut frame = piece.to_vec();
            frame.resize(Rate::Hz16000.frame(), 0);
            saying.push_back(frame);
        }
    }

    /// Begin to say a tone, for so long.
    pub fn says_tone(&self, hz: f64, length: Duration) {
        let mut next = tone(Rate::Hz16000, hz);
        let mut saying = self.saying.lock().unwrap_or_else(PoisonError::into_inner);
        saying.extend((0..length.as_millis() as u64 / FRAME_MS).map(|_| next()));
    }

    /// What is heard for so long: whether anything could be heard at all.
    pub async fn hears_anything(&mut self, length: Duration) -> bool {
        let heard = self.guest.listens(length.as_millis() as usize / FRAME_MS as usize).await;
        heard.iter().any(|frame| rms(&frame.mix) > AUDIBLE_RMS)
    }

    /// Listen until somebody speaks; how long that took, milliseconds of what was heard.
    pub async fn hears_speech(&mut self) -> u64 {
        self.listens_until("speech", 5, true).await
    }

    /// Listen until nobody has spoken for 600 ms.
    pub async fn hears_silence(&mut self) -> u64 {
        self.listens_until("silence", 30, false).await
    }

    /// Listen until nobody has spoken for 2.4 s: to several lines, with what a slow machine puts between them.
    pub async fn hears_all(&mut self) {
        self.hears_speech().await;
        self.listens_until("a long silence", 120, false).await;
    }

    /// Listen to a whole reply.
    pub async fn hears_reply(&mut self) {
        self.hears_speech().await;
        self.hears_silence().await;
    }

    /// Listen for so long.
    pub async fn listens(&mut self, length: Duration) {
        self.guest.listens(length.as_millis() as usize / FRAME_MS as usize).await;
    }

    async fn listens_until(&mut self, what: &str, frames: u64, audible: bool) -> u64 {
        let (mut in_a_row, mut heard) = (0, 0);
        let listen = async {
            while in_a_row < frames {
                let frame = self.guest.listens(1).await.pop().expect("one was waited for");
                in_a_row = if (rms(&frame.mix) > AUDIBLE_RMS) == audible { in_a_row + 1 } else { 0 };
                heard += 1;
            }
        };
        let late = timeout(PATIENCE, listen).await.is_err();
        assert!(!late, "no {what} after {} ms", heard * FRAME_MS);
        (heard - frames) * FRAME_MS
    }

    /// Wait for a text of the conversation, unless it has come.
    pub async fn reads(&mut self, text: &str) -> Text {
        let is_it = |event: &Event| match event {
            Event::Text(told) if told.topic == "lk.transcription" && told.text == text => Some(told.clone()),
            _ => None,
        };
        if let Some(told) = self.guest.happened.iter().find_map(is_it) {
            return told;
        }
        self.guest.sees(&format!("the text {text:?}"), is_it).await
    }

    /// The states that the bot was seen in, as far as events were waited for.
    pub fn states(&self) -> Vec<&str> {
        let states = self.guest.happened.iter().filter_map(|event| match event {
            Event::Joined(who) | Event::Changed { participant: who, .. } if who.kind == Kind::Agent => {
                who.attributes.get("lk.agent.state").map(String::as_str)
            }
            _ => None,
        });
        states.collect()
    }

    /// A telephone's state becomes another, as the gateway tells it.
    pub async fn becomes(&self, status: &str) {
        let attributes = BTreeMap::from([("sip.callStatus".to_owned(), status.to_owned())]);
        self.guest.room.set_attributes(attributes).await.unwrap();
    }

    /// Wait until the bot's voice is there: a gateway answers a telephone that rings then.
    pub async fn is_offered_a_voice(&mut self) {
        let is_it = |event: &Event| matches!(event, Event::Subscribed { .. }).then_some(());
        self.guest.sees("a voice", is_it).await;
    }

    /// Wait until sent away.
    pub async fn sees_itself_sent_away(mut self) {
        let is_it = |event: &Event| match event {
            Event::Disconnected(why) => Some(why.clone()),
            _ => None,
        };
        let why = self.guest.sees("the end", is_it).await;
        assert!(matches!(why, Disconnect::SentAway(_)), "{why:?}");
    }

    /// Hang up.
    pub async fn leaves(self) {
        self.guest.room.leave().await;
    }
}

fn rms(samples: &[i16]) -> f64 {
    let sum: f64 = samples.iter().map(|s| f64::from(*s).powi(2)).sum();
    (sum / samples.len().max(1) as f64).sqrt()
}
