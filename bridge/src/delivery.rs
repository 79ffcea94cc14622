//! Events on their way to the endpoints that a tenant names, in the form of Standard Webhooks
//! (<https://github.com/standard-webhooks/standard-webhooks>). Decision 0029 says why it is as it is.

pub mod endpoints;
pub mod exchange;
pub mod herald;
pub mod lane;
pub mod message;
pub mod post;
pub mod replay;
pub mod schedule;
pub mod sign;
