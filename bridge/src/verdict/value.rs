//! Whether a value was said. It must be in the words that are quoted, and in the whole utterance as well: a piece of a number is
//! another number.

use jiff::civil::Date;
use vox_shared::model::bot::{OutcomeField, OutcomeFieldKind};

use super::words::Words;
use super::{day, number};
use crate::store::calls::analysis::Doubt;

/// The words that a value is to be in.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    pub quote: &'a Words,
    pub utterance: &'a Words,
    /// The day of the call.
    pub day: Date,
}

/// The value in the form of its type, if it was said.
pub fn proven(field: &OutcomeField, value: &str, said: Said<'_>) -> Result<String, Doubt> {
    match field.kind {
        OutcomeFieldKind::Amount | OutcomeFieldKind::Number => {
            let wanted = number::read(value).ok_or(Doubt::BadValue)?;
            in_both(said, |words| number::numbers(words).contains(&wanted))?;
            Ok(written(wanted))
        }
        OutcomeFieldKind::Date => {
            let wanted = day::read(value).ok_or(Doubt::BadValue)?;
            in_both(said, |words| day::days(words, said.day).contains(&wanted))?;
            Ok(wanted.to_string())
        }
        OutcomeFieldKind::Text => {
            let wanted = Words::of(value);
            if wanted.is_empty() {
                return Err(Doubt::BadValue);
            }
            in_both(said, |words| words.holds(&wanted))?;
            Ok(value.trim().to_owned())
        }
        OutcomeFieldKind::Choice => {
            let words = field.choices.get(value).ok_or(Doubt::BadValue)?;
            let any: Vec<Words> = words.iter().map(|text| Words::of(text)).collect();
            in_both(said, |words| words.any(&any).is_some())?;
            Ok(value.to_owned())
        }
    }
}

fn in_both(said: Said<'_>, is_in: impl Fn(&Words) -> bool) -> Result<(), Doubt> {
    if is_in(said.quote) && is_in(said.utterance) { Ok(()) } else { Err(Doubt::ValueNotSaid) }
}

fn written(hundredths: i64) -> String {
    match (hundredths / 100, hundredths % 100) {
        (whole, 0) => whole.to_string(),
        (whole, rest) => format!("{whole}.{rest:02}"),
    }
}
