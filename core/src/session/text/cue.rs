//! Directions for a voice that a model writes between its words: `[laughs]`, `[sighs softly]`, `<emotion value="calm"/>`. Nobody says
//! them, and no record has them.

use vox_shared::catalogue::Cues;

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
/// Those that models also write as tags.
const SOUNDS: [&str; 5] = ["laugh", "chuckle", "cough", "sigh", "gasp"];
/// Longest name of an emotion, bytes.
const LONGEST_EMOTION: usize = 32;
/// A voice that says nothing for longer is taken for a line that is dead.
const LONGEST_BREAK_SECS: f32 = 2.0;
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

/// The same of what stands between `<` and `>`: a sound, or a tag in the one form that [`Cues::Tags`] takes. `None` of what only dresses
/// words, closes, or says what no voice can do.
pub(super) fn read_tag(inside: &str) -> Option<String> {
    let name = super::tag::name(inside);
    if SOUNDS.contains(&name.as_str()) {
        return (!inside.trim_start().starts_with('/')).then_some(name);
    }
    let number = |name: &str| attribute(inside, name)?.parse::<f32>().ok();
    match name.as_str() {
        "emotion" => {
            let value = attribute(inside, "value")?.to_lowercase();
            let is_word = !value.is_empty()
                && value.len() <= LONGEST_EMOTION
                && value.chars().all(|c| c.is_ascii_lowercase() || matches!(c, ' ' | '-' | '_'));
            is_word.then(|| format!("<emotion value=\"{value}\" />"))
        }
        "speed" => {
            number("ratio").filter(|n| (0.6..=1.5).contains(n)).map(|n| format!("<speed ratio=\"{n}\" />"))
        }
        "volume" => {
            number("ratio").filter(|n| (0.5..=2.0).contains(n)).map(|n| format!("<volume ratio=\"{n}\" />"))
        }
        "break" => {
            let time = attribute(inside, "time")?;
            let seconds = match time.strip_suffix("ms") {
                Some(ms) => ms.trim().parse::<f32>().ok()? / 1_000.0,
                None => time.strip_suffix('s')?.trim().parse().ok()?,
            };
            (seconds > 0.0 && seconds <= LONGEST_BREAK_SECS).then(|| format!("<break time=\"{seconds}s\" />"))
        }
        _ => None,
    }
}

/// What stands in quotes behind `name=`.
fn attribute<'a>(inside: &'a str, name: &str) -> Option<&'a str> {
    let at = inside.find(&format!("{name}="))? + name.len() + 1;
    let quote = inside[at..].chars().next().filter(|c| matches!(c, '"' | '\''))?;
    inside[at + 1..].split_once(quote).map(|(value, _)| value.trim())
}

/// A direction as a voice is given it that takes such ones, with the space behind it; `None` for one that does not take this.
pub(super) fn put(takes: Cues, cue: &str) -> Option<String> {
    let is_tag = cue.starts_with('<');
    match takes {
        Cues::Brackets if !is_tag => Some(format!("[{cue}] ")),
        Cues::Tags if is_tag => Some(format!("{cue} ")),
        // "laughs softly" is a laugh, "chuckling" a chuckle.
        Cues::Sounds(sounds) if !is_tag => {
            let is_it = |sound: &&&str| {
                let stem = sound.trim_end_matches('e');
                cue.split(' ').any(|word| word.starts_with(stem))
            };
            sounds.iter().find(is_it).map(|sound| format!("[{sound}] "))
        }
        Cues::None | Cues::Brackets | Cues::Tags | Cues::Sounds(_) => None,
    }
}

/// Whether a tag of this name is for a voice alone.
pub(super) fn is_tag(name: &str) -> bool {
    TAGS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_into_one_form_and_what_no_voice_can_do_is_none() {
        for (inside, expected) in [
            ("emotion value=\"Calm\"/", Some("<emotion value=\"calm\" />")),
            ("emotion value='very sad' /", Some("<emotion value=\"very sad\" />")),
            ("emotion value=\"<x>\"/", None),
            ("/emotion", None),
            ("break time=\"1s\"/", Some("<break time=\"1s\" />")),
            ("break time=\"250ms\"/", Some("<break time=\"0.25s\" />")),
            ("break time=\"60s\"/", None),
            ("break", None),
            ("speed ratio=\"1.1\"/", Some("<speed ratio=\"1.1\" />")),
            ("speed ratio=\"NaN\"/", None),
            ("volume ratio=\"3\"/", None),
            ("sigh", Some("sigh")),
            ("/sigh", None),
            ("prosody rate=\"slow\"", None),
        ] {
            assert_eq!(read_tag(inside).as_deref(), expected, "{inside}");
        }
    }

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
