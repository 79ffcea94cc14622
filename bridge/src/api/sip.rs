//! What workers ask about numbers.

pub mod lookup;
pub mod outbound_trunk;
