//! The dialler's settings, read once. `docs/settings-dialler.md` lists them for operators.

use std::net::SocketAddr;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use vox_shared::env::{Env, Faults};
use vox_shared::livekit::LiveKitSettings;

/// Shortest shared secret accepted, bytes.
const MIN_SECRET_BYTES: usize = 32;
/// Words that mark a secret as copied from an example.
const PLACEHOLDERS: [&str; 5] = ["changeme", "change-me", "placeholder", "example", "secret-secret"];

/// Settings of a dialler.
#[derive(Clone, Debug)]
pub struct DiallerSettings {
    /// `VOX_DIALLER_LISTEN`: health and metrics. Default `127.0.0.1:9465`.
    pub listen: SocketAddr,
    /// `VOX_BRIDGE_URL`. Default `http://127.0.0.1:8080`.
    pub bridge_url: String,
    /// `VOXCORE_SECRET` (or `VOXCORE_SECRET_FILE`): the bridge's and the workers'.
    pub secret: SecretString,
    /// `LIVEKIT_URL` and the others: the server through which is dialled. Without it no campaign runs.
    pub livekit: LiveKitSettings,
    /// `VOX_DIALLER_MAX_LINES`: lines at once, ringing and talking, of all campaigns. Default 500.
    pub max_lines: u32,
    /// `VOX_DIALLER_DRAIN_SECONDS`: how long the end waits for lines that are taken back. Default 20.
    pub drain: Duration,
    /// `VOX_PARENT_DEATH`: set by `vox up`: stop when the parent is gone.
    pub stop_with_parent: bool,
}

impl DiallerSettings {
    /// Read the settings; every fault is reported at once.
    pub fn from_env(mut env: Env) -> Result<Self, Faults> {
        let secret = env.secret("VOXCORE_SECRET").unwrap_or_default();
        let text = secret.expose_secret();
        if text.len() < MIN_SECRET_BYTES {
            env.fault(format!("VOXCORE_SECRET: at least {MIN_SECRET_BYTES} characters are needed"));
        } else if PLACEHOLDERS.iter().any(|word| text.to_lowercase().contains(word)) {
            env.fault("VOXCORE_SECRET: this is a placeholder; make one with `openssl rand -hex 32`");
        }
        let bridge_url = env.text("VOX_BRIDGE_URL").unwrap_or_else(|| "http://127.0.0.1:8080".into());
        if !bridge_url.starts_with("http://") && !bridge_url.starts_with("https://") {
            env.fault("VOX_BRIDGE_URL: must start with http:// or https://");
        }
        if env.text("LIVEKIT_URL").is_none() {
            env.fault("LIVEKIT_URL: is not set; campaigns dial through a LiveKit server (docs/campaigns.md)");
        }
        let livekit = LiveKitSettings::from_env(&mut env);
        let max_lines = env.parsed("VOX_DIALLER_MAX_LINES").unwrap_or(500);
        if !(1..=10_000).contains(&max_lines) {
            env.fault("VOX_DIALLER_MAX_LINES: must be from 1 to 10000");
        }
        let listen =
            env.parsed("VOX_DIALLER_LISTEN").unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 9465)));
        let drain = Duration::from_secs(env.parsed("VOX_DIALLER_DRAIN_SECONDS").unwrap_or(20));
        let stop_with_parent = env.text("VOX_PARENT_DEATH").is_some_and(|v| v == "1");
        env.finish()?;
        let livekit = livekit.ok_or_else(|| Faults(vec!["LIVEKIT_URL: is not set".to_owned()]))?;
        Ok(Self { listen, bridge_url, secret, livekit, max_lines, drain, stop_with_parent })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(vars: &[(&str, &str)]) -> Result<DiallerSettings, Faults> {
        DiallerSettings::from_env(Env::from_vars(
            vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        ))
    }

    #[test]
    fn the_secret_and_a_livekit_server_are_enough() {
        let settings = read(&[
            ("VOXCORE_SECRET", &"s3cr".repeat(8)),
            ("LIVEKIT_URL", "ws://127.0.0.1:7880"),
            ("LIVEKIT_API_KEY", "key"),
            ("LIVEKIT_API_SECRET", "secret"),
        ])
        .unwrap();
        assert_eq!((settings.max_lines, settings.listen.port()), (500, 9465));
        assert!(settings.listen.ip().is_loopback());
    }

    #[test]
    fn every_fault_is_named() {
        let faults = read(&[
            ("VOXCORE_SECRET", "changeme-changeme-changeme-changeme"),
            ("VOX_BRIDGE_URL", "bridge:8080"),
            ("VOX_DIALLER_LISTEN", "nowhere"),
            ("VOX_DIALLER_MAX_LINES", "0"),
        ])
        .unwrap_err();
        assert_eq!(faults.0.len(), 5, "{faults}");
    }
}
