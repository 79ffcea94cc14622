//! What tells the numbers of cards, residents and accounts from other numbers of their length.

/// ISO/IEC 7812-1, annex B: the digits from the right, every second one doubled, add up to a multiple of ten.
pub fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| {
            let digit = u32::from(byte - b'0');
            match place % 2 {
                0 => digit,
                _ if digit > 4 => digit * 2 - 9,
                _ => digit * 2,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Whether it can be the number of a payment card: issuer and length fit, and its last digit is right.
pub fn is_card(digits: &str) -> bool {
    let begins = |length: usize| digits.get(..length).and_then(|head| head.parse::<u32>().ok()).unwrap_or(0);
    let (two, three, four) = (begins(2), begins(3), begins(4));
    let fits = match digits.len() {
        13 => two / 10 == 4,
        14 => matches!(two, 36 | 38 | 39) || (300..=305).contains(&three),
        15 => matches!(two, 34 | 37),
        16 => {
            two / 10 == 4
                || (51..=55).contains(&two)
                || (2221..=2720).contains(&four)
                || matches!(two, 35 | 60 | 62 | 64 | 65 | 81 | 82)
                || matches!(three, 508 | 353 | 356)
        }
        17..=19 => (two / 10 == 4 && digits.len() == 19) || matches!(two, 50 | 56..=69),
        _ => false,
    };
    fits && luhn(digits)
}

/// The operation of the dihedral group of order ten, and its permutation; J. Verhoeff, Error Detecting Decimal Codes (1969).
const TIMES: [[u8; 10]; 10] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    [1, 2, 3, 4, 0, 6, 7, 8, 9, 5],
    [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
    [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
    [4, 0, 1, 2, 3, 9, 5, 6, 7, 8],
    [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
    [6, 5, 9, 8, 7, 1, 0, 4, 3, 2],
    [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
    [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
    [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
];
const MOVED: [[u8; 10]; 8] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    [1, 5, 7, 6, 2, 8, 3, 0, 9, 4],
    [5, 8, 0, 3, 7, 9, 6, 1, 4, 2],
    [8, 9, 1, 6, 0, 4, 3, 5, 2, 7],
    [9, 4, 5, 3, 1, 2, 6, 8, 7, 0],
    [4, 2, 8, 6, 5, 7, 3, 9, 0, 1],
    [2, 7, 9, 3, 8, 0, 6, 4, 1, 5],
    [7, 0, 4, 6, 9, 1, 3, 2, 5, 8],
];

/// Whether it can be the number of an Indian resident: twelve digits, the first from 2 on, the last right.
pub fn is_aadhaar(digits: &str) -> bool {
    digits.len() == 12
        && !digits.starts_with(['0', '1'])
        && digits.bytes().rev().enumerate().fold(0, |sum: u8, (place, byte)| {
            TIMES[usize::from(sum)][usize::from(MOVED[place % 8][usize::from(byte - b'0')])]
        }) == 0
}

/// ISO 13616 and 7064: letters are 10 to 35, the first four characters go to the end, and the rest of 97 is one. Upper case.
pub fn is_iban(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_shaped = (15..=34).contains(&bytes.len())
        && bytes[..2].iter().all(u8::is_ascii_uppercase)
        && bytes[2..4].iter().all(u8::is_ascii_digit)
        && bytes.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    let rest = |rest: u32, byte: &u8| match byte {
        b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
        _ => (rest * 100 + u32::from(byte.saturating_sub(b'A')) + 10) % 97,
    };
    is_shaped && bytes[4..].iter().chain(&bytes[..4]).fold(0, rest) == 1
}

/// Five letters, four digits, a letter; the fourth says what kind of taxpayer. Upper case.
pub fn is_pan(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 10
        && bytes[..5].iter().all(u8::is_ascii_uppercase)
        && b"ABCFGHJLPT".contains(&bytes[3])
        && bytes[5..9].iter().all(u8::is_ascii_digit)
        && bytes[9].is_ascii_uppercase()
}

/// A number of ten digits of India, with or without its prefix.
pub fn is_indian_phone(digits: &str) -> bool {
    let rest = match digits.len() {
        10 => digits,
        11 => digits.strip_prefix('0').unwrap_or_default(),
        12 => digits.strip_prefix("91").unwrap_or_default(),
        14 => digits.strip_prefix("0091").unwrap_or_default(),
        _ => "",
    };
    rest.starts_with(['6', '7', '8', '9'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_have_an_issuer_and_a_last_digit() {
        for card in [
            "4111111111111111",
            "5555555555554444",
            "378282246310005",
            "6011111111111117",
            "2223003122003222",
        ] {
            assert!(is_card(card), "{card}");
        }
        for other in ["4111111111111112", "1111111111111117", "411111111111", "9999999999999995", ""] {
            assert!(!is_card(other), "{other}");
        }
    }

    #[test]
    fn every_wrong_digit_and_every_swap_is_seen_in_a_residents_number() {
        let right = "234123412346";
        assert!(is_aadhaar(right));
        for place in 0..12 {
            for digit in '0'..='9' {
                let mut other: Vec<char> = right.chars().collect();
                other[place] = digit;
                let other: String = other.into_iter().collect();
                assert_eq!(is_aadhaar(&other), other == right, "{other}");
            }
            if place > 0 {
                let mut other: Vec<char> = right.chars().collect();
                other.swap(place - 1, place);
                let other: String = other.into_iter().collect();
                assert_eq!(is_aadhaar(&other), other == right, "{other}");
            }
        }
        assert!(!is_aadhaar("134123412346") && !is_aadhaar("23412341234"));
    }

    #[test]
    fn accounts_and_taxpayers_have_their_form() {
        assert!(is_iban("DE89370400440532013000") && is_iban("GB82WEST12345698765432"));
        assert!(
            !is_iban("DE89370400440532013001")
                && !is_iban("de89370400440532013000")
                && !is_iban("D€89370400440532013000")
        );
        assert!(is_pan("ABCPE1234F") && !is_pan("ABCDE1234F") && !is_pan("ABCPE12345"));
        assert!(
            is_indian_phone("9876543210")
                && is_indian_phone("919876543210")
                && !is_indian_phone("1234567890")
        );
    }
}
