//! `GET /api/v1/calls/live/events`

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use tracing::instrument;

use super::Watch;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadCalls;
use crate::edge::sse::{self, LastEventId};
use crate::error::ApiResult;
use crate::live::TenantPlace;

/// What happens in the tenant's running calls, or in those of the bots that a key is limited to, as it happens.
#[instrument(name = "calls.live.events", skip_all)]
pub async fn events(
    who: Allowed<ReadCalls>,
    resumes: LastEventId,
    watch: Data<Watch>,
    request: HttpRequest,
) -> ApiResult<HttpResponse> {
    let after: Option<TenantPlace> = resumes.read()?;
    let place = watch.streams.take(who.reach().tenant(), who.id())?;
    let source = watch.live.follow_tenant(who.reach(), after.as_ref());
    Ok(sse::answer(&request, place, source))
}
