//! Invitations of people, and what is done with a link.

pub mod accept;
pub mod create;
pub mod list;
pub mod resend;
pub mod revoke;
pub mod view;
