//! Behaviour of what all processes share, seen from outside.

mod egress;
mod outbox_adoption;
mod outbox_damage;
mod outbox_kill;
mod outbox_model;
mod outbox_quota;
mod outbox_rig;
