//! A Redis server for one test.

use rustix::process::Signal;

use crate::Script;

/// A fresh server, which ends with this value. It may be killed and paused.
pub struct RedisServer {
    pub port: u16,
    script: Script,
}

impl RedisServer {
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// The same address again, as after a restart.
    pub fn on(port: u16) -> Self {
        Self::with(&["--port", &port.to_string()])
    }

    /// `options` go to its script.
    pub fn with(options: &[&str]) -> Self {
        let script = Script::run("redis", options);
        Self { port: script.port(), script }
    }

    pub fn url(&self) -> String {
        format!("redis://{}", self.place())
    }

    /// Host and port.
    pub fn place(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn signal(&self, signal: Signal) {
        self.script.signal(signal);
    }
}
