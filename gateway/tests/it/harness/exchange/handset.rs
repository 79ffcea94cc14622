//! SIPp as one telephone. Its signalling is a scenario's; its sound is the test's own, so that it is listened to and speaks when it should.

use std::net::{SocketAddr, UdpSocket};
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::timeout;
use vox_harness::free_address;

use super::line::Line;

/// From the repository's root.
const OURS: &str = "gateway/tests/it/scenarios";
/// Those of the SIP stack's own tests.
const OF_SIP: &str = "sip/tests/it/scenarios";
/// Longer than a telephone rings before it is given up.
const PATIENCE: Duration = Duration::from_secs(70);

pub struct Handset {
    pub address: SocketAddr,
    pub line: Line,
    call: String,
    scenario: &'static str,
    child: Child,
    place: TempDir,
}

impl Handset {
    /// One that calls this number there, with this number of its own, and offers these codecs, as `8 0`.
    pub async fn calls(
        to: SocketAddr,
        (caller, called): (&str, &str),
        (scenario, codecs): (&'static str, &str),
    ) -> Self {
        let words = [("caller", caller), ("called", called), ("codecs", codecs)];
        Self::start(Some(to), (OURS, scenario), &words).await
    }

    /// One that waits for a call and answers it.
    pub async fn answers() -> Self {
        Self::start(None, (OURS, "callee"), &[]).await
    }

    /// One that refuses a call with this status, as `486 Busy Here`.
    pub async fn refuses(status: &str) -> Self {
        Self::start(None, (OF_SIP, "callee_refuses"), &[("status", status)]).await
    }

    /// One that rings until it is given up.
    pub async fn rings() -> Self {
        Self::start(None, (OF_SIP, "callee_rings"), &[]).await
    }

    async fn start(
        to: Option<SocketAddr>,
        (folder, scenario): (&str, &'static str),
        words: &[(&str, &str)],
    ) -> Self {
        let place = TempDir::new().unwrap();
        let (address, line) = (free_address(), Line::open().await);
        let path = format!("{}/../{folder}/{scenario}.xml", env!("CARGO_MANIFEST_DIR"));
        let mut text = std::fs::read_to_string(path).unwrap();
        let port = line.port.to_string();
        // SIPp has keys of its own, but takes none for a status or a port of somebody else's.
        for (name, value) in words.iter().chain(&[("sound_port", port.as_str())]) {
            text = text.replace(&format!("[{name}]"), value);
        }
        std::fs::write(place.path().join("scenario.xml"), text).unwrap();
        let call = format!("phone-{}@127.0.0.1", address.port());
        let mut command = Command::new("sipp");
        command.args(to.map(|to| to.to_string()));
        command.args(["-sf", "scenario.xml", "-i", "127.0.0.1", "-t", "u1", "-cid_str", &call]);
        command.args(["-p", &address.port().to_string(), "-mi", "127.0.0.1"]);
        command.args(["-mp", &free_address().port().to_string()]);
        command.args(["-m", "1", "-nostdin", "-timeout", "90s", "-timeout_error"]);
        command.args(["-trace_err", "-error_file", "errors", "-trace_msg", "-message_file", "messages"]);
        command.current_dir(place.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("no sipp: {error}\ninstall it: scripts/sip/install.sh"));
        Self { address, line, call, scenario, child, place }
    }

    /// Have one that calls hang up. Its scenario waits for a message of its own call, whoever sends it.
    pub fn hangs_up(&self) {
        let hand = UdpSocket::bind("127.0.0.1:0").unwrap();
        let (own, phone, call) = (hand.local_addr().unwrap(), self.address, &self.call);
        let text = format!(
            "MESSAGE sip:phone@{phone} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK-hand\r\nMax-Forwards: 70\r\n\
             From: <sip:hand@{own}>;tag=hand\r\nTo: <sip:phone@{phone}>\r\nCall-ID: {call}\r\nCSeq: 1 MESSAGE\r\n\
             Content-Length: 0\r\n\r\n"
        );
        hand.send_to(text.as_bytes(), phone).unwrap();
    }

    /// Its scenario came to its end as it must.
    pub async fn ended_content(mut self) {
        let ended = timeout(PATIENCE, self.child.wait()).await;
        if !matches!(&ended, Ok(Ok(status)) if status.success()) {
            panic!("{}: {ended:?}", self.scenario);
        }
    }
}

impl Drop for Handset {
    fn drop(&mut self) {
        if std::thread::panicking() {
            use std::io::Write as _;
            let read = |name| std::fs::read_to_string(self.place.path().join(name)).unwrap_or_default();
            let told = format!("{}:\n{}\n{}", self.scenario, read("errors"), read("messages"));
            let _nobody_reads = writeln!(std::io::stderr(), "{told}");
        }
    }
}
