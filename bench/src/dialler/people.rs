//! Whom a measured campaign calls: numbers that may be called now, by the rules of their place and the clock there. Nobody is called
//! really.

/// A place whose numbers may be called between these hours of UTC, winter and summer.
struct Place {
    from_hour: i64,
    to_hour: i64,
    /// What numbers begin with; four digits follow. Five of them hold [`MOST`].
    prefixes: &'static [&'static str],
}

/// Together they cover the day. India, 9 to 21; New York, 8 to 21; California, 8 to 21. `555` is what films use.
const PLACES: [Place; 3] = [
    Place {
        from_hour: 4,
        to_hour: 13,
        prefixes: &["+91981055", "+91981155", "+91981855", "+91981955", "+91982055"],
    },
    Place {
        from_hour: 13,
        to_hour: 24,
        prefixes: &["+1212555", "+1646555", "+1718555", "+1917555", "+1347555"],
    },
    Place {
        from_hour: 0,
        to_hour: 4,
        prefixes: &["+1213555", "+1310555", "+1415555", "+1619555", "+1818555"],
    },
];
/// Of each prefix, numbers from here on: below are those that stand for services.
const FIRST: u32 = 2_000;
const OF_A_PREFIX: u32 = 8_000;

/// The same for numbers that may not be called between these hours: it is evening or night there.
const NIGHTS: [Place; 4] = [
    Place { from_hour: 16, to_hour: 24, prefixes: &["+91981055"] },
    Place { from_hour: 0, to_hour: 3, prefixes: &["+91981055"] },
    Place { from_hour: 2, to_hour: 12, prefixes: &["+1212555"] },
    Place { from_hour: 8, to_hour: 17, prefixes: &["+1808555"] },
];

/// So many numbers that may be called, each once, at this time (seconds since 1970).
pub(super) fn numbers(count: u32, now_s: i64) -> Vec<String> {
    of(&PLACES, count, now_s)
}

/// So many numbers that may not be called now.
pub(super) fn asleep(count: u32, now_s: i64) -> Vec<String> {
    of(&NIGHTS, count, now_s)
}

fn of(places: &[Place], count: u32, now_s: i64) -> Vec<String> {
    let hour = now_s.div_euclid(3_600).rem_euclid(24);
    let open = places.iter().find(|place| (place.from_hour..place.to_hour).contains(&hour));
    let prefixes = open.unwrap_or(&places[0]).prefixes;
    let number = |n: u32| {
        let prefix = prefixes[usize::try_from(n / OF_A_PREFIX).unwrap_or_default() % prefixes.len()];
        format!("{prefix}{:04}", FIRST + n % OF_A_PREFIX)
    };
    (0..count).map(number).collect()
}

/// The most that can be called at any hour.
pub const MOST: u32 = 5 * OF_A_PREFIX;

/// As a spreadsheet has them.
pub(super) fn csv(numbers: &[String]) -> String {
    let mut text = String::from("phone,name,order\n");
    for (n, number) in numbers.iter().enumerate() {
        text.push_str(&format!("{number},Person {n},A-{n:05}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn somebody_may_be_called_at_every_hour_and_nobody_twice() {
        for hour in 0..24 {
            let numbers = super::numbers(MOST, hour * 3_600 + 1_800);
            let begins = if (4..13).contains(&hour) { "+91" } else { "+1" };
            assert!(numbers.iter().all(|number| number.starts_with(begins)), "{hour}: {}", numbers[0]);
            assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), numbers.len());
            let asleep = super::asleep(1, hour * 3_600 + 1_800);
            assert!(NIGHTS.iter().any(|place| (place.from_hour..place.to_hour).contains(&hour)), "{hour}");
            assert!(!numbers.contains(&asleep[0]), "{hour}: {asleep:?}");
        }
        assert_eq!(csv(&numbers(2, 0)).lines().count(), 3);
    }
}
