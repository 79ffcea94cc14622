//! nginx before several bridges, each in its turn.

use std::net::SocketAddr;

use vox_harness::Script;

/// It ends with this value.
pub struct Nginx {
    pub url: String,
    _script: Script,
}

impl Nginx {
    pub fn before(servers: &[SocketAddr]) -> Self {
        let servers: Vec<String> = servers.iter().map(SocketAddr::to_string).collect();
        let script = Script::run("nginx", &servers.iter().map(String::as_str).collect::<Vec<_>>());
        Self { url: script.address().to_owned(), _script: script }
    }
}
