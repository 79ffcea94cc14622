//! The worker's settings, read once. `docs/settings-core.md` lists them for operators.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use vox_shared::env::{Env, Faults};
use vox_shared::ids::WorkerId;
use vox_shared::livekit::LiveKitSettings;

/// Shortest shared secret accepted, bytes.
const MIN_SECRET_BYTES: usize = 32;
/// Words that mark a secret as copied from an example.
const PLACEHOLDERS: [&str; 5] = ["changeme", "change-me", "placeholder", "example", "secret-secret"];

/// Settings of one worker process.
#[derive(Clone, Debug)]
pub struct CoreConfig {
    /// `VOXCORE_WORKER_ID`: names the worker to the bridge; made up when unset.
    pub worker_id: WorkerId,
    /// `VOXCORE_ADDR`: where it serves HTTP, for the bridge and for callers without a proxy. Default `127.0.0.1:0`.
    pub addr: SocketAddr,
    /// `VOXCORE_SOCKET_DIR`: it also listens on `<dir>/<worker id>.sock`; the host's fleet is what lies there.
    pub socket_dir: Option<PathBuf>,
    /// `VOXCORE_DISPATCH`: a socket of `vox up` that hands over connections.
    pub dispatch: Option<PathBuf>,
    /// `VOXCORE_DATA_DIR`: outbox, recordings and phrase cache, shared by the host's workers. Default `vox-data/core`.
    pub data_dir: PathBuf,
    /// `VOX_MODELS_DIR`: where `scripts/fetch-models.sh` put the detector's weights. Default `models`.
    pub models_dir: PathBuf,
    /// `VOX_ENGINE`: the local voice and recogniser's binary; looked for beside the executable when unset.
    pub engine: Option<PathBuf>,
    /// `VOX_BRIDGE_URL`. Default `http://127.0.0.1:8080`.
    pub bridge_url: String,
    /// `VOXCORE_SECRET` (or `VOXCORE_SECRET_FILE`): shared with the bridge, at least 32 characters.
    pub secret: SecretString,
    /// `VOXCORE_SECRET_ALSO` (or `VOXCORE_SECRET_ALSO_FILE`): taken from bridges as well, while the secret is changed. Default none.
    pub secret_also: Option<SecretString>,
    /// `VOXCORE_ADVERTISE`: the address that it tells the bridge, where that is another than it listens on: a proxy's with TLS.
    pub advertise: Option<String>,
    /// `VOX_EGRESS_ALLOW`: private ranges that a vendor's `base_url` may name, as in `127.0.0.0/8,10.1.0.0/16`.
    pub egress_allow: String,
    /// `VOX_TRUSTED_PROXIES`: addresses of reverse proxies, comma-separated. Only what they say of the caller's address
    /// counts. Default none.
    pub trusted_proxies: Vec<IpAddr>,
    /// `LIVEKIT_…`: the server whose rooms it takes calls in. Without it there are no such calls.
    pub livekit: Option<LiveKitSettings>,
    /// `LIVEKIT_OUTBOUND_TRUNK`: the trunk (`ST_…`) of calls that name no number to call from. Default none.
    pub outbound_trunk: Option<String>,
    /// `LIVEKIT_TRANSPORT`: over what the media of rooms may go, `any`, `udp`, `tcp` or `relay`. Default `any`.
    #[cfg(feature = "livekit")]
    pub room_transport: vox_livekit::Transport,
    /// `VOXCORE_WORKERS`: how many workers the host runs, for `/health`. Default 1.
    pub workers: u32,
    /// `VOXCORE_OUTBOX_QUOTA_MB`: disk that the outbox may use. Default 256.
    pub outbox_quota_bytes: u64,
    /// `VOXCORE_DRAIN_SECONDS`: how long a stop waits for the running call. Default 3600.
    pub drain: Duration,
    /// `VOXCORE_PARENT_DEATH`: set by `vox up`: stop when the parent is gone.
    pub stop_with_parent: bool,
}

impl CoreConfig {
    /// Read the settings; every fault is reported at once.
    pub fn from_env(mut env: Env) -> Result<Self, Faults> {
        let secret = env.secret("VOXCORE_SECRET").unwrap_or_default();
        check_secret(&mut env, "VOXCORE_SECRET", &secret);
        let secret_also = env.secret_if_any("VOXCORE_SECRET_ALSO");
        if let Some(secret) = &secret_also {
            check_secret(&mut env, "VOXCORE_SECRET_ALSO", secret);
        }
        let advertise = env.text("VOXCORE_ADVERTISE");
        if advertise.as_deref().is_some_and(|address| !is_bare(address)) {
            env.fault(
                "VOXCORE_ADVERTISE: http(s)://HOST[:PORT] without a path, as the bridge reaches this worker",
            );
        }
        let config = Self {
            worker_id: env.parsed("VOXCORE_WORKER_ID").unwrap_or_else(WorkerId::generate),
            addr: env.parsed("VOXCORE_ADDR").unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0))),
            socket_dir: env.path("VOXCORE_SOCKET_DIR"),
            dispatch: env.path("VOXCORE_DISPATCH"),
            data_dir: env.path("VOXCORE_DATA_DIR").unwrap_or_else(|| PathBuf::from("vox-data/core")),
            models_dir: env.path("VOX_MODELS_DIR").unwrap_or_else(|| PathBuf::from("models")),
            engine: env.path("VOX_ENGINE"),
            bridge_url: env.text("VOX_BRIDGE_URL").unwrap_or_else(|| "http://127.0.0.1:8080".into()),
            secret,
            secret_also,
            advertise,
            egress_allow: env.text("VOX_EGRESS_ALLOW").unwrap_or_default(),
            trusted_proxies: proxies(&mut env),
            livekit: LiveKitSettings::from_env(&mut env),
            outbound_trunk: env.text("LIVEKIT_OUTBOUND_TRUNK"),
            #[cfg(feature = "livekit")]
            room_transport: room_transport(&mut env),
            workers: env.parsed("VOXCORE_WORKERS").unwrap_or(1),
            outbox_quota_bytes: env.parsed::<u64>("VOXCORE_OUTBOX_QUOTA_MB").unwrap_or(256) * 1024 * 1024,
            drain: Duration::from_secs(env.parsed("VOXCORE_DRAIN_SECONDS").unwrap_or(3600)),
            stop_with_parent: env.text("VOXCORE_PARENT_DEATH").is_some_and(|v| v == "1"),
        };
        if let Some(calls) = env.parsed::<u32>("MAX_CONCURRENT_CALLS")
            && calls != 1
        {
            env.fault("MAX_CONCURRENT_CALLS: a worker holds exactly 1 call; start more workers instead");
        }
        if !config.bridge_url.starts_with("http://") && !config.bridge_url.starts_with("https://") {
            env.fault("VOX_BRIDGE_URL: must start with http:// or https://");
        }
        if let Err(error) = vox_shared::egress::AllowList::parse(&config.egress_allow) {
            env.fault(format!("VOX_EGRESS_ALLOW: {error}"));
        }
        env.finish()?;
        Ok(config)
    }
}

#[cfg(feature = "livekit")]
fn room_transport(env: &mut Env) -> vox_livekit::Transport {
    let word = env.text("LIVEKIT_TRANSPORT").unwrap_or_else(|| "any".to_owned());
    word.parse().unwrap_or_else(|error| {
        env.fault(format!("LIVEKIT_TRANSPORT: {error}"));
        vox_livekit::Transport::Any
    })
}

fn proxies(env: &mut Env) -> Vec<IpAddr> {
    let text = env.text("VOX_TRUSTED_PROXIES").unwrap_or_default();
    let mut proxies = Vec::new();
    for address in text.split(',').map(str::trim).filter(|address| !address.is_empty()) {
        match address.parse() {
            Ok(address) => proxies.push(address),
            Err(_) => env.fault(format!("VOX_TRUSTED_PROXIES: '{address}' is no IP address")),
        }
    }
    proxies
}

/// Whether this is a scheme, a host and perhaps a port.
fn is_bare(address: &str) -> bool {
    url::Url::parse(address).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
    })
}

fn check_secret(env: &mut Env, name: &str, secret: &SecretString) {
    let text = secret.expose_secret();
    if text.len() < MIN_SECRET_BYTES {
        env.fault(format!("{name}: at least {MIN_SECRET_BYTES} characters are needed"));
    } else if PLACEHOLDERS.iter().any(|p| text.to_lowercase().contains(p)) {
        env.fault(format!("{name}: this is a placeholder; make one with `openssl rand -hex 32`"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(vars: &[(&str, &str)]) -> Result<CoreConfig, Faults> {
        CoreConfig::from_env(Env::from_vars(vars.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))))
    }

    #[test]
    fn the_secret_alone_is_enough() {
        let config = read(&[("VOXCORE_SECRET", &"s3cr".repeat(8))]).unwrap();
        assert_eq!((config.addr.port(), config.workers), (0, 1));
    }

    #[test]
    fn every_fault_is_named() {
        let faults = read(&[
            ("VOXCORE_SECRET", "changeme-changeme-changeme-changeme"),
            ("VOXCORE_ADDR", "nowhere"),
            ("MAX_CONCURRENT_CALLS", "4"),
            ("VOX_EGRESS_ALLOW", "loopback"),
            ("VOX_BRIDGE_URL", "bridge:8080"),
            ("VOX_TRUSTED_PROXIES", "127.0.0.1, nginx"),
            ("VOXCORE_SECRET_ALSO", "short"),
            ("VOXCORE_ADVERTISE", "https://voice-1.internal/w/1"),
        ])
        .unwrap_err();
        assert_eq!(faults.0.len(), 8, "{faults}");
    }

    #[cfg(feature = "livekit")]
    #[test]
    fn media_of_rooms_goes_over_what_is_said() {
        let secret = "s3cr".repeat(8);
        let secret = ("VOXCORE_SECRET", secret.as_str());
        for (word, transport) in [("", vox_livekit::Transport::Any), ("relay", vox_livekit::Transport::Relay)]
        {
            assert_eq!(read(&[secret, ("LIVEKIT_TRANSPORT", word)]).unwrap().room_transport, transport);
        }
        let faults = read(&[secret, ("LIVEKIT_TRANSPORT", "turn")]).unwrap_err().to_string();
        assert!(faults.contains("LIVEKIT_TRANSPORT: must be any, udp, tcp or relay"), "{faults}");
    }
}
