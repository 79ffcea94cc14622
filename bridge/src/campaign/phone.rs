//! Numbers of lists: what people, spreadsheets and CRMs write, as the one number that is meant, or why none is. What a number may look
//! like is told by the numbering plans of all countries (`plans.tsv`, made by `scripts/phone-data.py`).

mod clean;
mod parse;
mod plan;

use serde::{Deserialize, Serialize};
use vox_shared::phone::Number;

/// What kind of line a number has, as far as its digits say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PhoneKind)]
pub enum Kind {
    Fixed,
    Mobile,
    /// The country does not tell them apart.
    FixedOrMobile,
    TollFree,
    Premium,
    SharedCost,
    Voip,
    Personal,
    Pager,
    /// One number of a company for all its places.
    Company,
    Voicemail,
}

impl Kind {
    /// Whether a list may have it: no bot rings what costs extra, and nobody speaks on a pager.
    fn may_be_called(self) -> bool {
        !matches!(self, Self::Premium | Self::SharedCost | Self::Pager | Self::Voicemail)
    }
}

/// A number that can be rung.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phone {
    /// E.164, with its `+`.
    pub number: Number,
    /// The country, two letters; `001` for those of none.
    pub region: &'static str,
    pub kind: Kind,
}

/// Why a cell has no number that can be rung.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum PhoneFault {
    #[error("the cell is empty")]
    NoPhone,
    #[error(
        "a spreadsheet rounded the number and its last digits are lost: format the column as text and export it again"
    )]
    DamagedBySpreadsheet,
    #[error("an e-mail address, not a number")]
    Email,
    #[error("letters are not dialled: write digits only, without an extension")]
    Letters,
    #[error("two numbers in one cell: give each a column of its own")]
    TwoNumbers,
    #[error("the country is not known: write + and the country code, or set the campaign's `region`")]
    NoCountry,
    #[error("no number of that country looks like this")]
    InvalidNumber,
    #[error(
        "numbers of this kind are not rung: premium, shared cost, pager, voicemail, or a series that only calls"
    )]
    NotCallable,
}

impl PhoneFault {
    /// The code in error files and reports.
    pub fn code(self) -> &'static str {
        match self {
            Self::NoPhone => "no_phone",
            Self::DamagedBySpreadsheet => "damaged_by_spreadsheet",
            Self::Email => "email",
            Self::Letters => "letters",
            Self::TwoNumbers => "two_numbers",
            Self::NoCountry => "no_country",
            Self::InvalidNumber => "invalid_number",
            Self::NotCallable => "not_callable",
        }
    }
}

/// Indian series that call and are never rung: promotion, and service or transactions of finance.
const ONLY_CALL: [&str; 2] = ["+91140", "+911600"];

/// Read a cell. `region` is the country of numbers without a country code.
pub fn read(text: &str, region: Option<&str>) -> Result<Phone, PhoneFault> {
    let digits = clean::digits(text)?;
    let phone = parse::parse(&digits, region)?;
    let only_calls = ONLY_CALL.iter().any(|series| phone.number.as_str().starts_with(series));
    if phone.kind.may_be_called() && !only_calls { Ok(phone) } else { Err(PhoneFault::NotCallable) }
}

/// The country of a number in E.164, as far as it has one.
pub fn region_of(number: &Number) -> Option<&'static str> {
    parse::parse(number.as_str(), None).ok().map(|phone| phone.region)
}

/// Whether a country of that name has numbers.
pub fn is_known_region(region: &str) -> bool {
    plan::of_region(region).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, region: &str, expected: Result<&str, PhoneFault>) {
        let read = read(text, Some(region).filter(|region| !region.is_empty()));
        assert_eq!(
            read.as_ref().map(|phone| phone.number.as_str()).map_err(|fault| *fault),
            expected,
            "{text:?}"
        );
    }

    #[test]
    fn what_lists_have_is_read_or_refused_with_a_reason() {
        check("+33142764978", "US", Ok("+33142764978"));
        check("+97233142764978", "US", Err(PhoneFault::InvalidNumber));
        check("78005553535", "RU", Ok("+78005553535"));
        check("+3367a829916", "FR", Err(PhoneFault::Letters));
        check("٩٨٧٦٥٤٣٢١٠", "IN", Ok("+919876543210"));
        check("९८७६५४३२१०", "IN", Ok("+919876543210"));
        check("919876543210", "IN", Ok("+919876543210"));
        check("09876543210", "IN", Ok("+919876543210"));
        check("0032 2 551 12 11", "FR", Ok("+3225511211"));
        check("011 44 20 7946 0958", "US", Ok("+442079460958"));
        check("+44 (0)20 7946 0958", "", Ok("+442079460958"));
        check("'+14155552671", "", Ok("+14155552671"));
        check("\u{feff}+1\u{a0}415\u{200b}555 2671", "", Ok("+14155552671"));
        check("4155552671.0", "US", Ok("+14155552671"));
        check("+14155552671.0", "", Ok("+14155552671"));
        check("3090227060,00", "DE", Ok("+493090227060"));
        check("=\"04155552671\"", "US", Err(PhoneFault::InvalidNumber));
        check("=\"9876543210\"", "IN", Ok("+919876543210"));
        check("=9876543210", "IN", Err(PhoneFault::InvalidNumber));
        check("030/90227060", "DE", Ok("+493090227060"));
        check("(415) 555‑2671", "US", Ok("+14155552671"));
        check("４１５５５５２６７１", "US", Ok("+14155552671"));
        check("9.18E+11", "IN", Err(PhoneFault::DamagedBySpreadsheet));
        check("9,18e11", "DE", Err(PhoneFault::DamagedBySpreadsheet));
        check("1-800-FLOWERS", "US", Err(PhoneFault::Letters));
        check("+1 415 555 2671 ext. 9", "US", Err(PhoneFault::Letters));
        check("anna@example.com", "US", Err(PhoneFault::Email));
        check("4155552671 / 4155552672", "US", Err(PhoneFault::TwoNumbers));
        check("+14155552671; +14155552672", "US", Err(PhoneFault::TwoNumbers));
        check("+14155552671 +14155552672", "US", Err(PhoneFault::TwoNumbers));
        check("4155552671", "", Err(PhoneFault::NoCountry));
        check("4155552671", "XX", Err(PhoneFault::NoCountry));
        check("", "US", Err(PhoneFault::NoPhone));
        check(" \u{a0}", "US", Err(PhoneFault::NoPhone));
        check("-", "US", Err(PhoneFault::NoPhone));
        check("112", "DE", Err(PhoneFault::InvalidNumber));
        check("#123*", "DE", Err(PhoneFault::InvalidNumber));
        check("+19002345678", "US", Err(PhoneFault::NotCallable));
        check("1600123456", "IN", Err(PhoneFault::NotCallable));
        check(&"4".repeat(5_000), "US", Err(PhoneFault::InvalidNumber));
    }

    /// Ways to write numbers of 54 countries, and what the package that the plans are from makes of each. The figure that the import
    /// is held to is no difference.
    #[test]
    fn numbers_are_read_as_by_the_library_of_reference() {
        let forms = include_str!("phone/forms.tsv").lines().filter(|line| !line.starts_with('#'));
        let (mut read, mut different) = (0, Vec::new());
        for line in forms {
            let mut cells = line.split('\t');
            let (region, text, expected) =
                (cells.next().unwrap(), cells.next().unwrap(), cells.next().unwrap());
            let seen = clean::digits(text).and_then(|digits| parse::parse(&digits, Some(region)));
            let seen = seen.map_or("-".to_owned(), |phone| {
                let kind = serde_json::to_value(phone.kind).unwrap();
                format!("{} {} {}", phone.number, phone.region, kind.as_str().unwrap())
            });
            read += 1;
            // The package takes a few German numbers that are longer than E.164 allows, and that nobody can dial from abroad.
            let is_too_long = expected.split(' ').next().is_some_and(|number| number.len() > 16);
            let expected = if is_too_long { "-" } else { expected };
            if seen != expected {
                different.push(format!("{line}: {seen}"));
            }
        }
        assert!(read > 12_000, "{read}");
        assert!(
            different.is_empty(),
            "{} of {read}: {:#?}",
            different.len(),
            &different[..different.len().min(20)]
        );
    }
}
