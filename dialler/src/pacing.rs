//! How many lines are rung at once, and whose. All of it is a pure function of what is known: the time is passed in.
//!
//! A *slot* is a call that talks: what the vendors' plans and the machine carry. A ringing line has a worker of its own already, which
//! costs little, so that nobody who answers waits for one; whoever over-dials shares slots among ringing lines, and never workers.

pub mod abandons;
pub mod dice;
pub mod laws;
pub mod overflow;
pub mod pacer;
pub mod reserve;
pub mod share;
mod turns;
