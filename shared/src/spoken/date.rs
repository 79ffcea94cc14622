//! Dates in words.

use jiff::civil::Date;

use super::tongue::Tongue;

/// `the twentieth of November two thousand twenty-six`, `बीस नवंबर दो हज़ार छब्बीस`.
pub fn date_in_words(date: Date, tongue: &Tongue) -> String {
    (tongue.date)(date, true)
}

/// The month's name.
pub(super) fn month(date: Date, months: &[&'static str; 12]) -> &'static str {
    months[usize::from(date.month().unsigned_abs()).saturating_sub(1) % months.len()]
}

/// The day of the month.
pub(super) fn day(date: Date) -> u64 {
    date.day().unsigned_abs().into()
}

/// The year, as dates of this era have it.
pub(super) fn year(date: Date) -> u64 {
    date.year().unsigned_abs().into()
}
