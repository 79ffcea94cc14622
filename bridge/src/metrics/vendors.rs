//! What the metrics tell of vendors: breakers, and how their keys are. The labels are words of the catalogue.

use std::collections::{BTreeMap, BTreeSet};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use vox_shared::catalogue::{Kind, Vendor};
use vox_shared::wire::answers::Service as Of;

use crate::vendors::breaker::State;
use crate::vendors::key_state::KeyState;
use crate::vendors::servers::Memory;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Service {
    service: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Keys {
    provider: &'static str,
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Permitted {
    service: &'static str,
    provider: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Expected {
    service: &'static str,
    provider: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Changed {
    service: &'static str,
    provider: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Server {
    server: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ServerMemory {
    server: String,
    state: &'static str,
}

/// Voice servers of one's own that are labels.
const SERVERS: usize = 64;

/// The vendors' part of the metrics.
#[derive(Default)]
pub struct Vendors {
    breakers: Family<Service, Gauge>,
    keys: Family<Keys, Gauge>,
    permits: Family<Permitted, Counter>,
    missed: Family<Expected, Gauge>,
    changes: Family<Changed, Counter>,
    servers: Family<Server, Gauge>,
    memory: Family<ServerMemory, Gauge>,
}

impl Vendors {
    pub(super) fn register(&self, registry: &mut Registry) {
        let about = "Breakers of vendors: 0 closed, 1 half open, 2 open";
        registry.register("circuit_breaker_state", about, self.breakers.clone());
        registry.register("vendor_keys", "Keys of vendors by what came of trying them", self.keys.clone());
        let about = "Calls that came to a vendor whose key serves so many at once";
        registry.register("vendor_permits", about, self.permits.clone());
        let about = "Vendors that miss the target of a tenant: 1, else 0";
        registry.register("vendor_target_missed", about, self.missed.clone());
        let about = "How often a vendor missed its target for a while, and met it again";
        registry.register("vendor_target_changes", about, self.changes.clone());
        let about = "Voice servers of one's own: 1 with its model loaded, else 0";
        registry.register("voice_server_up", about, self.servers.clone());
        let about = "Memory of the GPUs of voice servers of one's own";
        registry.register("gpu_memory_bytes", about, self.memory.clone());
    }

    /// A call came to a vendor of the catalogue whose key serves so many at once.
    pub fn permitted(&self, service: Of, provider: &str, outcome: &'static str) {
        let labels = Permitted { service: service.as_str(), provider: provider.to_owned(), outcome };
        self.permits.get_or_create(&labels).inc();
    }

    /// Show these voice servers in the place of those before: whether each is up, and what it says of its GPU's memory.
    pub fn show_servers(&self, servers: &BTreeMap<String, (bool, Option<Memory>)>) {
        self.servers.clear();
        self.memory.clear();
        for (server, (is_up, memory)) in servers.iter().take(SERVERS) {
            self.servers.get_or_create(&Server { server: server.clone() }).set(i64::from(*is_up));
            let Some(Memory { used, free }) = memory else { continue };
            for (state, bytes) in [("used", used), ("free", free)] {
                let labels = ServerMemory { server: server.clone(), state };
                self.memory.get_or_create(&labels).set(i64::try_from(*bytes).unwrap_or(i64::MAX));
            }
        }
    }

    /// Whether these miss the target of any tenant, in the place of those before.
    pub fn show_targets(&self, missed: &BTreeMap<(Of, String), bool>) {
        self.missed.clear();
        for ((service, provider), is_missed) in missed {
            let labels = Expected { service: service.as_str(), provider: provider.clone() };
            self.missed.get_or_create(&labels).set(i64::from(*is_missed));
        }
    }

    /// A vendor misses the target of a tenant, or meets it again.
    pub fn target_changed(&self, service: Of, provider: &str, is_missed: bool) {
        let outcome = if is_missed { "missed" } else { "met" };
        let labels = Changed { service: service.as_str(), provider: provider.to_owned(), outcome };
        self.changes.get_or_create(&labels).inc();
    }

    /// Show these in the place of those before. Of several accounts of a vendor the worst breaker counts.
    pub fn show<'a>(&self, accounts: impl Iterator<Item = (&'a str, State, KeyState)>) {
        let (mut worst, mut counts) = (BTreeMap::new(), BTreeMap::new());
        for (provider, breaker, key) in accounts {
            let known = worst.entry(provider).or_insert(breaker);
            *known = breaker.max(*known);
            *counts.entry((provider, key)).or_insert(0) += 1;
        }
        for service in names() {
            match worst.get(service) {
                Some(state) => {
                    self.breakers.get_or_create(&Service { service }).set(state.number());
                }
                None => {
                    self.breakers.remove(&Service { service });
                }
            }
            for state in KeyState::ALL {
                let labels = Keys { provider: service, state: state.as_str() };
                match counts.get(&(service, state)) {
                    Some(count) => {
                        self.keys.get_or_create(&labels).set(*count);
                    }
                    None => {
                        self.keys.remove(&labels);
                    }
                }
            }
        }
    }
}

/// The vendors whose keys can be tried.
fn names() -> BTreeSet<&'static str> {
    let kinds = [Kind::Recogniser, Kind::LanguageModel, Kind::Voice];
    let vendors = kinds.into_iter().flat_map(|kind| kind.vendors());
    vendors.filter(|vendor: &&&Vendor| vendor.can_be_tried()).map(|vendor| vendor.name).collect()
}
