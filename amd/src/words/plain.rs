//! Words as they are compared: small letters without accents, no punctuation, one spelling of what recognisers write in two ways.

/// The words of a text.
pub fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    for sign in text.chars().flat_map(char::to_lowercase) {
        match plain(sign) {
            Plain::Letter(letter) => word.push(letter),
            Plain::Two(letters) => word.push_str(letters),
            Plain::Nothing => {}
            Plain::End if word.is_empty() => {}
            Plain::End => words.push(std::mem::take(&mut word)),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

enum Plain {
    Letter(char),
    Two(&'static str),
    Nothing,
    End,
}

fn plain(sign: char) -> Plain {
    match sign {
        // can't, l'appareil: one word. Combining accents, the dot of Hindi's borrowed letters, joiners.
        '\'' | '’' | '\u{300}'..='\u{36f}' | '\u{93c}' | '\u{200c}' | '\u{200d}' => Plain::Nothing,
        'à' | 'á' | 'â' | 'ä' | 'ã' | 'å' => Plain::Letter('a'),
        'è' | 'é' | 'ê' | 'ë' => Plain::Letter('e'),
        'ì' | 'í' | 'î' | 'ï' => Plain::Letter('i'),
        'ò' | 'ó' | 'ô' | 'ö' | 'õ' => Plain::Letter('o'),
        'ù' | 'ú' | 'û' | 'ü' => Plain::Letter('u'),
        'ç' => Plain::Letter('c'),
        'ñ' => Plain::Letter('n'),
        'ß' => Plain::Two("ss"),
        'œ' => Plain::Two("oe"),
        // Hindi's nasals are written in either way; borrowed letters that are one sign.
        'ँ' => Plain::Letter('ं'),
        '\u{958}' => Plain::Letter('क'),
        '\u{95b}' => Plain::Letter('ज'),
        '\u{95c}' => Plain::Letter('ड'),
        '\u{95d}' => Plain::Letter('ढ'),
        '\u{95e}' => Plain::Letter('फ'),
        sign if sign.is_alphanumeric() || ('\u{900}'..='\u{963}').contains(&sign) => Plain::Letter(sign),
        _ => Plain::End,
    }
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn words_are_compared_without_accents_and_signs() {
        assert_eq!(words("Can't — you, HEAR?"), ["cant", "you", "hear"]);
        assert_eq!(
            words("Après le signal, s'il vous plaît"),
            ["apres", "le", "signal", "sil", "vous", "plait"]
        );
        assert_eq!(words("नहीं। छोड़ें"), words("नहीँ छोडें"));
        assert!(words(" .,!").is_empty());
    }
}
