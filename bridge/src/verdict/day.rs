//! Days in what was said: as dates, as weekdays, and counted from the day of the call.

use jiff::civil::{Date, Weekday};
use jiff::{Span, ToSpan};

use super::words::Words;
use crate::bot::policy::date::read as read_date;
use vox_shared::numerals::{HINDI, ORDINALS};
use vox_shared::spoken::TONGUES;

/// Days ahead, the longer phrases first: "day after tomorrow" is not tomorrow.
const AHEAD: &[(&str, i64)] = &[
    ("day after tomorrow", 2),
    ("a week from today", 7),
    ("today", 0),
    ("tonight", 0),
    ("this evening", 0),
    ("tomorrow", 1),
    ("tommorow", 1),
    ("आज", 0),
    ("कल", 1),
    ("परसों", 2),
    ("aaj", 0),
    ("kal", 1),
    ("parso", 2),
    ("parson", 2),
];
const WEEKDAYS: &[(&[&str], Weekday)] = &[
    (&["monday", "सोमवार", "somwar", "somvar"], Weekday::Monday),
    (&["tuesday", "मंगलवार", "mangalwar", "mangalvar"], Weekday::Tuesday),
    (&["wednesday", "बुधवार", "budhwar", "budhvar"], Weekday::Wednesday),
    (&["thursday", "गुरुवार", "बृहस्पतिवार", "guruwar", "guruvar"], Weekday::Thursday),
    (&["friday", "शुक्रवार", "shukrawar", "shukravar"], Weekday::Friday),
    (&["saturday", "शनिवार", "shaniwar", "shanivar"], Weekday::Saturday),
    (&["sunday", "रविवार", "इतवार", "raviwar", "ravivar", "itwar"], Weekday::Sunday),
];
const OTHER_MONTHS: &[(&str, i8)] = &[
    ("jan", 1),
    ("feb", 2),
    ("mar", 3),
    ("apr", 4),
    ("jun", 6),
    ("jul", 7),
    ("aug", 8),
    ("sep", 9),
    ("sept", 9),
    ("oct", 10),
    ("nov", 11),
    ("dec", 12),
    ("सितम्बर", 9),
    ("अक्तूबर", 10),
    ("नवम्बर", 11),
    ("दिसम्बर", 12),
];

/// The days that a text names. What does not name one day (next week, in a few days) names none.
pub fn days(words: &Words, today: Date) -> Vec<Date> {
    let list = words.list();
    let (mut found, mut place) = (Vec::new(), 0);
    while place < list.len() {
        let (taken, day) = ahead(&list[place..], today)
            .or_else(|| counted(&list[place..], today))
            .or_else(|| named(&list[place..], today))
            .or_else(|| weekday(&list[place..], today))
            .unwrap_or((1, None));
        found.extend(day);
        place += taken;
    }
    found
}

/// A day as a model writes it.
pub fn read(text: &str) -> Option<Date> {
    read_date(text)
}

type Found = Option<(usize, Option<Date>)>;

fn plus(today: Date, days: i64) -> Option<Date> {
    today.checked_add(Span::new().try_days(days).ok()?).ok()
}

fn ahead(list: &[String], today: Date) -> Found {
    AHEAD.iter().find_map(|(phrase, days)| {
        let phrase = Words::of(phrase);
        list.starts_with(phrase.list()).then(|| (phrase.len(), plus(today, *days)))
    })
}

/// "in 3 days", "after five days", "3 din baad".
fn counted(list: &[String], today: Date) -> Found {
    let days = |word: &String| small(word).filter(|n| (1..=60).contains(n));
    match list {
        [word, n, unit, ..]
            if matches!(word.as_str(), "in" | "after" | "within")
                && matches!(unit.as_str(), "days" | "day") =>
        {
            Some((3, plus(today, days(n)?.into())))
        }
        [n, unit, word, ..]
            if matches!(unit.as_str(), "din" | "दिन")
                && matches!(word.as_str(), "baad" | "bad" | "बाद" | "mein" | "में") =>
        {
            Some((3, plus(today, days(n)?.into())))
        }
        _ => None,
    }
}

/// "5 december", "december 5th", "the fifth of december", "5 december 2026", "5th", "5 तारीख".
fn named(list: &[String], today: Date) -> Found {
    let with_year = |month: i8, day: i8, taken: usize| {
        let year = list
            .get(taken)
            .and_then(|word| word.parse::<i16>().ok())
            .filter(|year| (2000..2200).contains(year));
        let date = match year {
            Some(year) => Date::new(year, month, day).ok(),
            None => next(today, |date| date.month() == month && date.day() == day),
        };
        Some((taken + usize::from(year.is_some()), date))
    };
    match list {
        [of, month_of, ..] if month(of).is_some() && day_of_month(month_of).is_some() => {
            with_year(month(of)?, day_of_month(month_of)?, 2)
        }
        [of_day, of, in_month, ..]
            if of == "of" && day_of_month(of_day).is_some() && month(in_month).is_some() =>
        {
            with_year(month(in_month)?, day_of_month(of_day)?, 3)
        }
        [of_day, in_month, ..] if day_of_month(of_day).is_some() && month(in_month).is_some() => {
            with_year(month(in_month)?, day_of_month(of_day)?, 2)
        }
        [tens, ones, rest @ ..]
            if matches!(tens.as_str(), "twenty" | "thirty") && ordinal(ones).is_some_and(|n| n < 10) =>
        {
            let base = if tens == "twenty" { 20 } else { 30 };
            let day = base + ordinal(ones)?;
            match rest {
                [of, in_month, ..] if of == "of" && month(in_month).is_some() => {
                    with_year(month(in_month)?, day, 4)
                }
                [in_month, ..] if month(in_month).is_some() => with_year(month(in_month)?, day, 3),
                _ => Some((2, next(today, |date| date.day() == day))),
            }
        }
        [n, mark, ..] if matches!(mark.as_str(), "तारीख" | "tarikh" | "tareekh") => {
            let day = i8::try_from(small(n)?).ok()?;
            Some((2, next(today, |date| date.day() == day)))
        }
        [word, ..] => {
            let day = ordinal(word)?;
            Some((1, next(today, |date| date.day() == day)))
        }
        [] => None,
    }
}

/// The next day of that name; "next friday" may be the one after, so both ends of that are left open: it names none.
fn weekday(list: &[String], today: Date) -> Found {
    let is = |word: &String| {
        let of = |(names, day): &(&[&str], Weekday)| {
            names.iter().any(|name| Words::of(name).list() == [word.clone()]).then_some(*day)
        };
        WEEKDAYS.iter().find_map(of)
    };
    match list {
        [next, word, ..]
            if matches!(next.as_str(), "next" | "अगले" | "agle" | "last") && is(word).is_some() =>
        {
            Some((2, None))
        }
        [word, ..] => {
            let day = is(word)?;
            Some((1, next(today, |date| date.weekday() == day)))
        }
        [] => None,
    }
}

/// The first day from tomorrow on that is one, within a year.
fn next(today: Date, is_one: impl Fn(Date) -> bool) -> Option<Date> {
    let mut date = today;
    (0..366).find_map(|_| {
        date = date.checked_add(1.day()).ok()?;
        Some(date).filter(|date| is_one(*date))
    })
}

fn month(word: &str) -> Option<i8> {
    let known = TONGUES.into_iter().flat_map(|tongue| tongue.months.into_iter().zip(1..));
    let all = known.chain(OTHER_MONTHS.iter().copied());
    all.into_iter()
        .find(|(name, _)| Words::of(name).list().first().is_some_and(|name| name == word))
        .map(|(_, n)| n)
}

/// A day in front of or behind a month.
fn day_of_month(word: &str) -> Option<i8> {
    ordinal(word).or_else(|| i8::try_from(small(word)?).ok()).filter(|day| (1..=31).contains(day))
}

/// "5th", "fifth".
fn ordinal(word: &str) -> Option<i8> {
    let digits = ["st", "nd", "rd", "th"].iter().find_map(|end| word.strip_suffix(end)?.parse::<i8>().ok());
    let named = || match word {
        "thirtieth" => Some(30),
        // "First" and "second" alone are an order more often than a day.
        "first" | "second" => None,
        _ => (0..).zip(ORDINALS).find(|(n, name)| *n > 0 && *name == word).map(|(n, _)| n),
    };
    digits.or_else(named).filter(|day| (1..=31).contains(day))
}

/// A number below a hundred, in digits or in Hindi.
fn small(word: &str) -> Option<i32> {
    let in_hindi = || (0..).zip(HINDI).find(|(_, name)| Words::of(name).list() == [word]).map(|(n, _)| n);
    let in_english =
        || (0..).zip(vox_shared::numerals::ENGLISH).find(|(_, name)| *name == word).map(|(n, _)| n);
    word.parse().ok().or_else(in_english).or_else(in_hindi)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        // A Friday.
        let today: Date = "2026-11-20".parse().unwrap();
        let found: Vec<String> = days(&Words::of(text), today).iter().map(ToString::to_string).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn days_are_counted_from_the_day_of_the_call() {
        check("I will pay tomorrow", &["2026-11-21"]);
        check("day after tomorrow", &["2026-11-22"]);
        check("मैं परसों दूँगा", &["2026-11-22"]);
        check("kal nahi, aaj", &["2026-11-21", "2026-11-20"]);
        check("in 3 days", &["2026-11-23"]);
        check("paanch din baad", &[]);
        check("5 दिन बाद", &["2026-11-25"]);
        check("on monday", &["2026-11-23"]);
        check("friday", &["2026-11-27"]);
        check("next friday", &[]);
        check("next week", &[]);
    }

    #[test]
    fn dates_are_read() {
        check("on the 5th of December", &["2026-12-05"]);
        check("5 december", &["2026-12-05"]);
        check("December 5th, 2027", &["2027-12-05"]);
        check("twenty fifth of november", &["2026-11-25"]);
        check("पाँच दिसंबर को", &["2026-12-05"]);
        check("the fifth", &["2026-12-05"]);
        check("25 तारीख को", &["2026-11-25"]);
        check("20 november", &["2027-11-20"]);
        check("31 february", &[]);
        check("in the first place", &[]);
    }
}
