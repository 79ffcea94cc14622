//! `GET /api/v1/calls/{session_id}/events`

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use tracing::instrument;
use vox_shared::ids::SessionId;

use super::live::Watch;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadCalls;
use crate::edge::params::InPath;
use crate::edge::sse::{self, LastEventId};
use crate::error::ApiResult;
use crate::live::{CallPlace, End, Whose};
use crate::store::calls::Call;

/// What happens in a call, as it happens, to its end. 204 to who has the end.
#[instrument(name = "calls.events", skip_all, fields(call.id = %call.0))]
pub async fn events(
    who: Allowed<ReadCalls>,
    call: InPath<SessionId>,
    resumes: LastEventId,
    watch: Data<Watch>,
    request: HttpRequest,
) -> ApiResult<HttpResponse> {
    let calls = watch.stores.calls(who.reach());
    let known = calls.get_call(&call.0).await?.value;
    let after = match (resumes.read()?, end_of(&known)) {
        (Some(CallPlace::End), Some(_)) => return Ok(sse::nothing_more()),
        (Some(CallPlace::Behind(number)), _) => Some(number),
        (Some(CallPlace::End) | None, _) => None,
    };
    let place = watch.streams.take(who.reach().tenant(), who.id())?;
    let whose = Whose::of(call.0, &known);
    if let Some(end) = end_of(&known) {
        return Ok(sse::answer(&request, place, watch.live.replay(&whose, after, &end)));
    }
    let source = watch.live.follow_call(&whose, after);
    // It may have ended between the look and the stream, which would then wait for nothing.
    let source = match end_of(&calls.get_call(&whose.session_id).await?.value) {
        Some(end) => watch.live.replay(&whose, after, &end),
        None => source,
    };
    Ok(sse::answer(&request, place, source))
}

fn end_of(call: &Call) -> Option<End> {
    Some(End::new(call.disconnected_by?, call.duration_seconds.unwrap_or_default()))
}
