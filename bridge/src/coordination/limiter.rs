//! Limits that hold over all bridges, and in this process alone while the others cannot be asked: a limit is no reason to turn
//! everybody away.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rand::distr::{Alphanumeric, SampleString};
use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};

use super::{Answer, Coordination, CoordinationError, Gate, InProcess, Rate, Standing, Taken};
use crate::metrics::Metrics;

/// Tries to give a place back while the server is away, and the pause between them. A place that cannot be given back is free
/// after its gate's time.
const LEAVING_TRIES: u32 = 60;
const LEAVING_PAUSE: Duration = Duration::from_secs(2);
/// What a request waits for a shared count. A server that is later than that is no server to count by: three of them stand before a
/// request.
const PATIENCE: Duration = Duration::from_millis(250);
/// Random characters of a member: no two are alike, over all bridges.
const MEMBER_CHARS: usize = 20;

/// Counts what is limited. Cheap to clone.
#[derive(Clone)]
pub struct Limiter {
    shared: Arc<dyn Coordination>,
    /// What counts while the shared one cannot be used.
    own: Arc<InProcess>,
    metrics: Arc<Metrics>,
}

/// Whether somebody is inside.
#[derive(Debug)]
pub enum Entered {
    Inside(Place),
    Full,
}

impl Limiter {
    pub fn new(shared: Arc<dyn Coordination>, own: Arc<InProcess>, metrics: Arc<Metrics>) -> Self {
        Self { shared, own, metrics }
    }

    /// Count one for each of the rates, or for none when one of them is spent.
    pub async fn take(&self, rates: Vec<Rate>) -> Taken {
        let counted = match in_time(self.shared.take(rates.clone())).await {
            Err(error) => self.fall_back("rate", &error).take(rates).await,
            counted => counted,
        };
        counted.unwrap_or(Taken::Allowed(Standing::UNLIMITED))
    }

    /// Take one back.
    pub async fn give_back(&self, key: &str) {
        if let Err(error) = in_time(self.shared.give_back(key.to_owned())).await {
            // In this process it cannot fail.
            let _ = self.fall_back("rate", &error).give_back(key.to_owned()).await;
        }
    }

    /// Begin a count anew.
    pub async fn forget(&self, key: &str) {
        if let Err(error) = in_time(self.shared.forget(key.to_owned())).await {
            // The same.
            let _ = self.fall_back("rate", &error).forget(key.to_owned()).await;
        }
    }

    /// Go into a gate, unless it is full.
    pub async fn enter(&self, gate: Gate) -> Entered {
        let member = Alphanumeric.sample_string(&mut rand::rng(), MEMBER_CHARS);
        let (name, mut engine) = (gate.name.clone(), self.shared.clone());
        let entered = match in_time(engine.enter(gate.clone(), member.clone())).await {
            Err(error) => {
                // It may be inside there all the same.
                let (shared, name, gone) = (self.shared.clone(), gate.name.clone(), member.clone());
                tokio::spawn(async move { shared.leave(name, gone).await });
                engine = self.fall_back("gate", &error);
                engine.enter(gate, member.clone()).await
            }
            entered => entered,
        };
        match entered {
            Ok(false) => Entered::Full,
            // Neither keeps places now, so nothing is to be given back.
            Err(_) => Entered::Inside(Place(None)),
            Ok(true) => Entered::Inside(Place(Some(Inside { engine, name, member }))),
        }
    }

    /// Go into a gate under a name of one's own, or stay for its time from now; whoever does not leave is out after it. `false`: it is
    /// full.
    pub async fn enter_as(&self, gate: Gate, member: &str) -> bool {
        let entered = match in_time(self.shared.enter(gate.clone(), member.to_owned())).await {
            Err(error) => self.fall_back("gate", &error).enter(gate, member.to_owned()).await,
            entered => entered,
        };
        // Nobody keeps places now, so none is taken.
        entered.unwrap_or(true)
    }

    /// Leave it.
    pub async fn leave(&self, gate: &str, member: &str) {
        // Whoever came in while the server was away is in the other one; and it can wait for the gate's time.
        let (gate, member) = (gate.to_owned(), member.to_owned());
        let _ = self.own.leave(gate.clone(), member.clone()).await;
        if let Err(error) = in_time(self.shared.leave(gate, member)).await {
            tracing::debug!(%error, "a place is free after its time");
        }
    }

    /// What counts instead. That the server is away is logged by its engine, once.
    fn fall_back(&self, what: &'static str, error: &CoordinationError) -> Arc<dyn Coordination> {
        tracing::debug!(what, %error, "counted in this process alone");
        self.metrics.counted_alone(what);
        self.own.clone()
    }
}

async fn in_time<T>(asked: Answer<'_, T>) -> Result<T, CoordinationError> {
    let late = || Err(CoordinationError::Unavailable("it takes too long".into()));
    timeout(PATIENCE, asked).await.unwrap_or_else(|_| late())
}

/// A place inside a gate, given back when it is dropped.
pub struct Place(Option<Inside>);

struct Inside {
    engine: Arc<dyn Coordination>,
    name: String,
    member: String,
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Place").field(&self.0.as_ref().map(|inside| &inside.name)).finish()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Without a runtime the process ends, and the place is free after its time.
        if let (Some(inside), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(inside.leave());
        }
    }
}

impl Inside {
    /// As many tasks wait here as there were places when the server went away.
    async fn leave(self) {
        for _ in 0..LEAVING_TRIES {
            if self.engine.leave(self.name.clone(), self.member.clone()).await.is_ok() {
                return;
            }
            sleep(LEAVING_PAUSE).await;
        }
    }
}
