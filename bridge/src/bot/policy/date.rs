//! Dates as people and their systems write them.

use jiff::civil::Date;

/// Read `2026-11-20`, with or without a time behind it, or with the day first as it is written in India: `20/11/2026`,
/// `20-11-2026`, `20.11.2026`.
pub fn read(text: &str) -> Option<Date> {
    let text = text.trim();
    let day = text.split(['T', ' ']).next().unwrap_or_default();
    let parts: Vec<&str> = day.split(['-', '/', '.']).collect();
    let [one, two, three] = parts.as_slice() else { return None };
    let are_digits = parts.iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    let (year, month, day) = match (one.len(), three.len()) {
        _ if !are_digits => return None,
        (4, _) => (one, two, three),
        (_, 4) => (three, two, one),
        _ => return None,
    };
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use vox_shared::spoken::date::date_in_words;
    use vox_shared::spoken::{ENGLISH, HINDI};

    use super::*;

    #[test]
    fn dates_are_read_as_they_are_written_and_said_in_words() {
        for (text, english, hindi) in [
            ("2026-11-20", "the twentieth of November two thousand twenty-six", "बीस नवंबर दो हज़ार छब्बीस"),
            (
                "2026-11-20T18:30:00Z",
                "the twentieth of November two thousand twenty-six",
                "बीस नवंबर दो हज़ार छब्बीस",
            ),
            ("01/02/2027", "the first of February two thousand twenty-seven", "एक फ़रवरी दो हज़ार सत्ताईस"),
            ("31.12.2030", "the thirty-first of December two thousand thirty", "इकतीस दिसंबर दो हज़ार तीस"),
            ("3-5-2026", "the third of May two thousand twenty-six", "तीन मई दो हज़ार छब्बीस"),
            (
                " 2024-02-29 00:00 ",
                "the twenty-ninth of February two thousand twenty-four",
                "उनतीस फ़रवरी दो हज़ार चौबीस",
            ),
            ("30-04-2026", "the thirtieth of April two thousand twenty-six", "तीस अप्रैल दो हज़ार छब्बीस"),
            ("1999-01-12", "the twelfth of January nineteen ninety-nine", "बारह जनवरी उन्नीस सौ निन्यानवे"),
        ] {
            let date = read(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(date_in_words(date, &ENGLISH), english);
            assert_eq!(date_in_words(date, &HINDI), hindi);
        }
    }

    #[test]
    fn what_is_no_date_is_not_said() {
        for text in [
            "",
            "tomorrow",
            "2026-13-01",
            "2025-02-29",
            "20/11/26",
            "11/20/2026",
            "2026",
            "2026-1",
            "--",
            "٢٠٢٦-١١-٢٠",
            "2026-11-20-1",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
