//! Keys of the API, for admins.

pub mod create;
pub mod list;
pub mod read;
pub mod revoke;
pub mod rotate;
pub mod view;
