//! The servers that several bridges share: MongoDB, whose data outlive it, and Redis, which forgets everything when it is killed.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::process::Signal;
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use vox_harness::{Kept, Script};

use super::DiallerError;

/// Both. They end with this value, and what MongoDB kept goes with it.
pub(super) struct Servers {
    pub(super) mongodb: Server,
    pub(super) redis: Server,
    // Last: the server ends first.
    _kept: Kept,
}

/// One that may be killed, and comes back where it was.
pub(super) struct Server {
    name: &'static str,
    options: Vec<String>,
    running: Option<Script>,
}

impl Servers {
    pub(super) async fn start() -> Result<Self, DiallerError> {
        let kept = Kept::by("mongodb");
        let mongodb = Server::start("mongodb", vec!["--data".into(), kept.name().into()]).await?;
        Ok(Self { mongodb, redis: Server::start("redis", Vec::new()).await?, _kept: kept })
    }

    /// Settings of a bridge on them.
    pub(super) fn settings(&self) -> [(&'static str, String); 3] {
        let address = |server: &Server| {
            server.running.as_ref().map_or_else(String::new, |script| script.address().into())
        };
        // The database of the address is named before its options.
        let mongodb = address(&self.mongodb).replacen("/?", "/vox?", 1);
        // What is secret in MongoDB is sealed.
        let key = STANDARD.encode(rand::random::<[u8; 32]>());
        [("VOX_MONGODB_URI", mongodb), ("VOX_REDIS_URL", address(&self.redis)), ("VOX_MASTER_KEY", key)]
    }
}

impl Server {
    async fn start(name: &'static str, options: Vec<String>) -> Result<Self, DiallerError> {
        let mut server = Self { name, options, running: None };
        server.run().await?;
        let port = server.running.as_ref().and_then(|script| port(script.address()));
        server.options.extend(port.into_iter().flat_map(|port| ["--port".into(), port]));
        Ok(server)
    }

    async fn run(&mut self) -> Result<(), DiallerError> {
        let (name, options) = (self.name, self.options.clone());
        let started = spawn_blocking(move || {
            Script::start(name, &options.iter().map(String::as_str).collect::<Vec<_>>())
        });
        let started = started.await.map_err(|error| DiallerError::Server(error.to_string()))?;
        self.running = Some(started.map_err(DiallerError::Server)?);
        Ok(())
    }

    /// SIGKILL, and some time later the same again.
    pub(super) async fn revive(&mut self, dead: Duration) -> Result<(), DiallerError> {
        if let Some(script) = self.running.take() {
            script.signal(Signal::KILL);
            // Until the script has ended, too.
            let _ended = spawn_blocking(move || drop(script)).await;
        }
        sleep(dead).await;
        self.run().await
    }
}

/// Of an address with one: digits behind the last colon.
fn port(address: &str) -> Option<String> {
    let port: String = address.rsplit(':').next()?.chars().take_while(char::is_ascii_digit).collect();
    (!port.is_empty()).then_some(port)
}

#[cfg(test)]
mod tests {
    use super::port;

    #[test]
    fn the_port_of_an_address_is_what_a_server_comes_back_to() {
        assert_eq!(port("mongodb://127.0.0.1:2717/?directConnection=true").as_deref(), Some("2717"));
        assert_eq!(port("redis://127.0.0.1:6379").as_deref(), Some("6379"));
        assert_eq!(port("redis://host"), None);
    }
}
