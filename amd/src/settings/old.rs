//! The figures of a PBX's `AMD()`, by their names there and with its defaults (Asterisk, `amd.conf`; VICIdial uses the same).

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::SettingsError;

/// Lengths of words and pauses, milliseconds. Names as in `amd.conf`, and as in the dialplan's variables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cadence {
    /// Silence at the beginning: a machine.
    #[serde(alias = "initialSilence")]
    pub initial_silence: u32,
    /// A greeting as long as this: a machine.
    pub greeting: u32,
    /// Silence after a greeting: a person.
    #[serde(alias = "afterGreetingSilence")]
    pub after_greeting_silence: u32,
    /// After so long nothing is certain.
    #[serde(alias = "totalAnalysisTime")]
    pub total_analysis_time: u32,
    /// Sound this long is a word.
    #[serde(alias = "minimum_word_length", alias = "minimumWordLength")]
    pub min_word_length: u32,
    /// Silence this long parts two words.
    #[serde(alias = "betweenWordsSilence")]
    pub between_words_silence: u32,
    /// More words than this: a machine.
    #[serde(alias = "maximumNumberOfWords")]
    pub maximum_number_of_words: u32,
    /// A frame whose mean magnitude is less is silent (16-bit samples).
    #[serde(alias = "silenceThreshold")]
    pub silence_threshold: u32,
    /// A word longer than this: a machine.
    #[serde(alias = "maximumWordLength")]
    pub maximum_word_length: u32,
}

impl Default for Cadence {
    fn default() -> Self {
        Self {
            initial_silence: 2_500,
            greeting: 1_500,
            after_greeting_silence: 800,
            total_analysis_time: 5_000,
            min_word_length: 100,
            between_words_silence: 50,
            maximum_number_of_words: 2,
            silence_threshold: 256,
            maximum_word_length: 5_000,
        }
    }
}

impl Cadence {
    fn fields(&mut self) -> [&mut u32; 9] {
        [
            &mut self.initial_silence,
            &mut self.greeting,
            &mut self.after_greeting_silence,
            &mut self.total_analysis_time,
            &mut self.min_word_length,
            &mut self.between_words_silence,
            &mut self.maximum_number_of_words,
            &mut self.silence_threshold,
            &mut self.maximum_word_length,
        ]
    }

    pub(super) fn parse(arguments: &str) -> Result<Self, SettingsError> {
        let mut cadence = Self::default();
        if arguments.trim().is_empty() {
            return Ok(cadence);
        }
        let given: Vec<&str> = arguments.split([',', '|']).map(str::trim).collect();
        let fields = cadence.fields();
        if given.len() > fields.len() {
            return Err(SettingsError::OldArguments { count: given.len() });
        }
        for (i, (field, text)) in fields.into_iter().zip(given).enumerate() {
            if !text.is_empty() {
                *field = text
                    .parse()
                    .map_err(|_| SettingsError::OldArgument { place: i + 1, text: text.to_owned() })?;
            }
        }
        Ok(cadence)
    }

    pub(super) fn check(&self) -> Result<(), SettingsError> {
        let ranges = [
            ("cadence.initial_silence", self.initial_silence, 100, 60_000),
            ("cadence.greeting", self.greeting, 100, 60_000),
            ("cadence.after_greeting_silence", self.after_greeting_silence, 100, 60_000),
            ("cadence.total_analysis_time", self.total_analysis_time, 500, 60_000),
            ("cadence.min_word_length", self.min_word_length, 20, 5_000),
            ("cadence.between_words_silence", self.between_words_silence, 20, 5_000),
            ("cadence.maximum_number_of_words", self.maximum_number_of_words, 1, 100),
            ("cadence.silence_threshold", self.silence_threshold, 1, 32_767),
            ("cadence.maximum_word_length", self.maximum_word_length, 100, 60_000),
        ];
        let bad = ranges.into_iter().find(|(_, value, from, to)| !(*from..=*to).contains(value));
        bad.map_or(Ok(()), |(name, value, from, to)| Err(SettingsError::Range { name, value, from, to }))
    }
}

/// By their names, or as the arguments of a dialplan's line.
pub(super) fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Cadence, D::Error> {
    from.deserialize_any(Given)
}

struct Given;

impl<'de> Visitor<'de> for Given {
    type Value = Cadence;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("the figures of AMD() by their names, or its arguments as one text")
    }

    fn visit_str<E: Error>(self, arguments: &str) -> Result<Cadence, E> {
        Cadence::parse(arguments).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Cadence, A::Error> {
        Cadence::deserialize(MapAccessDeserializer::new(fields))
    }
}
