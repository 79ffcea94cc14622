//! Somebody in a room: what happens is kept, and waited for.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;
use vox_livekit::{Event, Events, Heard, Microphone, Options, Publish, Rate, Room, Sound};

use super::{LiveKit, power, tone};

pub const HEAR: Rate = Rate::Hz16000;
/// How long anything may take on a slow machine.
pub const PATIENCE: Duration = Duration::from_secs(15);

pub struct Guest {
    pub room: Room,
    pub events: Events,
    pub sound: Sound,
    /// All events so far.
    pub happened: Vec<Event>,
    speaking: Option<JoinHandle<()>>,
}

impl Guest {
    pub async fn join(server: &LiveKit, room: &str, identity: &str, options: Options) -> Self {
        Self::join_with(server, &server.token(room, identity), options).await
    }

    pub async fn join_with(server: &LiveKit, token: &str, options: Options) -> Self {
        Self::join_at(&server.url, token, options).await
    }

    pub async fn join_at(url: &str, token: &str, options: Options) -> Self {
        let (room, mut events) =
            Room::join(url, token, options).await.unwrap_or_else(|error| panic!("not joined: {error}"));
        let sound = events.sound().expect("taken once");
        Self { room, events, sound, happened: Vec::new(), speaking: None }
    }

    /// Wait for an event; what it tells.
    pub async fn sees<T>(&mut self, what: &str, mut is_it: impl FnMut(&Event) -> Option<T>) -> T {
        let wait = async {
            while let Some(event) = self.events.next().await {
                let found = is_it(&event);
                self.happened.push(event);
                if let Some(found) = found {
                    return Some(found);
                }
            }
            None
        };
        match timeout(PATIENCE, wait).await {
            Ok(Some(found)) => found,
            Ok(None) => panic!("the room ended before {what}: {:?}", self.happened),
            Err(_) => panic!("never seen: {what}: {:?}", self.happened),
        }
    }

    pub async fn connected(&mut self) {
        self.sees("connected", |event| matches!(event, Event::Connected).then_some(())).await;
    }

    /// Whether this happened up to now.
    pub fn saw(&mut self, mut is_it: impl FnMut(&Event) -> bool) -> bool {
        self.happened.iter().any(&mut is_it)
    }

    pub async fn publish(&self, publish: Publish) -> Microphone {
        timeout(PATIENCE, self.room.publish(publish))
            .await
            .expect("a track is published in time")
            .unwrap_or_else(|error| panic!("not published: {error}"))
    }

    /// Publish a track and say a tone into it until the guest goes.
    pub async fn says(&mut self, rate: Rate, hz: f64) {
        self.publishes(Publish { rate, ..Publish::default() }, tone(rate, hz)).await;
    }

    /// Publish a track and write what comes next into it until the guest goes.
    pub async fn publishes(&mut self, publish: Publish, mut next: impl FnMut() -> Vec<i16> + Send + 'static) {
        let microphone = self.publish(publish).await;
        self.speaking = Some(tokio::spawn(async move { while microphone.write(next()).await.is_ok() {} }));
    }

    /// The next frames.
    pub async fn listens(&mut self, frames: usize) -> Vec<Heard> {
        let mut heard = Vec::new();
        while heard.len() < frames {
            let next = timeout(PATIENCE, self.sound.next()).await.expect("a frame comes every 20 ms");
            heard.push(next.expect("the room goes on"));
        }
        heard
    }

    /// Listen until a tone makes up at least this part of what is heard for 400 ms on end.
    pub async fn hears(&mut self, hz: f64, part: f64) {
        self.hears_all(&[hz], part).await;
    }

    /// As above, each of several.
    pub async fn hears_all(&mut self, tones: &[f64], part: f64) {
        let mut parts = Vec::new();
        let listen = async {
            loop {
                let heard = self.listens(20).await;
                let pcm: Vec<i16> = heard.into_iter().flat_map(|heard| heard.mix).collect();
                parts = tones.iter().map(|hz| power(HEAR, &pcm, *hz)).collect();
                if parts.iter().all(|found| *found >= part) {
                    return;
                }
            }
        };
        if timeout(PATIENCE, listen).await.is_err() {
            panic!("{tones:?} Hz not heard; the parts at last: {parts:?}");
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        if let Some(speaking) = self.speaking.take() {
            speaking.abort();
        }
    }
}
