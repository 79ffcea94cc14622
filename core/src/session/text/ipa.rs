//! Phonetic signs (IPA) in the forms that voices take them.

use vox_shared::catalogue::{IPA_CHARS, Ipa};

/// The words of a text in this form: `written` as it stands there, `ipa` as the operator wrote it. `None` where the voice takes none, or
/// not these.
pub(super) fn put(form: Ipa, written: &str, ipa: &str) -> Option<String> {
    let sounds: Vec<String> = ipa.split_whitespace().map(bare).filter(|word| !word.is_empty()).collect();
    match form {
        _ if sounds.is_empty() => None,
        Ipa::None => None,
        Ipa::Parted => {
            let words: Vec<String> = sounds.iter().map(|word| format!("<<{}>>", parted(word))).collect();
            Some(words.join(" "))
        }
        Ipa::Named => {
            let words: Vec<&str> = written.split_whitespace().collect();
            if words.len() != sounds.len() {
                return None;
            }
            let named = words.iter().zip(&sounds).map(|(word, sounds)| named(word, sounds));
            named.collect::<Option<Vec<_>>>().map(|words| words.join(" "))
        }
    }
}

/// Without what dictionaries put around it and between its syllables.
fn bare(word: &str) -> String {
    word.chars().filter(|c| !matches!(c, '/' | '[' | ']' | '(' | ')' | '.' | '\u{203F}')).collect()
}

/// Its sounds apart. Who knows better than signs do which of them are one ("t͡ʃ" is, "tʃ" is not) parts them with strokes.
fn parted(word: &str) -> String {
    if word.contains('|') {
        return word.trim_matches('|').to_owned();
    }
    let mut sounds: Vec<String> = Vec::new();
    // The next sign belongs to the sound before it.
    let mut goes_on = false;
    for c in word.chars() {
        match sounds.last_mut() {
            Some(last) if goes_on || is_of_the_one_before(c) => last.push(c),
            _ => sounds.push(c.to_string()),
        }
        goes_on = is_stress(c) || is_tie(c);
    }
    sounds.join("|")
}

fn named(word: &str, sounds: &str) -> Option<String> {
    let sounds = stressed_at_the_vowel(&sounds.replace('|', ""));
    let fits = sounds.chars().count() <= IPA_CHARS && !word.contains(['{', '}', '\\', '"']);
    fits.then(|| format!("\\{{\"word\": \"{word}\", \"pronounce\": \"{sounds}\"\\}}"))
}

/// Dictionaries mark a stressed syllable at its beginning.
fn stressed_at_the_vowel(sounds: &str) -> String {
    let (mut out, mut waiting) = (String::new(), String::new());
    for c in sounds.chars() {
        if is_stress(c) {
            waiting.push(c);
            continue;
        }
        if is_vowel(c) {
            out.push_str(&std::mem::take(&mut waiting));
        }
        out.push(c);
    }
    out
}

fn is_stress(c: char) -> bool {
    matches!(c, 'ˈ' | 'ˌ')
}

fn is_tie(c: char) -> bool {
    matches!(c, '\u{361}' | '\u{35C}')
}

/// Length, breath and the like, and all signs above and below others.
fn is_of_the_one_before(c: char) -> bool {
    matches!(c, 'ː' | 'ˑ' | 'ʰ' | 'ʲ' | 'ʷ' | 'ˠ' | 'ˤ' | 'ⁿ' | 'ˡ' | '˞')
        || ('\u{300}'..='\u{36F}').contains(&c)
}

fn is_vowel(c: char) -> bool {
    "iyɨʉɯuɪʏʊeøɘɵɤoəɛœɜɞʌɔæɐaɶɑɒɝɚ".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(form: Ipa, written: &str, ipa: &str, expected: Option<&str>) {
        assert_eq!(put(form, written, ipa).as_deref(), expected, "{ipa}");
    }

    #[test]
    fn each_voice_has_its_own_form() {
        check(Ipa::Parted, "met", "mɛt", Some("<<m|ɛ|t>>"));
        check(Ipa::Parted, "dupilumab", "/duːˈpɪljuːmæb/", Some("<<d|uː|ˈp|ɪ|l|j|uː|m|æ|b>>"));
        check(Ipa::Parted, "church", "t͡ʃɜːt͡ʃ", Some("<<t͡ʃ|ɜː|t͡ʃ>>"));
        check(Ipa::Parted, "church", "tʃ|ɜː|tʃ", Some("<<tʃ|ɜː|tʃ>>"));
        check(Ipa::Parted, "New Delhi", "njuː ˈdɛli", Some("<<n|j|uː>> <<ˈd|ɛ|l|i>>"));
        let named = "\\{\"word\": \"dupilumab\", \"pronounce\": \"duːpˈɪljuːmæb\"\\}";
        check(Ipa::Named, "dupilumab", "duːˈpɪljuːmæb", Some(named));
        let two = "\\{\"word\": \"New\", \"pronounce\": \"njuː\"\\} \\{\"word\": \"Delhi\", \"pronounce\": \"dˈɛli\"\\}";
        check(Ipa::Named, "New Delhi", "njuː ˈdɛli", Some(two));
        check(Ipa::Named, "New Delhi", "njuːdɛli", None);
        check(Ipa::Named, "a", &"a".repeat(IPA_CHARS + 1), None);
        check(Ipa::None, "met", "mɛt", None);
        check(Ipa::Parted, "met", "//", None);
    }
}
