//! What a simulated carrier is told. One JSON object; every field may be left out, and an unknown one is refused by its name.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::callees::Callees;
use super::faults::Faults;

/// The secret when none is given. Long enough for whoever insists on one.
pub const DEFAULT_SECRET: &str = "vox-testkit-carrier-secret-0123456789";
/// The key's name when none is given.
pub const DEFAULT_KEY: &str = "vox";
/// The trunk when none is given.
pub const DEFAULT_TRUNK: &str = "ST_simulated";
const FASTEST: f64 = 1_000.0;

/// Everything.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Of loopback; 0 takes a free one.
    pub port: u16,
    pub key: String,
    pub secret: String,
    /// Whether joining a room makes it. Off, as a dialler wants it; on, to see that one notices.
    pub auto_create: bool,
    /// By how much telephones are faster than life: times of callees, ringing and longest calls are divided by it.
    pub speed: f64,
    pub trunks: Vec<Trunk>,
    /// Of trunks that are made over the API: they lead to the same carrier.
    pub limits: Limits,
    pub callees: Callees,
    /// Where to tell of rooms and participants.
    pub webhooks: Vec<String>,
    pub faults: Faults,
    /// Where every INVITE is written down; it is appended to.
    pub journal: Option<PathBuf>,
    /// Between a join's look whether the room is there, and the join: a room that is deleted in between is made again by it, as the
    /// server does.
    pub join_ms: u64,
}

/// A trunk over which calls go, and what the carrier behind it allows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Trunk {
    pub id: String,
    pub name: String,
    /// That may call; any where there are none.
    pub numbers: Vec<String>,
    pub limits: Limits,
}

/// What a carrier allows on a trunk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// New calls in any second.
    pub cps: Option<u32>,
    /// Calls at once.
    pub concurrent: Option<u32>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            port: 0,
            key: DEFAULT_KEY.into(),
            secret: DEFAULT_SECRET.into(),
            auto_create: false,
            speed: 1.0,
            trunks: vec![Trunk::default()],
            limits: Limits::default(),
            callees: Callees::default(),
            webhooks: Vec::new(),
            faults: Faults::default(),
            journal: None,
            join_ms: 0,
        }
    }
}

impl Default for Trunk {
    fn default() -> Self {
        Self {
            id: DEFAULT_TRUNK.into(),
            name: "simulated".into(),
            numbers: Vec::new(),
            limits: Limits::default(),
        }
    }
}

impl Settings {
    /// What is wrong with them, if anything.
    pub(super) fn fault(&self) -> Option<String> {
        if !self.speed.is_finite() || !(0.1..=FASTEST).contains(&self.speed) {
            return Some(format!("'speed' must be from 0.1 to {FASTEST}"));
        }
        if self.key.is_empty() || self.secret.is_empty() {
            return Some("'key' and 'secret' must not be empty".into());
        }
        if let Some(trunk) = self.trunks.iter().find(|trunk| !trunk.id.starts_with("ST_")) {
            return Some(format!("the trunk's id '{}' must begin with ST_", trunk.id));
        }
        let limits = self.trunks.iter().map(|trunk| trunk.limits).chain([self.limits]);
        if limits.into_iter().any(|limits| limits.cps == Some(0) || limits.concurrent == Some(0)) {
            return Some("a trunk that allows no calls is none: leave it out".into());
        }
        if let Some(url) = self.webhooks.iter().find(|url| url::Url::parse(url).is_err()) {
            return Some(format!("'{url}' is no address of a webhook"));
        }
        self.callees.fault().or_else(|| self.faults.fault())
    }
}
