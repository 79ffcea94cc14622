//! Endpoints that events are sent to, for admins.

pub mod change;
pub mod create;
pub mod delete;
pub mod deliveries;
pub mod list;
pub mod read;
pub mod replay;
pub mod replay_range;
pub mod rotate;
pub mod test;
pub mod view;
