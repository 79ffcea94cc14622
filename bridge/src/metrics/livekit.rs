//! What is told of LiveKit: carriers, the calls that it brings, visitors of web pages, and supervisors in calls.

use std::collections::BTreeMap;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use vox_shared::wire::supervision::Part;

use super::Metrics;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Standing {
    status: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Told {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Admitted {
    transport: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Supervised {
    part: &'static str,
    outcome: &'static str,
}

/// See the module.
#[derive(Default)]
pub struct Rooms {
    carriers: Family<Standing, Gauge>,
    events: Family<Told, Counter>,
    visitors: Family<Admitted, Counter>,
    supervisors: Family<Supervised, Counter>,
}

impl Rooms {
    pub(super) fn register(&self, to: &mut Registry) {
        to.register("carriers", "Carriers by how they stand with LiveKit", self.carriers.clone());
        to.register("livekit_events", "Events of LiveKit by what came of them", self.events.clone());
        to.register(
            "widget_visitors",
            "Visitors of web pages by the way they were given and what came of it",
            self.visitors.clone(),
        );
        to.register(
            "supervisions",
            "Seats in running calls that supervisors asked for, by part and what came of it",
            self.supervisors.clone(),
        );
    }
}

impl Metrics {
    /// How many carriers stand how, at the end of a look at all of them.
    pub fn carriers(&self, statuses: &BTreeMap<&'static str, i64>) {
        for status in ["pending", "synced", "error", "damaged"] {
            let count = statuses.get(status).copied().unwrap_or_default();
            self.rooms.carriers.get_or_create(&Standing { status }).set(count);
        }
    }

    /// An event of LiveKit was told.
    pub fn livekit_told(&self, outcome: &'static str) {
        self.rooms.events.get_or_create(&Told { outcome }).inc();
    }

    /// A visitor asked for a way to a bot.
    pub fn visitor(&self, transport: &'static str, outcome: &'static str) {
        self.rooms.visitors.get_or_create(&Admitted { transport, outcome }).inc();
    }

    /// A supervisor asked for a seat in a call.
    pub fn supervised(&self, part: Part, outcome: &'static str) {
        self.rooms.supervisors.get_or_create(&Supervised { part: part.as_str(), outcome }).inc();
    }
}
