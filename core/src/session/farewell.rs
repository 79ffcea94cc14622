//! One goodbye: which of the model's words and the tool's message are said, and the bot's own when there is neither. And what it says
//! when the line is back.

use super::text::{is_terminal, is_unspaced};
use super::words::{common, words};

/// Words that say goodbye.
const FAREWELLS: [&str; 71] = [
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
    "शुक्रिया",
    "शुभ दिन",
    "alvida",
    "namaste",
    "dhanyavaad",
    "dhanyavad",
    "shukriya",
    "வணக்கம்",
    "நன்றி",
    "నమస్కారం",
    "ధన్యవాదాలు",
    "ನಮಸ್ಕಾರ",
    "ಧನ್ಯವಾದಗಳು",
    "നന്ദി",
    "নমস্কার",
    "ধন্যবাদ",
    "આભાર",
    "નમસ્તે",
    "ਸਤ ਸ੍ਰੀ ਅਕਾਲ",
    "خدا حافظ",
    "خداحافظ",
    "مع السلامة",
    "auf wiederhören",
    "auf wiedersehen",
    "tschüss",
    "schönen tag",
    "adiós",
    "adios",
    "hasta luego",
    "hasta pronto",
    "au revoir",
    "bonne journée",
    "arrivederci",
    "buona giornata",
    "tchau",
    "até logo",
    "tot ziens",
    "do widzenia",
    "до свидания",
    "всего доброго",
    "hoşça kalın",
    "iyi günler",
    "tạm biệt",
    "sampai jumpa",
    "再见",
    "再見",
    "さようなら",
    "失礼いたします",
    "失礼します",
    "안녕히",
    "สวัสดี",
    "ลาก่อน",
];
/// So many of a hundred words in common say the same.
const SAME_SHARE: usize = 60;

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
        "ml" => "വിളിച്ചതിന് നന്ദി. നമസ്കാരം.",
        "fa" => "از تماس شما متشکریم. خداحافظ.",
        "th" => "ขอบคุณที่โทรมา สวัสดี",
        "vi" => "Cảm ơn quý khách đã gọi. Tạm biệt.",
        "id" => "Terima kasih telah menelepon. Sampai jumpa.",
        "uk" => "Дякуємо за дзвінок. До побачення.",
        _ => "Thank you for calling. Goodbye.",
    }
}

/// What the caller is told when the line was dead for a moment and is back, where the operator has no words for it, by language
/// (BCP-47).
pub fn stock_line_back(language: &str) -> &'static str {
    match language.split(['-', '_']).next().unwrap_or_default() {
        "hi" => "माफ़ कीजिए, लाइन एक पल के लिए कट गई थी।",
        "de" => "Entschuldigung, die Leitung war kurz unterbrochen.",
        "es" => "Perdón, la línea se cortó un momento.",
        "fr" => "Pardon, la ligne a été coupée un instant.",
        "it" => "Mi scusi, la linea si è interrotta per un momento.",
        "pt" => "Desculpe, a linha caiu por um momento.",
        "nl" => "Sorry, de verbinding was even weg.",
        "pl" => "Przepraszam, połączenie zostało na chwilę przerwane.",
        "ta" => "மன்னிக்கவும், இணைப்பு ஒரு கணம் துண்டிக்கப்பட்டது.",
        "te" => "క్షమించండి, లైన్ ఒక్క క్షణం ఆగిపోయింది.",
        "kn" => "ಕ್ಷಮಿಸಿ, ಸಂಪರ್ಕ ಒಂದು ಕ್ಷಣ ಕಡಿತಗೊಂಡಿತ್ತು.",
        "bn" => "দুঃখিত, লাইনটা এক মুহূর্তের জন্য কেটে গিয়েছিল।",
        "mr" => "माफ करा, लाईन क्षणभर तुटली होती.",
        "gu" => "માફ કરશો, લાઇન એક ક્ષણ માટે કપાઈ ગઈ હતી.",
        "pa" => "ਮਾਫ਼ ਕਰਨਾ, ਲਾਈਨ ਇੱਕ ਪਲ ਲਈ ਕੱਟੀ ਗਈ ਸੀ।",
        "ur" => "معذرت، لائن ایک لمحے کے لیے کٹ گئی تھی۔",
        "ar" => "عذراً، انقطع الخط للحظة.",
        "ja" => "失礼しました。回線が一瞬途切れました。",
        "zh" => "抱歉，线路刚才中断了一下。",
        "ko" => "죄송합니다, 연결이 잠시 끊어졌습니다.",
        "ru" => "Извините, связь на мгновение прервалась.",
        "tr" => "Özür dilerim, hat bir an kesildi.",
        "ml" => "ക്ഷമിക്കണം, ലൈൻ ഒരു നിമിഷം മുറിഞ്ഞുപോയി.",
        "fa" => "ببخشید، خط برای لحظه‌ای قطع شد.",
        "th" => "ขออภัย สายขาดไปชั่วครู่",
        "vi" => "Xin lỗi, đường dây vừa bị gián đoạn một chút.",
        "id" => "Maaf, sambungan tadi terputus sebentar.",
        "uk" => "Вибачте, зв'язок на мить перервався.",
        _ => "Sorry, the line was interrupted for a moment.",
    }
}

/// What of the tool's message is still to be said after the model's own words: nothing that says the same again.
pub fn rest_of_message(said: &str, message: &str) -> String {
    let said_words = parts(said);
    if said_words.is_empty() {
        return message.to_owned();
    }
    let is_goodbye = says_goodbye(said);
    if is_same(&parts(message), &said_words) {
        return String::new();
    }
    let sentences = sentences(message).into_iter().filter(|sentence| {
        !(is_same(&parts(sentence), &said_words) || (is_goodbye && says_goodbye(sentence)))
    });
    sentences.collect::<Vec<_>>().join(" ")
}

fn is_same(message: &[String], said: &[String]) -> bool {
    let any_order = message.iter().filter(|w| said.contains(w)).count();
    any_order.max(common(message, said)) * 100 >= message.len() * SAME_SHARE
}

/// A text's words; where a script has no spaces, each two letters that stand together.
fn parts(text: &str) -> Vec<String> {
    let part = |word: String| {
        let letters: Vec<char> = word.chars().filter(|c| c.is_alphanumeric()).collect();
        match letters.iter().any(|c| is_unspaced(*c)) && letters.len() > 2 {
            true => letters.windows(2).map(|pair| pair.iter().collect()).collect(),
            false => vec![word],
        }
    };
    // Marks part words in such a script, and no spaces do.
    let marked = |c: char| is_unspaced(c) && !c.is_alphanumeric() && !is_combining(c);
    words(&text.replace(marked, " ")).into_iter().flat_map(part).collect()
}

/// Vowel signs and tones, which stand with a letter.
fn is_combining(c: char) -> bool {
    matches!(u32::from(c), 0x0E31..=0x0E4E | 0x0EB1..=0x0ECE | 0x102B..=0x103E | 0x17B4..=0x17D3)
}

/// Whether these words say goodbye.
pub fn says_goodbye(said: &str) -> bool {
    let (said, said_words) = (said.to_lowercase(), words(said));
    FAREWELLS.iter().any(|phrase| {
        let phrase_words = words(phrase);
        said_words.windows(phrase_words.len()).any(|w| w == phrase_words)
            || (phrase.contains(is_unspaced) && said.contains(phrase))
    })
}

fn sentences(text: &str) -> Vec<&str> {
    text.split_inclusive(|c| matches!(c, '.' | '!' | '?') || is_terminal(c))
        .map(str::trim)
        .filter(|s| !s.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {

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
            ("感谢您的来电，再见！", "谢谢来电，再见。", ""),
            ("您的预约是周二。再见！", "您的验证码是四四七一。再见！", "您的验证码是四四七一。"),
            (
                "お電話ありがとうございました。失礼いたします。",
                "お電話ありがとうございます。失礼します。",
                "",
            ),
            ("ขอบคุณที่โทรมาค่ะ สวัสดีค่ะ", "ขอบคุณที่โทรมา สวัสดี", ""),
            ("Спасибо за звонок, до свидания!", "Всего доброго, до свидания.", ""),
            ("ขอบคุณ", "รหัสของคุณคือสี่สี่เจ็ดหนึ่ง", "รหัสของคุณคือสี่สี่เจ็ดหนึ่ง"),
        ] {
            assert_eq!(rest_of_message(said, message), expected, "{said} / {message}");
        }
    }
}
