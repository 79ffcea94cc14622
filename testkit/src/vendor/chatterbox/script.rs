//! How the scripted Chatterbox speaks.

use serde::{Deserialize, Serialize};

use crate::vendor::{faults::Faults, host::DEFAULT_API_KEY, speaking::Speaking};

/// The script of one server. Times are in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    /// The key that is accepted.
    pub api_key: String,
    /// How its voice speaks.
    pub speaking: Speaking,
    /// Whether a key is asked for.
    pub needs_key: bool,
    /// Whether the model is loaded.
    pub is_loaded: bool,
    /// Voices that exist.
    pub voices: Vec<String>,
    /// Memory of its GPU, bytes: used and free; none: it does not say.
    pub gpu_memory_bytes: Option<(u64, u64)>,
    /// A header stands before every piece of sound.
    pub header_each_piece: bool,
    /// What goes wrong.
    pub faults: Faults,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            api_key: DEFAULT_API_KEY.to_owned(),
            speaking: Speaking::default(),
            needs_key: false,
            is_loaded: true,
            voices: vec!["default_female_1".to_owned()],
            gpu_memory_bytes: Some((6_000_000_000, 2_000_000_000)),
            header_each_piece: false,
            faults: Faults::default(),
        }
    }
}
