//! Results of calls, from core.

pub mod deliver;
