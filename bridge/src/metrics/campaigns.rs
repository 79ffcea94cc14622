//! What is told of campaigns: claims, dials and their results. No label names a tenant, a campaign or a number.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Came {
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Undone {
    why: String,
}

/// See the module.
#[derive(Default)]
pub struct Campaigns {
    claims: Family<Asked, Counter>,
    dials: Counter,
    results: Family<Came, Counter>,
    aborts: Family<Undone, Counter>,
    resting: Family<Undone, Counter>,
    refusing: Counter,
    lines: Gauge,
    permits: Gauge,
    rows: Family<Asked, Counter>,
}

impl Campaigns {
    pub(super) fn register(&self, to: &mut Registry) {
        to.register("campaign_claims", "Claims of contacts by what came of them", self.claims.clone());
        to.register("campaign_dials", "Dials that were let through", self.dials.clone());
        to.register("campaign_results", "Attempts by their result", self.results.clone());
        to.register("campaign_aborts", "Claims that were given back by why", self.aborts.clone());
        to.register(
            "campaign_callers_resting",
            "Times that a number was taken out of its pools by why",
            self.resting.clone(),
        );
        to.register(
            "campaign_carriers_refusing",
            "Times that a carrier began to refuse calls to several callees",
            self.refusing.clone(),
        );
        to.register("campaign_lines", "Attempts that occupy a line", self.lines.clone());
        to.register("campaign_permits", "Permits of lines that are held", self.permits.clone());
        to.register("campaign_import_rows", "Rows of lists by what came of them", self.rows.clone());
    }

    /// Rows of a list came to this.
    pub fn rows(&self, outcome: &'static str, rows: u64) {
        if rows > 0 {
            self.rows.get_or_create(&Asked { outcome }).inc_by(rows);
        }
    }

    /// A contact was claimed.
    pub fn claimed(&self) {
        self.claims.get_or_create(&Asked { outcome: "claimed" }).inc();
    }

    /// A claim was refused for this reason, a word of the wire's.
    pub fn refused(&self, reason: &'static str) {
        self.claims.get_or_create(&Asked { outcome: reason }).inc();
    }

    /// A commit let a dial through.
    pub fn dialled(&self) {
        self.dials.inc();
    }

    /// An attempt has its result.
    pub fn ended(&self, result: &'static str) {
        self.results.get_or_create(&Came { result }).inc();
    }

    /// A claim was given back, for one of the words of the wire or of the bridge's own.
    pub fn aborted(&self, why: &str) {
        self.aborts.get_or_create(&Undone { why: why.to_owned() }).inc();
    }

    /// A number rests, for this reason.
    pub fn caller_rests(&self, why: &str) {
        self.resting.get_or_create(&Undone { why: why.to_owned() }).inc();
    }

    /// A carrier refuses several callees.
    pub fn carrier_refuses(&self) {
        self.refusing.inc();
    }

    /// So many attempts occupy a line, and so many permits are held, in the last look at all of them.
    pub fn lines(&self, open: u64, held: u64) {
        self.lines.set(i64::try_from(open).unwrap_or(i64::MAX));
        self.permits.set(i64::try_from(held).unwrap_or(i64::MAX));
    }
}
