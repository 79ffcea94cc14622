//! One goodbye: which of the model's words and the tool's message are said, and the bot's own when there is neither.

use serde_json::Value;

use super::words::{common, words};

/// Words that say goodbye.
const FAREWELLS: [&str; 38] = [
    "goodbye",
    "good bye",
    "bye",
    "bye-bye",
    "take care",
    "see you",
    "have a nice",
    "have a great",
    "have a good",
    "have a lovely",
    "have a wonderful",
    "farewell",
    "good night",
    "talk to you soon",
    "talk soon",
    "अलविदा",
    "नमस्ते",
    "नमस्कार",
    "धन्यवाद",
    "शुभ दिन",
    "alvida",
    "namaste",
    "dhanyavaad",
    "auf wiederhören",
    "auf wiedersehen",
    "tschüss",
    "adiós",
    "adios",
    "hasta luego",
    "hasta pronto",
    "au revoir",
    "bonne journée",
    "arrivederci",
    "tchau",
    "até logo",
    "tot ziens",
    "do widzenia",
    "さようなら",
];
/// So many of a hundred words in common say the same.
const SAME_SHARE: usize = 60;

/// The goodbye in the arguments of a call: text that is no JSON, or broken JSON, says it too.
pub fn message_of(arguments: &Value) -> String {
    match arguments {
        Value::String(text) => written_message(text.trim()).trim().to_owned(),
        arguments => arguments["message"].as_str().unwrap_or_default().trim().to_owned(),
    }
}

fn written_message(text: &str) -> String {
    if !text.starts_with(['{', '[']) {
        return text.trim_matches('"').to_owned();
    }
    let Some((_, rest)) = text.split_once("message") else { return String::new() };
    let rest = rest.trim_start_matches(['"', '\'', ' ', ':', '=']);
    let behind = text[..text.len() - rest.len()].trim_end().chars().next_back();
    let quote = behind.filter(|c| matches!(c, '"' | '\'')).unwrap_or('"');
    let closes = |at: usize| {
        let next = rest[at + 1..].trim_start().chars().next();
        !rest[..at].ends_with('\\') && next.is_none_or(|c| matches!(c, ',' | '}' | ']'))
    };
    let end = rest.match_indices(quote).map(|(at, _)| at).find(|at| closes(*at));
    let message = end.map_or_else(|| rest.trim_end_matches(['}', ' ', '\n']), |end| &rest[..end]);
    message.replace("\\n", " ").replace('\\', "")
}

/// The bot's goodbye when neither the model nor the operator has one, by language (BCP-47).
pub fn stock_goodbye(language: &str) -> &'static str {
    match language.split(['-', '_']).next().unwrap_or_default() {
        "hi" => "कॉल करने के लिए धन्यवाद। नमस्ते।",
        "de" => "Danke für Ihren Anruf. Auf Wiederhören.",
        "es" => "Gracias por llamar. Adiós.",
        "fr" => "Merci de votre appel. Au revoir.",
        "it" => "Grazie per la chiamata. Arrivederci.",
        "pt" => "Obrigado por ligar. Tchau.",
        "nl" => "Bedankt voor het bellen. Tot ziens.",
        "pl" => "Dziękujemy za telefon. Do widzenia.",
        "ta" => "அழைத்ததற்கு நன்றி. வணக்கம்.",
        "te" => "కాల్ చేసినందుకు ధన్యవాదాలు. నమస్కారం.",
        "kn" => "ಕರೆ ಮಾಡಿದ್ದಕ್ಕೆ ಧನ್ಯವಾದಗಳು. ನಮಸ್ಕಾರ.",
        "bn" => "কল করার জন্য ধন্যবাদ। নমস্কার।",
        "mr" => "कॉल केल्याबद्दल धन्यवाद. नमस्कार.",
        "gu" => "કૉલ કરવા બદલ આભાર. નમસ્તે.",
        "pa" => "ਕਾਲ ਕਰਨ ਲਈ ਧੰਨਵਾਦ। ਸਤ ਸ੍ਰੀ ਅਕਾਲ।",
        "ur" => "کال کرنے کا شکریہ۔ خدا حافظ۔",
        "ar" => "شكراً لاتصالك. مع السلامة.",
        "ja" => "お電話ありがとうございました。失礼いたします。",
        "zh" => "感谢您的来电，再见。",
        "ko" => "전화 주셔서 감사합니다. 안녕히 계세요.",
        "ru" => "Спасибо за звонок. До свидания.",
        "tr" => "Aradığınız için teşekkürler. Hoşça kalın.",
        _ => "Thank you for calling. Goodbye.",
    }
}

/// What of the tool's message is still to be said after the model's own words: nothing that says the same again.
pub fn rest_of_message(said: &str, message: &str) -> String {
    let said_words = words(said);
    if said_words.is_empty() {
        return message.to_owned();
    }
    let says_goodbye = is_farewell(&said_words);
    let whole = words(message);
    if is_same(&whole, &said_words) {
        return String::new();
    }
    let sentences = sentences(message).into_iter().filter(|sentence| {
        let sentence = words(sentence);
        !(is_same(&sentence, &said_words) || (says_goodbye && is_farewell(&sentence)))
    });
    sentences.collect::<Vec<_>>().join(" ")
}

fn is_same(message: &[String], said: &[String]) -> bool {
    let any_order = message.iter().filter(|w| said.contains(w)).count();
    any_order.max(common(message, said)) * 100 >= message.len() * SAME_SHARE
}

fn is_farewell(said: &[String]) -> bool {
    FAREWELLS.iter().any(|phrase| {
        let phrase = words(phrase);
        said.windows(phrase.len()).any(|w| w == phrase)
    })
}

fn sentences(text: &str) -> Vec<&str> {
    text.split_inclusive(['.', '!', '?', '।', '。', '！', '？'])
        .map(str::trim)
        .filter(|s| !s.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_is_said_twice_and_nothing_is_lost() {
        for (said, message, expected) in [
            ("Thank you for calling. Goodbye.", "Thank you for calling, goodbye!", ""),
            ("Goodbye and thank you for calling!", "Thank you for calling. Goodbye.", ""),
            ("Take care, bye!", "Goodbye.", ""),
            (
                "Have a great day!",
                "Thank you for your call. Have a great day, goodbye!",
                "Thank you for your call.",
            ),
            ("Your appointment is booked.", "Goodbye.", "Goodbye."),
            ("Goodbye!", "Your code is 4471. Goodbye!", "Your code is 4471."),
            ("", "Goodbye.", "Goodbye."),
            ("Bye.", "", ""),
        ] {
            assert_eq!(rest_of_message(said, message), expected, "{said} / {message}");
        }
    }

    #[test]
    fn a_goodbye_is_found_in_broken_arguments() {
        for (arguments, message) in [
            (json!({"message": " Bye. "}), "Bye."),
            (json!({"reason": "done"}), ""),
            (json!("Goodbye then."), "Goodbye then."),
            (json!("Thank you for your message."), "Thank you for your message."),
            (json!(r#"{"message": "Goodbye then."#), "Goodbye then."),
            (json!(r#"{"message": "Goodbye then.","#), "Goodbye then."),
            (json!(r#"{"message": "She said \"bye\".", "reason": "done",}"#), "She said \"bye\"."),
            (json!("{'message': 'We'll call you. Bye.'}"), "We'll call you. Bye."),
            (json!("{message: \"Bye.\"}"), "Bye."),
            (json!("{\"reason\": "), ""),
            (Value::Null, ""),
        ] {
            assert_eq!(message_of(&arguments), message, "{arguments}");
        }
    }
}
