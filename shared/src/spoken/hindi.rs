//! Hindi, in Devanagari.

use jiff::civil::Date;

use super::date::{day, month, year};
use super::number::in_words;
use super::tongue::{Clock, Counting, Currency, Half, Magnitude, Tongue, Unit};
use crate::numerals;

pub static HINDI: Tongue = Tongue {
    tag: "hi",
    below_hundred,
    indian: SCALES,
    western: SCALES,
    halves: ["डेढ़", "ढाई", "साढ़े"],
    point: "दशमलव",
    minus: "माइनस",
    plus: "प्लस",
    percent: "प्रतिशत",
    to: " से ",
    and: " ",
    fractions: ["आधा", "एक चौथाई", "तीन चौथाई"],
    currencies: &CURRENCIES,
    units: &UNITS,
    magnitudes: &MAGNITUDES,
    months: MONTHS,
    signs: &[('@', "ऐट"), ('.', "डॉट"), ('_', "अंडरस्कोर"), ('-', "डैश"), ('+', "प्लस")],
    of_codes: &[
        "कोड",
        "पिन",
        "ओटीपी",
        "पासवर्ड",
        "आईडी",
        "नंबर",
        "नम्बर",
        "संख्या",
        "खाता",
        "अकाउंट",
        "टिकट",
        "ऑर्डर",
        "बुकिंग",
        "रेफरेंस",
        "पॉलिसी",
        "otp",
        "pin",
        "id",
    ],
    links: &["है", "हैं", "का", "की", "के", "नंबर", "आपका", "आपकी", "संख्या"],
    of_years: &["सन", "सन्", "वर्ष", "साल"],
    of_days: &["सुबह", "सवेरे", "दोपहर", "शाम", "रात"],
    oclock: "बजे",
    year: year_in_words,
    date,
    clock,
    ordinal: |_| None,
};

const SCALES: &[(u64, &str)] = &[(10_000_000, "करोड़"), (100_000, "लाख"), (1_000, "हज़ार"), (100, "सौ")];

const MONTHS: [&str; 12] =
    ["जनवरी", "फ़रवरी", "मार्च", "अप्रैल", "मई", "जून", "जुलाई", "अगस्त", "सितंबर", "अक्टूबर", "नवंबर", "दिसंबर"];

static CURRENCIES: [Currency; 4] = [
    Currency {
        signs: &["₹", "rs.", "rs", "inr", "रु.", "रु"],
        codes: &["₹", "INR", "/-", "रु.", "रु"],
        one: "रुपया",
        many: "रुपये",
        small_one: "पैसा",
        small_many: "पैसे",
        counting: Counting::Indian,
    },
    Currency {
        signs: &["us$", "usd", "$"],
        codes: &["USD", "$"],
        one: "डॉलर",
        many: "डॉलर",
        small_one: "सेंट",
        small_many: "सेंट",
        counting: Counting::Indian,
    },
    Currency {
        signs: &["€", "eur"],
        codes: &["€", "EUR"],
        one: "यूरो",
        many: "यूरो",
        small_one: "सेंट",
        small_many: "सेंट",
        counting: Counting::Indian,
    },
    Currency {
        signs: &["£", "gbp"],
        codes: &["£", "GBP"],
        one: "पाउंड",
        many: "पाउंड",
        small_one: "पेनी",
        small_many: "पेंस",
        counting: Counting::Indian,
    },
];

static MAGNITUDES: [Magnitude; 5] = [
    Magnitude { words: &["लाख", "lakh", "lakhs"], glued: &["l"], said: "लाख" },
    Magnitude {
        words: &["करोड़", "crore", "crores", "cr"], glued: &["cr"], said: "करोड़"
    },
    Magnitude {
        words: &["हज़ार", "हजार", "thousand"], glued: &["k"], said: "हज़ार"
    },
    Magnitude { words: &["मिलियन", "million"], glued: &["m"], said: "मिलियन" },
    Magnitude { words: &["अरब", "बिलियन", "billion"], glued: &["bn"], said: "अरब" },
];

const fn unit(written: &'static str, said: &'static str) -> Unit {
    Unit { written, one: said, many: said }
}

static UNITS: [Unit; 26] = [
    unit("km/h", "किलोमीटर प्रति घंटा"),
    unit("kmph", "किलोमीटर प्रति घंटा"),
    unit("kWh", "किलोवाट घंटे"),
    unit("kW", "किलोवाट"),
    unit("km", "किलोमीटर"),
    unit("किमी", "किलोमीटर"),
    unit("kg", "किलोग्राम"),
    unit("किग्रा", "किलोग्राम"),
    unit("cm", "सेंटीमीटर"),
    unit("mm", "मिलीमीटर"),
    unit("ml", "मिलीलीटर"),
    unit("mg", "मिलीग्राम"),
    unit("GB", "गीगाबाइट"),
    unit("MB", "मेगाबाइट"),
    unit("Mbps", "मेगाबिट प्रति सेकंड"),
    unit("hrs", "घंटे"),
    unit("hr", "घंटे"),
    unit("min", "मिनट"),
    unit("sec", "सेकंड"),
    unit("sq ft", "वर्ग फुट"),
    unit("ft", "फुट"),
    unit("°C", "डिग्री सेल्सियस"),
    unit("°F", "डिग्री फ़ारेनहाइट"),
    unit("°", "डिग्री"),
    unit("m", "मीटर"),
    unit("g", "ग्राम"),
];

fn below_hundred(number: u64) -> String {
    let place = usize::try_from(number).unwrap_or_default();
    numerals::HINDI[place % numerals::HINDI.len()].to_owned()
}

/// `उन्नीस सौ निन्यानवे`; from 2000 on a year is said as a number.
fn year_in_words(year: u64) -> String {
    match (year / 100, year % 100) {
        (century @ 11..20, 0) => format!("{} सौ", below_hundred(century)),
        (century @ 11..20, rest) => format!("{} सौ {}", below_hundred(century), below_hundred(rest)),
        _ => in_words(year, &HINDI, Counting::Indian),
    }
}

fn date(date: Date, _the: bool) -> String {
    format!("{} {} {}", below_hundred(day(date)), month(date, &MONTHS), year_in_words(year(date)))
}

/// `साढ़े दस बजे`, with the part of the day where the text says which half it is and does not say the part by itself.
fn clock(clock: Clock) -> String {
    let Clock { hour, minute, half, is_told } = clock;
    let of_day = match half {
        Some(Half::Am) if hour < 12 => hour,
        Some(Half::Am) => 0,
        Some(Half::Pm) if hour < 12 => hour + 12,
        _ => hour,
    };
    let is_known = half.is_some() || !(1..=12).contains(&hour);
    let part = match of_day {
        _ if is_told || !is_known => "",
        4..12 => "सुबह ",
        12..16 => "दोपहर ",
        16..20 => "शाम ",
        _ => "रात ",
    };
    let shown = |hour: u64| below_hundred(if hour.is_multiple_of(12) { 12 } else { hour % 12 });
    let said = match (of_day % 12, minute) {
        (_, 0) => format!("{} बजे", shown(of_day)),
        (_, 15) => format!("सवा {} बजे", shown(of_day)),
        (1, 30) => "डेढ़ बजे".to_owned(),
        (2, 30) => "ढाई बजे".to_owned(),
        (_, 30) => format!("साढ़े {} बजे", shown(of_day)),
        (_, 45) => format!("पौने {} बजे", shown(of_day + 1)),
        _ => format!("{} बजकर {} मिनट", shown(of_day), below_hundred(minute)),
    };
    format!("{part}{said}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_years_are_said_as_people_say_them() {
        let at = |hour, minute, half| clock(Clock { hour, minute, half, is_told: false });
        for (said, expected) in [
            (at(10, 0, None), "दस बजे"),
            (at(10, 15, None), "सवा दस बजे"),
            (at(1, 30, None), "डेढ़ बजे"),
            (at(2, 30, Some(Half::Pm)), "दोपहर ढाई बजे"),
            (at(18, 30, None), "शाम साढ़े छह बजे"),
            (at(12, 45, None), "पौने एक बजे"),
            (at(9, 20, Some(Half::Am)), "सुबह नौ बजकर बीस मिनट"),
            (at(23, 0, None), "रात ग्यारह बजे"),
        ] {
            assert_eq!(said, expected);
        }
        assert_eq!(year_in_words(1999), "उन्नीस सौ निन्यानवे");
        assert_eq!(year_in_words(2026), "दो हज़ार छब्बीस");
    }
}
