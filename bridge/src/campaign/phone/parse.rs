//! Digits as the number that is meant. The steps are those of the library that the plans are from (libphonenumber), as far as lists of
//! numbers need them; `forms.tsv` holds this to it.

use vox_shared::phone::Number;

use super::plan::{Plan, of_code, of_region};
use super::{Phone, PhoneFault};

/// Longest country code, digits.
const MAX_CODE: usize = 3;
/// Digits of a national number, at least and at most.
const NATIONAL: std::ops::RangeInclusive<usize> = 2..=17;

/// How long a number is for its country.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Length {
    Possible,
    Local,
    TooShort,
    TooLong,
    Other,
}

/// Read digits, perhaps with a `+` before them.
pub(super) fn parse(digits: &str, region: Option<&str>) -> Result<Phone, PhoneFault> {
    let home = region.and_then(of_region);
    let (plan, national) = match digits.strip_prefix('+') {
        Some(abroad) => split_code(abroad).ok_or(PhoneFault::InvalidNumber)?,
        None => at_home(digits, home.ok_or(PhoneFault::NoCountry)?)?,
    };
    let code = plan.code;
    let stripped = without_trunk(&national, plan);
    let national = match length(&stripped, plan) {
        Length::TooShort | Length::Local | Length::Other => national,
        Length::Possible | Length::TooLong => stripped,
    };
    if !NATIONAL.contains(&national.len()) {
        return Err(PhoneFault::InvalidNumber);
    }
    let (plan, kind) = of_code(code)
        .find_map(|plan| belongs(&national, plan, code).map(|kind| (plan, kind)))
        .ok_or(PhoneFault::InvalidNumber)?;
    let kind = kind.ok_or(PhoneFault::InvalidNumber)?;
    let number: Number = format!("+{code}{national}").parse().map_err(|_| PhoneFault::InvalidNumber)?;
    Ok(Phone { number, region: plan.region, kind })
}

/// Whether a number is a country's: `Some` of its kind, which is none for first digits of the country's own that go on wrongly.
fn belongs(national: &str, plan: &'static Plan, code: &str) -> Option<Option<super::Kind>> {
    let is_only = of_code(code).nth(1).is_none();
    if is_only || plan.leading.is_empty() {
        plan.kind(national).map(Some)
    } else {
        plan.leading.ends(national).map(|_| plan.kind(national))
    }
}

/// Digits after a `+`, or after what is dialled before a number abroad: the main country of the code, and the rest.
fn split_code(digits: &str) -> Option<(&'static Plan, String)> {
    if digits.starts_with('0') {
        return None;
    }
    let known = |length: usize| {
        let (code, rest) = digits.split_at_checked(length)?;
        Some((of_code(code).next()?, rest.to_owned()))
    };
    (1..=MAX_CODE).find_map(known)
}

/// Digits as they are dialled in a country. With a code before them they are the code's main country's, else this one's.
fn at_home(digits: &str, home: &'static Plan) -> Result<(&'static Plan, String), PhoneFault> {
    if let Some(abroad) = home.abroad.ends(digits).and_then(|end| digits.get(end..)) {
        // No country's code begins with 0: those digits are a number at home that begins like this.
        if !abroad.starts_with('0') && !abroad.is_empty() {
            return split_code(abroad).ok_or(PhoneFault::InvalidNumber);
        }
    }
    if let Some(rest) = digits.strip_prefix(home.code) {
        let stripped = without_trunk(rest, home);
        let is_better = !home.general.is(digits) && home.general.is(&stripped);
        if is_better || length(digits, home) == Length::TooLong {
            return Ok((of_code(home.code).next().unwrap_or(home), stripped));
        }
    }
    Ok((home, digits.to_owned()))
}

/// A national number without what is dialled before it at home.
fn without_trunk(national: &str, plan: &Plan) -> String {
    let Some(found) = plan.trunk.begins(national) else { return national.to_owned() };
    let end = found.get(0).map_or(0, |whole| whole.end());
    let last = found.len() - 1;
    let has_last_group = last > 0 && found.get(last).is_some();
    let rest = &national[end..];
    let without = if plan.transform.is_empty() || (last > 0 && !has_last_group) {
        rest.to_owned()
    } else {
        let mut text = String::new();
        let mut parts = plan.transform.split('\\');
        text.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let (group, after) = part.split_at(1);
            let group = group.parse().ok().and_then(|group| found.get(group));
            text.push_str(group.map_or("", |group| group.as_str()));
            text.push_str(after);
        }
        text + rest
    };
    if plan.general.is(national) && !plan.general.is(&without) { national.to_owned() } else { without }
}

fn length(national: &str, plan: &Plan) -> Length {
    let length = national.len();
    let (Some(least), Some(most)) = (plan.lengths.first(), plan.lengths.last()) else { return Length::Other };
    match length {
        _ if plan.local.contains(&length) => Length::Local,
        _ if plan.lengths.contains(&length) => Length::Possible,
        _ if length < *least => Length::TooShort,
        _ if length > *most => Length::TooLong,
        _ => Length::Other,
    }
}
