//! A LiveKit server for one test.

use rustix::process::Signal;

use crate::{RedisServer, Script};

/// A fresh server, which ends with this value. It may be paused and killed.
pub struct LiveKitServer {
    pub url: String,
    pub key: String,
    pub secret: String,
    script: Script,
}

impl LiveKitServer {
    /// One that knows no telephones.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// One that keeps trunks and rules in Redis.
    pub fn over(redis: &RedisServer) -> Self {
        Self::with(&["--redis", &redis.place()])
    }

    /// The same, which tells this address what happens there.
    pub fn over_and_telling(redis: &RedisServer, webhook: &str) -> Self {
        Self::with(&["--redis", &redis.place(), "--webhook", webhook])
    }

    /// The same, and nobody makes a room by joining it: what campaigns want of their server.
    pub fn for_campaigns(redis: &RedisServer, webhook: &str) -> Self {
        Self::with(&["--redis", &redis.place(), "--webhook", webhook, "--rooms", "beforehand"])
    }

    /// `options` go to its script.
    pub fn with(options: &[&str]) -> Self {
        let script = Script::run("livekit", options);
        let (key, secret) = script.told("keys").split_once(' ').expect("a key and its secret");
        Self { url: script.address().to_owned(), key: key.to_owned(), secret: secret.to_owned(), script }
    }

    /// End it without a word, and start another one at the same address with the same keys and no other option.
    pub fn restart(self) -> Self {
        let (port, secret) = (self.script.port().to_string(), self.secret.clone());
        drop(self);
        Self::with(&["--port", &port, "--secret", &secret])
    }

    pub fn signal(&self, signal: Signal) {
        self.script.signal(signal);
    }
}
