//! Campaigns: lists of people whom bots call.

pub mod attempts;
pub mod cards;
pub mod change;
pub mod contacts;
pub mod copy;
pub mod create;
pub mod delete;
pub mod dry_run;
pub mod imports;
pub mod list;
pub mod order;
pub mod preflight;
pub mod read;
pub mod status;
pub mod test_call;
pub mod view;
