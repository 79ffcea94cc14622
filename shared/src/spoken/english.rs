//! English.

use jiff::civil::Date;

use super::date::{day, month, year};
use super::number::in_words;
use super::tongue::{Clock, Counting, Currency, Half, Magnitude, Tongue, Unit};
use crate::numerals;

pub static ENGLISH: Tongue = Tongue {
    tag: "en",
    below_hundred,
    indian: &[(10_000_000, "crore"), (100_000, "lakh"), (1_000, "thousand"), (100, "hundred")],
    western: &[
        (1_000_000_000_000, "trillion"),
        (1_000_000_000, "billion"),
        (1_000_000, "million"),
        (1_000, "thousand"),
        (100, "hundred"),
    ],
    halves: ["", "", ""],
    point: "point",
    minus: "minus",
    plus: "plus",
    percent: "percent",
    to: " to ",
    and: " and ",
    fractions: ["one half", "one quarter", "three quarters"],
    currencies: &CURRENCIES,
    units: &UNITS,
    magnitudes: &MAGNITUDES,
    months: MONTHS,
    signs: &[('@', "at"), ('.', "dot"), ('_', "underscore"), ('-', "dash"), ('+', "plus")],
    of_codes: &[
        "code",
        "pin",
        "otp",
        "password",
        "passcode",
        "id",
        "number",
        "no",
        "account",
        "ticket",
        "reference",
        "ref",
        "order",
        "booking",
        "confirmation",
        "extension",
        "room",
        "flight",
        "invoice",
        "policy",
        "ending",
    ],
    links: &["is", "in", "with", "the", "your", "number", "no"],
    of_years: &["in", "since", "year", "from", "until", "till", "by", "born", "before", "after", "to", "and"],
    of_days: &[],
    oclock: "o'clock",
    year: year_in_words,
    date,
    clock,
    ordinal: |number| Some(ordinal(number)),
};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

static CURRENCIES: [Currency; 4] = [
    Currency {
        signs: &["₹", "rs.", "rs", "inr"],
        codes: &["₹", "INR", "/-"],
        one: "rupee",
        many: "rupees",
        small_one: "paisa",
        small_many: "paise",
        counting: Counting::Indian,
    },
    Currency {
        signs: &["us$", "usd", "$"],
        codes: &["USD", "$"],
        one: "dollar",
        many: "dollars",
        small_one: "cent",
        small_many: "cents",
        counting: Counting::Western,
    },
    Currency {
        signs: &["€", "eur"],
        codes: &["€", "EUR"],
        one: "euro",
        many: "euros",
        small_one: "cent",
        small_many: "cents",
        counting: Counting::Western,
    },
    Currency {
        signs: &["£", "gbp"],
        codes: &["£", "GBP"],
        one: "pound",
        many: "pounds",
        small_one: "penny",
        small_many: "pence",
        counting: Counting::Western,
    },
];

static MAGNITUDES: [Magnitude; 6] = [
    Magnitude { words: &["lakh", "lakhs", "lac", "lacs"], glued: &["l"], said: "lakh" },
    Magnitude { words: &["crore", "crores", "cr"], glued: &["cr"], said: "crore" },
    Magnitude { words: &["thousand"], glued: &["k"], said: "thousand" },
    Magnitude { words: &["million", "mn"], glued: &["m", "mn"], said: "million" },
    Magnitude { words: &["billion", "bn"], glued: &["b", "bn"], said: "billion" },
    Magnitude { words: &["trillion"], glued: &[], said: "trillion" },
];

const fn unit(written: &'static str, one: &'static str, many: &'static str) -> Unit {
    Unit { written, one, many }
}

static UNITS: [Unit; 34] = [
    unit("km/h", "kilometre per hour", "kilometres per hour"),
    unit("kmph", "kilometre per hour", "kilometres per hour"),
    unit("mph", "mile per hour", "miles per hour"),
    unit("kWh", "kilowatt hour", "kilowatt hours"),
    unit("kW", "kilowatt", "kilowatts"),
    unit("km", "kilometre", "kilometres"),
    unit("kg", "kilogram", "kilograms"),
    unit("cm", "centimetre", "centimetres"),
    unit("mm", "millimetre", "millimetres"),
    unit("ml", "millilitre", "millilitres"),
    unit("mL", "millilitre", "millilitres"),
    unit("mg", "milligram", "milligrams"),
    unit("ms", "millisecond", "milliseconds"),
    unit("GB", "gigabyte", "gigabytes"),
    unit("MB", "megabyte", "megabytes"),
    unit("KB", "kilobyte", "kilobytes"),
    unit("TB", "terabyte", "terabytes"),
    unit("Mbps", "megabit per second", "megabits per second"),
    unit("Gbps", "gigabit per second", "gigabits per second"),
    unit("hrs", "hour", "hours"),
    unit("hr", "hour", "hours"),
    unit("mins", "minute", "minutes"),
    unit("min", "minute", "minutes"),
    unit("secs", "second", "seconds"),
    unit("sec", "second", "seconds"),
    unit("lbs", "pound", "pounds"),
    unit("lb", "pound", "pounds"),
    unit("sq ft", "square foot", "square feet"),
    unit("ft", "foot", "feet"),
    unit("°C", "degree Celsius", "degrees Celsius"),
    unit("°F", "degree Fahrenheit", "degrees Fahrenheit"),
    unit("°", "degree", "degrees"),
    unit("m", "metre", "metres"),
    unit("g", "gram", "grams"),
];

fn below_hundred(number: u64) -> String {
    let place = usize::try_from(number).unwrap_or_default();
    match place {
        0..20 => numerals::ENGLISH[place].to_owned(),
        _ if place.is_multiple_of(10) => numerals::TENS[place / 10 % 10].to_owned(),
        _ => format!("{}-{}", numerals::TENS[place / 10 % 10], numerals::ENGLISH[place % 10]),
    }
}

/// `nineteen ninety-nine`; from 2000 on a year is said as a number.
fn year_in_words(year: u64) -> String {
    let (century, rest) = (year / 100, year % 100);
    match (century, rest) {
        (11..20, 0) => format!("{} hundred", below_hundred(century)),
        (11..20, 1..10) => format!("{} oh {}", below_hundred(century), below_hundred(rest)),
        (11..20, _) => format!("{} {}", below_hundred(century), below_hundred(rest)),
        _ => in_words(year, &ENGLISH, Counting::Western),
    }
}

fn date(date: Date, the: bool) -> String {
    let article = if the { "the " } else { "" };
    let (day, month, year) = (ordinal(day(date)), month(date, &MONTHS), year_in_words(year(date)));
    format!("{article}{day} of {month} {year}")
}

fn clock(clock: Clock) -> String {
    let Clock { hour, minute, half, .. } = clock;
    let half = match half {
        Some(Half::Am) => " AM",
        Some(Half::Pm) => " PM",
        None if (hour, minute) == (0, 0) => return "midnight".to_owned(),
        None if hour == 0 => " AM",
        None => "",
    };
    let shown = if hour == 0 { 12 } else { hour };
    let hour = below_hundred(shown);
    match minute {
        0 if half.is_empty() && shown <= 12 => format!("{hour} o'clock"),
        0 if half.is_empty() => format!("{hour} hundred"),
        0 => format!("{hour}{half}"),
        1..10 => format!("{hour} oh {}{half}", below_hundred(minute)),
        _ => format!("{hour} {}{half}", below_hundred(minute)),
    }
}

/// `one hundred twenty-first`.
fn ordinal(number: u64) -> String {
    let words = in_words(number, &ENGLISH, Counting::Western);
    let at = words.rfind([' ', '-']).map_or(0, |at| at + 1);
    let (head, last) = words.split_at(at);
    let small = numerals::ENGLISH.iter().position(|word| *word == last).filter(|n| *n > 0);
    let last = match small {
        Some(place) => numerals::ORDINALS[place].to_owned(),
        // Twenty, thirty, …
        None => match last.strip_suffix('y') {
            Some(stem) => format!("{stem}ieth"),
            None => format!("{last}th"),
        },
    };
    format!("{head}{last}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinals_years_and_times_are_said_as_people_say_them() {
        for (number, expected) in [
            (1, "first"),
            (12, "twelfth"),
            (20, "twentieth"),
            (21, "twenty-first"),
            (30, "thirtieth"),
            (100, "one hundredth"),
            (103, "one hundred third"),
        ] {
            assert_eq!(ordinal(number), expected);
        }
        for (year, expected) in [
            (1999, "nineteen ninety-nine"),
            (1905, "nineteen oh five"),
            (1900, "nineteen hundred"),
            (2000, "two thousand"),
            (2026, "two thousand twenty-six"),
        ] {
            assert_eq!(year_in_words(year), expected);
        }
        let at = |hour, minute, half| clock(Clock { hour, minute, half, is_told: false });
        for (said, expected) in [
            (at(10, 30, None), "ten thirty"),
            (at(9, 5, Some(Half::Am)), "nine oh five AM"),
            (at(9, 0, None), "nine o'clock"),
            (at(18, 0, None), "eighteen hundred"),
            (at(0, 0, None), "midnight"),
            (at(0, 30, None), "twelve thirty AM"),
            (at(3, 0, Some(Half::Pm)), "three PM"),
        ] {
            assert_eq!(said, expected);
        }
    }
}
