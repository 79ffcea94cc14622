//! The contacts of a campaign.

pub mod add;
pub mod list;
pub mod read;
pub mod view;
