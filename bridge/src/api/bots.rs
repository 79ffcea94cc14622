//! Bots.

mod asked;
pub mod clone;
pub mod compare;
pub mod config_requests;
pub mod create;
pub mod crm;
pub mod delete;
pub mod draft;
pub mod export;
pub mod import;
pub mod list;
pub mod patch;
pub mod publish;
pub mod read;
pub mod replace;
pub mod restore;
pub mod versions;
pub mod view;
pub mod widget_key;
