//! Recordings: in from core, out to people and to holders of a link.

pub mod by_session;
pub mod by_token;
pub mod check;
pub mod direct;
pub mod readings;
pub mod serve;
pub mod upload;
