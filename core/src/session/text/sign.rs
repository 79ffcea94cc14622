//! What single characters mean for speech.

pub use vox_shared::scripts::is_unspaced;
use vox_shared::scripts::{is_syllabic, is_wide_mark};

/// Marks that end a sentence without a space behind them: Unicode's Sentence_Terminal without the Latin ones, of which
/// `.` `!` `?` want a space.
pub(super) const TERMINALS: &str =
    "։؝؞؟۔܀܁܂߹࠷࠹࠽࠾।॥၊။።፧፨᙮᜵᜶។៕᠃᠉᥄᥅᪨᪩᪪᪫᭚᭛᭞᭟᭽᭾᰻᰼᱾᱿‼⁇⁈⁉⸮⸼⹓⹔。꓿꘎꘏꛳꛷꡶꡷꣎꣏꤯꧈꧉꩝꩞꩟꫰꫱꯫﹒﹖﹗！．？｡།༎༏༐༑\u{37e}";
/// Marks that end a clause without a space behind them.
const WIDE_CLAUSES: &str = "，、；：､،؛፣፤፥፦᠂᠄᠈";
/// What may follow a sentence's mark and belongs to it: closing quotes and brackets.
const CLOSERS: &str = "\"'”’»›)]}）］｝」』】〉》〕〗﹂﹄｣";

/// Whether a sentence ends with it, whatever follows.
pub fn is_terminal(c: char) -> bool {
    !c.is_ascii() && TERMINALS.contains(c)
}

/// Whether a clause ends with it, whatever follows.
pub(super) fn is_wide_clause(c: char) -> bool {
    !c.is_ascii() && WIDE_CLAUSES.contains(c)
}

pub(super) fn is_closer(c: char) -> bool {
    CLOSERS.contains(c)
}

/// Letters of scripts that part phrases with a space, and words not at all.
pub(super) fn is_phrase_spaced(c: char) -> bool {
    is_unspaced(c) && !is_syllabic(c) && !is_wide_mark(c)
}

/// Whether a stroke behind this text stands for the danda that ends a sentence in the scripts of India.
pub(super) fn is_danda(before: &str) -> bool {
    before.trim_end().ends_with(|c| matches!(c, '\u{900}'..='\u{963}' | '\u{970}'..='\u{DFF}'))
}

/// Signs that silence a letter's own vowel; a joiner behind one shapes the letter, at a word's end too.
pub(super) fn is_virama(c: char) -> bool {
    matches!(u32::from(c), 0x94D | 0x9CD | 0xA4D | 0xACD | 0xB4D | 0xBCD | 0xC4D | 0xCCD | 0xD4D | 0xDCA)
}

/// How long a character takes to say, in letters of an alphabet.
pub fn syllables(c: char) -> usize {
    match c {
        c if is_syllabic(c) => 3,
        '\u{AC00}'..='\u{D7A3}' => 2,
        _ => 1,
    }
}

/// Pictures, arrows and decoration: seen, never said.
pub(super) fn is_pictograph(c: char) -> bool {
    matches!(u32::from(c),
        0x20E3 | 0x2139 | 0x24C2 | 0x3297 | 0x3299 | 0x2190..=0x21FF | 0x231A..=0x231B | 0x2328 | 0x23CF | 0x23E9..=0x23FA | 0x2500..=0x25FF
        | 0x2600..=0x266C | 0x266E | 0x2670..=0x2775 | 0x2794..=0x27BF | 0x27F0..=0x27FF | 0x2900..=0x297F | 0x2B00..=0x2BFF
        | 0x3030 | 0x303D | 0x1F000..=0x1FAFF | 0xE0001..=0xE007F | 0x2022 | 0x2023 | 0x2043 | 0x2219 | 0xFFFC | 0xFFFD)
}

/// Zero-width joiners and variation selectors: letters' business in some scripts, and pictures' glue.
pub(super) fn is_joiner(c: char) -> bool {
    matches!(u32::from(c), 0x200C | 0x200D | 0xFE00..=0xFE0F | 0xE0100..=0xE01EF | 0x180B..=0x180D | 0x180F)
}

/// Joiners that mean something only between two letters.
pub(super) fn is_between(c: char) -> bool {
    matches!(c, '\u{200C}' | '\u{200D}')
}

/// Never said and never of use to a voice: control characters, byte order marks, soft hyphens, marks of direction, private signs.
pub(super) fn is_noise(c: char) -> bool {
    (c.is_control() && !c.is_whitespace())
        || matches!(c, '\u{FEFF}' | '\u{2060}' | '\u{AD}' | '\u{200B}' | '\u{200E}' | '\u{200F}')
        || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{E000}'..='\u{F8FF}')
}

/// Whether a joiner beside it is a letters' joiner.
pub(super) fn joins(c: char) -> bool {
    !c.is_ascii() && !c.is_whitespace() && !is_pictograph(c) && !is_joiner(c) && !is_noise(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scripts_marks_end_a_sentence() {
        for c in "。！？｡।॥؟۔։።᠃။។།".chars() {
            assert!(is_terminal(c), "{c}");
        }
        for c in ".!?,;:，、a…".chars() {
            assert!(!is_terminal(c), "{c}");
        }
    }

    #[test]
    fn letters_digits_and_signs_of_meaning_are_no_pictures() {
        for c in "a9é感क한©®™°½±×÷≤≥€№①❶§†".chars() {
            assert!(!is_pictograph(c), "{c}");
        }
        for c in "😀✅→★•▶☎👍🇮✔".chars() {
            assert!(is_pictograph(c), "{c}");
        }
    }
}
