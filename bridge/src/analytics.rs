//! Sums over calls: what each call adds ([`fact`]), kept by hours, days and months ([`counting`]), and asked for ([`answer`]); decision 0040.

pub mod answer;
pub mod cell;
pub mod counting;
pub mod crowd;
pub mod fact;
pub mod folding;
pub mod histogram;
pub mod report;
pub mod span;
pub mod sums;
