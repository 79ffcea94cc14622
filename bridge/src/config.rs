//! Settings, read once at start. Each section has its own struct and says what each variable does; `docs/settings-bridge.md`
//! lists them for operators.

mod campaigns;
mod coordination;
mod fleet;
mod limits;
mod s3;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};
use vox_shared::egress::{AllowList, Policy};
use vox_shared::env::{Env, Faults};
use vox_shared::livekit::LiveKitSettings;

pub use campaigns::CampaignLimits;
pub use coordination::CoordinationSettings;
pub use fleet::FleetSettings;
pub use limits::Limits;
pub use s3::{ADDRESS_LIFETIME, S3Settings};

use crate::vault::master::MasterKeys;

/// Shortest acceptable secret, characters.
const MIN_SECRET: usize = 32;
/// Words that show a secret was never chosen.
const PLACEHOLDERS: [&str; 7] =
    ["change", "secret-here", "placeholder", "example", "your-", "default", "password"];
/// Largest recording taken by default: ten hours of 16 kHz stereo.
const MAX_RECORDING_BYTES: u64 = 2_400_000_000;

/// The master key of tests.
pub const TEST_MASTER_KEY: &str = "dGVzdCBtYXN0ZXIga2V5IG9mIGV4YWN0bHkgMzIgYi4=";

/// All settings of the bridge.
#[derive(Clone, Debug)]
pub struct Config {
    pub server: Server,
    pub auth: Auth,
    pub storage: Storage,
    pub coordination: CoordinationSettings,
    pub limits: Limits,
    pub campaigns: CampaignLimits,
    pub metrics: MetricsConfig,
    /// `VOX_EGRESS_ALLOW` (none): private addresses and ranges that a user may make the bridge connect to, comma-separated.
    pub egress: Policy,
    pub fleet: FleetSettings,
    /// None: phones and browsers reach the bots otherwise, or not at all.
    pub livekit: Option<LiveKitSettings>,
}

/// Where the bridge listens and how others reach it.
#[derive(Clone, Debug)]
pub struct Server {
    /// `VOX_BRIDGE_ADDR` (127.0.0.1:8080): address to listen on; port 0 takes a free one.
    pub addr: SocketAddr,
    /// `VOX_PUBLIC_URL` (`http://` and the address listened on): how workers and people reach this bridge. Results are
    /// delivered to it.
    pub public_url: Option<String>,
    /// `VOX_INTERNAL_URL` (none): how workers reach this bridge. It goes along with each call that is handed to one.
    pub internal_url: Option<String>,
    /// `VOX_MEDIA_URL` (the public one, with `ws`): how carriers reach the workers' lines.
    pub media_url: Option<String>,
    /// `VOX_TRUSTED_PROXIES` (none): addresses of reverse proxies, comma-separated. Only their `X-Forwarded-For` counts
    /// when logins are limited per client.
    pub trusted_proxies: Vec<IpAddr>,
    /// `VOX_CORS_ORIGINS` (none): origins of pages that may read the API's answers, comma-separated.
    pub cors_origins: Vec<String>,
    /// `VOX_WIDGET_DIR` (`widget/dist`): the folder that the widget was built into.
    pub widget_dir: PathBuf,
}

/// Secrets.
#[derive(Clone, Debug)]
pub struct Auth {
    /// `JWT_SECRET` or `JWT_SECRET_FILE` (required, 32 characters or more): signs access tokens and recording links.
    pub jwt_secret: SecretString,
    /// `VOXCORE_SECRET` or `VOXCORE_SECRET_FILE` (required, 32 characters or more): what workers prove themselves with.
    pub internal_secret: SecretString,
    /// `VOXCORE_SECRET_ALSO` or `VOXCORE_SECRET_ALSO_FILE` (none): taken from workers as well, while that is changed.
    pub internal_secret_also: Option<SecretString>,
    /// `VOX_TOOLS_SECRET` or `VOX_TOOLS_SECRET_FILE` (none: nobody): what the deployment's own tools prove themselves with.
    /// They may list the bots and calls of all tenants, which a worker may not.
    pub tools_secret: Option<SecretString>,
    /// `VOX_CALLS_WITHOUT_TOKEN` (true): whether workers from before there were tokens of calls get configs, and deliver with
    /// `VOXCORE_SECRET` alone.
    pub tokenless: Tokenless,
}

/// Whether workers from before there were tokens of calls get configs and deliver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tokenless {
    Taken,
    Refused,
}

/// Where state is kept.
#[derive(Clone, Debug)]
pub struct Storage {
    /// `VOX_DATA_DIR` (`vox-data`): the document file, the recordings and the first login.
    pub data_dir: PathBuf,
    /// `VOX_MONGODB_URI` or `VOX_MONGODB_URI_FILE` (none: the document file): connection string of the MongoDB deployment
    /// that holds the documents. The database is the one it names, or `vox`.
    pub mongodb_uri: Option<SecretString>,
    /// `VOX_MASTER_KEY` or `VOX_MASTER_KEY_FILE` (required with MongoDB; else the file `master.key` in the data directory, which the
    /// bridge makes): 32 bytes in base64 that all secrets in the store are under. Several, separated by commas, while they change:
    /// the first one is used for what is new.
    pub master_keys: Option<MasterKeys>,
    /// `VOX_RECORDING_MAX_BYTES` (2400000000): largest recording taken.
    pub max_recording_bytes: u64,
    /// `VOX_S3_URL` and the other `VOX_S3_…` (none: the data directory): the bucket that recordings are in.
    pub s3: Option<S3Settings>,
    /// `VOX_SEAL_RECORDINGS` (true; false with `VOX_S3_LINK_URL`): whether recordings are encrypted for their tenants.
    pub sealing: Sealing,
}

/// Whether new recordings are sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealing {
    On,
    Off,
}

/// Where the metrics are, and what they tell.
#[derive(Clone, Debug)]
pub struct MetricsConfig {
    /// `VOX_BRIDGE_METRICS_LISTEN` (127.0.0.1:9464): address that serves `/metrics` and nothing else; port 0 takes a free
    /// one, `off` serves none.
    pub listen: MetricsListen,
    /// `VOX_METRICS_TENANTS` (true): label calls with their tenant.
    pub show_tenants: bool,
}

/// Where `/metrics` is served. It names tenants, so it is not on the API's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsListen {
    Off,
    /// The usual place, if no other process has it.
    Usual(SocketAddr),
    /// Chosen by the operator: the bridge does not start without it.
    Chosen(SocketAddr),
}

/// The port that Prometheus' exporters of OpenTelemetry use.
const METRICS_PORT: u16 = 9464;

impl Config {
    /// Read every setting; all faults are reported at once.
    pub fn from_env(mut env: Env) -> Result<Self, Faults> {
        let server = Server::from_env(&mut env);
        let auth = Auth::from_env(&mut env);
        let storage = Storage::from_env(&mut env);
        let coordination = CoordinationSettings::from_env(&mut env);
        let limits = Limits::from_env(&mut env);
        let campaigns = CampaignLimits::from_env(&mut env);
        let metrics = MetricsConfig::from_env(&mut env);
        let egress = Policy::from_env(&mut env);
        let fleet = FleetSettings::from_env(&mut env);
        let livekit = LiveKitSettings::from_env(&mut env);
        env.finish()?;
        Ok(Self { server, auth, storage, coordination, limits, campaigns, metrics, egress, fleet, livekit })
    }

    /// Settings for tests: a free port, fixed secrets, state in `data_dir`; users may name this machine.
    pub fn for_tests(data_dir: PathBuf) -> Self {
        let secret = |name: &str| SecretString::from(format!("{name}-0123456789-0123456789-0123456789"));
        Self {
            server: Server {
                addr: SocketAddr::from(([127, 0, 0, 1], 0)),
                public_url: None,
                internal_url: None,
                media_url: None,
                trusted_proxies: Vec::new(),
                cors_origins: Vec::new(),
                widget_dir: data_dir.join("widget"),
            },
            auth: Auth {
                jwt_secret: secret("jwt"),
                internal_secret: secret("internal"),
                internal_secret_also: None,
                tools_secret: Some(secret("tools")),
                tokenless: Tokenless::Taken,
            },
            storage: Storage {
                data_dir,
                mongodb_uri: None,
                master_keys: Some(MasterKeys::parse(TEST_MASTER_KEY).expect("a constant that is a key")),
                max_recording_bytes: 16 * 1024 * 1024,
                s3: None,
                sealing: Sealing::On,
            },
            coordination: CoordinationSettings::default(),
            limits: Limits::for_tests(),
            campaigns: CampaignLimits { tenant_lines: 1_000, inbound_percent: 0 },
            metrics: MetricsConfig {
                listen: MetricsListen::Chosen(SocketAddr::from(([127, 0, 0, 1], 0))),
                show_tenants: true,
            },
            egress: Policy::new(AllowList::parse("127.0.0.1").expect("an address is a range")),
            fleet: FleetSettings::default(),
            livekit: None,
        }
    }
}

impl Server {
    fn from_env(env: &mut Env) -> Self {
        let addr = env.parsed("VOX_BRIDGE_ADDR").unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8080)));
        let [public_url, internal_url] = ["VOX_PUBLIC_URL", "VOX_INTERNAL_URL"].map(|name| {
            let url = env.text(name).map(|u| u.trim_end_matches('/').to_owned());
            if url.as_ref().is_some_and(|u| !u.starts_with("http://") && !u.starts_with("https://")) {
                env.fault(format!("{name}: must start with http:// or https://"));
            }
            url
        });
        let media_url = env.text("VOX_MEDIA_URL").map(|u| u.trim_end_matches('/').to_owned());
        if media_url.as_ref().is_some_and(|u| !u.starts_with("ws://") && !u.starts_with("wss://")) {
            env.fault("VOX_MEDIA_URL: must start with ws:// or wss://");
        }
        let cors_origins = origins(env, "VOX_CORS_ORIGINS");
        let mut trusted_proxies = Vec::new();
        for text in env.text("VOX_TRUSTED_PROXIES").unwrap_or_default().split(',').map(str::trim) {
            match text.parse() {
                Ok(address) => trusted_proxies.push(address),
                Err(_) if text.is_empty() => {}
                Err(_) => env.fault(format!("VOX_TRUSTED_PROXIES: '{text}' is no IP address")),
            }
        }
        let widget_dir = env.path("VOX_WIDGET_DIR").unwrap_or_else(|| PathBuf::from("widget/dist"));
        Self { addr, public_url, internal_url, media_url, trusted_proxies, cors_origins, widget_dir }
    }
}

impl Auth {
    fn from_env(env: &mut Env) -> Self {
        let jwt_secret = strong_secret(env, "JWT_SECRET");
        let internal_secret = strong_secret(env, "VOXCORE_SECRET");
        let internal_secret_also =
            env.secret_if_any("VOXCORE_SECRET_ALSO").map(|secret| strong(env, "VOXCORE_SECRET_ALSO", secret));
        let tools_secret =
            env.secret("VOX_TOOLS_SECRET").map(|secret| strong(env, "VOX_TOOLS_SECRET", secret));
        let same = |a: &SecretString, b: &SecretString| {
            !a.expose_secret().is_empty() && a.expose_secret() == b.expose_secret()
        };
        if same(&jwt_secret, &internal_secret) {
            env.fault("JWT_SECRET and VOXCORE_SECRET: must differ, a worker must not be able to sign logins");
        }
        let is_taken = |other: &SecretString| {
            same(other, &internal_secret)
                || same(other, &jwt_secret)
                || internal_secret_also.as_ref().is_some_and(|also| same(other, also))
        };
        if internal_secret_also.as_ref().is_some_and(|also| same(also, &jwt_secret)) {
            env.fault(
                "JWT_SECRET and VOXCORE_SECRET_ALSO: must differ, a worker must not be able to sign logins",
            );
        }
        if tools_secret.as_ref().is_some_and(is_taken) {
            env.fault(
                "VOX_TOOLS_SECRET: must differ from JWT_SECRET and VOXCORE_SECRET, a worker is no tool",
            );
        }
        let tokenless = match env.parsed("VOX_CALLS_WITHOUT_TOKEN") {
            Some(false) => Tokenless::Refused,
            Some(true) | None => Tokenless::Taken,
        };
        Self { jwt_secret, internal_secret, internal_secret_also, tools_secret, tokenless }
    }
}

impl Storage {
    /// Where documents and recordings are, without a secret.
    pub fn describe(&self) -> String {
        let data_dir = || format!("'{}'", self.data_dir.display());
        let documents =
            self.mongodb_uri.as_ref().map_or_else(data_dir, |uri| without_login(uri.expose_secret()));
        let bucket = |s3: &S3Settings| format!("the bucket '{}' of {}", s3.bucket, s3.url);
        let recordings = self.s3.as_ref().map_or_else(data_dir, bucket);
        format!("documents in {documents}, recordings in {recordings}")
    }

    /// What the settings say about stores, and nothing else of them.
    pub fn from_env(env: &mut Env) -> Self {
        let mongodb_uri = env.secret("VOX_MONGODB_URI");
        let is_address =
            |uri: &str| ["mongodb://", "mongodb+srv://"].iter().any(|scheme| uri.starts_with(scheme));
        if mongodb_uri.as_ref().is_some_and(|uri| !is_address(uri.expose_secret())) {
            env.fault("VOX_MONGODB_URI: must start with mongodb:// or mongodb+srv://");
        }
        let master_keys = env.secret("VOX_MASTER_KEY");
        if mongodb_uri.is_some() && master_keys.is_none() {
            env.fault("VOX_MASTER_KEY: is not set, and documents in MongoDB need one; make it with `openssl rand -base64 32`, keep a copy of it, and give it to every bridge of this deployment");
        }
        let s3 = S3Settings::from_env(env);
        Self {
            sealing: sealing(env, s3.as_ref()),
            mongodb_uri,
            master_keys: master_keys.and_then(|text| parsed_keys(env, &text)),
            data_dir: env.path("VOX_DATA_DIR").unwrap_or_else(|| PathBuf::from("vox-data")),
            max_recording_bytes: env.parsed("VOX_RECORDING_MAX_BYTES").unwrap_or(MAX_RECORDING_BYTES),
            s3,
        }
    }
}

/// What a listener gets from the S3 server itself only that server could open.
fn sealing(env: &mut Env, s3: Option<&S3Settings>) -> Sealing {
    let has_links = s3.is_some_and(|s3| s3.link_url.is_some());
    match env.parsed::<bool>("VOX_SEAL_RECORDINGS") {
        Some(true) if has_links => {
            env.fault("VOX_SEAL_RECORDINGS: VOX_S3_LINK_URL gives recordings out at the S3 server, which cannot open them; leave one of the two out");
            Sealing::On
        }
        Some(false) => Sealing::Off,
        None if has_links => Sealing::Off,
        Some(true) | None => Sealing::On,
    }
}

fn parsed_keys(env: &mut Env, text: &SecretString) -> Option<MasterKeys> {
    MasterKeys::parse(text.expose_secret())
        .map_err(|fault| env.fault(format!("VOX_MASTER_KEY: {fault}")))
        .ok()
}

/// A connection string without user, password and options.
fn without_login(uri: &str) -> String {
    let (scheme, rest) = uri.split_once("://").unwrap_or(("", uri));
    let rest = rest.split('?').next().unwrap_or_default();
    let hosts = rest.rsplit_once('@').map_or(rest, |(_, hosts)| hosts);
    format!("{scheme}://{hosts}")
}

impl MetricsConfig {
    fn from_env(env: &mut Env) -> Self {
        const NAME: &str = "VOX_BRIDGE_METRICS_LISTEN";
        let listen = match env.text(NAME).as_deref().map(|text| (text, text.parse())) {
            None => MetricsListen::Usual(SocketAddr::from(([127, 0, 0, 1], METRICS_PORT))),
            Some(("off", _)) => MetricsListen::Off,
            Some((_, Ok(address))) => MetricsListen::Chosen(address),
            Some((text, Err(_))) => {
                env.fault(format!("{NAME}: '{text}' is neither an address with a port nor `off`"));
                MetricsListen::Off
            }
        };
        Self { listen, show_tenants: env.parsed("VOX_METRICS_TENANTS").unwrap_or(true) }
    }
}

/// Origins as browsers send them. All of them at once (`*`) is none: whoever opens an API to every page should say which.
fn origins(env: &mut Env, name: &str) -> Vec<String> {
    let text = env.text(name).unwrap_or_default();
    let mut origins = Vec::new();
    for origin in text.split(',').map(str::trim).filter(|text| !text.is_empty()) {
        let url = origin.parse::<url::Url>().ok().filter(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.path() == "/"
                && url.query().is_none()
                && url.fragment().is_none()
        });
        match url.map(|url| url.origin()) {
            Some(origin) if origin.is_tuple() => origins.push(origin.ascii_serialization()),
            _ => env
                .fault(format!("{name}: '{origin}' is no origin; one is https://host or https://host:port")),
        }
    }
    origins
}

/// A secret that is long enough and was chosen by somebody.
fn strong_secret(env: &mut Env, name: &str) -> SecretString {
    let Some(secret) = env.secret(name) else {
        env.fault(format!("{name}: is not set; make one with `openssl rand -base64 48`"));
        return SecretString::default();
    };
    strong(env, name, secret)
}

fn strong(env: &mut Env, name: &str, secret: SecretString) -> SecretString {
    let text = secret.expose_secret().to_lowercase();
    if text.chars().count() < MIN_SECRET {
        env.fault(format!(
            "{name}: is shorter than {MIN_SECRET} characters; make one with `openssl rand -base64 48`"
        ));
    }
    let placeholder = PLACEHOLDERS.iter().any(|word| text.contains(word));
    if placeholder || text.chars().all(|c| text.starts_with(c)) {
        env.fault(format!("{name}: is a placeholder; make one with `openssl rand -base64 48`"));
    }
    secret
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(vars: &[(&str, &str)]) -> Result<Config, String> {
        let vars = vars.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        Config::from_env(Env::from_vars(vars)).map_err(|f| f.to_string())
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let faults = read(&[
            ("VOX_BRIDGE_ADDR", "nowhere"),
            ("JWT_SECRET", "short"),
            ("VOXCORE_SECRET", "please-change-me-please-change-me-please"),
            ("VOX_PUBLIC_URL", "ftp://x"),
            ("VOX_INTERNAL_URL", "bridge:8080"),
            ("VOX_MEDIA_URL", "https://x"),
        ])
        .unwrap_err();
        for part in [
            "VOX_BRIDGE_ADDR",
            "JWT_SECRET: is shorter",
            "VOXCORE_SECRET: is a placeholder",
            "VOX_PUBLIC_URL",
            "VOX_INTERNAL_URL",
            "VOX_MEDIA_URL",
        ] {
            assert!(faults.contains(part), "{faults}");
        }
        assert!(!faults.contains("please-change"), "a secret is never shown");
    }

    #[test]
    fn metrics_are_where_the_operator_says() {
        let with = |listen: &str| {
            let secrets = [
                ("JWT_SECRET", "kq8ZLw2nRpX0vT4yHs6DfG1jCbM3aUeN"),
                ("VOXCORE_SECRET", "Zr5tVx7QwLk9PmYc2HdJ4nSg8BfA1eUo"),
            ];
            read(&[secrets[0], secrets[1], ("VOX_BRIDGE_METRICS_LISTEN", listen)])
        };
        assert_eq!(with("off").unwrap().metrics.listen, MetricsListen::Off);
        let chosen = MetricsListen::Chosen("[::1]:7".parse().unwrap());
        assert_eq!(with("[::1]:7").unwrap().metrics.listen, chosen);
        assert!(with("9464").unwrap_err().contains("VOX_BRIDGE_METRICS_LISTEN"));
    }

    #[test]
    fn origins_are_as_browsers_send_them() {
        let read = |text: &str| {
            let mut env = Env::from_vars([("VOX_CORS_ORIGINS".to_owned(), text.to_owned())]);
            let origins = origins(&mut env, "VOX_CORS_ORIGINS");
            env.finish().map(|()| origins).map_err(|faults| faults.to_string())
        };
        assert_eq!(
            read("https://Desk.example:443/, http://x:81").unwrap(),
            ["https://desk.example", "http://x:81"]
        );
        for wrong in ["*", "desk.example", "https://desk.example/path", "file:///x", "null"] {
            assert!(read(wrong).unwrap_err().contains("VOX_CORS_ORIGINS"), "{wrong}");
        }
    }

    #[test]
    fn good_secrets_are_enough() {
        let (a, b) = ("kq8ZLw2nRpX0vT4yHs6DfG1jCbM3aUeN", "Zr5tVx7QwLk9PmYc2HdJ4nSg8BfA1eUo");
        let config = read(&[("JWT_SECRET", a), ("VOXCORE_SECRET", b)]).unwrap();
        assert_eq!(config.server.addr.to_string(), "127.0.0.1:8080");
        assert_eq!(config.metrics.listen, MetricsListen::Usual("127.0.0.1:9464".parse().unwrap()));
        assert!(read(&[("JWT_SECRET", a), ("VOXCORE_SECRET", a)]).unwrap_err().contains("must differ"));
        for (tools, fault) in [(a, "must differ"), (b, "must differ"), ("short", "is shorter")] {
            let given = [("JWT_SECRET", a), ("VOXCORE_SECRET", b), ("VOX_TOOLS_SECRET", tools)];
            let told = read(&given).unwrap_err();
            assert!(told.contains("VOX_TOOLS_SECRET") && told.contains(fault), "{told}");
        }
    }
}
