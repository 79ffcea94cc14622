//! How a bot's words are put for its voices: words for numbers, money and the like, and the operator's own words for names. The
//! transcript and the model keep what is written.

use vox_shared::catalogue::{Cues, Ipa, Kind};
use vox_shared::model::bot::{Pronunciation, SpokenForms};
use vox_shared::scripts::is_unspaced;
use vox_shared::spoken::{Form, Manner, find};
use vox_shared::wire::config::RuntimeConfig;

use super::piece::Piece;
use super::{cue, ipa};
use crate::session::words::is_of_word;

/// The wording of one bot.
#[derive(Clone, Debug, Default)]
pub struct Wording {
    language: String,
    names: Vec<Name>,
    /// Its voices, by their places.
    voices: Vec<Manners>,
}

/// What a voice is given.
#[derive(Clone, Copy, Debug, Default)]
struct Manners {
    /// Words for numbers.
    in_words: bool,
    /// Directions.
    cues: Cues,
    /// Phonetic signs.
    ipa: Ipa,
}

/// A word that is said otherwise.
#[derive(Clone, Debug)]
struct Name {
    word: Vec<char>,
    /// "US" is not "us".
    is_exact: bool,
    /// Empty where there are signs alone.
    say: String,
    /// Phonetic signs, or empty.
    ipa: String,
}

impl Wording {
    /// Of a bot that speaks this language.
    pub fn of(config: &RuntimeConfig, language: &str) -> Self {
        let primary = primary(language);
        let is_any = matches!(primary.as_str(), "" | "multi" | "auto");
        let fits = |entry: &&Pronunciation| {
            entry.language.trim().is_empty() || is_any || self::primary(&entry.language) == primary
        };
        let mut names: Vec<Name> = config.pronunciations.iter().filter(fits).filter_map(Name::of).collect();
        // The longer one where two begin alike.
        names.sort_by_key(|name| std::cmp::Reverse(name.word.len()));
        let voices = std::iter::once(&config.tts).chain(&config.tts.fallbacks);
        let manners = voices.map(|voice| {
            let vendor = Kind::Voice.find(&voice.provider);
            Manners {
                in_words: match config.spoken_forms {
                    SpokenForms::On => true,
                    SpokenForms::Off => false,
                    SpokenForms::Auto => {
                        !vendor.is_some_and(|vendor| vendor.writes_out(&voice.model, &voice.extra))
                    }
                },
                cues: vendor.map(|vendor| vendor.cues(&voice.model, &voice.extra)).unwrap_or_default(),
                ipa: vendor.map(|vendor| vendor.ipa(&voice.model)).unwrap_or_default(),
            }
        });
        Self { language: language.to_owned(), names, voices: manners.collect() }
    }

    /// The piece as this voice of the bot is given it.
    pub fn put(&self, piece: &Piece, voice: usize) -> Piece {
        let piece = piece.written();
        let text: Vec<char> = piece.say().chars().collect();
        let manners = self.voices.get(voice).copied().unwrap_or_default();
        let mut forms = self.named(&text, manners.ipa);
        if manners.in_words
            && let Some(manner) = Manner::of(&self.language, &text)
        {
            let is_free = |form: &Form| forms.iter().all(|name| name.to <= form.from || form.to <= name.from);
            let numbers: Vec<Form> = find(&text, &manner).into_iter().filter(is_free).collect();
            forms.extend(numbers);
        }
        let is_free = |at: usize| forms.iter().all(|form| at <= form.from || form.to <= at);
        let cues = piece
            .cues()
            .filter(|(at, _)| is_free(*at))
            .filter_map(|(at, cue)| Some(Form { from: at, to: at, words: cue::put(manners.cues, cue)? }));
        let cues: Vec<Form> = cues.collect();
        forms.extend(cues);
        forms.sort_by_key(|form| (form.from, form.to));
        if forms.is_empty() { piece } else { piece.worded(&forms) }
    }

    /// The operator's words.
    fn named(&self, text: &[char], ipa: Ipa) -> Vec<Form> {
        let mut forms = Vec::new();
        let mut at = 0;
        while at < text.len() && !self.names.is_empty() {
            let is_begin = at == 0 || parts(text[at - 1], text[at]);
            let name = self.names.iter().find(|name| is_begin && name.stands_at(text, at));
            if let Some(name) = name {
                let to = at + name.word.len();
                let words = name.put(ipa, &text[at..to]);
                forms.extend(words.map(|words| Form { from: at, to, words }));
                at = to;
            } else {
                at += 1;
            }
        }
        forms
    }
}

impl Name {
    fn of(entry: &Pronunciation) -> Option<Self> {
        let (word, say) = (entry.word.trim(), entry.say.trim());
        let ipa = entry.ipa.trim();
        let is_sayable = |text: &str| text.contains(char::is_alphanumeric);
        let is_exact = word.chars().filter(|c| c.is_alphabetic()).all(char::is_uppercase);
        (is_sayable(word) && (is_sayable(say) || is_sayable(ipa))).then(|| Self {
            word: word.chars().collect(),
            is_exact,
            say: if is_sayable(say) { say.to_owned() } else { String::new() },
            ipa: ipa.to_owned(),
        })
    }

    /// For what is written: signs for a voice that takes them, else what the operator wants said. `None` leaves the word as it is.
    fn put(&self, form: Ipa, written: &[char]) -> Option<String> {
        let written: String = written.iter().collect();
        let signs = Some(&self.ipa).filter(|signs| !signs.is_empty());
        let signs = signs.and_then(|signs| ipa::put(form, &written, signs));
        signs.or_else(|| Some(self.say.clone()).filter(|say| !say.is_empty()))
    }

    fn stands_at(&self, text: &[char], at: usize) -> bool {
        let to = at + self.word.len();
        let Some(here) = text.get(at..to) else { return false };
        let is_same =
            |(a, b): (&char, &char)| a == b || (!self.is_exact && a.to_lowercase().eq(b.to_lowercase()));
        let is_end = text.get(to).is_none_or(|next| parts(text[to - 1], *next));
        is_end && here.iter().zip(&self.word).all(is_same)
    }
}

/// Whether a word may end between these two.
fn parts(this: char, next: char) -> bool {
    !(is_of_word(this) && is_of_word(next)) || is_unspaced(this) || is_unspaced(next)
}

fn primary(language: &str) -> String {
    language.trim().split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn wording(language: &str, settings: Value) -> Wording {
        let mut config =
            json!({"session_id": "call_1", "webhook_url": "", "system_prompt": "", "opening_message": ""});
        let given = settings.as_object().cloned().unwrap_or_default();
        config.as_object_mut().unwrap().extend(given);
        Wording::of(&serde_json::from_value(config).unwrap(), language)
    }

    fn said(language: &str, settings: Value, text: &str) -> String {
        let piece = wording(language, settings).put(&Piece::plain(text), 0);
        assert_eq!((piece.keep(), piece.written()), (text, Piece::plain(text)));
        piece.say().to_owned()
    }

    #[test]
    fn names_are_said_as_the_operator_wants_them_and_numbers_in_words() {
        let names = json!({"pronunciations": [
            {"word": "Vox", "say": "Vocks"},
            {"word": "US", "say": "United States"},
            {"word": "New Delhi", "say": "Noo Dilli"},
            {"word": "New", "say": "Noo"},
            {"word": "5G", "say": "five gee"},
            {"word": "Köln", "say": "Kölln", "language": "de"},
            {"word": "王", "say": "wáng"},
        ]});
        for (text, expected) in [
            ("VOX costs ₹500.", "Vocks costs five hundred rupees."),
            ("Voxel and us in the US", "Voxel and us in the United States"),
            ("new delhi, New York", "Noo Dilli, Noo York"),
            ("5G or 4G", "five gee or four G"),
            ("Vox's 2 offices in Köln", "Vocks's two offices in Köln"),
        ] {
            assert_eq!(said("en", names.clone(), text), expected);
        }
        assert_eq!(said("zh", names.clone(), "小王来了"), "小wáng来了");
        assert_eq!(said("de-DE", names, "Köln hat 2"), "Kölln hat 2");
    }

    #[test]
    fn numbers_stay_where_the_operator_or_the_voice_wants_them_so() {
        for (settings, expected) in [
            (json!({}), "It is five."),
            (json!({"spoken_forms": "off"}), "It is 5."),
            (json!({"tts": {"provider": "elevenlabs"}}), "It is 5."),
            (
                json!({"tts": {"provider": "elevenlabs", "extra": {"apply_text_normalization": "off"}}}),
                "It is five.",
            ),
            (json!({"spoken_forms": "on", "tts": {"provider": "elevenlabs"}}), "It is five."),
            (json!({"tts": {"provider": "sarvam"}}), "It is 5."),
            (json!({"tts": {"provider": "sarvam", "model": "bulbul:v2"}}), "It is five."),
            (json!({"tts": {"provider": "cartesia"}}), "It is five."),
        ] {
            assert_eq!(said("en", settings, "It is 5."), expected);
        }
        // After a fail-over the other voice is given what it wants.
        let both = json!({"tts": {"provider": "elevenlabs", "fallbacks": [{"provider": "flite"}]}});
        let wording = wording("en", both);
        let first = wording.put(&Piece::plain("It is 5."), 0);
        assert_eq!((first.say(), wording.put(&first, 1).say()), ("It is 5.", "It is five."));
        assert_eq!(wording.put(&wording.put(&first, 1), 0), first);
    }

    #[test]
    fn directions_are_given_to_voices_that_take_them_and_to_nobody_else() {
        let text = "[laughs] That is $5. <emotion value=\"sad\"/>Sorry [sighs softly], no.";
        let piece = crate::session::text::phrase(text, "en").unwrap();
        assert_eq!((piece.say(), piece.keep()), ("That is $5. Sorry, no.", "That is $5. Sorry, no."));
        let both = json!({"spoken_forms": "on", "tts": {"provider": "elevenlabs", "model": "eleven_v3", "fallbacks": [{"provider": "flite"}]}});
        let wording = wording("en", both);
        let given = wording.put(&piece, 0);
        assert_eq!(given.say(), "[laughs] That is five dollars. Sorry, [sighs softly] no.");
        assert_eq!((given.keep(), given.written()), (piece.keep(), piece.clone()));
        let (before, after) = given.split(40);
        let (before, after) = (before.unwrap(), after.unwrap());
        assert_eq!((before.keep(), after.keep()), ("That is $5. Sorry,", " no."));
        assert_eq!(wording.put(&before, 1).say(), "That is five dollars. Sorry,");
        assert_eq!((after.say(), wording.put(&after, 1).say()), ("[sighs softly] no.", "no."));
    }

    #[test]
    fn each_voice_has_the_directions_that_it_takes_in_its_own_form() {
        let text = "[laughs softly] Fine. <emotion value='Sad'/>But <break time=\"300ms\"/>no. <speed ratio=\"9\"/><laugh/>Bye.";
        let piece = crate::session::text::phrase(text, "en").unwrap();
        assert_eq!((piece.say(), piece.keep()), ("Fine. But no. Bye.", "Fine. But no. Bye."));
        for (tts, expected) in [
            (json!({"provider": "flite"}), "Fine. But no. Bye."),
            (
                json!({"provider": "elevenlabs", "model": "eleven_v3"}),
                "[laughs softly] Fine. But no. [laugh] Bye.",
            ),
            (
                json!({"provider": "cartesia"}),
                "Fine. <emotion value=\"sad\" /> But <break time=\"0.3s\" /> no. Bye.",
            ),
            (
                json!({"provider": "chatterbox", "extra": {"turbo": true}}),
                "[laugh] Fine. But no. [laugh] Bye.",
            ),
        ] {
            let given = wording("en", json!({"tts": tts})).put(&piece, 0);
            assert_eq!(given.say(), expected, "{tts}");
            assert_eq!((given.keep(), given.written()), (piece.keep(), piece.clone()));
        }
    }

    #[test]
    fn phonetic_signs_are_for_voices_that_take_them_and_the_others_have_other_words() {
        let names = json!([
            {"word": "Nguyen", "say": "Win", "ipa": "wɪn"},
            {"word": "Xhosa", "ipa": "ˈkɔːsə"},
            {"word": "Vox", "say": "Vocks"},
        ]);
        let text = "Nguyen speaks Xhosa to Vox.";
        for (tts, expected) in [
            (json!({"provider": "cartesia"}), "<<w|ɪ|n>> speaks <<ˈk|ɔː|s|ə>> to Vocks."),
            (
                json!({"provider": "deepgram"}),
                "\\{\"word\": \"Nguyen\", \"pronounce\": \"wɪn\"\\} speaks \\{\"word\": \"Xhosa\", \"pronounce\": \"kˈɔːsə\"\\} to Vocks.",
            ),
            (json!({"provider": "elevenlabs"}), "Win speaks Xhosa to Vocks."),
        ] {
            assert_eq!(said("en", json!({"tts": tts, "pronunciations": names}), text), expected);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

        /// Wherever a reply is cut: nothing of what is kept is lost or doubled, and what is left is said whole.
        #[test]
        fn no_word_is_lost_or_doubled(parts in prop::collection::vec(prop::sample::select(vec![
            "Vox ", "₹1,25,000 ", "5 ", "10:30 am ", "A-1234 ", "word ", "98765 43210 ", "a@b.in ", "- ", "12.5% ", "is ", "(7) ", "2/3 ",
            "today, ", "5th December ", "1/2 ", "Voxel ",
        ]), 1..12), at in 0usize..260) {
            let text = parts.concat();
            let piece = Piece::plain(text.trim_end());
            let wording = wording("en", json!({"pronunciations": [{"word": "Vox", "say": "Vocks and so on"}]}));
            let put = wording.put(&piece, 0);
            prop_assert_eq!(put.written(), piece.clone());
            let (before, after) = put.split(at);
            let keep = |part: &Option<Piece>| part.as_ref().map(|p| p.keep().to_owned()).unwrap_or_default();
            prop_assert_eq!(keep(&before) + &keep(&after), piece.keep());
            for part in before.iter().chain(&after) {
                // Its words are those of what it keeps, and of nothing else.
                let written = part.written();
                prop_assert_eq!(written.say(), part.keep().trim());
            }
        }
    }
}
