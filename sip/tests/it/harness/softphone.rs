//! baresip: a telephone in software that takes every call and plays a tone.

use std::fs;
use std::net::SocketAddr;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::process::{Child, Command};
use vox_harness::free_address;

pub struct Softphone {
    pub address: SocketAddr,
    _child: Child,
    _place: TempDir,
}

impl Softphone {
    /// Its user is `phone`.
    pub fn start() -> Self {
        let place = TempDir::new().unwrap();
        let at = |name: &str| place.path().join(name).display().to_string();
        let address = free_address();
        fs::write(at("tone.wav"), tone_file()).unwrap();
        let config = format!(
            "poll_method epoll\nsip_listen {address}\naudio_source aufile,{tone}\naudio_alert aufile,{tone}\n\
             ausrc_srate 8000\nauplay_srate 8000\nausrc_channels 1\nauplay_channels 1\njitter_buffer_delay 2-5\n\
             net_interface 127.0.0.1\nmodule_path /usr/lib/baresip/modules\nmodule g711.so\nmodule aufile.so\n\
             module_tmp account.so\nmodule_tmp uuid.so\nmodule_app menu.so\n",
            tone = at("tone.wav")
        );
        fs::write(at("config"), config).unwrap();
        let account = format!(
            "<sip:phone@{address}>;regint=0;answermode=auto;audio_codecs=pcma;ptime=20;pubint=0;mwi=no\n"
        );
        fs::write(at("accounts"), account).unwrap();
        fs::write(at("contacts"), "").unwrap();
        let child = Command::new("baresip")
            .args(["-4", "-f"])
            .arg(place.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("no baresip: {error}\ninstall it: scripts/sip/install.sh"));
        Self { address, _child: child, _place: place }
    }
}

/// 440 Hz for ten seconds, 16 bits.
fn tone_file() -> Vec<u8> {
    let mut next = super::tone(440.0);
    let sound: Vec<u8> = (0..500).flat_map(|_| next()).flat_map(i16::to_le_bytes).collect();
    let mut file = Vec::new();
    file.extend(b"RIFF");
    file.extend((36 + sound.len() as u32).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    file.extend(8000_u32.to_le_bytes());
    file.extend(16_000_u32.to_le_bytes());
    file.extend(b"\x02\0\x10\0data");
    file.extend((sound.len() as u32).to_le_bytes());
    file.extend(sound);
    file
}
