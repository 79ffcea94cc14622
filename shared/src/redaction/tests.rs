use serde_json::json;

use super::*;
use crate::wire::result::{TranscriptEntry, Word};

fn all() -> Redactor {
    Redactor::new(&Hidden::ALL).unwrap()
}

fn conversation(lines: &[(Speaker, &str)]) -> Vec<String> {
    let said: Vec<Said<'_>> = lines.iter().map(|(by, text)| Said { by: *by, text }).collect();
    all().hide(&said, &Secrets::default())
}

fn caller(text: &str) -> String {
    conversation(&[(Speaker::Caller, text)]).remove(0)
}

fn answer(ask: &str, text: &str) -> String {
    conversation(&[(Speaker::Bot, ask), (Speaker::Caller, text)]).remove(1)
}

/// However a number is said, it is hidden; nothing else is.
#[test]
fn what_says_itself_what_it_is_is_found_in_every_form() {
    for (said, shown) in [
        ("It is 4111111111111111.", "It is [card]."),
        ("It is 4111 1111 1111 1111, thanks", "It is [card], thanks"),
        ("4111-1111-1111-1111", "[card]"),
        ("It's 4111. 1111. 1111. 1111.", "It's [card]."),
        ("four one one one one one one one one one one one one one one one", "[card]"),
        ("yes, four one double one triple one one quadruple one quadruple one please", "yes, [card] please"),
        ("forty-one eleven eleven eleven eleven eleven eleven eleven ok", "[card] ok"),
        ("forty one eleven, double one double one, 1111 1111", "[card]"),
        ("चार एक एक एक एक एक एक एक एक एक एक एक एक एक एक एक है", "[card] है"),
        ("फोर वन डबल वन वन वन वन वन वन वन वन वन वन वन वन वन", "[card]"),
        ("chaar ek ek ek ek ek ek ek ek ek ek ek ek ek ek ek", "[card]"),
        ("४१११ ११११ ११११ ११११", "[card]"),
        ("3782 822463 10005 and 12/29", "[card] and 12/29"),
        ("card4111111111111111", "card[card]"),
        ("4111111111111111123", "[card]"),
        ("Aadhaar 2341 2341 2346", "Aadhaar [aadhaar]"),
        ("two three four one two three four one two three four six", "[aadhaar]"),
        ("दो तीन चार एक दो तीन चार एक दो तीन चार छह", "[aadhaar]"),
        ("DE89 3704 0044 0532 0130 00 is it", "[iban] is it"),
        (
            "d e eight nine three seven zero four double zero double four zero five three two zero one three triple zero",
            "[iban]",
        ),
        ("GB82WEST12345698765432", "[iban]"),
        ("ABCPE1234F", "[pan]"),
        ("A B C P E one two three four F", "[pan]"),
        ("write to asha.kumar@example.co.in.", "write to [email]."),
        ("it is asha dot kumar at example dot com", "it is [email]"),
        ("asha at the rate gmail.com please", "[email] please"),
        ("a s h a 7 at gmail dot com", "[email]"),
        ("call 98765 43210 later", "call [phone] later"),
        ("nine eight seven six five four three two one zero", "[phone]"),
        ("+49 151 2345 6789", "+[phone]"),
        ("plus four nine one five one two three four five six seven eight nine", "plus [phone]"),
    ] {
        assert_eq!(caller(said), shown, "{said}");
    }
}

#[test]
fn a_secret_is_hidden_when_it_was_asked_for_or_announced_and_before_it_is_complete() {
    for (asked, said, shown) in [
        ("What is your card number?", "four one one one", "[card]"),
        ("Please tell me the sixteen digits of your card. Take your time.", "ok 4111 1111", "ok [card]"),
        ("अपना कार्ड नंबर बताइए।", "चार एक एक एक", "[card]"),
        ("And the three digits of your CVV?", "one two three", "[cvv]"),
        ("What is the security code?", "it's 987", "it's [cvv]"),
        ("I sent you an OTP, please read it.", "482913", "[otp]"),
        ("ओटीपी बताइए", "चार आठ दो नौ एक तीन", "[otp]"),
        ("Key in your PIN.", "[keypad: 4821]", "[keypad: [pin]]"),
        ("Your IBAN, please?", "d e eight nine three seven", "[iban]"),
        ("Go on.", "my pin is double four two one", "my pin is [pin]"),
        ("Go on.", "the one time password I got is 482913", "the one time password I got is [otp]"),
        ("Go on.", "my credit card number is uh 4111", "my credit card number is uh [card]"),
        ("Go on.", "[keypad: 4821]", "[keypad: [pin]]"),
        ("Enter your PIN to hear your balance.", "[keypad: 4821]", "[keypad: [pin]]"),
        ("Tell me the OTP for your order.", "482913", "[otp]"),
        (
            "And the CVV?",
            "the last three digits on the back are one two three",
            "the last three digits on the back are [cvv]",
        ),
        ("Go on.", "I changed it last week, my pin is 4821", "I changed it last week, my pin is [pin]"),
        ("What is your OTP?", "482,913", "[otp]"),
        ("What is your PIN?", "10:30", "[pin]"),
        ("What is your OTP?", "12-05-26", "[otp]"),
        ("What is your CVV?", "five hundred and twelve", "[cvv]"),
        ("What is your PIN?", "four eight", "[pin]"),
    ] {
        assert_eq!(answer(asked, said), shown, "{asked} {said}");
    }
}

/// Told in groups, with the bot and the caller saying other things between.
#[test]
fn a_number_over_several_lines_is_one() {
    use Speaker::{Bot, Caller};
    let asked = conversation(&[
        (Bot, "Your card number, please?"),
        (Caller, "Just a second."),
        (Caller, "four one one one"),
        (Bot, "Yes."),
        (Caller, "one one"),
        (Bot, "Go on."),
        (Caller, "and one one"),
        (Caller, "1111 1111"),
        (Bot, "So four one one one, one one one one, double one double one, one one one one?"),
        (Caller, "Yes, and I owe 4500 rupees."),
        (Bot, "Your order number?"),
        (Caller, "That is 11114."),
    ]);
    assert_eq!(
        asked,
        [
            "Your card number, please?",
            "Just a second.",
            "[card]",
            "Yes.",
            "[card]",
            "Go on.",
            "and [card]",
            "[card]",
            "So [card]?",
            "Yes, and I owe 4500 rupees.",
            "Your order number?",
            "That is 11114.",
        ]
    );
    // Nobody said what it is: it is known when it is complete.
    let unasked = conversation(&[
        (Caller, "41111 11111"),
        (Bot, "Hm?"),
        (Caller, "one one one one one one"),
        (Bot, "I heard 4111111111111111."),
    ]);
    assert_eq!(unasked, ["[card]", "Hm?", "[card]", "I heard [card]."]);
}

/// Other things are said between a question, or an announcement, and the number.
#[test]
fn a_secret_may_come_some_lines_after_it_was_asked_for_or_announced() {
    use Speaker::{Bot, Caller};
    let hidden = |lines: &[(Speaker, &str)]| conversation(lines).pop().unwrap();
    for lines in [
        &[
            (Bot, "What is your PIN?"),
            (Caller, "One moment."),
            (Bot, "Sure, take your time."),
            (Caller, "4821"),
        ][..],
        &[
            (Bot, "What is your PIN?"),
            (Caller, "Sorry, what?"),
            (Bot, "Are you there?"),
            (Caller, "Yes."),
            (Bot, "Hello?"),
            (Caller, "4821"),
        ],
        &[(Bot, "Your PIN, please?"), (Caller, "My PIN? Wait."), (Caller, "4821")],
        &[(Bot, "Hello."), (Caller, "So my PIN is"), (Caller, "4821")],
        &[(Bot, "Hello."), (Caller, "मेरा पिन है"), (Bot, "जी।"), (Caller, "4821")],
        &[
            (Bot, "Your PIN, please?"),
            (Caller, "It is with my wife."),
            (Bot, "I see."),
            (Caller, "four eight two one"),
        ],
    ] {
        assert_eq!(hidden(lines), "[pin]", "{lines:?}");
    }
    // It was given, or something else is asked for.
    for lines in [
        &[(Bot, "What is your PIN?"), (Caller, "4821"), (Bot, "Thank you."), (Caller, "I was born in 1984")]
            [..],
        &[(Bot, "What is your PIN?"), (Caller, "Wait."), (Bot, "When were you born?"), (Caller, "1984")],
        &[(Bot, "What is your PIN?"), (Caller, "No."), (Bot, "Your order number, then?"), (Caller, "1984")],
        &[(Bot, "Hello."), (Caller, "I do not have my card."), (Caller, "I come at 1030.")],
    ] {
        assert_eq!(hidden(lines), lines.last().unwrap().1, "{lines:?}");
    }
}

/// What people also say in figures stays as it is.
#[test]
fn amounts_dates_and_other_numbers_survive() {
    for said in [
        "I paid 4500 rupees on 12/05/2026 at 10:30.",
        "It was 1,25,000.50, and $4,111.11 before.",
        "one lakh twenty five thousand rupees",
        "twenty one hundred and five",
        "My order number is 1234 5678 9012 3456.",
        "Order 20261129123456, invoice 778812345678.",
        "The order is 9876543210.",
        "reference number nine eight seven six five four three two one zero",
        "My card was charged 4500.",
        "the card ending in 1234 and the one that ends 4821",
        "the last four digits of my card are 1111",
        "I was born in 1984, on the 4th of May, and I am 42.",
        "pin code 560001",
        "Flat 12, 4th cross, 560001 Bengaluru",
        "I want two or three of them, for 4 people, too",
        "meet me at the station at ten",
        "one two three testing",
        "do teen log aaye",
        "version 1.2.3.4 of 2026-11-29",
        "call 112 or 100",
        "the PAN is with me, and the pin fell down",
        "f1c10af3775902789405ea9f66c5e9c54349182b0c4bae26ec22367402f537f6",
        "de89370400440532013000ab and xde89370400440532013000",
    ] {
        assert_eq!(caller(said), said);
    }
    for (asked, said) in [
        ("Thank you for your card details. What is your order number?", "it is 12345"),
        ("How much do you want to pay by card?", "4500 rupees"),
        ("Is it about your card, and what is the amount?", "4500"),
        ("Which date?", "12 05 2026"),
        ("Key in your order number.", "[keypad: 48213]"),
        ("How many?", "[keypad: 2]"),
        ("What is your PIN?", "One moment."),
        ("What is your OTP?", "It came at 10:30, for 12,500 rupees"),
    ] {
        assert_eq!(answer(asked, said), said, "{asked}");
    }
}

#[test]
fn only_the_kinds_that_were_chosen_are_hidden() {
    let only = Redactor::new(&[Hidden::Email]).unwrap();
    let text = "4111111111111111, my pin is 4821, a@b.co";
    assert_eq!(only.text(text), "4111111111111111, my pin is 4821, [email]");
    assert_eq!(Redactor::new(&[]), None);
}

#[test]
fn values_are_looked_into_and_the_names_of_their_fields_count() {
    let mut value = json!({
        "card_number": 4_111_111_111_111_111_u64, "cvv": "123", "amount": 4500, "note": ["pay to a@b.co", {"pin": 4821}],
        "at": "2026-11-29T14:44:01Z", "paid": true, "otpCode": 482_913, "cardPin": "4821", "newPIN": "4821", "userOTP": "482913",
        "orderCode": 482_913,
    });
    all().value(&mut value);
    let expected = json!({
        "card_number": "[card]", "cvv": "[cvv]", "amount": 4500, "note": ["pay to [email]", {"pin": "[pin]"}],
        "at": "2026-11-29T14:44:01Z", "paid": true, "otpCode": "[otp]", "cardPin": "[pin]", "newPIN": "[pin]", "userOTP": "[otp]",
        "orderCode": 482_913,
    });
    assert_eq!(value, expected);
}

fn line(text: &str, words: &[(&str, u64)]) -> TranscriptEntry {
    let words =
        words.iter().map(|(text, at)| Word { text: (*text).into(), started_ms: *at, ended_ms: at + 200 });
    TranscriptEntry {
        turn: 1,
        speaker: Speaker::Caller,
        text: text.into(),
        confidence: None,
        started_ms: 1_000,
        ended_ms: 4_000,
        interrupted: false,
        words: words.collect(),
        bot_id: None,
    }
}

#[test]
fn words_are_hidden_with_their_text_and_where_they_sound_is_told() {
    let words = [
        ("my", 1_000),
        ("pin", 1_300),
        ("is", 1_600),
        ("four", 1_900),
        ("double", 2_200),
        ("two", 2_500),
        ("now", 2_900),
    ];
    let mut lines = [line("my pin is four double two now", &words), line("my pin is 422", &words[..2])];
    let covered = all().transcript(&mut lines);
    let texts: Vec<&str> = lines[0].words.iter().map(|word| word.text.as_str()).collect();
    assert_eq!(lines[0].text, "my pin is [pin] now");
    assert_eq!(texts, ["my", "pin", "is", "[pin]", "now"]);
    assert_eq!((lines[0].words[3].started_ms, lines[0].words[3].ended_ms), (1_900, 2_700));
    let (from, to) = (covered[0].iter().map(|c| c.from_ms).min(), covered[0].iter().map(|c| c.to_ms).max());
    assert_eq!((from, to), (Some(1_650), Some(2_950)));
    // Which sound is the number is not known: all of it.
    assert!(lines[1].words.is_empty());
    assert_eq!(covered[1], [Covered { from_ms: 750, to_ms: 4_250 }]);
}

#[test]
fn marks_stay_marks() {
    for text in
        ["[card] and [keypad: [pin]]", "", "[]", "[keypad: ]", "@", "a@", "at", "dot com", "+", "double"]
    {
        assert_eq!(caller(text), text);
    }
}

proptest::proptest! {
    /// No text breaks it, and what it hides is in the text.
    #[test]
    fn any_text_is_looked_at(lines in proptest::collection::vec("[ 0-9a-z@.,\\-\\[\\]:+√©पाँचचार?]{0,60}", 0..8)) {
        let said: Vec<Said<'_>> = lines.iter().enumerate().map(|(at, text)| {
            let by = if at % 3 == 0 { Speaker::Bot } else { Speaker::Caller };
            Said { by, text }
        }).collect();
        let shown = all().hide(&said, &Secrets::default());
        proptest::prop_assert_eq!(shown.len(), lines.len());
    }

    /// A card is hidden however its digits are grouped and said.
    #[test]
    fn every_grouping_is_found(words in proptest::collection::vec(0..4_usize, 16), spaces in proptest::collection::vec(0..3_usize, 16)) {
        const ENGLISH: [&str; 2] = ["four", "one"];
        const HINDI: [&str; 2] = ["चार", "एक"];
        let mut said = String::new();
        for (place, (form, space)) in words.iter().zip(spaces).enumerate() {
            let which = usize::from(place > 0);
            let figure = ["4", "1"][which];
            match form {
                0 => said.push_str(&format!(" {} ", ENGLISH[which])),
                1 => said.push_str(&format!(" {} ", HINDI[which])),
                _ => said.push_str(figure),
            }
            said.push_str(["", " ", "-"][space]);
        }
        let shown = caller(&format!("so {said} ok"));
        proptest::prop_assert!(shown.contains("[card]"), "{said}: {shown}");
        let tail = shown.replace("[card]", "");
        proptest::prop_assert!(!tail.contains(|c: char| c.is_ascii_digit()) && !tail.contains("one"), "{said}: {shown}");
    }
}
