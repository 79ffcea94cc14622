//! Work that is kept until it is done: who does it now, how often it was tried, and what came of it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use vox_shared::ids::{JobId, TenantId};
use vox_shared::telemetry::spans;
use vox_shared::trace::Place;

use super::SWEPT;
use super::documents::{Documents, Listed, OfTenant, Scoped, StoreError, Stored, TENANT, Waiting};
use super::engine::{
    Collection, Cursor, Engine, EngineError, Field, Filter, Index, Integer, Json, MAX_BATCH, Order, Query,
    Text, Update, holds,
};
use super::stamp::Stamp;
use crate::auth::secret_token::hex;
use crate::field;

const BY_TIME: &str = "by_time";
const BY_QUEUE: &str = "by_queue";
const BY_STATE: &str = "by_state";
const BY_DUE: &str = "by_due";
const BY_END: &str = "by_end";

const CREATED_AT: Field<Text> = field!(Job => created_at: Text);
const QUEUE: Field<Text> = field!(Job => queue: Text);
const STATE: Field<Text> = field!(Job => state: Text);
const DUE_AT: Field<Text> = field!(Job => due_at: Text);
const FORGET_AT: Field<Text> = field!(Job => forget_at: Text);
const ENDED_AT: Field<Text> = field!(Job => ended_at: Text);
const ERROR: Field<Text> = field!(Job => error: Text);
const HOLDER: Field<Text> = field!(Job => holder: Text);
const FENCE: Field<Integer> = field!(Job => fence: Integer);
const TRIES: Field<Integer> = field!(Job => tries: Integer);
const ARGUMENTS: Field<Json> = field!(Job => arguments: Json);

/// Jobs that are looked at together by whoever wants one: others may be faster at the first of them.
const CHOICE: usize = 8;

pub static JOBS: Collection = Collection {
    name: "jobs",
    indexes: &[
        Index::ordered(BY_TIME, &[TENANT.place(), CREATED_AT.place()]),
        Index::ordered(BY_QUEUE, &[TENANT.place(), QUEUE.place(), CREATED_AT.place()]),
        Index::ordered(BY_STATE, &[TENANT.place(), STATE.place(), CREATED_AT.place()]),
        // Those that wait, by when they are to begin, and those that run, by the end of their lease.
        Index::sparse(BY_DUE, &[QUEUE.place(), DUE_AT.place()]),
        // Those that are done, and those that failed and come again by the calendar; any other that failed is never forgotten.
        Index::sparse(BY_END, &[FORGET_AT.place()]),
    ],
    fields: &[ENDED_AT.place(), ERROR.place(), HOLDER.place(), FENCE.place(), TRIES.place()],
    steps: &[],
};

/// What is done beside what. Each queue has so many places in every bridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Queue {
    Default,
    Webhooks,
    Reports,
}

impl Queue {
    pub const ALL: [Self; 3] = [Self::Default, Self::Webhooks, Self::Reports];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Webhooks => "webhooks",
            Self::Reports => "reports",
        }
    }
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// It is to begin, for the first time or again.
    Waiting,
    Running,
    Done,
    /// It is not tried again, unless a person asks for it.
    Failed,
}

holds! { Text:
    Queue => |queue| queue.as_str().into();
    JobState => |state| match state {
        JobState::Waiting => "waiting",
        JobState::Running => "running",
        JobState::Done => "done",
        JobState::Failed => "failed",
    }.into();
}

/// A job as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    pub tenant_id: TenantId,
    pub queue: Queue,
    /// A word of the table of kinds.
    pub kind: String,
    pub arguments: Map<String, Value>,
    pub state: JobState,
    pub created_at: Stamp,
    /// When it is to begin, or when the lease of who does it ends; absent when it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Stamp>,
    /// Times it was begun, since it was made or since a person asked for it again.
    pub tries: i64,
    /// One more with each begin: only who holds the last one may end it.
    pub fence: i64,
    /// The bridge that has it, or had it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// Why the last try failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Stamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forget_at: Option<Stamp>,
    /// The trace that it follows from.
    #[serde(
        default,
        deserialize_with = "vox_shared::trace::lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub traceparent: Option<Place>,
}

impl Job {
    /// A job that is to begin now.
    pub fn new(
        tenant_id: TenantId,
        (queue, kind): (Queue, &str),
        arguments: Map<String, Value>,
        now: Stamp,
    ) -> Self {
        Self {
            tenant_id,
            queue,
            kind: kind.to_owned(),
            arguments,
            state: JobState::Waiting,
            created_at: now,
            due_at: Some(now),
            tries: 0,
            fence: 0,
            holder: None,
            error: None,
            ended_at: None,
            forget_at: None,
            traceparent: spans::current(),
        }
    }
}

impl Job {
    /// The id of a job that follows from a fact, made of what is unique about the fact.
    pub fn id_of(unique: &str) -> JobId {
        let hash = hex(&Sha256::digest(unique.as_bytes()));
        format!("{}_{}", JobId::PREFIX, &hash[..32]).parse().expect("hex is an id")
    }
}

impl OfTenant for Job {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

/// The jobs of one tenant.
pub struct Jobs(Scoped<Job>);

impl Jobs {
    pub(super) fn open(engine: Arc<dyn Engine>, tenant: TenantId) -> Self {
        Self(Scoped::new(Documents::new(engine, &JOBS), tenant))
    }

    pub async fn get_job(&self, id: &JobId) -> Result<Stored<Job>, StoreError> {
        self.0.get(id.as_str()).await
    }

    /// [`StoreError::Duplicate`] when there is a job of that id: whoever may be repeated gives a fixed one.
    pub async fn insert_job(&self, id: &JobId, job: &Job) -> Result<(), StoreError> {
        self.0.insert(id.as_str(), job).await
    }

    /// Newest first.
    pub async fn list_jobs(
        &self,
        (queue, state): (Option<Queue>, Option<JobState>),
        limit: usize,
        after: Option<Cursor>,
    ) -> Result<Listed<Job>, StoreError> {
        let query = match (queue, state) {
            (None, None) => self.0.query(BY_TIME),
            (Some(queue), None) => self.0.query(BY_QUEUE).equals(QUEUE, queue),
            (None, Some(state)) => self.0.query(BY_STATE).equals(STATE, state),
            (Some(queue), Some(state)) => {
                self.0.query(BY_STATE).equals(STATE, state).filter(Filter::is(QUEUE, queue))
            }
        };
        self.0.list(query.order(Order::Descending).limit(limit).after(after)).await
    }

    /// Have a job that waits for its first begin done now; a job that began already is left alone.
    pub async fn hurry(&self, id: &JobId, now: Stamp) -> Result<(), StoreError> {
        let waits = vec![Filter::is(STATE, JobState::Waiting), Filter::is(TRIES, 0)];
        self.0.update(id.as_str(), waits, Update::default().set(DUE_AT, now)).await.map(drop)
    }

    /// Have a job that has ended, as done or as failed, done once more; one that waits or runs is left alone.
    pub async fn begin_again(&self, id: &JobId, now: Stamp) -> Result<(), StoreError> {
        for ended in [JobState::Done, JobState::Failed] {
            let again = Update::default().set(STATE, JobState::Waiting).set(DUE_AT, now).set(TRIES, 0);
            let again = again.unset(ENDED_AT).unset(FORGET_AT);
            if self.0.update(id.as_str(), vec![Filter::is(STATE, ended)], again).await?.is_some() {
                break;
            }
        }
        Ok(())
    }

    /// Have a job that failed done again, all its tries before it; `None` when it has not failed.
    pub async fn retry(&self, id: &JobId, now: Stamp) -> Result<Option<Stored<Job>>, StoreError> {
        let again =
            Update::default().set(STATE, JobState::Waiting).set(DUE_AT, now).set(TRIES, 0).unset(ENDED_AT);
        let again = again.unset(FORGET_AT);
        self.0.update(id.as_str(), vec![Filter::is(STATE, JobState::Failed)], again).await
    }
}

/// What becomes of a job that was tried.
#[derive(Clone, Debug)]
pub enum Outcome {
    Done,
    /// It is to be tried again then.
    Again(Stamp, String),
    Failed(String),
    /// The bridge stops: somebody else may have it at once.
    GivenBack,
}

/// The jobs of all tenants, for those who do them.
pub struct AllJobs(Documents<Job>);

impl AllJobs {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(Documents::new(engine, &JOBS))
    }

    /// Store those that are not there yet.
    pub async fn insert_jobs(&self, jobs: Vec<(String, Job)>) -> Result<(), StoreError> {
        for batch in jobs.chunks(MAX_BATCH) {
            self.0.insert_many(batch.to_vec()).await?;
        }
        Ok(())
    }

    /// How many jobs of a queue wait or run, and when the first is due: a running one when its lease ends.
    pub async fn waiting(&self, queue: Queue) -> Result<Waiting, StoreError> {
        self.0.waiting(|| Query::by_index(&JOBS, BY_DUE).equals(QUEUE, queue), |job| job.due_at).await
    }

    /// Take the job that is due the longest, or whose lease has ended. One that makes no sense, or cannot be changed, is passed over: it
    /// keeps no other from its turn.
    pub async fn claim(
        &self,
        queue: Queue,
        holder: &str,
        (now, until): (Stamp, Stamp),
    ) -> Result<Option<Stored<Job>>, StoreError> {
        let due = Query::by_index(&JOBS, BY_DUE).equals(QUEUE, queue).below(DUE_AT, now.next());
        let (due, mut after) = (due.limit(CHOICE).omit(&[ARGUMENTS]), None);
        loop {
            let (ids, next) = self.0.list_ids(due.clone().after(after)).await?;
            for id in ids {
                let still = Query::by_id(&JOBS, &*id).filter(Filter::is(QUEUE, queue));
                let still = still.filter(Filter::below(DUE_AT, now.next()));
                let taken =
                    Update::default().set(STATE, JobState::Running).set(DUE_AT, until).set(HOLDER, holder);
                match self.0.update(still, taken.increment(FENCE, 1).increment(TRIES, 1)).await {
                    Err(StoreError::Engine(
                        error @ (EngineError::Malformed(_) | EngineError::Overflow(_)),
                    )) => tracing::error!(job.id = id, %error, "a damaged job is passed over"),
                    // Somebody else was faster.
                    Ok(None) => {}
                    claimed => return claimed,
                }
            }
            after = next;
            if after.is_none() {
                return Ok(None);
            }
        }
    }

    /// Keep a job; `false` when somebody else has it.
    pub async fn renew(&self, job: &Stored<Job>, until: Stamp) -> Result<bool, StoreError> {
        Ok(self.0.update(held(job), Update::default().set(DUE_AT, until)).await?.is_some())
    }

    /// End a try; `false` when somebody else has the job by now, and then nothing is changed. One that is never forgotten has no
    /// `forget_at`; one that goes on has none either.
    pub async fn settle(
        &self,
        job: &Stored<Job>,
        outcome: &Outcome,
        (now, forget_at): (Stamp, Option<Stamp>),
    ) -> Result<bool, StoreError> {
        let update = Update::default();
        let update = match outcome {
            Outcome::Done => update.set(STATE, JobState::Done).set(ENDED_AT, now).unset(DUE_AT).unset(ERROR),
            Outcome::Again(at, error) => {
                update.set(STATE, JobState::Waiting).set(DUE_AT, *at).set(ERROR, error)
            }
            Outcome::Failed(error) => {
                update.set(STATE, JobState::Failed).set(ENDED_AT, now).unset(DUE_AT).set(ERROR, error)
            }
            Outcome::GivenBack => update.set(STATE, JobState::Waiting).set(DUE_AT, now).increment(TRIES, -1),
        };
        let update = forget_at.into_iter().fold(update, |update, at| update.set(FORGET_AT, at));
        Ok(self.0.update(held(job), update).await?.is_some())
    }

    /// Forget those that ended long ago; answers how many, [`SWEPT`] at most.
    pub async fn sweep(&self, now: Stamp) -> Result<usize, StoreError> {
        self.0.delete_many(Query::by_index(&JOBS, BY_END).below(FORGET_AT, now).limit(SWEPT)).await
    }
}

/// The job, as long as nobody else took it.
fn held(job: &Stored<Job>) -> Query {
    Query::by_id(&JOBS, job.id.as_str())
        .filter(Filter::is(FENCE, job.value.fence))
        .filter(Filter::is(STATE, JobState::Running))
}
