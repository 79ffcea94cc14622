//! How fast vendors answered a tenant in the last 24 hours, made anew four times an hour from the sums over calls.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;
use vox_shared::catalogue::Kind;
use vox_shared::clock::Clock;
use vox_shared::ids::TenantId;

use crate::analytics::cell::{Cell, Key, Part};
use crate::analytics::folding::{each_cell, fold};
use crate::analytics::histogram::Histogram;
use crate::analytics::span::Span;
use crate::coordination::rounds::{Rounds, Work};
use crate::error::with_source;
use crate::jobs::turns::{Missed, Turns};
use crate::store::latencies::{Latencies, Latency};
use crate::store::rollups::{Grain, Rollup};
use crate::store::tenants::TenantStatus;
use crate::store::{Stamp, StoreError, Stores};
use crate::vendors::targets::watch::Targets;

/// Pause between two looks at whose quarter of an hour is over.
const PAUSE: Duration = Duration::from_secs(60);
/// They are made anew this often.
const EVERY_SECONDS: i64 = 15 * 60;
/// What they are of. Sums are kept by the hour, so it is up to an hour more.
const TRAILING: SignedDuration = SignedDuration::from_hours(24);
/// The services, as results name them, and the part of a reply's delay that is theirs.
const SERVICES: [(Kind, &str, Part); 3] = [
    (Kind::Recogniser, "stt", Part::Stt),
    (Kind::LanguageModel, "llm", Part::Llm),
    (Kind::Voice, "tts", Part::Tts),
];

/// Makes them. Cheap to clone.
#[derive(Clone)]
pub struct Latest {
    pub stores: Stores,
    pub clock: Clock,
    /// Looked at in the same rounds.
    pub targets: Targets,
}

impl Latest {
    /// Work until `stop`. Several bridges may: they find the same.
    pub async fn run(self, rounds: Rounds, stop: CancellationToken) {
        while rounds.pause(Work::RollupLatency, PAUSE, &stop).await.is_some() {
            if let Err(error) = rounds.through(Work::RollupLatency, Box::pin(self.both())).await {
                tracing::warn!(error = with_source(&error), "the latencies of vendors could not be added up");
            }
        }
    }

    /// The targets have their turn whatever came of the latencies.
    async fn both(&self) -> Result<(), Missed> {
        let added_up = self.round().await;
        self.targets.round().await.and(added_up)
    }

    /// Every tenant whose quarter of an hour is over. One that fails keeps no other from its turn; it is told when all had
    /// theirs.
    pub async fn round(&self) -> Result<(), Missed> {
        let (mut turns, mut after) = (Turns::default(), None);
        loop {
            let page = self.stores.tenants().list_by_id(after).await?;
            for tenant in page.tenants.iter().filter(|tenant| tenant.value.status == TenantStatus::Active) {
                let Ok(id) = tenant.id.parse::<TenantId>() else { continue };
                if let Err(error) = self.renew(&id).await {
                    let text = with_source(&error);
                    tracing::warn!(tenant.id = %id, error = text, "a tenant's latencies could not be added up");
                    turns.failed(error);
                }
            }
            after = page.last;
            if after.is_none() {
                return turns.end();
            }
        }
    }

    async fn renew(&self, tenant: &TenantId) -> Result<(), StoreError> {
        let (now, store) = (self.clock.now(), self.stores.latencies(tenant));
        let known = store.find().await?;
        if known.as_ref().is_some_and(|known| quarter(known.value.as_of.0) == quarter(now)) {
            return Ok(());
        }
        let from = Stamp(now.saturating_sub(TRAILING + SignedDuration::from_hours(1)).unwrap_or(now));
        let below = Stamp(now).next().to_string();
        let span = Span { grain: Grain::Hour, from: from.to_string(), below };
        let put =
            |found: &mut Found, hour: &Rollup| each_cell(hour, |_| true, |key, cell| take(found, key, cell));
        let found = fold(&self.stores.rollups(tenant), &span, of_catalogue(), put).await?;
        let targets = known.as_ref().map(|known| known.value.targets.clone()).unwrap_or_default();
        let made = Latencies { tenant_id: tenant.clone(), as_of: Stamp(now), rows: rows(found), targets };
        // One document: whoever reads it has all of the one or all of the other.
        match store.put(known, made).await {
            // Another bridge was faster.
            Err(StoreError::Conflict | StoreError::Duplicate) => Ok(()),
            put => put,
        }
    }
}

/// Which quarter of an hour it is.
fn quarter(at: Timestamp) -> i64 {
    at.as_second().div_euclid(EVERY_SECONDS)
}

/// By service and vendor.
type Found = BTreeMap<(&'static str, String), Histogram>;

/// Each vendor of the catalogue, without samples.
fn of_catalogue() -> Found {
    let mut of = Found::new();
    for (kind, word, _) in SERVICES {
        for vendor in kind.vendors() {
            of.entry((word, vendor.name.to_owned())).or_default();
        }
    }
    of
}

/// Those of a cell, of vendors that were used beside too.
fn take(found: &mut Found, key: &Key<&str>, cell: &Cell) {
    for (word, provider, histogram) in parts(key, cell) {
        if !provider.is_empty() {
            found.entry((word, provider.to_owned())).or_default().add(histogram, 1);
        }
    }
}

fn rows(found: Found) -> Vec<Latency> {
    let row = |((kind, provider), histogram): ((&'static str, String), Histogram)| Latency {
        kind: kind.to_owned(),
        provider,
        p50_ms: histogram.percentile(0.5),
        p95_ms: histogram.percentile(0.95),
        samples: histogram.samples(),
    };
    found.into_iter().map(row).collect()
}

fn parts<'a>(key: &Key<&'a str>, cell: &'a Cell) -> [(&'static str, &'a str, &'a Histogram); 3] {
    let [stt, llm, tts] = SERVICES.map(|(_, word, part)| (word, cell.latency(part)));
    [(stt.0, key.stt, stt.1), (llm.0, key.llm, llm.1), (tts.0, key.tts, tts.1)]
}
