//! Languages that a bot can go over to in the middle of a call.

use serde::{Deserialize, Serialize};

/// Most of a bot's.
pub const MAX_LANGUAGES: usize = 8;

/// One of them. What it leaves empty stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BotLanguage {
    /// A tag (BCP-47): `hi`, `en-IN`.
    pub language: String,
    /// The voice that the bot's first voice has in it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub voice: String,
    /// The model of that, where the model names voice and language.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub voice_model: String,
}

/// The one that is meant by a tag: itself, else the only one of its language ("hi" for `hi-IN`).
pub fn find_language<'a>(languages: &'a [BotLanguage], wanted: &str) -> Option<&'a BotLanguage> {
    let wanted = tag(wanted);
    let exact = languages.iter().find(|known| tag(&known.language) == wanted);
    exact.or_else(|| languages.iter().find(|known| primary(&known.language) == primary(&wanted)))
}

/// A tag's language without its region and script, in lower case.
pub fn primary(tag: &str) -> String {
    tag.trim().split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase()
}

fn tag(text: &str) -> String {
    text.trim().to_ascii_lowercase().replace('_', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_means_itself_or_one_of_its_language() {
        let all = ["en", "hi-IN", "en-GB"];
        let all = all.map(|language| BotLanguage { language: language.into(), ..BotLanguage::default() });
        for (wanted, expected) in [
            ("en_gb", Some("en-GB")),
            ("EN", Some("en")),
            ("hi", Some("hi-IN")),
            ("en-US", Some("en")),
            ("ta", None),
            ("", None),
        ] {
            assert_eq!(find_language(&all, wanted).map(|l| l.language.as_str()), expected, "{wanted}");
        }
    }
}
