//! Cards of a campaign: a person looks at each contact, and lets its call through or skips it.

pub mod accept;
pub mod list;
pub mod next;
pub mod skip;
pub mod view;
