//! `GET /api/v1/jobs`

use actix_web::web::{Data, Json};
use serde::Deserialize;
use tracing::instrument;
use utoipa::IntoParams;

use super::view::{JobPage, RoundView};
use crate::auth::allowed::Allowed;
use crate::auth::permission::ManageJobs;
use crate::coordination::rounds::Rounds;
use crate::edge::params::{InQuery, limit_of};
use crate::error::ApiResult;
use crate::store::jobs::{JobState, Queue};
use crate::store::{Cursor, StoreError, Stores};

/// Which jobs, and which page of them.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    #[param(inline)]
    queue: Option<Queue>,
    #[param(inline)]
    state: Option<JobState>,
    /// 1 to 200; 50 by default.
    limit: Option<usize>,
    /// `next_cursor` of the page before, with the same filters.
    cursor: Option<String>,
}

/// The tenant's jobs, newest first.
#[instrument(name = "jobs.list", skip_all)]
pub async fn list(
    who: Allowed<ManageJobs>,
    query: InQuery<ListQuery>,
    stores: Data<Stores>,
    rounds: Data<Rounds>,
) -> ApiResult<Json<JobPage>> {
    let query = query.0;
    let is_first = query.cursor.is_none();
    let cursor = query.cursor.as_deref().map(Cursor::parse).transpose().map_err(StoreError::from)?;
    let jobs = stores.jobs(who.tenant());
    let listed = jobs.list_jobs((query.queue, query.state), limit_of(query.limit)?, cursor).await?;
    let mut page = JobPage::from(listed);
    if is_first {
        let standings = rounds.standings().await.into_iter();
        page.rounds = Some(standings.map(|(work, standing)| RoundView::new(work, standing)).collect());
    }
    Ok(Json(page))
}
