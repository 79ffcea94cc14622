//! Who has answered: a person, or a machine, and which. Sound and words in, verdicts out; no I/O and no clock.
//!
//! Two stages. The first verdict is the end of a turn: somebody said "hello?" and waits, so the bot speaks. For twelve seconds more it is
//! listened, and what shows a machine (a phrase, a beep, a carrier's tones, speech that goes on over ours) corrects the verdict. What is
//! heard is made into a short list of signs ([`Sign`]); the rules see nothing but those, so the list is the evidence, and a later version
//! of the rules can judge a call again by it ([`Evidence::replay`]).
//!
//! Times are milliseconds since the callee's side became active: the first sample that [`Detector::hear`] gets is at 0.

#![warn(missing_docs)]

pub mod beep;
mod cadence;
mod callee;
mod class;
mod detector;
mod evidence;
mod front;
mod model;
mod ring;
mod rules;
mod settings;
mod sign;
mod spectrum;
mod tone;
mod voice;
mod words;

pub use callee::{Callee, Said};
pub use class::{Because, Class, News, Verdict};
pub use detector::Detector;
pub use evidence::Evidence;
pub use model::{ModelSays, ModelVerdict, Question};
pub use ring::RingTimes;
pub use settings::{Cadence, Mode, Phrase, Settings, SettingsError};
pub use sign::{Sign, What};
pub use tone::SitKind;
pub use words::Strength;

/// Step of all decisions, milliseconds.
pub(crate) const HOP_MS: u32 = 20;
