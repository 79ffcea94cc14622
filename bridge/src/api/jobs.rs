//! Jobs of a tenant, for admins.

pub mod list;
pub mod read;
pub mod retry;
pub mod run;
pub mod view;
