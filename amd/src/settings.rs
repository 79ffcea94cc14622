//! Settings, with defaults that need no change, and those of the old world for who comes from there.

mod old;

use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

use crate::class::Class;
use crate::ring::RingTimes;
use crate::words::{Strength, Wording};

pub use old::Cadence;

/// Most phrases of one's own.
const MOST_PHRASES: usize = 200;
/// Longest of them, bytes.
const LONGEST_PHRASE: usize = 200;

/// Which rules decide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// By turns, words, tones and what happens afterwards.
    #[default]
    TwoStage,
    /// By the lengths of words and pauses alone, as PBXs do: [`Cadence`].
    Cadence,
}

/// A phrase of one's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phrase {
    /// Who says it: a class of people or machines, not `silent`, `unsure` or `tone`.
    pub class: Class,
    /// How surely. Strong if it is not said.
    #[serde(default = "strong")]
    pub strength: Strength,
    /// The words; `a/b` is either, `..` up to three others, `word*` a beginning, `$` the end of what was said.
    pub text: String,
}

const fn strong() -> Strength {
    Strength::Strong
}

/// Settings of the detector. Lengths in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Which rules.
    pub mode: Mode,
    /// Up to this length speech is a greeting as people give it, and so long a pause makes it a person's.
    pub short_ms: u32,
    /// The pause after a short greeting.
    pub short_pause_ms: u32,
    /// The same when the ring time speaks for a machine, and when it speaks for a person.
    pub short_pause_machine_ms: u32,
    /// See [`Self::short_pause_machine_ms`].
    pub short_pause_human_ms: u32,
    /// Up to this length it is a longer greeting.
    pub middle_ms: u32,
    /// The pause after a longer one.
    pub middle_pause_ms: u32,
    /// Beyond this length only a phrase makes it a person's.
    pub long_ms: u32,
    /// The pause after anything longer.
    pub long_pause_ms: u32,
    /// The pause after a phrase that only people say.
    pub phrase_pause_ms: u32,
    /// Speech without a pause for so long is a machine's.
    pub talk_ms: u32,
    /// The same where no recogniser runs.
    pub talk_without_words_ms: u32,
    /// Words over ours for so long are a machine's, too.
    pub over_us_ms: u32,
    /// Nobody has spoken for so long: silent.
    pub no_speech_ms: u32,
    /// Nothing was certain for so long: unsure.
    pub deadline_ms: u32,
    /// A first verdict may be corrected for so long.
    pub correction_ms: u32,
    /// Weak phrases count for so long after the first speech.
    pub weak_phrases_ms: u32,
    /// A message may be left so long after a greeting that no beep follows.
    pub greeting_end_ms: u32,
    /// The model's opinion counts from this probability on, per cent.
    pub model_percent: u8,
    /// How long it rings until people and machines answer.
    pub ring_times: RingTimes,
    /// Phrases of one's own, beside the packs'.
    pub phrases: Vec<Phrase>,
    /// The rules of [`Mode::Cadence`], by their names or as a dialplan's arguments in one text.
    #[serde(deserialize_with = "old::given")]
    pub cadence: Cadence,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mode: Mode::TwoStage,
            short_ms: 1_600,
            short_pause_ms: 700,
            short_pause_machine_ms: 1_000,
            short_pause_human_ms: 560,
            middle_ms: 2_600,
            middle_pause_ms: 1_000,
            long_ms: 5_400,
            long_pause_ms: 1_400,
            phrase_pause_ms: 500,
            talk_ms: 6_200,
            talk_without_words_ms: 3_400,
            over_us_ms: 2_400,
            no_speech_ms: 6_000,
            deadline_ms: 12_000,
            correction_ms: 12_000,
            weak_phrases_ms: 6_000,
            greeting_end_ms: 2_000,
            model_percent: 80,
            ring_times: RingTimes::default(),
            phrases: Vec::new(),
            cadence: Cadence::default(),
        }
    }
}

/// Why settings cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SettingsError {
    /// They are none, or one of them is unknown or of another kind.
    #[error("{0}")]
    Form(String),
    /// A length that makes no sense.
    #[error("{name} is {value}; give {from} to {to}")]
    Range {
        /// The setting.
        name: &'static str,
        /// What it is.
        value: u32,
        /// The least.
        from: u32,
        /// The most.
        to: u32,
    },
    /// Lengths that contradict each other.
    #[error("{shorter} must be less than {longer}")]
    Order {
        /// The setting that is to be less.
        shorter: &'static str,
        /// The one that is to be more.
        longer: &'static str,
    },
    /// A phrase that says nothing, or of a class that nobody says.
    #[error("phrase {place} ({text:?}) {fault}")]
    Phrase {
        /// Which, from 1.
        place: usize,
        /// The phrase.
        text: String,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// Too many.
    #[error("{count} phrases of one's own; at most {MOST_PHRASES}")]
    Phrases {
        /// How many.
        count: usize,
    },
    /// The arguments of the old world cannot be read.
    #[error(
        "argument {place} ({text:?}) of AMD() is no number of milliseconds; the order is initial_silence, greeting, after_greeting_silence, total_analysis_time, min_word_length, between_words_silence, maximum_number_of_words, silence_threshold, maximum_word_length"
    )]
    OldArgument {
        /// Which, from 1.
        place: usize,
        /// What stands there.
        text: String,
    },
    /// More arguments than there are.
    #[error("AMD() takes at most 9 arguments, not {count}")]
    OldArguments {
        /// How many.
        count: usize,
    },
}

impl Settings {
    /// Read them from what somebody gave, by their names, and check them; what is left out has its default.
    ///
    /// # Errors
    /// [`SettingsError::Form`], or the first setting that makes no sense.
    pub fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, SettingsError> {
        let settings = Self::deserialize(from).map_err(|error| SettingsError::Form(error.to_string()))?;
        settings.check()?;
        Ok(settings)
    }

    /// The settings for the arguments of `AMD(…)` as a dialplan has them, separated by commas or bars, empty ones as their defaults:
    /// the old rules by the old figures.
    ///
    /// # Errors
    /// [`SettingsError::OldArgument`] and [`SettingsError::OldArguments`] say what cannot be read; or the first setting that makes no sense.
    pub fn from_old(arguments: &str) -> Result<Self, SettingsError> {
        let settings = Self { mode: Mode::Cadence, cadence: Cadence::parse(arguments)?, ..Self::default() };
        settings.check()?;
        Ok(settings)
    }

    /// Whether they can be used.
    ///
    /// # Errors
    /// The first setting that makes no sense.
    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        let ranges = [
            ("short_ms", self.short_ms, 300, 10_000),
            ("short_pause_ms", self.short_pause_ms, 300, 5_000),
            ("short_pause_machine_ms", self.short_pause_machine_ms, 300, 5_000),
            ("short_pause_human_ms", self.short_pause_human_ms, 300, 5_000),
            ("middle_ms", self.middle_ms, 300, 20_000),
            ("middle_pause_ms", self.middle_pause_ms, 300, 5_000),
            ("long_ms", self.long_ms, 300, 30_000),
            ("long_pause_ms", self.long_pause_ms, 300, 10_000),
            ("phrase_pause_ms", self.phrase_pause_ms, 200, 5_000),
            ("talk_ms", self.talk_ms, 1_000, 60_000),
            ("talk_without_words_ms", self.talk_without_words_ms, 1_000, 60_000),
            ("over_us_ms", self.over_us_ms, 500, 60_000),
            ("no_speech_ms", self.no_speech_ms, 1_000, 60_000),
            ("deadline_ms", self.deadline_ms, 2_000, 60_000),
            ("correction_ms", self.correction_ms, 0, 60_000),
            ("weak_phrases_ms", self.weak_phrases_ms, 0, 60_000),
            ("greeting_end_ms", self.greeting_end_ms, 500, 20_000),
            ("model_percent", self.model_percent.into(), 50, 100),
        ];
        if let Some((name, value, from, to)) =
            ranges.into_iter().find(|(_, value, from, to)| !(*from..=*to).contains(value))
        {
            return Err(SettingsError::Range { name, value, from, to });
        }
        for (less, more, shorter, longer) in [
            (self.short_ms, self.middle_ms, "short_ms", "middle_ms"),
            (self.middle_ms, self.long_ms, "middle_ms", "long_ms"),
            (self.no_speech_ms, self.deadline_ms, "no_speech_ms", "deadline_ms"),
        ] {
            if less >= more {
                return Err(SettingsError::Order { shorter, longer });
            }
        }
        self.cadence.check()?;
        self.wordings().map(|_| ())
    }

    /// One's own phrases, ready.
    pub(crate) fn wordings(&self) -> Result<Vec<Wording>, SettingsError> {
        if self.phrases.len() > MOST_PHRASES {
            return Err(SettingsError::Phrases { count: self.phrases.len() });
        }
        let read = |(place, phrase): (usize, &Phrase)| {
            let fault = |fault| SettingsError::Phrase { place: place + 1, text: phrase.text.clone(), fault };
            if matches!(phrase.class, Class::Silent | Class::Unsure | Class::Tone) {
                return Err(fault(
                    "is of a class that nobody says: give human, voicemail, screening, ivr or carrier",
                ));
            }
            if phrase.text.len() > LONGEST_PHRASE {
                return Err(fault("is longer than 200 bytes"));
            }
            Wording::parse(phrase.class, phrase.strength, &phrase.text)
                .ok_or_else(|| fault("has no word to begin with, ends with a hole, or has more than three holes or two side by side"))
        };
        self.phrases.iter().enumerate().map(read).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_told() {
        assert_eq!(Settings::default().check(), Ok(()));
        let fault = |change: fn(&mut Settings)| {
            let mut settings = Settings::default();
            change(&mut settings);
            settings.check().unwrap_err().to_string()
        };
        assert_eq!(fault(|s| s.short_pause_ms = 10), "short_pause_ms is 10; give 300 to 5000");
        assert_eq!(fault(|s| s.middle_ms = 1_600), "short_ms must be less than middle_ms");
        let phrase = |class, text: &str| Phrase { class, strength: Strength::Strong, text: text.into() };
        let settings = Settings { phrases: vec![phrase(Class::Voicemail, "..")], ..Settings::default() };
        assert!(settings.check().unwrap_err().to_string().starts_with("phrase 1 (\"..\") has no word"));
        let settings = Settings { phrases: vec![phrase(Class::Unsure, "so")], ..Settings::default() };
        assert!(settings.check().unwrap_err().to_string().contains("give human, voicemail"));
    }

    #[test]
    fn settings_are_read_from_json_and_unknown_ones_are_refused() {
        let settings: Settings = serde_json::from_str(
            r#"{"short_pause_ms": 900, "phrases": [{"class": "ivr", "text": "dial in"}]}"#,
        )
        .unwrap();
        assert_eq!((settings.short_pause_ms, settings.middle_ms), (900, 2_600));
        assert_eq!(settings.phrases[0].strength, Strength::Strong);
        assert!(serde_json::from_str::<Settings>(r#"{"short_pause": 900}"#).is_err());
    }

    #[test]
    fn the_old_world_is_understood() {
        let settings = Settings::from_old("2000,2000,1000,5000,120,50,4,256").unwrap();
        assert_eq!(settings.mode, Mode::Cadence);
        assert_eq!(
            (settings.cadence.after_greeting_silence, settings.cadence.maximum_number_of_words),
            (1_000, 4)
        );
        assert_eq!(Settings::from_old("").unwrap().cadence, Cadence::default());
        assert_eq!(Settings::from_old("|||8000").unwrap().cadence.total_analysis_time, 8_000);
        let error = Settings::from_old("2500,x").unwrap_err();
        assert_eq!(error, SettingsError::OldArgument { place: 2, text: "x".into() });
        assert_eq!(
            Settings::from_old("1,2,3,4,5,6,7,8,9,10").unwrap_err(),
            SettingsError::OldArguments { count: 10 }
        );
        let json = r#"{"mode":"cadence","cadence":{"initialSilence":3000,"min_word_length":120}}"#;
        let settings: Settings = serde_json::from_str(json).unwrap();
        assert_eq!((settings.cadence.initial_silence, settings.cadence.min_word_length), (3_000, 120));
        let json = r#"{"mode":"cadence","cadence":"2000,2000,1000"}"#;
        assert_eq!(
            serde_json::from_str::<Settings>(json).unwrap(),
            Settings::from_old("2000,2000,1000").unwrap()
        );
        let error = serde_json::from_str::<Settings>(r#"{"cadence":"2000,soon"}"#).unwrap_err().to_string();
        assert!(error.contains("argument 2 (\"soon\")"), "{error}");
        assert!(serde_json::from_str::<Settings>(r#"{"cadence":{"greetings":1}}"#).is_err());
    }
}
