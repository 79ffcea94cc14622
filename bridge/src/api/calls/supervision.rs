//! Supervisors in a running call in rooms: `PUT` and `DELETE /api/v1/calls/{session_id}/supervision`.

pub mod leave;
pub mod take;

use serde::Serialize;
use utoipa::ToSchema;

/// A room of a seat.
#[derive(Debug, Serialize, ToSchema)]
pub struct SeatRoomView {
    pub room_name: String,
    /// Opens this room alone, for `identity`, with the rights of the seat.
    pub participant_token: String,
    /// Publish a microphone here.
    pub speaks: bool,
    /// Play what is said here.
    pub listens: bool,
}

/// A supervisor's seat.
#[derive(Debug, Serialize, ToSchema)]
pub struct SeatView {
    pub session_id: String,
    /// As asked for.
    #[schema(example = "listen")]
    pub part: &'static str,
    /// Who you are in the rooms.
    pub identity: String,
    /// Where to join.
    pub server_url: String,
    /// Join these, all of them, and leave every other room of the call that you are in.
    pub rooms: Vec<SeatRoomView>,
    /// Join until then (RFC 3339, UTC). A seat that nobody took by then is given up.
    pub expires_at: String,
}
