//! Days and times of day as callers say them. A day stays what was said ("tomorrow", "tuesday"): the script has no
//! calendar, and the words are what the caller confirms.

use super::matching::word_at;
use super::numbers::{below_hundred, in_words, ordinal, ordinal_in_words};

const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const SHORT_WEEKDAYS: [(&str, &str); 8] = [
    ("mon", "monday"),
    ("tue", "tuesday"),
    ("tues", "tuesday"),
    ("weds", "wednesday"),
    ("thu", "thursday"),
    ("thurs", "thursday"),
    ("fri", "friday"),
    ("wensday", "wednesday"),
];
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Something found in the words: what it is, how it is read aloud, how many words it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spoken {
    pub value: String,
    pub says: String,
    pub length: usize,
}

fn spoken(value: impl Into<String>, says: impl Into<String>, length: usize) -> Option<Spoken> {
    Some(Spoken { value: value.into(), says: says.into(), length })
}

/// The day that begins with word `at`.
pub(super) fn date(words: &[String], at: usize) -> Option<Spoken> {
    let is = |offset: usize, word: &str| words.get(at + offset).is_some_and(|here| here == word);
    if is(0, "day") && is(1, "after") && is(2, "tomorrow") {
        return spoken("the day after tomorrow", "the day after tomorrow", 3);
    }
    if is(0, "today") || is(0, "tonight") {
        return spoken("today", "today", 1);
    }
    if let Some(length) = word_at("tomorrow", words, at) {
        return spoken("tomorrow", "tomorrow", length);
    }
    for which in ["next", "this", "coming"] {
        if is(0, which) {
            let which = if which == "coming" { "this" } else { which };
            if let Some((day, length)) = weekday(words, at + 1) {
                return spoken(format!("{which} {day}"), format!("{which} {}", capital(day)), length + 1);
            }
            return is(1, "week")
                .then(|| spoken(format!("{which} week"), format!("{which} week"), 2))
                .flatten();
        }
    }
    if let Some((day, length)) = weekday(words, at) {
        return spoken(day, format!("on {}", capital(day)), length);
    }
    day_of_month(words, at)
}

fn weekday(words: &[String], at: usize) -> Option<(&'static str, usize)> {
    let whole = WEEKDAYS.iter().find_map(|day| Some((*day, word_at(day, words, at)?)));
    let here = words.get(at)?;
    whole.or_else(|| SHORT_WEEKDAYS.iter().find(|(short, _)| short == here).map(|(_, day)| (*day, 1)))
}

/// `the third of may`, `may third`, `3 may`, `the 21st`.
fn day_of_month(words: &[String], at: usize) -> Option<Spoken> {
    let rest = |offset: usize| words.get(at + offset..).unwrap_or_default();
    let month =
        |offset: usize| words.get(at + offset).and_then(|word| MONTHS.iter().find(|month| *month == word));
    let is = |offset: usize, word: &str| words.get(at + offset).is_some_and(|here| here == word);
    let named = |day: i64, month: &str, length: usize| {
        let value = format!("the {} of {}", ordinal_in_words(day), capital(month));
        (1..=31).contains(&day).then(|| spoken(value.clone(), format!("on {value}"), length)).flatten()
    };
    if let Some(found) = month(0) {
        let skip = if is(1, "the") { 2 } else { 1 };
        let (day, length) = ordinal(rest(skip)).or_else(|| number(rest(skip)))?;
        return named(day, found, skip + length);
    }
    let skip = usize::from(is(0, "the"));
    if let Some((day, length)) = ordinal(rest(skip)) {
        let of = skip + length + usize::from(is(skip + length, "of"));
        if let Some(found) = month(of) {
            return named(day, found, of + 1);
        }
        // "The first available" is no day of the month.
        let followed =
            ["available", "one", "thing", "time", "option", "slot"].iter().any(|w| is(skip + length, w));
        let value = format!("the {}", ordinal_in_words(day));
        return (skip == 1 && !followed && (1..=31).contains(&day))
            .then(|| spoken(value.clone(), format!("on {value}"), skip + length))
            .flatten();
    }
    let (day, length) = number(rest(0))?;
    named(day, month(length)?, length + 1)
}

/// The time of day that begins with word `at`. Without morning or evening a practice's hours are meant: 7 to 11 before
/// noon, 12 to 6 after it.
pub(super) fn time(words: &[String], at: usize) -> Option<Spoken> {
    let here = words.get(at)?.as_str();
    match here {
        "noon" | "midday" => return spoken("12:00", "at noon", 1),
        "midnight" => return spoken("00:00", "at midnight", 1),
        "lunchtime" => return spoken("lunchtime", "at lunchtime", 1),
        _ => {}
    }
    if let Some(clock) = clock(words, at) {
        return Some(clock);
    }
    let part =
        ["morning", "afternoon", "evening"].into_iter().find(|part| word_at(part, words, at).is_some())?;
    let greeting = at > 0 && words[at - 1] == "good";
    (!greeting).then(|| spoken(part, format!("in the {part}"), word_at(part, words, at)?)).flatten()
}

/// A time on the clock, read so far.
struct Clock {
    hour: i64,
    minute: i64,
    length: usize,
    /// Whether the words can be nothing but a time.
    certain: bool,
}

fn clock(words: &[String], at: usize) -> Option<Spoken> {
    let mut clock = past_or_to(words, at).or_else(|| hour_and_minute(words, at))?;
    if words.get(at + clock.length).is_some_and(|word| word == "oclock") {
        clock.length += 1;
        clock.certain = true;
    }
    let part = part_of_day(words, at + clock.length);
    if let Some((_, length)) = part {
        clock.length += length;
        clock.certain = true;
    }
    if !clock.certain && !stands_alone(words, at, clock.length) {
        return None;
    }
    let hour = match (part.map(|(part, _)| part), clock.hour) {
        (Some(Part::Before), 12) => 0,
        (Some(Part::After), 1..=11) | (None, 1..=6) => clock.hour + 12,
        (_, hour) => hour,
    };
    let value = format!("{hour:02}:{:02}", clock.minute);
    spoken(value, read_aloud(hour, clock.minute), clock.length)
}

/// `half past three`, `quarter to four`, `ten past nine`.
fn past_or_to(words: &[String], at: usize) -> Option<Clock> {
    let at_number = if words[at] == "a" { at + 1 } else { at };
    let (minutes, length) = match words.get(at_number)?.as_str() {
        "half" => (30, 1),
        "quarter" => (15, 1),
        _ => number(&words[at_number..]).filter(|(minutes, _)| (1..=29).contains(minutes))?,
    };
    let past = words.get(at_number + length)?;
    let (hour, more) =
        number(words.get(at_number + length + 1..)?).filter(|(hour, _)| (1..=12).contains(hour))?;
    let length = at_number - at + length + 1 + more;
    match past.as_str() {
        "past" | "after" => Some(Clock { hour, minute: minutes, length, certain: true }),
        "to" | "till" if minutes < 30 => {
            let hour = if hour == 1 { 12 } else { hour - 1 };
            Some(Clock { hour, minute: 60 - minutes, length, certain: true })
        }
        _ => None,
    }
}

/// `three`, `three thirty`, `15 30`, `nine oh five`.
fn hour_and_minute(words: &[String], at: usize) -> Option<Clock> {
    let (hour, length) = number(&words[at..]).filter(|(hour, _)| (0..=23).contains(hour))?;
    let after = at + length;
    let oh = words.get(after).is_some_and(|word| word == "oh" || word == "o");
    let minute = number(words.get(after + usize::from(oh)..).unwrap_or_default());
    match minute {
        Some((minute @ 0..=59, more)) if oh || minute >= 10 || words[after].len() == 2 => {
            Some(Clock { hour, minute, length: length + usize::from(oh) + more, certain: true })
        }
        _ => Some(Clock { hour, minute: 0, length, certain: false }),
    }
}

#[derive(Clone, Copy)]
enum Part {
    Before,
    After,
}

fn part_of_day(words: &[String], at: usize) -> Option<(Part, usize)> {
    let word = |offset: usize| words.get(at + offset).map_or("", String::as_str);
    let part = |word: &str| match word {
        "am" | "morning" => Some(Part::Before),
        "pm" | "afternoon" | "evening" | "night" => Some(Part::After),
        _ => None,
    };
    match (word(0), word(1), word(2)) {
        ("in", "the", name) => part(name).map(|part| (part, 3)),
        ("at", "night", _) => Some((Part::After, 2)),
        (name, _, _) => part(name).map(|part| (part, 1)),
    }
}

/// Whether a bare hour here is a time and not some other number: nothing around it, or "at" and its like before it.
fn stands_alone(words: &[String], at: usize, length: usize) -> bool {
    let before = at.checked_sub(1).map_or("", |at| words[at].as_str());
    let after = words.get(at + length).map_or("", String::as_str);
    matches!(before, "at" | "around" | "about" | "by" | "after" | "before")
        || (matches!(
            before,
            "" | "for" | "no" | "say" | "maybe" | "to" | "and" | "then" | "sorry" | "actually" | "mean"
        ) && matches!(after, "" | "please" | "then" | "is" | "works" | "would" | "on" | "if"))
}

/// `at three thirty in the afternoon`.
fn read_aloud(hour: i64, minute: i64) -> String {
    let clock = match (hour % 12, minute) {
        (hour, 0) => in_words(if hour == 0 { 12 } else { hour }),
        (hour, minute) => {
            let oh = if minute < 10 { "oh " } else { "" };
            format!("{} {oh}{}", in_words(if hour == 0 { 12 } else { hour }), in_words(minute))
        }
    };
    match (hour, minute) {
        (12, 0) => "at noon".to_owned(),
        (0, 0) => "at midnight".to_owned(),
        (0..=11, _) => format!("at {clock} in the morning"),
        (12..=17, _) => format!("at {clock} in the afternoon"),
        (18..=21, _) => format!("at {clock} in the evening"),
        _ => format!("at {clock} at night"),
    }
}

fn number(words: &[String]) -> Option<(i64, usize)> {
    let digits = words.first()?.parse().ok().filter(|number| (0..100).contains(number));
    digits.map(|number| (number, 1)).or_else(|| below_hundred(words))
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use vox_shared::model::script::words::words;

    use super::*;

    fn first(said: &str, read: fn(&[String], usize) -> Option<Spoken>) -> Option<Spoken> {
        let words = words(said);
        (0..words.len()).find_map(|at| read(&words, at))
    }

    fn check_date(said: &str, value: &str, says: &str) {
        let found = first(said, date).map(|found| (found.value, found.says));
        assert_eq!(found, Some((value.to_owned(), says.to_owned())), "{said}");
    }

    fn check_time(said: &str, value: &str, says: &str) {
        let found = first(said, time).map(|found| (found.value, found.says));
        assert_eq!(found, Some((value.to_owned(), says.to_owned())), "{said}");
    }

    #[test]
    fn days_are_read() {
        check_date("maybe to morrow", "tomorrow", "tomorrow");
        check_date("the day after tomorrow please", "the day after tomorrow", "the day after tomorrow");
        check_date("Tuesday works", "tuesday", "on Tuesday");
        check_date("next wed nesday", "next wednesday", "next Wednesday");
        check_date("how about thursdays", "thursday", "on Thursday");
        check_date("the third of may", "the third of May", "on the third of May");
        check_date("May 3rd", "the third of May", "on the third of May");
        check_date("on the twenty first", "the twenty first", "on the twenty first");
        assert_eq!(first("the first available", date), None);
        assert_eq!(first("you may come", date), None);
    }

    #[test]
    fn times_are_read() {
        check_time("at three", "15:00", "at three in the afternoon");
        check_time("three thirty", "15:30", "at three thirty in the afternoon");
        check_time("9:05 am", "09:05", "at nine oh five in the morning");
        check_time("half past nine", "09:30", "at nine thirty in the morning");
        check_time("quarter to eleven", "10:45", "at ten forty five in the morning");
        check_time("seven in the evening", "19:00", "at seven in the evening");
        check_time("twelve oclock", "12:00", "at noon");
        check_time("around noon", "12:00", "at noon");
        check_time("in the after noon", "afternoon", "in the afternoon");
        check_time("15:30", "15:30", "at three thirty in the afternoon");
        assert_eq!(first("good morning", time), None);
        assert_eq!(first("two of us", time), None);
    }
}
