//! What makes a bot: the rules its settings keep to, its vendor keys, its hours, its templates.

pub mod addresses;
pub mod catalogue;
pub mod compare;
pub mod draft;
mod gap;
pub mod hours;
pub mod keys;
pub mod line;
pub mod parcel;
pub mod policy;
pub mod residency;
pub mod rules;
pub mod signature;
pub mod template;
mod trim;
pub mod versions;
