//! A LiveKit server for one test, and what opens its rooms.

use std::ops::Deref;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use vox_harness::LiveKitServer;
use vox_livekit::AccessToken;

/// A fresh server, which ends with this value.
pub struct LiveKit(LiveKitServer);

impl LiveKit {
    pub fn start() -> Self {
        Self(LiveKitServer::start())
    }

    /// `options` go to its script.
    pub fn with(options: &[&str]) -> Self {
        Self(LiveKitServer::with(options))
    }

    /// End it without a word, and start another one at the same address with the same keys.
    pub fn restart(self) -> Self {
        Self(self.0.restart())
    }

    pub fn token(&self, room: &str, identity: &str) -> String {
        self.sign(&AccessToken::new(room, identity))
    }

    pub fn sign(&self, token: &AccessToken) -> String {
        #[expect(clippy::disallowed_methods, reason = "the server compares with its own clock")]
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
        token.sign(&self.key, &self.secret, now, Duration::from_secs(600))
    }
}

impl Deref for LiveKit {
    type Target = LiveKitServer;

    fn deref(&self) -> &LiveKitServer {
        &self.0
    }
}
