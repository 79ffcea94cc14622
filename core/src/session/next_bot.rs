//! Another bot, made ready to take a call over.

use serde::{Deserialize, Serialize};
use vox_shared::wire::config::RuntimeConfig;

use super::standing::Standing;

/// A bot that is ready to take the call over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NextBot {
    /// As [`super::event::Command::CallBot`] named it.
    pub bot: String,
    pub config: RuntimeConfig,
    /// Of its vendors.
    pub standing: Standing,
}

impl PartialEq for NextBot {
    /// By what is on the wire: a config has no other way to be compared.
    fn eq(&self, other: &Self) -> bool {
        let written = |of: &Self| serde_json::to_value(of).ok();
        written(self) == written(other)
    }
}
