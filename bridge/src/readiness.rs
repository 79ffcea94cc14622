//! Whether the parts that the bridge stands on work, and when each was last seen to. Told to anybody who asks: in words, without an
//! address or an error.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;
use vox_shared::clock::Clock;

use crate::coordination::Coordination;
use crate::error::with_source;
use crate::jobs::runner::Runner;
use crate::objects::Objects;
use crate::store::{Stamp, Stores};
use crate::vault::Vault;

/// Longest wait for a part.
const PART_DEADLINE: Duration = Duration::from_secs(2);
/// A bridge looks for jobs each second. One that has not for so long does none.
const JOBS_SILENT: SignedDuration = SignedDuration::from_secs(30);

/// How a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReadyState {
    Up,
    /// The bridge goes on without it, with less.
    Degraded,
    /// What needs it fails.
    Down,
}

/// A part.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ReadyPart {
    pub state: ReadyState,
    /// When it was last seen to work by this bridge, RFC 3339; null when it never was.
    #[schema(value_type = Option<String>)]
    pub last_good_at: Option<Stamp>,
}

/// All parts.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ReadyParts {
    /// The store of documents answers, and takes writes.
    pub documents: ReadyPart,
    /// The store of recordings can be used.
    pub objects: ReadyPart,
    /// Other bridges are reached: without, limits are counted alone.
    pub coordination: ReadyPart,
    /// The master key is the one of this store.
    pub vault: ReadyPart,
    /// Jobs are looked for: without, those of this bridge wait for another one.
    pub jobs: ReadyPart,
}

/// Looks at the parts.
pub struct Readiness {
    pub stores: Stores,
    pub objects: Arc<dyn Objects>,
    pub coordination: Arc<dyn Coordination>,
    pub vault: Arc<Vault>,
    pub runner: Runner,
    pub clock: Clock,
    pub seen: Seen,
}

/// When each part was last good.
#[derive(Default)]
pub struct Seen(Mutex<BTreeMap<&'static str, Timestamp>>);

impl Readiness {
    /// Look at all of them at once.
    pub async fn look(&self) -> ReadyParts {
        let (documents, objects, coordination) = tokio::join!(
            works("documents", self.stores.check_health()),
            works("objects", self.objects.check()),
            works("coordination", self.coordination.check()),
        );
        let vault = self.vault.is_open();
        let now = self.clock.now();
        let looked = self.runner.looked_at();
        let jobs = looked.is_some_and(|at| now.duration_since(at) < JOBS_SILENT);
        ReadyParts {
            documents: self.part("documents", (documents, ReadyState::Down), now),
            objects: self.part("objects", (objects, ReadyState::Down), now),
            coordination: self.part("coordination", (coordination, ReadyState::Degraded), now),
            vault: self.part("vault", (vault, ReadyState::Down), now),
            jobs: self.part("jobs", (jobs, ReadyState::Down), looked.unwrap_or(now)),
        }
    }

    fn part(&self, name: &'static str, (works, otherwise): (bool, ReadyState), at: Timestamp) -> ReadyPart {
        let mut seen = self.seen.0.lock().unwrap_or_else(PoisonError::into_inner);
        if works {
            seen.insert(name, at);
        }
        let state = if works { ReadyState::Up } else { otherwise };
        ReadyPart { state, last_good_at: seen.get(name).copied().map(Stamp) }
    }
}

impl ReadyParts {
    /// Without documents or keys nothing works; without another part the rest does.
    pub fn state(&self) -> ReadyState {
        let all = [&self.documents, &self.objects, &self.coordination, &self.vault, &self.jobs];
        match () {
            () if [&self.documents, &self.vault].iter().any(|part| part.state == ReadyState::Down) => {
                ReadyState::Down
            }
            () if all.iter().any(|part| part.state != ReadyState::Up) => ReadyState::Degraded,
            () => ReadyState::Up,
        }
    }
}

async fn works<E: std::error::Error>(part: &'static str, check: impl Future<Output = Result<(), E>>) -> bool {
    let why = match timeout(PART_DEADLINE, check).await {
        Ok(Ok(())) => return true,
        Ok(Err(error)) => with_source(&error),
        Err(_) => "no answer in time".to_owned(),
    };
    tracing::debug!(part, why, "a part cannot be used");
    false
}
