//! Calls in the rooms of a LiveKit server: browsers, and telephones that its SIP gateway brings.
//!
//! `line` is one call's place in its room: it moves sound, keys and orders between the room and the call. Who in the room the call
//! is with, and what becomes of them, `caller` knows (no I/O); what a failed dial or a departure means for the record, `outcome`;
//! `voice` sends the bot's sound, `caption` tells the room what is said. `server` is the server and its API.

pub mod caller;
mod caption;
pub mod line;
pub mod order;
pub mod outcome;
pub mod rooms;
pub mod server;
pub mod supervisors;
mod voice;
