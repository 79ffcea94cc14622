//! The beginning and the end of a call as the bridge sees them: handing out the runtime config, taking the result.

pub mod config;
mod headers;
mod logged;
pub mod memory;
pub mod prompt;
mod rates;
pub mod recording;
pub mod refused;
pub mod request_log;
pub mod result;
pub mod ticket;
mod tools;
pub mod variables;
