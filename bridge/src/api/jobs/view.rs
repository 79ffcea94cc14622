//! How jobs are shown.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::store::jobs::{Job, JobState, Queue};
use crate::store::{Listed, Stored};

/// A job.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobView {
    pub id: String,
    pub queue: Queue,
    /// What is done: `replay_webhook` or `push_crm`.
    pub kind: String,
    #[schema(value_type = Object)]
    pub arguments: Map<String, Value>,
    pub state: JobState,
    /// RFC 3339, UTC.
    pub created_at: String,
    /// Of one that waits: when it is to begin.
    pub begins_at: Option<String>,
    /// Times it was begun, since it was made or since it was retried.
    pub tries: i64,
    /// Why the last try failed.
    pub error: Option<String>,
    pub ended_at: Option<String>,
}

/// One page of jobs.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobPage {
    pub items: Vec<JobView>,
    pub next_cursor: Option<String>,
}

impl From<Stored<Job>> for JobView {
    fn from(stored: Stored<Job>) -> Self {
        let job = stored.value;
        let begins_at = job.due_at.filter(|_| job.state == JobState::Waiting);
        Self {
            id: stored.id,
            queue: job.queue,
            kind: job.kind,
            arguments: job.arguments,
            state: job.state,
            created_at: job.created_at.to_string(),
            begins_at: begins_at.map(|at| at.to_string()),
            tries: job.tries,
            error: job.error,
            ended_at: job.ended_at.map(|at| at.to_string()),
        }
    }
}

impl From<Listed<Job>> for JobPage {
    fn from(listed: Listed<Job>) -> Self {
        Self { items: listed.items.into_iter().map(JobView::from).collect(), next_cursor: listed.next_cursor }
    }
}
