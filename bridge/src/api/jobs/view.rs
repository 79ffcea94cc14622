//! How jobs are shown.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

use crate::coordination::rounds::{Standing, Work};
use crate::jobs::kinds::WORDS;
use crate::store::jobs::{Job, JobState, Queue};
use crate::store::{Listed, Stored};

/// A job.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobView {
    pub id: String,
    pub queue: Queue,
    #[schema(schema_with = kind)]
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

/// What is done, in the words of the table of kinds.
fn kind() -> Schema {
    let (last, others) = WORDS.split_last().expect("there are kinds");
    let described = format!("What is done: `{}` or `{last}`.", others.join("`, `"));
    ObjectBuilder::new().schema_type(Type::String).description(Some(described)).into()
}

/// One page of jobs.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobPage {
    pub items: Vec<JobView>,
    pub next_cursor: Option<String>,
    /// What bridges do by themselves, for all tenants; on the first page only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounds: Option<Vec<RoundView>>,
}

/// A work that is done again and again.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoundView {
    pub work: Work,
    /// `running` or `waiting`, of the bridge that answers; `elsewhere`: it does not do this work.
    pub state: &'static str,
    /// When the last round of any bridge began, RFC 3339; null while none is known.
    pub began_at: Option<String>,
    pub ended_at: Option<String>,
    /// Why that round failed.
    pub error: Option<String>,
    /// When the bridge that answers begins the next; null while it is at it.
    pub next_at: Option<String>,
}

impl RoundView {
    pub fn new(work: Work, Standing { last, running_since, next_at }: Standing) -> Self {
        let state = match (running_since, next_at) {
            (Some(_), _) => "running",
            (None, Some(_)) => "waiting",
            (None, None) => "elsewhere",
        };
        Self {
            work,
            state,
            began_at: last.as_ref().map(|went| went.began_at.to_string()),
            ended_at: last.as_ref().map(|went| went.ended_at.to_string()),
            error: last.and_then(|went| went.fault),
            next_at: next_at.map(|at| at.to_string()),
        }
    }
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
        Self {
            items: listed.items.into_iter().map(JobView::from).collect(),
            next_cursor: listed.next_cursor,
            rounds: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_told() {
        let told = serde_json::to_value(kind()).unwrap();
        let told = told["description"].as_str().unwrap();
        assert!(WORDS.iter().all(|word| told.contains(&format!("`{word}`"))), "{told}");
    }
}
