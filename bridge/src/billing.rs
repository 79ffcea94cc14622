//! What tenants may use and what it costs: plans with limits per period, the gate before new work, prices, the ledger's entries.

pub mod budget;
pub mod charge;
pub mod cost;
pub mod gate;
pub mod limits;
pub mod period;
pub mod plans;
pub mod requests;
pub mod rollup;
pub mod spending;
pub mod spent;
pub mod statement;
mod warning;
