//! People of a tenant, for those above them.

pub mod change;
pub mod delete;
pub mod list;
pub mod read;
pub mod reset_password;
pub mod reset_second_factor;
pub mod unlink;
