//! The words of a language, and which language a text is said in.

use jiff::civil::Date;

use super::{ENGLISH, HINDI};

/// All languages that have spoken forms.
pub static TONGUES: [&Tongue; 2] = [&ENGLISH, &HINDI];

/// How large numbers are grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    /// Thousand, lakh, crore: `1,25,000`.
    Indian,
    /// Thousand, million, billion: `125,000`.
    Western,
}

/// The half of the day that a time names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    Am,
    Pm,
}

/// A time as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// 0 to 23.
    pub hour: u64,
    /// 0 to 59.
    pub minute: u64,
    pub half: Option<Half>,
    /// The text says already which part of the day it is.
    pub is_told: bool,
}

/// Money of a country.
#[derive(Debug)]
pub struct Currency {
    /// Before an amount, in lower case, the longer ones first.
    pub signs: &'static [&'static str],
    /// Behind an amount, as they are written.
    pub codes: &'static [&'static str],
    pub one: &'static str,
    pub many: &'static str,
    /// A hundredth.
    pub small_one: &'static str,
    pub small_many: &'static str,
    pub counting: Counting,
}

/// A unit behind a number.
#[derive(Debug)]
pub struct Unit {
    /// As it is written; capitals matter.
    pub written: &'static str,
    pub one: &'static str,
    pub many: &'static str,
}

/// What an amount is counted in.
#[derive(Debug)]
pub struct Magnitude {
    /// In lower case, a word of its own.
    pub words: &'static [&'static str],
    /// In lower case, right behind the number.
    pub glued: &'static [&'static str],
    pub said: &'static str,
}

/// The words of a language.
#[derive(Debug)]
pub struct Tongue {
    /// Primary language subtag.
    pub tag: &'static str,
    /// A number below a hundred.
    pub below_hundred: fn(u64) -> String,
    /// From the largest down: what a scale is worth, and its word.
    pub indian: &'static [(u64, &'static str)],
    pub western: &'static [(u64, &'static str)],
    /// One and a half, two and a half of a scale, and the word before other halves; empty where they are said as decimals.
    pub halves: [&'static str; 3],
    pub point: &'static str,
    pub minus: &'static str,
    pub plus: &'static str,
    pub percent: &'static str,
    /// Between the ends of a range, with its spaces.
    pub to: &'static str,
    /// Between an amount and its hundredths, with its spaces.
    pub and: &'static str,
    /// A half, a quarter, three quarters.
    pub fractions: [&'static str; 3],
    pub currencies: &'static [Currency],
    /// The longer ones first where one begins like another.
    pub units: &'static [Unit],
    pub magnitudes: &'static [Magnitude],
    pub months: [&'static str; 12],
    /// Signs of an e-mail address.
    pub signs: &'static [(char, &'static str)],
    /// In lower case: digits behind one of them are a code.
    pub of_codes: &'static [&'static str],
    /// In lower case: what may stand between such a word and the digits.
    pub links: &'static [&'static str],
    /// In lower case: four digits behind one of them are a year.
    pub of_years: &'static [&'static str],
    /// In lower case: words that tell the part of the day.
    pub of_days: &'static [&'static str],
    /// What may follow a time and is said with it.
    pub oclock: &'static str,
    pub year: fn(u64) -> String,
    /// The date; with `the` where an article is wanted.
    pub date: fn(Date, bool) -> String,
    pub clock: fn(Clock) -> String,
    /// The n-th, where the language has a word that says it of everything.
    pub ordinal: fn(u64) -> Option<String>,
}

impl Tongue {
    /// The language of this tag.
    pub fn find(language: &str) -> Option<&'static Self> {
        let primary = language.split(['-', '_']).next().unwrap_or_default();
        TONGUES.into_iter().find(|tongue| tongue.tag.eq_ignore_ascii_case(primary))
    }

    /// The scales of a way of counting.
    pub fn scales(&self, counting: Counting) -> &'static [(u64, &'static str)] {
        match counting {
            Counting::Indian => self.indian,
            Counting::Western => self.western,
        }
    }
}

/// How a text is said: in which language, and by which customs.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    pub tongue: &'static Tongue,
    pub counting: Counting,
    /// `12/05/2026` is the fifth of December.
    pub month_first: bool,
}

impl Manner {
    /// Of a text in a bot's language (a tag; empty, `multi` and `auto` where it may be any). The script decides between languages: what
    /// a Hindi bot writes in Latin letters is said in English. `None` where there are no words for it.
    pub fn of(language: &str, text: &[char]) -> Option<Self> {
        let primary = language.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
        let is_any = matches!(primary.as_str(), "" | "multi" | "auto");
        let is_hindi = primary == HINDI.tag;
        if !is_any && Tongue::find(&primary).is_none() {
            return None;
        }
        let letters = || text.iter().copied().filter(|c| c.is_alphabetic());
        let is_latin = |c: char| c <= '\u{24F}' || ('\u{1E00}'..='\u{1EFF}').contains(&c);
        let tongue = match (letters().any(is_devanagari), letters().next()) {
            (true, _) if is_any || is_hindi => &HINDI,
            (false, None) if is_hindi => &HINDI,
            (false, _) if letters().all(is_latin) => &ENGLISH,
            _ => return None,
        };
        let region = language.split(['-', '_']).nth(1).unwrap_or_default();
        let is_indian = is_hindi || region.eq_ignore_ascii_case("IN");
        Some(Self {
            tongue,
            counting: if is_indian { Counting::Indian } else { Counting::Western },
            month_first: region.eq_ignore_ascii_case("US"),
        })
    }
}

/// A letter or sign of Hindi's script.
pub(super) fn is_devanagari(c: char) -> bool {
    matches!(c, '\u{900}'..='\u{963}' | '\u{970}'..='\u{97F}')
}
