//! Whether vendors answer and take their keys: each key of the tenants' bots and settings is tried with the vendor's cheapest request,
//! again and again, and a breaker for each key opens when the vendor is away. Kept in memory: each bridge sees for itself.

mod asking;
pub mod breaker;
pub mod checks;
mod found;
pub mod key_state;
pub mod limits;
pub mod of_call;
pub mod permits;
pub mod servers;
pub mod targets;
pub mod told;
