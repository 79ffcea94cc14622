//! Secrets of a bot: vendor keys, those in the headers of its tools and of its servers of tools, those of its accounts with carriers and the token of its
//! lines. Shown masked, never taken back masked, and kept when a change
//! does not name them (`keep`).

mod carriers;
mod keep;
mod mcp;
mod missing;
mod place;
mod tools;

use serde_json::{Map, Value};
use vox_shared::model::bot::{ApiKey, BotSettings, LlmSettings, SttSettings, TtsSettings};
use vox_shared::typed::Alphabet;

pub use carriers::keep_carriers;
pub use keep::keep_stored;
pub use missing::{fill_missing, is_missing, with_stand_ins};
pub use place::{is_place, secrets_of};

/// Stands for the hidden part of a key.
const ELLIPSIS: char = '…';
/// Keys shorter than this are hidden whole: eight shown characters would be too much of them.
const MIN_SHOWN: usize = 16;
/// Characters of a key that a mask shows at each end.
const SHOWN: usize = 4;
/// What other programs hide a key with, and how many of them make a mask.
const STARS: [char; 3] = ['*', '•', '●'];
const MIN_STARS: usize = 3;
/// Most characters that such a mask shows before and after.
const MOST_SHOWN: usize = 8;
const KEY: &str = "api_key";
const TOKEN: &str = "token";
const LINE_ACCESS: &str = "line_access";
/// The sections that hold vendor keys.
const SECTIONS: [&str; 3] = ["stt", "llm", "tts"];

/// `first4…last4`, nothing of a short key, empty for none.
pub fn mask(key: &str) -> String {
    let characters: Vec<char> = key.chars().collect();
    match characters.len() {
        0 => String::new(),
        n if n < MIN_SHOWN => ELLIPSIS.to_string(),
        n => characters[..SHOWN].iter().chain([&ELLIPSIS]).chain(&characters[n - SHOWN..]).collect(),
    }
}

/// Whether a text is a mask rather than a key: exactly the form of our own, or stars with a little of the key around them.
/// Whatever else a key may not be (white space, letters of other scripts) is told by its own name.
pub fn is_masked(text: &str) -> bool {
    let own = match text.split_once(ELLIPSIS) {
        Some(("", "")) => true,
        Some((first, last)) => {
            first.chars().count() == SHOWN && last.chars().count() == SHOWN && !last.contains(ELLIPSIS)
        }
        None => false,
    };
    let stars = |c: char| STARS.contains(&c);
    let (Some(begin), Some(end)) = (text.find(stars), text.rfind(stars)) else { return own };
    let hidden = &text[begin..end];
    let shown_before = text[..begin].chars().count();
    let shown_after = text[end..].chars().skip(1).count();
    own || (hidden.chars().all(stars)
        && hidden.chars().count() + 1 >= MIN_STARS
        && shown_before.max(shown_after) <= MOST_SHOWN)
}

/// Settings as a person may see them.
pub fn masked(settings: &BotSettings) -> Map<String, Value> {
    // Through text, not through `to_value`: a 32-bit 0.7 would become 0.699999988079071.
    let text = serde_json::to_string(settings).expect("settings are always serialisable");
    let mut shown: Map<String, Value> = serde_json::from_str(&text).expect("settings are a JSON object");
    for section in SECTIONS {
        if let Some(Value::Object(section)) = shown.get_mut(section) {
            mask_section(section);
        }
    }
    tools::mask_all(&mut shown);
    mcp::mask_all(&mut shown);
    carriers::mask_all(&mut shown);
    if let Some(Value::String(token)) = shown.get_mut(LINE_ACCESS).and_then(|access| access.get_mut(TOKEN)) {
        *token = mask(token);
    }
    shown
}

/// Old settings with the secrets of the present ones, wherever those have the same entry; the others keep their own. A guarded
/// line keeps its present token too.
pub fn with_present_keys(old: BotSettings, present: &BotSettings) -> BotSettings {
    let mut renewed = old.clone();
    place::each_vendor_key(&mut renewed, &mut |_, key| *key = ApiKey::default());
    tools::each_secret(&mut renewed, &mut |_, secret| *secret = ApiKey::default());
    mcp::each_secret(&mut renewed, &mut |_, secret| *secret = ApiKey::default());
    // What cannot be told apart is no fault here: it keeps its own key.
    let mut unclear = Vec::new();
    keep_stored(&mut renewed, present, &mut unclear);
    keep_stored(&mut renewed, &old, &mut unclear);
    if !old.line_access.token.is_empty() && !present.line_access.token.is_empty() {
        renewed.line_access.token = present.line_access.token.clone();
    }
    carriers::renew(&mut renewed, present);
    renewed
}

fn mask_section(section: &mut Map<String, Value>) {
    if let Some(Value::String(key)) = section.get_mut(KEY) {
        *key = mask(key);
    }
    if let Some(Value::Array(fallbacks)) = section.get_mut("fallbacks") {
        fallbacks.iter_mut().filter_map(Value::as_object_mut).for_each(mask_section);
    }
}

/// Take every secret out of settings as [`masked`] shows them.
pub fn clear_all(shown: &mut Map<String, Value>) {
    for section in SECTIONS {
        shown.get_mut(section).and_then(Value::as_object_mut).into_iter().for_each(clear);
    }
    tools::clear_all(shown);
    mcp::clear_all(shown);
    carriers::clear_all(shown);
    if let Some(Value::Object(access)) = shown.get_mut(LINE_ACCESS) {
        access.remove(TOKEN);
    }
}

/// Whether a change leaves the token of the lines alone: it names neither it nor, as null, all of the access to them.
pub fn leaves_token(given: &Map<String, Value>) -> bool {
    match given.get(LINE_ACCESS) {
        None => true,
        Some(Value::Object(access)) => !access.contains_key(TOKEN),
        Some(_) => false,
    }
}

/// Take the keys out of a section.
fn clear(section: &mut Map<String, Value>) {
    section.remove(KEY);
    if let Some(Value::Array(fallbacks)) = section.get_mut("fallbacks") {
        fallbacks.iter_mut().filter_map(Value::as_object_mut).for_each(clear);
    }
}

/// The parts of a vendor's settings that concern its key, and those that people type.
pub trait Keyed: Sized {
    fn provider(&self) -> &str;
    fn model(&self) -> &str;
    /// Empty for what has no voice.
    fn voice(&self) -> &str;
    fn extra(&self) -> &Map<String, Value>;
    fn extra_mut(&mut self) -> &mut Map<String, Value>;
    fn key(&mut self) -> &mut ApiKey;
    fn api_key(&self) -> &ApiKey;
    fn fallbacks(&self) -> &[Self];
    fn fallbacks_mut(&mut self) -> &mut Vec<Self>;
    /// What people type, by name: a model or a voice may have any name of one line, a language is a tag.
    fn names(&self) -> Vec<(&'static str, &str, Alphabet)>;
    /// The same and the vendor's own name, to be tidied.
    fn names_mut(&mut self) -> Vec<&mut String>;
}

macro_rules! keyed {
    ($($settings:ty: $voice:expr, [$($name:ident $alphabet:ident),*];)*) => {$(
        impl Keyed for $settings {
            fn provider(&self) -> &str { &self.provider }
            fn model(&self) -> &str { &self.model }
            fn voice(&self) -> &str { let voice: fn(&Self) -> &str = $voice; voice(self) }
            fn extra(&self) -> &Map<String, Value> { &self.extra }
            fn extra_mut(&mut self) -> &mut Map<String, Value> { &mut self.extra }
            fn key(&mut self) -> &mut ApiKey { &mut self.api_key }
            fn api_key(&self) -> &ApiKey { &self.api_key }
            fn fallbacks(&self) -> &[Self] { &self.fallbacks }
            fn fallbacks_mut(&mut self) -> &mut Vec<Self> { &mut self.fallbacks }
            fn names(&self) -> Vec<(&'static str, &str, Alphabet)> {
                vec![$((stringify!($name), self.$name.as_str(), Alphabet::$alphabet)),*]
            }
            fn names_mut(&mut self) -> Vec<&mut String> { vec![&mut self.provider, $(&mut self.$name),*] }
        }
    )*};
}

keyed! {
    SttSettings: |_| "", [model Line, language Ascii];
    LlmSettings: |_| "", [model Line];
    TtsSettings: |tts| &tts.voice, [model Line, voice Line, language Ascii];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_shows_little_and_is_recognised() {
        assert_eq!(mask("sk-0123456789abcdef"), "sk-0…cdef");
        assert_eq!((mask("short").as_str(), mask("")), ("…", String::new()));
        let ours = [mask("sk-0123456789abcdef"), mask("short")];
        for text in ours.iter().map(String::as_str).chain(["sk-***", "********", "sk-0••••cdef", "***"])
        {
            assert!(is_masked(text), "{text}");
        }
    }

    #[test]
    fn what_is_no_mask_is_not_called_one() {
        for text in [
            "sk-0123456789abcdef",
            "",
            "two words",
            "k-0123456789abcdef\nk-fedcba9876543210",
            "ключ-0123456789abcdef",
            "sk-01…9abcdef",
            "a**b0123456789",
            "p4ss***w0rd-that-is-long",
        ] {
            assert!(!is_masked(text), "{text}");
        }
    }

    #[test]
    fn no_secret_is_left_in_what_is_shown() {
        let mut settings = BotSettings::default();
        settings.llm.api_key = ApiKey::new("sk-0123456789abcdef");
        settings
            .llm
            .fallbacks
            .push(LlmSettings { api_key: ApiKey::new("fb-0123456789abcdef"), ..LlmSettings::default() });
        settings.line_access.token = ApiKey::new("lt-0123456789abcdef");
        let shown = Value::Object(masked(&settings)).to_string();
        assert!(!shown.contains("0123456789"), "{shown}");
        assert!(shown.contains("\"temperature\":0.7"), "{shown}");
        assert!(shown.contains("lt-0…cdef"), "{shown}");
    }
}
