//! What calls cost, how fluent they are, whether their records survive, and whether campaigns ring nobody twice: real processes under
//! load and under kills, on the test kit's scripted vendors and its simulated carrier.

pub mod bad_day;
pub mod calls;
pub mod dialler;
pub mod kill;
pub mod livekit;
pub mod load;
mod process;
pub mod program;
pub mod vendors;
