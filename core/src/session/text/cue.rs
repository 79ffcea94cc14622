//! Directions for a voice that a model writes between its words: `[laughs]`, `[sighs softly]`, `<emotion value="calm"/>`. Nobody says
//! them, and no record has them.

/// What a voice may be told to do or to be.
const CUES: [&str; 69] = [
    "laugh",
    "laughs",
    "laughing",
    "laughter",
    "chuckle",
    "chuckles",
    "chuckling",
    "giggle",
    "giggles",
    "giggling",
    "sigh",
    "sighs",
    "sighing",
    "gasp",
    "gasps",
    "cough",
    "coughs",
    "coughing",
    "sniff",
    "sniffs",
    "sob",
    "sobs",
    "sobbing",
    "crying",
    "groan",
    "groans",
    "yawn",
    "yawns",
    "hums",
    "humming",
    "exhale",
    "exhales",
    "inhale",
    "inhales",
    "breath",
    "breathes",
    "clears throat",
    "clear throat",
    "gulps",
    "snorts",
    "sneezes",
    "whisper",
    "whispers",
    "whispering",
    "shouts",
    "shouting",
    "sings",
    "singing",
    "smiles",
    "smiling",
    "pause",
    "pauses",
    "happy",
    "happily",
    "excited",
    "cheerful",
    "sad",
    "angry",
    "calm",
    "curious",
    "sarcastic",
    "surprised",
    "nervous",
    "tired",
    "serious",
    "empathetic",
    "sympathetic",
    "apologetic",
    "friendly",
];
/// How.
const MANNERS: [&str; 15] = [
    "softly",
    "gently",
    "quietly",
    "nervously",
    "loudly",
    "warmly",
    "lightly",
    "slightly",
    "deeply",
    "deep",
    "short",
    "long",
    "a",
    "brief",
    "tone",
];
/// Tags of voices' own languages, and the names of sounds that stand like tags.
const TAGS: [&str; 17] = [
    "emotion", "speed", "volume", "spell", "break", "prosody", "emphasis", "voice", "phoneme", "say-as",
    "speak", "laugh", "sigh", "cough", "chuckle", "gasp", "whisper",
];

/// The direction that stands between square brackets, in lower case, if that is what it is.
pub(super) fn read(inside: &str) -> Option<String> {
    let words = inside.trim().to_lowercase();
    let is_manner = |word: &str| MANNERS.contains(&word);
    let core: Vec<&str> = words.split_whitespace().filter(|word| !is_manner(word)).collect();
    CUES.contains(&core.join(" ").as_str()).then_some(words)
}

/// Whether a tag of this name is for a voice alone.
pub(super) fn is_tag(name: &str) -> bool {
    TAGS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions_are_told_from_words_in_brackets() {
        for (inside, expected) in [
            ("laughs", true),
            ("Laughs softly", true),
            ("clears throat", true),
            ("short pause", true),
            ("sad", true),
            ("optional", false),
            ("sad news", false),
            ("name", false),
            ("softly", false),
            ("", false),
        ] {
            assert_eq!(read(inside).is_some(), expected, "{inside}");
        }
    }
}
