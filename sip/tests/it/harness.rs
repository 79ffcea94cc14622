//! Telephones, and an agent to talk to them.

mod phone;
mod softphone;
mod tone;

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::timeout;
use vox_sip::message::{NameAddr, Uri};
use vox_sip::{Agent, Call, Calls, Credentials, Dial, Event, Events, Incoming, Settings, Sound, Transport};

pub use phone::Phone;
pub use softphone::Softphone;
pub use tone::{power, tone};

/// How long anything may take on a slow machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// An agent on a free port.
pub async fn agent() -> (Agent, Calls) {
    agent_with(Settings::default()).await
}

pub async fn agent_with(settings: Settings) -> (Agent, Calls) {
    Agent::bind(settings).await.unwrap()
}

/// A call to a phone.
pub fn dial_to(phone: &Phone) -> Dial {
    Dial { transport: phone.transport, ..dial_at("+15550100", phone.address) }
}

/// A call to somebody at an address, by UDP.
pub fn dial_at(user: &str, at: SocketAddr) -> Dial {
    Dial {
        to: Uri::sip(Some(user), &at.ip().to_string(), Some(at.port())),
        from: NameAddr::new(Uri::sip(Some("bot"), "127.0.0.1", None)),
        transport: Transport::Udp,
        headers: Vec::new(),
        credentials: None,
        ring_for: Duration::from_secs(15),
        tag: None,
    }
}

/// Our side of a call, and what happened in it.
pub struct Side {
    pub call: Call,
    pub events: Events,
    pub sound: Sound,
    pub happened: Vec<Event>,
}

impl Side {
    pub fn new(call: Call, mut events: Events) -> Self {
        let sound = events.sound().unwrap();
        Self { call, events, sound, happened: Vec::new() }
    }

    pub async fn dialled(agent: &Agent, dial: Dial) -> Self {
        let (call, events) = agent.dial(dial).await.unwrap();
        Self::new(call, events)
    }

    /// The next call, as it came.
    pub async fn called(calls: &mut Calls) -> (Self, vox_sip::message::Request) {
        let incoming = timeout(PATIENCE, calls.next()).await.expect("somebody calls").unwrap();
        let Incoming { call, events, invite, .. } = incoming;
        (Self::new(call, events), invite)
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
            _ => panic!("never seen: {what}; {:?}", self.happened),
        }
    }

    pub async fn sees_event(&mut self, wanted: Event) {
        self.sees(&format!("{wanted:?}"), |event| (*event == wanted).then_some(())).await;
    }

    /// Wait for so many keys.
    pub async fn keys(&mut self, count: usize) -> String {
        let mut keys = String::new();
        while keys.len() < count {
            let key = |event: &Event| if let Event::Key(key) = event { Some(*key) } else { None };
            keys.push(self.sees("a key", key).await);
        }
        keys
    }

    /// Listen until a tone is nearly all of what is heard for 400 ms. `says` is written meanwhile, if it is given.
    pub async fn hears(&mut self, hz: f64, mut says: Option<&mut (dyn FnMut() -> Vec<i16> + Send)>) {
        let mut found = 0.0;
        let listen = async {
            loop {
                let mut pcm = Vec::new();
                for _ in 0..20 {
                    if let Some(next) = &mut says {
                        self.call.write(next()).await.unwrap();
                    }
                    pcm.extend(self.sound.next().await.expect("the call goes on"));
                }
                found = power(&pcm, hz);
                if found > 0.95 {
                    return;
                }
            }
        };
        if timeout(PATIENCE, listen).await.is_err() {
            panic!("{hz} Hz not heard; at last {found}");
        }
    }
}

pub fn trunk() -> Credentials {
    Credentials { username: "trunk".to_owned(), password: "open-sesame".to_owned() }
}

/// Both ways of the signalling.
pub const WAYS: [Transport; 2] = [Transport::Udp, Transport::Tcp];
