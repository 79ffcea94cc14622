//! Scripts that part no words with spaces.

/// Letters of scripts that write no spaces between words.
pub fn is_unspaced(c: char) -> bool {
    is_syllabic(c)
        || is_wide_mark(c)
        || matches!(u32::from(c), 0x0E00..=0x0EFF | 0x0F00..=0x0FFF | 0x1000..=0x109F | 0x1780..=0x17FF | 0x19E0..=0x19FF | 0xA9E0..=0xA9FF | 0xAA60..=0xAA7F)
}

/// Letters that are a syllable each, and take as long as three of an alphabet.
pub fn is_syllabic(c: char) -> bool {
    matches!(u32::from(c), 0x3040..=0x30FF | 0x3100..=0x312F | 0x31A0..=0x31FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0xFF66..=0xFF9F | 0x20000..=0x3FFFF)
}

/// A mark of a script that puts no space behind it.
pub fn is_wide_mark(c: char) -> bool {
    matches!(u32::from(c), 0x3000..=0x303F | 0xFE10..=0xFE6F | 0xFF01..=0xFF0F | 0xFF1A..=0xFF1F | 0xFF3B..=0xFF3D | 0xFF5B..=0xFF65)
}
