//! Somebody is asked to take the call while the caller is on hold: how far that is, what they are told, and what their answer means.
//! What is said between the bot and them is no part of the conversation with the caller.

use super::event::RequestId;
use super::handing::Target;
use super::words::words;

/// A summary that the model writes, characters: what somebody listens to who has just picked up.
pub const LONGEST_SUMMARY: usize = 400;
/// So often they are asked before the caller comes back.
pub const MAX_QUESTIONS: u32 = 3;

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The line puts the caller on hold and rings.
    Ringing,
    /// They are on the line; the summary is not written yet.
    Greeted,
    /// They are told what it is about, and decide.
    Asked,
    /// They said yes: caller and person are brought together.
    Joining,
    /// They said no, and are thanked before they are let go.
    Thanked,
    /// The caller is taken off hold.
    Ending,
    /// They talk with the caller.
    Joined,
}

/// Somebody who is asked.
#[derive(Debug)]
pub struct Consult {
    pub target: Target,
    /// Why the caller wants them, where nothing better is written.
    pub reason: String,
    pub state: State,
    pub summary: Summary,
    pub questions: u32,
    /// Why they take the call, or do not.
    pub why: String,
}

/// What they are told of the conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Summary {
    /// The model is writing it: what there is so far.
    Writing {
        request: RequestId,
        text: String,
    },
    Written(String),
    /// There is nothing to be told.
    None,
}

impl Summary {
    /// What there is of it, short enough to be listened to.
    pub fn text(&self) -> String {
        match self {
            Self::Writing { text, .. } | Self::Written(text) => bounded(text),
            Self::None => String::new(),
        }
    }

    pub fn is_writing(&self) -> bool {
        matches!(self, Self::Writing { .. })
    }
}

/// The whole sentences of the beginning, if there are any.
pub fn bounded(text: &str) -> String {
    let text = text.trim();
    let Some((end, _)) = text.char_indices().nth(LONGEST_SUMMARY) else { return text.to_owned() };
    let short = &text[..end];
    let sentence = short.rfind(['.', '!', '?', '।', '。', '！', '？']);
    match sentence {
        Some(at) => short[..at + short[at..].chars().next().map_or(0, char::len_utf8)].to_owned(),
        None => format!("{}…", short.trim_end()),
    }
}

/// What an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Yes,
    No,
    Unclear,
}

const YES: [&str; 34] = [
    "yes",
    "yeah",
    "yep",
    "sure",
    "okay",
    "ok",
    "accept",
    "put them through",
    "put him through",
    "put her through",
    "go ahead",
    "connect",
    "ja",
    "gerne",
    "gern",
    "sí",
    "si",
    "claro",
    "oui",
    "d'accord",
    "sim",
    "tak",
    "evet",
    "да",
    "हाँ",
    "हां",
    "जी",
    "haan",
    "ஆமாம்",
    "అవును",
    "হ্যাঁ",
    "होय",
    "はい",
    "好",
];
const NO: [&str; 31] = [
    "no",
    "nope",
    "not now",
    "not",
    "don't",
    "can't",
    "cannot",
    "decline",
    "busy",
    "later",
    "nein",
    "nicht",
    "keine zeit",
    "später",
    "ahora no",
    "non",
    "pas maintenant",
    "não",
    "nao",
    "nie",
    "hayır",
    "нет",
    "नहीं",
    "मत",
    "nahi",
    "nahin",
    "இல்லை",
    "లేదు",
    "না",
    "いいえ",
    "不",
];

/// Whoever says both says no: somebody who is put through in error cannot take it back.
pub fn answer(text: &str) -> Answer {
    let (said, lower) = (words(text), text.to_lowercase());
    let says = |phrases: &[&str]| {
        phrases.iter().any(|phrase| {
            let wanted = words(phrase);
            let is_unspaced = phrase.chars().all(super::text::is_unspaced);
            (!wanted.is_empty() && said.windows(wanted.len()).any(|part| part == wanted))
                || (is_unspaced && lower.contains(phrase))
        })
    };
    match (says(&NO), says(&YES)) {
        (true, _) => Answer::No,
        (false, true) => Answer::Yes,
        (false, false) => Answer::Unclear,
    }
}

/// What they are told, in the bot's language.
#[derive(Clone, Copy, Debug)]
pub struct Texts {
    pub hello: &'static str,
    pub ask: &'static str,
    pub thanks: &'static str,
    pub caller_gone: &'static str,
}

const ENGLISH: Texts = Texts {
    hello: "Hello, this is an automated assistant. A caller is on the line for you.",
    ask: "To take the call, press 1 or say yes. To decline, press 2 or say no.",
    thanks: "Thank you, I will tell the caller. Goodbye.",
    caller_gone: "The caller has hung up in the meantime. Thank you, goodbye.",
};

/// By language (BCP-47); English where there are none.
pub fn texts(language: &str) -> Texts {
    match language.split(['-', '_']).next().unwrap_or_default() {
        "de" => Texts {
            hello: "Guten Tag, hier ist ein Sprachassistent. Ein Anruf ist für Sie in der Leitung.",
            ask: "Um ihn anzunehmen, drücken Sie die 1 oder sagen Sie Ja. Um abzulehnen, drücken Sie die 2 oder sagen Sie Nein.",
            thanks: "Danke, ich gebe es weiter. Auf Wiederhören.",
            caller_gone: "Inzwischen wurde aufgelegt. Danke, auf Wiederhören.",
        },
        "hi" => Texts {
            hello: "नमस्ते, यह एक स्वचालित सहायक है। आपके लिए एक कॉल लाइन पर है।",
            ask: "कॉल लेने के लिए 1 दबाएँ या हाँ कहें। मना करने के लिए 2 दबाएँ या नहीं कहें।",
            thanks: "धन्यवाद, मैं बता दूँगा। नमस्ते।",
            caller_gone: "इस बीच कॉल कट गई है। धन्यवाद, नमस्ते।",
        },
        "es" => Texts {
            hello: "Hola, le habla un asistente automático. Tengo una llamada para usted.",
            ask: "Para aceptarla, pulse 1 o diga sí. Para rechazarla, pulse 2 o diga no.",
            thanks: "Gracias, se lo diré. Adiós.",
            caller_gone: "Mientras tanto han colgado. Gracias, adiós.",
        },
        "fr" => Texts {
            hello: "Bonjour, ici un assistant automatique. Un appel vous attend.",
            ask: "Pour le prendre, appuyez sur 1 ou dites oui. Pour refuser, appuyez sur 2 ou dites non.",
            thanks: "Merci, je transmets. Au revoir.",
            caller_gone: "L'appel a pris fin entre-temps. Merci, au revoir.",
        },
        _ => ENGLISH,
    }
}

/// What the model is asked for.
pub const INSTRUCTION: &str = "The caller is on hold now, and a colleague is called who may take the call. Write what the colleague must \
    know before deciding: who the caller is and what it is about, as far as it was said. One or two short spoken sentences about the \
    caller, to the colleague, in the language of the conversation; no greeting, no question, no list, and no secret such as a card \
    number, a PIN or a password.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_understood_and_a_doubt_is_no_yes() {
        for (text, expected) in [
            ("Yes.", Answer::Yes),
            ("Yeah, put them through!", Answer::Yes),
            ("No, not now.", Answer::No),
            ("Yes... no, I can't.", Answer::No),
            ("Ja, gerne.", Answer::Yes),
            ("हाँ जी", Answer::Yes),
            ("नहीं", Answer::No),
            ("はい", Answer::Yes),
            ("Who is it?", Answer::Unclear),
            ("Nothing", Answer::Unclear),
            ("", Answer::Unclear),
        ] {
            assert_eq!(answer(text), expected, "{text}");
        }
    }

    #[test]
    fn what_they_are_told_is_short_and_whole() {
        assert_eq!(bounded(" About an invoice. "), "About an invoice.");
        let long = format!("It is about an invoice. {}", "and more ".repeat(100));
        assert_eq!(bounded(&long), "It is about an invoice.");
        assert!(bounded(&"x".repeat(900)).chars().count() <= LONGEST_SUMMARY + 1);
        assert_eq!(bounded(&"ह। ".repeat(300)).chars().last(), Some('।'));
    }
}
