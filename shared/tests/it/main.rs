//! Behaviour of what all processes share, seen from outside.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod egress;
mod outbox_adoption;
mod outbox_damage;
mod outbox_kill;
mod outbox_model;
mod outbox_quota;
mod outbox_rig;
mod refused_urls;
