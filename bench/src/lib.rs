//! What calls cost, how fluent they are, and whether their records survive: real processes under load and under kills, on the
//! test kit's scripted vendors.

pub mod calls;
pub mod kill;
pub mod livekit;
pub mod load;
mod process;
pub mod vendors;
