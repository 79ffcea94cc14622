//! `POST /api/v1/dialler/attempts/{attempt_id}/…`

use actix_web::HttpResponse;
use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::ids::AttemptId;
use vox_shared::wire::dialler::attempt::{Abort, Commit, Fenced, Live, Lost, ResultNoted, ResultRequest};

use crate::auth::internal::Internal;
use crate::campaign::calls::CallDesk;
use crate::edge::body::Checked;
use crate::edge::params::InPath;
use crate::error::ApiResult;

/// The last look before the dial.
#[instrument(name = "dialler.commit", skip_all, fields(attempt.id = %id.0))]
pub async fn commit(
    _: Internal,
    id: InPath<AttemptId>,
    desk: Data<CallDesk>,
    body: Checked<Fenced>,
) -> ApiResult<Json<Commit>> {
    Ok(Json(desk.commit(&id.0, body.0.epoch).await?))
}

/// It was answered.
#[instrument(name = "dialler.live", skip_all, fields(attempt.id = %id.0))]
pub async fn live(
    _: Internal,
    id: InPath<AttemptId>,
    desk: Data<CallDesk>,
    body: Checked<Live>,
) -> ApiResult<HttpResponse> {
    desk.live(&id.0, &body.0).await?;
    done()
}

/// Nothing was dialled.
#[instrument(name = "dialler.abort", skip_all, fields(attempt.id = %id.0))]
pub async fn abort(
    _: Internal,
    id: InPath<AttemptId>,
    desk: Data<CallDesk>,
    body: Checked<Abort>,
) -> ApiResult<HttpResponse> {
    desk.abort(&id.0, &body.0).await?;
    done()
}

/// The dial, or the call, is over.
#[instrument(name = "dialler.result", skip_all, fields(attempt.id = %id.0, ending = body.0.ending.as_str()))]
pub async fn result(
    _: Internal,
    id: InPath<AttemptId>,
    desk: Data<CallDesk>,
    body: Checked<ResultRequest>,
) -> ApiResult<Json<ResultNoted>> {
    Ok(Json(desk.ended(&id.0, &body.0).await?))
}

/// The call runs and has another owner now.
#[instrument(name = "dialler.adopt", skip_all, fields(attempt.id = %id.0))]
pub async fn adopt(
    _: Internal,
    id: InPath<AttemptId>,
    desk: Data<CallDesk>,
    body: Checked<Fenced>,
) -> ApiResult<HttpResponse> {
    desk.adopt(&id.0, body.0.epoch).await?;
    done()
}

/// What became of it is being found out.
#[instrument(name = "dialler.recover", skip_all, fields(attempt.id = %id.0))]
pub async fn recover(
    _: Internal,
    id: InPath<AttemptId>,
    desk: Data<CallDesk>,
    body: Checked<Fenced>,
) -> ApiResult<HttpResponse> {
    desk.recover(&id.0, body.0.epoch).await?;
    done()
}

/// Its room is gone for good.
#[instrument(name = "dialler.lost", skip_all, fields(attempt.id = %id.0))]
pub async fn lost(
    _: Internal,
    id: InPath<AttemptId>,
    desk: Data<CallDesk>,
    body: Checked<Lost>,
) -> ApiResult<HttpResponse> {
    desk.lost(&id.0, body.0).await?;
    done()
}

fn done() -> ApiResult<HttpResponse> {
    Ok(HttpResponse::NoContent().finish())
}
