//! What a start is made of.

use super::home::Home;
use super::processes::{Campaigns, Programs};
use crate::arguments::UpArguments;
use crate::terminal::Terminal;

/// What is started where.
pub struct Plan<'a> {
    pub programs: Programs,
    pub home: &'a Home,
    pub arguments: &'a UpArguments,
    pub terminal: &'a Terminal,
    pub campaigns: Campaigns,
    /// Where others reach the lines, when somebody has said so.
    pub media_url: Option<String>,
}
