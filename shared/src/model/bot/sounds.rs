//! Sounds of a bot: what is heard beside its voice, or in the place of it.

use serde::{Deserialize, Serialize};

use crate::ids::SoundId;

/// The sounds of a bot, by their ids (`POST /api/v1/sounds`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SoundSettings {
    /// What a caller hears who waits while somebody is asked to take the call, over and over. Without one it is Vox's own music.
    pub hold: Option<SoundId>,
    /// What lies under the whole call.
    pub background: Option<Background>,
    /// Fixed phrases that a person has recorded.
    pub recorded: Vec<Recorded>,
}

impl SoundSettings {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// All that are named, with where.
    pub fn named(&self) -> impl Iterator<Item = (String, &SoundId)> {
        let hold = self.hold.iter().map(|id| ("sounds.hold".to_owned(), id));
        let under = self.background.iter().map(|under| ("sounds.background.sound".to_owned(), &under.sound));
        let said = self.recorded.iter().enumerate();
        hold.chain(under).chain(said.map(|(n, said)| (format!("sounds.recorded.{n}.sound"), &said.sound)))
    }
}

/// A sound under the whole call, played over and over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Background {
    pub sound: SoundId,
    /// Added to how loud the file is, decibels: -60 to 0.
    #[serde(default = "minus_twenty")]
    pub gain_db: f32,
    /// How much softer it is while the bot speaks, decibels: 0 to 40.
    #[serde(default = "eight")]
    pub duck_db: f32,
}

/// A phrase of the bot's, as a person has recorded it: it is played wherever the bot would say exactly this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    pub text: String,
    pub sound: SoundId,
}

fn minus_twenty() -> f32 {
    -20.0
}

fn eight() -> f32 {
    8.0
}
