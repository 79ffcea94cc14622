//! What the metrics tell of vendors: breakers, and how their keys are. The labels are words of the catalogue.

use std::collections::{BTreeMap, BTreeSet};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use vox_shared::catalogue::{Kind, Vendor};

use crate::vendors::breaker::State;
use crate::vendors::key_state::KeyState;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Service {
    service: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Keys {
    provider: &'static str,
    state: &'static str,
}

/// The vendors' part of the metrics.
#[derive(Default)]
pub struct Vendors {
    breakers: Family<Service, Gauge>,
    keys: Family<Keys, Gauge>,
}

impl Vendors {
    pub(super) fn register(&self, registry: &mut Registry) {
        let about = "Breakers of vendors: 0 closed, 1 half open, 2 open";
        registry.register("circuit_breaker_state", about, self.breakers.clone());
        registry.register("vendor_keys", "Keys of vendors by what came of trying them", self.keys.clone());
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
