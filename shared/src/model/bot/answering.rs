//! What a bot does about the machines that answer the calls it places.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Whether it is found out who has answered before the bot speaks, and what follows where it is no person. A voicemail is left
/// `voicemail_message`, where the bot has one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Answering {
    /// Of calls that are placed; who calls the bot is a person.
    pub detect: bool,
    /// Said to a telephone that asks who calls before it passes a call on. A template; without it the bot says its opening message there.
    pub introduction: String,
    pub on_menu: OnMenu,
    /// Settings of the detector by their names (`docs/answering-machines.md`); what is left out has its default.
    pub detector: Map<String, Value>,
}

impl Answering {
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What follows where a menu or a queue has answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnMenu {
    /// The call ends.
    #[default]
    End,
    /// The model is told what it says, and may press keys.
    Talk,
}
