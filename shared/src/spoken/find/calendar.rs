//! Dates and times: `2026-12-05`, `05/12/2026`, `5th December`, `Dec 5, 2026`, `10:30 am`, `7-9pm`.

use jiff::civil::Date;

use super::{Found, Reader};
use crate::spoken::tongue::{Clock, Half};

/// Behind a day in English.
const SUFFIXES: [&str; 4] = ["st", "nd", "rd", "th"];

impl Reader<'_> {
    pub(super) fn numeric_date(&self, at: usize) -> Option<Found> {
        let (one, to) = self.digits(at)?;
        let sign = self.get(to).filter(|c| matches!(c, '/' | '-' | '.'))?;
        let (two, to) = self.digits(to + 1)?;
        let (three, to) = self.digits(to + 1).filter(|_| self.get(to) == Some(sign))?;
        let goes_on = self.get(to) == Some(sign) && self.digit(to + 1).is_some();
        if !self.ends(to) || goes_on {
            return None;
        }
        let (year, month, day) = match (one.len(), two.len(), three.len()) {
            (4, 1 | 2, 1 | 2) if sign != '.' => (one, two, three),
            (1 | 2, 1 | 2, 4) if sign == '/' && self.manner.month_first => (three, one, two),
            (1 | 2, 1 | 2, 4) => (three, two, one),
            (1 | 2, 1 | 2, 2) if sign == '/' && self.manner.month_first => (format!("20{three}"), one, two),
            (1 | 2, 1 | 2, 2) if sign == '/' => (format!("20{three}"), two, one),
            _ => return None,
        };
        let date = Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()?;
        Some(Found::said(to, (self.manner.tongue.date)(date, self.wants_article(at))))
    }

    /// `December 5, 2026`.
    pub(super) fn month_and_day(&self, at: usize) -> Option<Found> {
        let (month, to) = self.month(at)?;
        let (day, to) = self.day(self.past_space(to))?;
        let (year, to) = self.year_behind(to);
        let day = (self.manner.tongue.ordinal)(day)?;
        Some(Found::said(to, format!("{month} {day}{year}")))
    }

    /// `5 December 2026`, `5th of December`.
    pub(super) fn day_and_month(&self, at: usize) -> Option<Found> {
        let (day, to) = self.day(at)?;
        let begin = self.past_space(to);
        let begin = self.goes_on(begin, "of ").unwrap_or(begin);
        let (month, to) = self.month(begin).filter(|_| begin > to)?;
        let (year, to) = self.year_behind(to);
        let article = if self.wants_article(at) { "the " } else { "" };
        let day = (self.manner.tongue.ordinal)(day)?;
        Some(Found::said(to, format!("{article}{day} of {month}{year}")))
    }

    fn wants_article(&self, at: usize) -> bool {
        self.word_before(at).is_none_or(|(word, _)| word != "the")
    }

    /// A month's name, whole or short, that begins with a capital: "may" is a word too.
    fn month(&self, at: usize) -> Option<(&'static str, usize)> {
        let (word, to) = self.word(at).filter(|_| self.get(at).is_some_and(char::is_uppercase))?;
        let is_month = |month: &&&'static str| {
            let month = month.to_lowercase();
            word == month
                || (word.len() == 3 && month.starts_with(&word))
                || (word == "sept" && month == "september")
        };
        let month = self.manner.tongue.months.iter().find(is_month)?;
        let is_short = word.len() < month.len();
        let to = if is_short { self.goes_on(to, ".").unwrap_or(to) } else { to };
        Some((month, to))
    }

    /// A day of a month, and nothing else that begins like one.
    fn day(&self, at: usize) -> Option<(u64, usize)> {
        let (digits, to) = self.digits(at).filter(|(digits, _)| digits.len() <= 2)?;
        let to = SUFFIXES.iter().find_map(|suffix| self.goes_on(to, suffix)).unwrap_or(to);
        let goes_on = matches!(self.get(to), Some(':' | '%' | '/'))
            || (matches!(self.get(to), Some('.' | ',' | '-' | '–')) && self.digit(to + 1).is_some());
        let day = digits.parse().ok().filter(|day| (1..=31).contains(day))?;
        (self.ends(to) && !goes_on).then_some((day, to))
    }

    /// The year behind a date with its space, or nothing.
    fn year_behind(&self, at: usize) -> (String, usize) {
        let begin = self.past_space(self.goes_on(at, ",").unwrap_or(at));
        let year = self.digits(begin).filter(|(digits, to)| {
            let goes_on =
                matches!(self.get(*to), Some(',' | '.' | ':' | '-')) && self.digit(to + 1).is_some();
            digits.len() == 4 && begin > at && self.ends(*to) && !goes_on
        });
        let year = year.and_then(|(digits, to)| Some((digits.parse().ok()?, to)));
        year.filter(|(year, _)| (1100..2200).contains(year))
            .map_or((String::new(), at), |(year, to)| (format!(" {}", (self.manner.tongue.year)(year)), to))
    }

    /// `10:30`, `10.30 am`, `10 a.m.`, and from one to another.
    pub(super) fn time(&self, at: usize) -> Option<Found> {
        let tongue = self.manner.tongue;
        if let Some((first, to)) = self.clock(at) {
            let second = self.past_stroke(to).and_then(|begin| self.clock(begin));
            let (words, to) = match second {
                Some((second, to)) => {
                    (format!("{}{}{}", (tongue.clock)(first), tongue.to, (tongue.clock)(second)), to)
                }
                None => ((tongue.clock)(first), to),
            };
            return Some(Found::said(self.past_oclock(to), words));
        }
        // "7-9 pm": the half belongs to both.
        let (hour, to) = self.hour(at)?;
        let (second, to) = self.clock(self.past_stroke(to)?).filter(|(second, _)| second.half.is_some())?;
        let from = (tongue.below_hundred)(hour);
        Some(Found::said(to, format!("{from}{}{}", tongue.to, (tongue.clock)(second))))
    }

    fn hour(&self, at: usize) -> Option<(u64, usize)> {
        let (digits, to) = self.digits(at).filter(|(digits, _)| digits.len() <= 2)?;
        let hour: u64 = digits.parse().ok()?;
        (hour < 24).then_some((hour, to))
    }

    fn clock(&self, at: usize) -> Option<(Clock, usize)> {
        let (hour, after_hour) = self.hour(at)?;
        let is_told =
            self.word_before(at).is_some_and(|(word, _)| self.manner.tongue.of_days.contains(&word.as_str()));
        let sign = self.get(after_hour);
        let minute = matches!(sign, Some(':' | '.')).then(|| self.digits(after_hour + 1)).flatten();
        let minute = minute.filter(|(digits, _)| digits.len() == 2);
        let minute = minute.and_then(|(digits, to)| Some((digits.parse().ok().filter(|m| *m < 60)?, to)));
        let (minute, to) = minute.unwrap_or((0, after_hour));
        let half = self.half(to).filter(|_| (1..=12).contains(&hour));
        // Hours alone and points are times only with a half.
        if half.is_none() && (to == after_hour || sign != Some(':')) {
            return None;
        }
        let has_seconds = self.get(to) == Some(':') && self.digit(to + 1).is_some();
        let to = half.map_or(to, |(_, to)| to);
        let clock = Clock { hour, minute, half: half.map(|(half, _)| half), is_told };
        (self.ends(to) && !has_seconds).then_some((clock, to))
    }

    fn half(&self, at: usize) -> Option<(Half, usize)> {
        let begin = self.past_space(at);
        let half = match self.get(begin)? {
            'a' | 'A' => Half::Am,
            'p' | 'P' => Half::Pm,
            _ => return None,
        };
        let is_dotted = self.get(begin + 1) == Some('.');
        let to = self.goes_on(begin + 1 + usize::from(is_dotted), "m").filter(|to| self.ends(*to))?;
        // Its last point may be the sentence's too.
        let is_last = self.text.get(to + 1..).is_none_or(|rest| rest.iter().all(|c| c.is_whitespace()));
        let has_point = is_dotted && self.get(to) == Some('.') && !is_last;
        Some((half, to + usize::from(has_point)))
    }

    fn past_oclock(&self, to: usize) -> usize {
        let behind = self.goes_on(self.past_space(to), self.manner.tongue.oclock);
        behind.filter(|to| self.ends(*to)).unwrap_or(to)
    }
}
