//! Sarvam's names for languages.

/// The code of a bot's language, such as `hi-IN` for `hi`; `any` where it names none. Odia has two codes.
pub(super) fn code(language: &str, any: &str, odia: &str) -> String {
    let primary = language.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    match primary.as_str() {
        "" | "multi" => any.to_owned(),
        "od" | "or" => odia.to_owned(),
        primary => format!("{primary}-IN"),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_language_has_its_indian_code() {
        let check = |language: &str, expected: &str| {
            assert_eq!(super::code(language, "auto", "or-IN"), expected, "{language}");
        };
        check("hi", "hi-IN");
        check("en-US", "en-IN");
        check("kok_IN", "kok-IN");
        check("od-IN", "or-IN");
        check("multi", "auto");
        check("", "auto");
    }
}
