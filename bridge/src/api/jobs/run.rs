//! `POST /api/v1/jobs/rounds/{work}/run`

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use tracing::instrument;

use super::view::RoundView;
use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::RunRounds;
use crate::coordination::rounds::{Rounds, Work};
use crate::edge::params::InPath;
use crate::error::{ApiError, ApiResult};

/// Have this bridge do a round of what it does by itself now, instead of at its time.
#[instrument(name = "jobs.run", skip_all, fields(work = work.0.as_str()))]
pub async fn run(
    _: Allowed<RunRounds>,
    trail: Trail,
    work: InPath<Work>,
    rounds: Data<Rounds>,
) -> ApiResult<(Json<RoundView>, StatusCode)> {
    trail.concerns(work.0.as_str());
    if !rounds.ask(work.0) {
        let detail = "this bridge does not do that work; see `next_at` of `rounds` in GET /api/v1/jobs";
        return Err(ApiError::conflict("no_rounds", detail));
    }
    let standing = rounds.standings().await.into_iter().find(|(of, _)| *of == work.0);
    let (of, standing) = standing.unwrap_or((work.0, Default::default()));
    Ok((Json(RoundView::new(of, standing)), StatusCode::ACCEPTED))
}
