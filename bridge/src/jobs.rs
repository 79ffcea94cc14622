//! Work beside the requests: what nobody asks for, and what is kept until it is done.

pub mod custody;
pub mod deleted_bots;
pub mod deleted_tenants;
pub mod digests;
pub mod fresh;
pub mod janitor;
pub mod kinds;
pub mod lost_calls;
pub mod plans;
pub mod relay;
pub mod rotation;
pub mod runner;
pub mod sealing;
pub mod timetable;
pub mod turns;
pub mod uncounted;
pub mod upkeep;
pub mod usage;
pub mod vendors;
