//! `PUT /api/v1/calls/{session_id}/supervision`

use actix_web::HttpRequest;
use actix_web::web::{Data, Json};
use jiff::SignedDuration;
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::clock::Clock;
use vox_shared::ids::SessionId;
use vox_shared::wire::order::Order;
use vox_shared::wire::supervision::{Part, RoomGiven, SeatGiven};

use super::{SeatRoomView, SeatView};
use crate::auth::allowed::Allowed;
use crate::auth::permission::SuperviseCalls;
use crate::edge::body::Checked;
use crate::edge::params::InPath;
use crate::edge::part::part;
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;
use crate::live::orders::{NotTaken, Operator};
use crate::livekit::LiveKit;
use crate::metrics::Metrics;

/// What you want to be in the call.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SeatRequest {
    /// `listen`, `whisper_to_bot`, `whisper_to_agent`, `barge` or `take_over`.
    #[serde(default)]
    #[schema(required = true)]
    part: String,
    /// Of `barge` and `take_over`: the bot talks on. Else it is silent until you leave.
    #[serde(default)]
    bot_goes_on: bool,
}

impl SeatRequest {
    fn part(&self) -> ApiResult<Part> {
        let part = Part::ALL.into_iter().find(|part| part.as_str() == self.part);
        let part = part.ok_or_else(|| {
            let words = Part::ALL.map(Part::as_str).join(", ");
            ApiError::invalid(vec![FieldError::new("part", format!("must be one of {words}"))])
        })?;
        if self.bot_goes_on && !part.is_aloud() {
            let why = "is of barge and take_over: beside every other part the bot goes on anyhow";
            return Err(ApiError::invalid(vec![FieldError::new("bot_goes_on", why)]));
        }
        Ok(part)
    }
}

/// Have a seat in a running call, or another one than until now.
#[instrument(name = "calls.supervise", skip_all, fields(call.id = %call.0))]
pub async fn take(
    who: Allowed<SuperviseCalls>,
    call: InPath<SessionId>,
    operator: Data<Operator>,
    request: HttpRequest,
    wanted: Checked<SeatRequest>,
) -> ApiResult<Json<SeatView>> {
    let known = operator.call(who.reach(), &call.0).await?;
    let wanted_part = wanted.0.part()?;
    let server = part::<LiveKit>(&request).server()?;
    let bot_goes_on = wanted.0.bot_goes_on;
    let order = Order::Supervise { supervisor: who.id().to_owned(), part: wanted_part, bot_goes_on };
    let seat = operator.place(&call.0, &known, order).await;
    // A worker that has taken the order has a seat for it.
    let seat = seat.and_then(|seat| seat.ok_or(NotTaken::Silent));
    part::<Metrics>(&request).supervised(wanted_part, outcome(&seat));
    let SeatGiven { identity, part: given, rooms, seconds } = seat?;
    let expires_at = part::<Clock>(&request).now() + SignedDuration::from_secs(i64::from(seconds));
    Ok(Json(SeatView {
        session_id: call.0.to_string(),
        part: given.as_str(),
        identity,
        server_url: server.settings.public_url.as_str().trim_end_matches('/').to_owned(),
        rooms: rooms.into_iter().map(view).collect(),
        expires_at: expires_at.to_string(),
    }))
}

fn view(room: RoomGiven) -> SeatRoomView {
    let RoomGiven { room, token, speaks, listens } = room;
    SeatRoomView { room_name: room, participant_token: token.into_inner(), speaks, listens }
}

/// A word for figures.
fn outcome<T>(seat: &Result<T, NotTaken>) -> &'static str {
    match seat {
        Ok(_) => "seated",
        Err(NotTaken::Silent | NotTaken::Store(_) | NotTaken::Busy) => "failed",
        Err(_) => "refused",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_one_of_five_and_the_bot_goes_on_beside_those_who_talk() {
        let part = |part: &str, bot_goes_on| SeatRequest { part: part.into(), bot_goes_on }.part().ok();
        assert_eq!(part("listen", false), Some(Part::Listen));
        assert_eq!(part("barge", true), Some(Part::Barge));
        assert_eq!(part("take_over", true), Some(Part::TakeOver));
        for (word, bot_goes_on) in
            [("", false), ("Listen", false), ("listen", true), ("whisper_to_bot", true)]
        {
            assert_eq!(part(word, bot_goes_on), None, "{word} {bot_goes_on}");
        }
    }
}
