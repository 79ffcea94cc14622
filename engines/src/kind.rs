//! The engines there are.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Which C library an engine process wraps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EngineKind {
    /// The voice.
    Flite,
    /// The recogniser.
    Pocketsphinx,
}

impl EngineKind {
    /// The subcommand of `vox-engine`, and the name people know it by.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Flite => "flite",
            Self::Pocketsphinx => "pocketsphinx",
        }
    }

    /// What installs its libraries and models on Debian and its relatives.
    #[must_use]
    pub const fn install_command(self) -> &'static str {
        match self {
            Self::Flite => "apt-get install libflite1",
            Self::Pocketsphinx => "apt-get install libpocketsphinx3 pocketsphinx-en-us",
        }
    }
}

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
