//! Tickets for the talk socket.

pub mod issue;
pub mod issue_internal;
