//! What the metrics tell of the stores: how long each operation takes, and why it fails.

use std::future::Future;
use std::time::{Duration, Instant};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Upper bounds of the time that an operation takes, seconds. One takes 10 s at most, the upload of a recording longer.
const DURATIONS: [f64; 10] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Done {
    store: &'static str,
    operation: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Failed {
    store: &'static str,
    operation: &'static str,
    error: &'static str,
}

/// Operations of all stores. Cheap to clone.
#[derive(Clone)]
pub struct Operations {
    took: Family<Done, Histogram, fn() -> Histogram>,
    failed: Family<Failed, Counter>,
}

impl Default for Operations {
    fn default() -> Self {
        Self {
            took: Family::new_with_constructor((|| Histogram::new(DURATIONS)) as fn() -> Histogram),
            failed: Family::default(),
        }
    }
}

/// An error that is counted by its kind.
pub trait Kinded {
    /// One of few words.
    fn kind(&self) -> &'static str;
}

impl Operations {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Operations of the stores of documents and objects";
        registry.register("store_operation_seconds", help, self.took.clone());
        registry.register("store_errors", "Those that did not succeed, by why", self.failed.clone());
    }

    /// Time an operation to its end. One that is given up is not counted.
    pub async fn of<T, E: Kinded>(
        &self,
        (store, operation): (&'static str, &'static str),
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let began = Instant::now();
        let outcome = work.await;
        let error = outcome.as_ref().err().map(Kinded::kind);
        self.note((store, operation), began.elapsed(), error);
        outcome
    }

    fn note(
        &self,
        (store, operation): (&'static str, &'static str),
        took: Duration,
        error: Option<&'static str>,
    ) {
        self.took.get_or_create(&Done { store, operation }).observe(took.as_secs_f64());
        if let Some(error) = error {
            self.failed.get_or_create(&Failed { store, operation, error }).inc();
        }
    }
}
