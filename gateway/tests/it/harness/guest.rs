//! Somebody in the room: what happens is kept, and waited for.

use std::time::{SystemTime, UNIX_EPOCH};

use tokio::task::JoinHandle;
use tokio::time::timeout;
use vox_livekit::{AccessToken, Event, Events, Options, Participant, Publish, Rate, Room, Sound};

use super::{Deployment, PATIENCE, power, tone};

pub struct Guest {
    pub room: Room,
    events: Events,
    sound: Sound,
    /// All events so far.
    pub happened: Vec<Event>,
    speaking: Option<JoinHandle<()>>,
}

impl Guest {
    pub async fn join(deployment: &Deployment, room: &str) -> Self {
        #[expect(clippy::disallowed_methods, reason = "the server compares with its own clock")]
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let server = &deployment.livekit;
        let token = AccessToken::new(room, "guest").sign(&server.key, &server.secret, now, PATIENCE * 10);
        let options = Options { hear: Rate::Hz8000, ..Options::default() };
        let (room, mut events) = Room::join(&server.url, &token, options).await.unwrap();
        let sound = events.sound().unwrap();
        Self { room, events, sound, happened: Vec::new(), speaking: None }
    }

    /// Publish a track and say a tone into it until the guest goes.
    pub async fn says(&mut self, hz: f64) {
        let publish = Publish { rate: Rate::Hz8000, ..Publish::default() };
        let microphone = self.room.publish(publish).await.unwrap();
        let mut next = tone(hz);
        self.speaking = Some(tokio::spawn(async move { while microphone.write(next()).await.is_ok() {} }));
    }

    /// Wait for an event; what it tells.
    pub async fn sees<T>(&mut self, what: &str, is_it: impl Fn(&Event) -> Option<T>) -> T {
        let wait = async {
            while let Some(event) = self.events.next().await {
                let found = is_it(&event);
                self.happened.push(event);
                if found.is_some() {
                    return found;
                }
            }
            None
        };
        match timeout(PATIENCE, wait).await {
            Ok(Some(found)) => found,
            _ => panic!("never seen: {what}: {:?}", self.happened),
        }
    }

    /// Wait until the phone tells this status; it as it is then.
    pub async fn sees_status(&mut self, wanted: &str) -> Participant {
        self.sees(wanted, |event| match event {
            Event::Joined(phone) | Event::Changed { participant: phone, .. } => {
                (phone.attributes.get("sip.callStatus").is_some_and(|status| status == wanted))
                    .then(|| phone.clone())
            }
            _ => None,
        })
        .await
    }

    pub async fn sees_leave(&mut self, identity: &str) -> (Participant, vox_livekit::Leaving) {
        self.sees("the phone leaves", |event| match event {
            Event::Left { participant, reason } if participant.identity == identity => {
                Some((participant.clone(), *reason))
            }
            _ => None,
        })
        .await
    }

    /// The states that the phone told up to now, and what else it told at once with each.
    pub fn statuses(&self) -> Vec<String> {
        let mut statuses = Vec::new();
        for event in &self.happened {
            let (Event::Joined(phone) | Event::Changed { participant: phone, .. }) = event else { continue };
            if let Some(status) = phone.attributes.get("sip.callStatus")
                && statuses.last() != Some(status)
            {
                statuses.push(status.clone());
            }
        }
        statuses
    }

    /// Listen until a tone makes up nearly all of what is heard for 400 ms.
    pub async fn hears(&mut self, hz: f64) {
        let mut found = 0.0;
        let listen = async {
            loop {
                let mut pcm = Vec::new();
                for _ in 0..20 {
                    pcm.extend(self.sound.next().await.expect("the room goes on").mix);
                }
                found = power(&pcm, hz);
                if found > 0.9 {
                    return;
                }
            }
        };
        if timeout(PATIENCE, listen).await.is_err() {
            panic!("{hz} Hz not heard; at last {found}");
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
