//! What the server is asked for a call's rooms.

use vox_livekit::hearing::{Order, Place};
use vox_livekit::service::ServiceError;

use super::side::Side;
use crate::transport::livekit::server::LiveKit;

/// What was asked, and what came of it.
#[derive(Debug)]
pub(super) enum Done {
    Asked { order: Order, tries: u32, done: Result<(), ServiceError> },
    Joined(Place, Box<Result<Side, String>>),
    Left,
}

/// Have the server do what the floor orders of somebody. Who is not there needs nothing: whoever comes later has the rights of the token, and
/// those are told once more then.
pub(super) async fn carry_out(livekit: &LiveKit, room: &str, order: &Order) -> Result<(), ServiceError> {
    match order.grants() {
        Some(grants) => livekit.permit(room, &order.identity, grants).await,
        None => livekit.remove(room, &order.identity).await,
    }
}
