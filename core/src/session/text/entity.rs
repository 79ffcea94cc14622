//! HTML entities.

/// Longest entity read, characters with `&` and `;`.
const LONGEST: usize = 12;

const NAMED: [(&str, char); 52] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", ' '),
    ("ensp", ' '),
    ("emsp", ' '),
    ("thinsp", ' '),
    ("ndash", '–'),
    ("mdash", '—'),
    ("hellip", '…'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("laquo", '«'),
    ("raquo", '»'),
    ("euro", '€'),
    ("pound", '£'),
    ("yen", '¥'),
    ("cent", '¢'),
    ("copy", '©'),
    ("reg", '®'),
    ("trade", '™'),
    ("deg", '°'),
    ("plusmn", '±'),
    ("times", '×'),
    ("divide", '÷'),
    ("frac12", '½'),
    ("le", '≤'),
    ("ge", '≥'),
    ("bull", '•'),
    ("middot", '·'),
    ("rarr", '→'),
    ("larr", '←'),
    ("hearts", '♥'),
    ("aacute", 'á'),
    ("agrave", 'à'),
    ("auml", 'ä'),
    ("ccedil", 'ç'),
    ("eacute", 'é'),
    ("egrave", 'è'),
    ("ecirc", 'ê'),
    ("iacute", 'í'),
    ("ntilde", 'ñ'),
    ("oacute", 'ó'),
    ("ouml", 'ö'),
    ("uacute", 'ú'),
    ("uuml", 'ü'),
    ("szlig", 'ß'),
    ("iquest", '¿'),
];

/// The character that an entity at the beginning of `text` stands for, and the entity's length in characters.
pub(super) fn read(text: &[char]) -> Option<(char, usize)> {
    let end = text.iter().take(LONGEST).position(|c| *c == ';')?;
    let name: String = text.get(1..end)?.iter().collect();
    let c = match name.strip_prefix('#') {
        Some(number) => {
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
        None => NAMED.iter().find(|(known, _)| *known == name)?.1,
    };
    Some((c, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entities_are_read_and_a_lone_ampersand_is_none() {
        for (text, expected) in [
            ("&amp; b", Some(('&', 5))),
            ("&#39;s", Some(('\'', 5))),
            ("&#x27;", Some(('\'', 6))),
            ("& b;", None),
            ("&bogus;", None),
            ("&", None),
        ] {
            let chars: Vec<char> = text.chars().collect();
            assert_eq!(read(&chars), expected, "{text}");
        }
    }
}
