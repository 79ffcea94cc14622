//! Tenants, for super_admins, and the own one for its administrators.

pub mod change;
pub mod create;
pub mod delete;
pub mod list;
pub mod own;
pub mod read;
pub mod suspend;
pub mod view;
