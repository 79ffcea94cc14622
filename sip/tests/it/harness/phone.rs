//! SIPp as one telephone.

use std::net::SocketAddr;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::timeout;
use vox_audio::g711::linear_to_ulaw;
use vox_harness::free_address;
use vox_sip::Transport;

use super::PATIENCE;

/// Scenarios with a sound of their own: an echo beside it would be a second stream.
const SPEAKS: [&str; 2] = ["caller_plays", "caller_presses"];

pub struct Phone {
    pub address: SocketAddr,
    pub transport: Transport,
    scenario: &'static str,
    child: Child,
    place: TempDir,
}

/// How a phone is set up.
#[derive(Clone, Copy)]
pub struct Setup<'a> {
    pub scenario: &'static str,
    pub transport: Transport,
    /// A word of the scenario and what it stands for.
    pub key: Option<(&'a str, &'a str)>,
}

impl Phone {
    /// One that calls.
    pub fn calls(to: SocketAddr, scenario: &'static str, transport: Transport) -> Self {
        Self::start(Some(to), Setup { scenario, transport, key: None })
    }

    /// One that waits for a call.
    pub async fn waits(scenario: &'static str, transport: Transport, key: Option<(&str, &str)>) -> Self {
        let phone = Self::start(None, Setup { scenario, transport, key });
        if transport == Transport::Tcp {
            let listens = async {
                while tokio::net::TcpStream::connect(phone.address).await.is_err() {
                    tokio::task::yield_now().await;
                }
            };
            timeout(PATIENCE, listens).await.expect("SIPp listens");
        }
        phone
    }

    fn start(to: Option<SocketAddr>, setup: Setup<'_>) -> Self {
        let Setup { scenario, transport, key } = setup;
        let place = TempDir::new().unwrap();
        std::fs::write(place.path().join("tone.ulaw"), tone_file()).unwrap();
        let address = free_address();
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../sip/tests/it/scenarios");
        let mut text = std::fs::read_to_string(format!("{folder}/{scenario}.xml")).unwrap();
        if let Some((name, value)) = key {
            // SIPp has keys of its own, but takes none for a status.
            text = text.replace(&format!("[{name}]"), value);
        }
        std::fs::write(place.path().join("scenario.xml"), text).unwrap();
        let mut command = Command::new("sipp");
        command.args(to.map(|to| to.to_string()));
        command.args(["-sf", "scenario.xml", "-i", "127.0.0.1", "-mi", "127.0.0.1"]);
        command.args(["-p", &address.port().to_string(), "-mp", &free_address().port().to_string()]);
        command.args(["-m", "1", "-nostdin", "-timeout", "30s", "-timeout_error"]);
        command.args(["-trace_err", "-error_file", "errors", "-trace_msg", "-message_file", "messages"]);
        if !SPEAKS.contains(&scenario) {
            command.arg("-rtp_echo");
        }
        if let Some(to) = to {
            // Left to itself it proves its password for the address without the name, which is not what it asks for.
            command.args(["-auth_uri", &format!("bot@{to}")]);
        }
        command.args(["-t", if transport == Transport::Tcp { "t1" } else { "u1" }]);
        let child = command
            .current_dir(place.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("no sipp: {error}\ninstall it: scripts/sip/install.sh"));
        Self { address, transport, scenario, child, place }
    }

    /// Its scenario came to its end as it must.
    pub async fn ended_content(mut self) {
        let ended = timeout(PATIENCE, self.child.wait()).await;
        let ended_content = matches!(&ended, Ok(Ok(status)) if status.success());
        if !ended_content {
            let read = |name| std::fs::read_to_string(self.place.path().join(name)).unwrap_or_default();
            panic!("{}: {ended:?}\n{}\n{}", self.scenario, read("errors"), read("messages"));
        }
    }
}

/// 440 Hz for two seconds, mu-law without a header.
fn tone_file() -> Vec<u8> {
    let mut next = super::tone(440.0);
    let mut bytes = Vec::new();
    for _ in 0..100 {
        bytes.extend(next().into_iter().map(linear_to_ulaw));
    }
    bytes
}
