use super::*;
use crate::spoken::{ENGLISH, HINDI};

/// The text as it is said in a bot's language.
fn said(language: &str, text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let Some(manner) = Manner::of(language, &chars) else { return text.to_owned() };
    let (mut said, mut at) = (String::new(), 0);
    for form in find(&chars, &manner) {
        assert!(form.from >= at && form.to > form.from && form.to <= chars.len(), "{form:?} of {text}");
        said.extend(&chars[at..form.from]);
        said.push_str(&form.words);
        at = form.to;
    }
    said.extend(&chars[at..]);
    said
}

fn check(language: &str, cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(said(language, text), *expected, "{text}");
    }
}

#[test]
fn money_is_said_as_it_is_counted() {
    check(
        "en",
        &[
            ("It costs ₹1,25,000 today.", "It costs one lakh twenty-five thousand rupees today."),
            ("₹500.", "five hundred rupees."),
            ("Rs. 99.50 only", "ninety-nine rupees and fifty paise only"),
            ("Rs.1", "one rupee"),
            ("INR 2,50,00,000", "two crore fifty lakh rupees"),
            ("Pay 500/- now", "Pay five hundred rupees now"),
            ("₹2.5 crore", "two point five crore rupees"),
            ("₹1.5L or ₹2Cr", "one point five lakh rupees or two crore rupees"),
            ("₹500–700", "five hundred to seven hundred rupees"),
            ("₹500-₹700", "five hundred to seven hundred rupees"),
            ("₹500 rupees", "five hundred rupees"),
            ("-₹500", "minus five hundred rupees"),
            ("$5.50", "five dollars and fifty cents"),
            ("$1", "one dollar"),
            ("$0.99", "ninety-nine cents"),
            ("$125,000", "one hundred twenty-five thousand dollars"),
            ("US$ 1.5 million", "one point five million dollars"),
            ("$5k", "five thousand dollars"),
            ("5 € or €5", "five euros or five euros"),
            ("20 USD", "twenty dollars"),
            ("£3.125", "three point one two five pounds"),
            ("5 $10 notes", "five ten dollars notes"),
        ],
    );
    check("en-IN", &[("125000 people", "one lakh twenty-five thousand people")]);
    check(
        "hi-IN",
        &[
            ("कुल ₹1,25,000 है।", "कुल एक लाख पच्चीस हज़ार रुपये है।"),
            ("₹1.5 लाख", "डेढ़ लाख रुपये"),
            ("३.५ करोड़ रुपये", "साढ़े तीन करोड़ रुपये"),
            ("2.5 लाख", "ढाई लाख"),
            ("₹99.50 दीजिए", "निन्यानवे रुपये पचास पैसे दीजिए"),
            ("$5 का", "पाँच डॉलर का"),
        ],
    );
}

#[test]
fn dates_and_times_are_said() {
    check(
        "en",
        &[
            ("On 2026-12-05.", "On the fifth of December two thousand twenty-six."),
            ("05/12/2026", "the fifth of December two thousand twenty-six"),
            ("by the 5.12.1999", "by the fifth of December nineteen ninety-nine"),
            ("5 December 2026", "the fifth of December two thousand twenty-six"),
            ("the 21st of December", "the twenty-first of December"),
            ("Dec. 5, 2026 is a Saturday", "December fifth two thousand twenty-six is a Saturday"),
            ("March 3", "March third"),
            ("I may 5 times", "I may five times"),
            ("in December 1999", "in December nineteen ninety-nine"),
            ("since 1987", "since nineteen eighty-seven"),
            ("10:30", "ten thirty"),
            ("at 9:05 am", "at nine oh five AM"),
            ("until 5 p.m. today", "until five PM today"),
            ("We close at 5 p.m.", "We close at five PM."),
            ("10.30 am", "ten thirty AM"),
            ("7-9pm", "seven to nine PM"),
            ("10:00-18:00", "ten o'clock to eighteen hundred"),
            ("10:00 o'clock", "ten o'clock"),
            ("99/99/2026", "99/99/2026"),
        ],
    );
    check("en-US", &[("12/05/2026", "the fifth of December two thousand twenty-six")]);
    check(
        "hi",
        &[
            ("5 दिसंबर 2026 को", "पाँच दिसंबर दो हज़ार छब्बीस को"),
            ("05/12/2026 को", "पाँच दिसंबर दो हज़ार छब्बीस को"),
            ("10:30 बजे आइए", "साढ़े दस बजे आइए"),
            ("शाम 6:15 बजे", "शाम सवा छह बजे"),
            ("5वां और 1ला", "पाँचवां और एक ला"),
            ("2वीं", "दूसरी"),
            ("10बजे", "दस बजे"),
        ],
    );
}

#[test]
fn numbers_with_what_is_counted_are_said() {
    check(
        "en",
        &[
            ("1. First", "one. First"),
            ("3.5", "three point five"),
            ("-5 degrees", "minus five degrees"),
            ("12.5%", "twelve point five percent"),
            ("5–7 %", "five to seven percent"),
            ("2-3 days", "two to three days"),
            ("30 km/h, 5kg, 1 kg", "thirty kilometres per hour, five kilograms, one kilogram"),
            ("25°C", "twenty-five degrees Celsius"),
            ("5 GB or 5GB", "five gigabytes or five gigabytes"),
            ("21st, 2nd", "twenty-first, second"),
            ("1/2 or 5/7 and 24/7", "one half or 5/7 and twenty-four seven"),
            ("v2beta and 24x7", "v2beta and 24x7"),
            ("version 2.5.1", "version two point five point one"),
            ("192.168.0.1", "one hundred ninety-two dot one hundred sixty-eight dot zero dot one"),
            ("18+", "eighteen plus"),
            ("007", "zero zero seven"),
            ("1,234", "one thousand two hundred thirty-four"),
            ("10000000 users", "ten million users"),
            ("number 4", "number four"),
            ("2 million", "two million"),
            ("1,2,3", "one,two,three"),
        ],
    );
}

#[test]
fn telephone_numbers_codes_and_addresses_are_spelled() {
    check(
        "en",
        &[
            ("+91 98765 43210", "plus nine one, nine eight seven six five, four three two one zero"),
            ("+919876543210", "plus nine one, nine eight seven six five, four three two one zero"),
            ("9876543210", "nine eight seven, six five four, three two one zero"),
            ("555-1234", "five five five, one two three four"),
            ("1800-123-4567.", "one eight zero zero, one two three, four five six seven."),
            ("(022) 1234 5678", "zero two two, one two three four, five six seven eight"),
            ("A-1234", "A, one two three four"),
            ("PNR XK4J2L", "PNR X K four J two L"),
            ("5G and B12", "five G and B twelve"),
            ("COVID-19", "COVID nineteen"),
            ("ABCPE1234F", "A B C P E one two three four F"),
            ("Your code is 4471.", "Your code is four four seven one."),
            ("The PIN: 110001", "The PIN: one one zero zero zero one"),
            ("Is it a code? 5000 people", "Is it a code? five thousand people"),
            (
                "Write to john_smith24@example.co.in.",
                "Write to john underscore smith two four at example dot co dot in.",
            ),
            ("See https://a.b/c?d=1 or www.x.org/5", "See https://a.b/c?d=1 or www.x.org/5"),
        ],
    );
    check(
        "hi-IN",
        &[
            ("9876543210 पर", "नौ आठ सात छह पाँच, चार तीन दो एक शून्य पर"),
            ("आपका ओटीपी है 4471", "आपका ओटीपी है चार चार सात एक"),
            ("a@b.in पर लिखिए", "a ऐट b डॉट in पर लिखिए"),
        ],
    );
}

#[test]
fn the_script_decides_the_language() {
    for (language, text, expected) in [
        ("hi", "500", Some("hi")),
        ("hi", "Aapka bill 500 hai", Some("en")),
        ("en", "500", Some("en")),
        ("multi", "कुल 500", Some("hi")),
        ("en", "कुल 500", None),
        ("de", "500 Euro", None),
        ("mr", "एकूण 500", None),
        ("hi", "费用 500", None),
    ] {
        let chars: Vec<char> = text.chars().collect();
        let tag = Manner::of(language, &chars).map(|manner| manner.tongue.tag);
        assert_eq!(tag, expected, "{language}: {text}");
    }
}

#[test]
fn a_table_has_a_word_for_all_that_is_read() {
    for tongue in [&ENGLISH, &HINDI] {
        for sign in ['@', '.', '_', '-', '+'] {
            assert!(tongue.signs.iter().any(|(known, _)| *known == sign), "{}: {sign}", tongue.tag);
        }
        // What begins like another stands behind it.
        for (place, unit) in tongue.units.iter().enumerate() {
            let shadow = tongue.units[..place].iter().find(|before| {
                unit.written.starts_with(before.written) && !before.written.ends_with(char::is_alphabetic)
            });
            assert!(shadow.is_none(), "{}: {} behind {shadow:?}", tongue.tag, unit.written);
        }
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 200, ..Default::default() })]

    /// Only what holds a digit, or is an address, is said otherwise, and nothing around it.
    #[test]
    fn nothing_else_is_touched(parts in proptest::collection::vec(proptest::sample::select(vec![
        "5", "12", "1,25,000", "2026", "-", "–", "/", ".", ":", " ", "₹", "Rs.", "$", "%", "km", "am", " PM", "+91", "(", ")",
        "A", "XK", "@", "a.b", "Dec ", "code ", "लाख", "५", "वीं", "बजे", "st", "00000000", "।", "é", "'", "T",
    ]), 0..16), language in proptest::sample::select(vec!["en", "hi-IN", "en-US", "multi"])) {
        let text: Vec<char> = parts.concat().chars().collect();
        let Some(manner) = Manner::of(language, &text) else { return Ok(()) };
        let mut before = 0;
        for Form { from, to, words } in find(&text, &manner) {
            proptest::prop_assert!(before <= from && from < to && to <= text.len());
            let span = &text[from..to];
            proptest::prop_assert!(span.iter().any(|c| c.is_numeric() || *c == '@'), "{span:?}");
            proptest::prop_assert!(!span[0].is_whitespace() && !span[span.len() - 1].is_whitespace());
            proptest::prop_assert!(!words.chars().any(char::is_numeric), "{words}");
            before = to;
        }
    }
}
