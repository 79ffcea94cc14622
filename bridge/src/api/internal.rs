//! Look-ups across tenants for the deployment's own tools.

pub mod bots;
pub mod call;
pub mod calls;
pub mod events;
pub mod permits;
