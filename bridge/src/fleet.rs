//! The workers that answer calls: who they are, what they can hold, which of their slots are promised, and the files they
//! still have.

pub mod address;
pub mod client;
pub mod files;
pub mod glance;
pub mod hand_over;
pub mod hosts;
pub mod poll;
pub mod reserve;
pub mod sight;
