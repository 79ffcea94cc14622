//! Keys that the bot presses on the caller's line, as a model writes them.

use std::collections::VecDeque;
use std::time::Duration;

/// From the beginning of one key to that of the next: gateways play each for up to 260 ms, and hear a longer pause between two
/// presses of the same key.
pub const KEY_GAP: Duration = Duration::from_millis(400);
/// `w` waits so long …
const SHORT_PAUSE: Duration = Duration::from_millis(500);
/// … and `,` as telephones do.
const LONG_PAUSE: Duration = Duration::from_secs(2);
/// Most keys of one call: the longest card number with its `#`, and more.
const MAX_KEYS: usize = 32;
/// However they are mixed with pauses; a tool has 20 s.
const LONGEST: Duration = Duration::from_secs(15);
/// What the model is told of keys that make no sense.
const FORM: &str =
    "write the keys as 0-9, *, #, A-D, with w for a pause of half a second and , for one of two seconds";

/// One of a row of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Press(char),
    Wait(Duration),
}

impl Step {
    /// How long after it the next one is due.
    pub fn takes(self) -> Duration {
        match self {
            Self::Press(_) => KEY_GAP,
            Self::Wait(pause) => pause,
        }
    }
}

/// Keys and pauses in their order. Blanks and dashes between digits say nothing.
///
/// # Errors
///
/// With what is wrong, in words for the model. What it wrote is not in them: it may be a PIN.
pub fn steps(text: &str) -> Result<VecDeque<Step>, String> {
    let mut steps = VecDeque::new();
    for letter in text.chars() {
        match letter.to_ascii_uppercase() {
            key @ ('0'..='9' | '*' | '#' | 'A'..='D') => steps.push_back(Step::Press(key)),
            'W' => steps.push_back(Step::Wait(SHORT_PAUSE)),
            ',' => steps.push_back(Step::Wait(LONG_PAUSE)),
            ' ' | '-' => {}
            _ => return Err(format!("'digits' holds something that is no key: {FORM}")),
        }
    }
    let keys = steps.iter().filter(|step| matches!(step, Step::Press(_))).count();
    let length: Duration = steps.iter().map(|step| step.takes()).sum();
    match keys {
        0 => Err(format!("'digits' holds no key: {FORM}")),
        _ if keys > MAX_KEYS => Err(format!("'digits' holds more than {MAX_KEYS} keys")),
        _ if length > LONGEST => {
            Err(format!("the keys and pauses take longer than {} s; press fewer at once", LONGEST.as_secs()))
        }
        _ => Ok(steps),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[Step]) {
        assert_eq!(steps(text).unwrap(), expected, "{text}");
    }

    #[test]
    fn keys_and_pauses_are_read_in_their_order() {
        check("1", &[Step::Press('1')]);
        check(
            "1w2,#",
            &[
                Step::Press('1'),
                Step::Wait(SHORT_PAUSE),
                Step::Press('2'),
                Step::Wait(LONG_PAUSE),
                Step::Press('#'),
            ],
        );
        check("d 0-*", &[Step::Press('D'), Step::Press('0'), Step::Press('*')]);
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_repeated() {
        let check = |text: &str, told: &str| {
            let why = steps(text).unwrap_err();
            assert!(why.contains(told) && !why.contains(text), "{text}: {why}");
        };
        check("12e4", "no key");
        check("१२३", "no key");
        check("ww", "no key");
        check(&"1".repeat(33), "32 keys");
        check("1,,,,,,,,2", "15 s");
        assert!(steps("").is_err());
    }
}
