//! The link that opens a call's recording without a login.

pub mod make;
pub mod revoke;
