//! A cell as digits, perhaps with a `+` before them.

use super::PhoneFault;

/// Longest cell that is looked at, bytes.
const MAX_BYTES: usize = 200;
/// Digits from which on a part of a cell is a number of its own.
const WHOLE_DIGITS: usize = 7;
/// The zeros of scripts whose ten digits stand in a row.
const ZEROS: [u32; 20] = [
    0x0660, 0x06f0, 0x07c0, 0x0966, 0x09e6, 0x0a66, 0x0ae6, 0x0b66, 0x0be6, 0x0c66, 0x0ce6, 0x0d66, 0x0e50,
    0x0ed0, 0x0f20, 0x1040, 0x17e0, 0x1810, 0x19d0, 0xff10,
];

/// The digits of a cell: what spreadsheets, copying and other scripts leave around them is taken away.
pub(super) fn digits(cell: &str) -> Result<String, PhoneFault> {
    let text: String = cell.chars().filter(|c| !is_invisible(*c)).map(plain).collect();
    let text = text.trim().trim_start_matches('\'').trim();
    // The formula by which digits are kept from being a quantity.
    let text = text.strip_prefix("=\"").and_then(|text| text.strip_suffix('"')).unwrap_or(text).trim();
    if text.is_empty() || text.chars().all(|c| matches!(c, '-' | '.' | '/')) {
        return Err(PhoneFault::NoPhone);
    }
    if text.len() > MAX_BYTES {
        return Err(PhoneFault::InvalidNumber);
    }
    if is_rounded(text) {
        return Err(PhoneFault::DamagedBySpreadsheet);
    }
    if text.contains('@') {
        return Err(PhoneFault::Email);
    }
    if text.chars().any(char::is_alphabetic) {
        return Err(PhoneFault::Letters);
    }
    if is_two(text) {
        return Err(PhoneFault::TwoNumbers);
    }
    let text = whole(text);
    let mut digits = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '+' if digits.is_empty() => digits.push('+'),
            '0'..='9' => digits.push(c),
            ' ' | '-' | '.' | '(' | ')' | '[' | ']' | '/' | '~' => {}
            _ => return Err(PhoneFault::InvalidNumber),
        }
    }
    Ok(digits)
}

fn is_invisible(c: char) -> bool {
    c.is_control() && c != '\n' && c != '\t'
        || matches!(c, '\u{feff}' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
}

/// A character of any script as the one that is meant.
fn plain(c: char) -> char {
    let code = u32::from(c);
    if let Some(zero) = ZEROS.iter().find(|zero| (**zero..**zero + 10).contains(&code)) {
        return char::from_digit(code - zero, 10).unwrap_or(c);
    }
    match c {
        '\u{ff0b}' => '+',
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ff0d}' | '\u{30fc}' => '-',
        '\u{ff08}' => '(',
        '\u{ff09}' => ')',
        '\u{ff0e}' | '\u{00b7}' | '\u{2024}' => '.',
        '\u{ff0f}' => '/',
        c if c.is_whitespace() && c != '\n' => ' ',
        c => c,
    }
}

/// `9.18E+11`: what a spreadsheet makes of a number that it takes for a quantity.
fn is_rounded(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else { return false };
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let (whole, rest) = match mantissa.split_once(['.', ',']) {
        Some((whole, rest)) => (whole, Some(rest)),
        None => (mantissa, None),
    };
    whole.len() == 1
        && all_digits(whole)
        && rest.is_none_or(all_digits)
        && all_digits(exponent.strip_prefix('+').unwrap_or(exponent))
}

/// A number without the decimals that a spreadsheet gave it as a quantity: `9876543210.0`, `9876543210,00`. Read as digits they would make
/// another number of it, in some countries one that somebody has.
fn whole(text: &str) -> &str {
    let is_number = |rest: &&str| {
        let digits = rest.strip_prefix('+').unwrap_or(rest);
        digits.len() >= WHOLE_DIGITS && digits.bytes().all(|b| b.is_ascii_digit())
    };
    let ends = [".0", ".00", ",0", ",00"];
    ends.iter().find_map(|end| text.strip_suffix(end).filter(is_number)).unwrap_or(text)
}

/// Whether a cell has more than one number.
fn is_two(text: &str) -> bool {
    let digits = |part: &str| part.bytes().filter(u8::is_ascii_digit).count();
    let whole =
        |separators: &[char]| text.split(separators).filter(|part| digits(part) >= WHOLE_DIGITS).count() > 1;
    whole(&[';', ',', '|', '\n', '/', '&']) || text.matches('+').count() > 1 && whole(&['+'])
}
