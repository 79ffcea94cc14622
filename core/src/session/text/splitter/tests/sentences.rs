use super::*;

#[test]
fn sentences_are_given_as_soon_as_they_are_complete() {
    check(&["Hel", "lo. How", " are you? Fi", "ne"], &["Hello.", "How are you?", "Fine"]);
    let mut splitter = splitter();
    assert!(splitter.push("Hello.").is_empty());
    assert_eq!(splitter.push(" ").len(), 1);
}

#[test]
fn abbreviations_initials_and_decimals_do_not_end_a_sentence() {
    for whole in [
        "Dr. J. Smith owes 3.5 euros.",
        "We are Acme Inc. in the U.S. office.",
        "A call at 9 a.m. tomorrow.",
        "It is No. 5 of St. Mary's Ave. by the park.",
        "Bring e.g. your card, i.e. the blue one.",
        "Version 2.0.1 is at shop.example.com now.",
        "Well... let me see.",
        "Ask Mrs. R. K. Patel vs. Jones.",
        "From 9:00 a.m. to 5:00 p.m. on Jan. 5 it is open.",
        "He has a Ph.D. from Oxford.",
        "Washington, D.C. Office hours apply.",
        "It costs Rs. 500 at Acme Pvt. Ltd. today.",
        "It is 3 in. wide and 10 min. away.",
        "Am 3. oder 4. Mai im 2. Stock.",
        "Das sind 5 Mio. Euro bzw. 3 Mrd. Dollar.",
        "Prof. Dr. med. Weiß und Dott. Rossi.",
        "5 тыс. руб. на ул. Ленина.",
        "U. S. A. and E. U. rules.",
        "See Node.Js and St.John.",
    ] {
        check(&[whole, " Yes."], &[whole, "Yes."]);
    }
}

#[test]
fn an_abbreviation_may_end_one() {
    check(&["We close at 5 p.m. Please call."], &["We close at 5 p.m.", "Please call."]);
    check(&["No. I cannot."], &["No.", "I cannot."]);
    check(&["We are in the U.S. You can come."], &["We are in the U.S.", "You can come."]);
}

#[test]
fn a_lists_number_is_spoken_with_its_item() {
    check(
        &[
            "Three options:\n1. A check-up for $3.50.\n2. Dr. Smith of Acme Inc. in the U.S. office.\n3. A call at 9 a.m. tomorrow.",
        ],
        &[
            "Three options:",
            "1. A check-up for $3.50.",
            "2. Dr. Smith of Acme Inc. in the U.S. office.",
            "3. A call at 9 a.m. tomorrow.",
        ],
    );
    check(&["1.\nOne\n**2.** Two\n3) Three\na. Four\n"], &["1. One", "2. Two", "3) Three", "a. Four"]);
    check(&["You owe 5. We wait."], &["You owe 5.", "We wait."]);
    check(&["1.1. One\n1\\. Two\n1．预约\n"], &["1.1. One", "1. Two", "1．预约"]);
}

#[test]
fn a_list_within_a_line_is_parted_before_its_numbers() {
    check(
        &["Three options: 1. A check-up. 2. A call. 3. Nothing."],
        &["Three options: 1. A check-up.", "2. A call.", "3. Nothing."],
    );
    check(
        &["We offer: 1. checks 2. eye tests 3. X-rays."],
        &["We offer: 1. checks", "2. eye tests", "3. X-rays."],
    );
    check(&["رقم: ١. أولاً ٢. ثانياً"], &["رقم: ١. أولاً", "٢. ثانياً"]);
    check(&["It is 3. We go."], &["It is 3.", "We go."]);
}

#[test]
fn a_sentence_may_follow_without_a_space() {
    check(&["It is nine.We open then.It's fine."], &["It is nine.", "We open then.", "It's fine."]);
    check(&["Really?Yes!Good."], &["Really?", "Yes!", "Good."]);
}

#[test]
fn scripts_that_write_words_together_are_parted_at_their_spaces() {
    check(&["สวัสดีครับ วันนี้เราเปิดเก้าโมงเช้า และปิดห้าโมงเย็น"], &["สวัสดีครับ วันนี้เราเปิดเก้าโมงเช้า", "และปิดห้าโมงเย็น"]);
}

#[test]
fn a_stroke_may_stand_for_the_danda() {
    check(&["नमस्ते| आप कैसे हैं | ठीक है|"], &["नमस्ते।", "आप कैसे हैं ।", "ठीक है।"]);
}

#[test]
fn marks_of_every_script_end_one() {
    check(
        &["感谢您的来电。请问您", "想预约哪一天呢？好的！"],
        &["感谢您的来电。", "请问您想预约哪一天呢？", "好的！"],
    );
    check(&["नमस्ते। आप कैसे हैं? ठीक।"], &["नमस्ते।", "आप कैसे हैं?", "ठीक।"]);
    check(&["هل أنت بخير؟ نعم۔ جی"], &["هل أنت بخير؟", "نعم۔", "جی"]);
    check(&["Բարև։ Այո։ "], &["Բարև։", "Այո։"]);
    check(&["ሰላም። አዎ።"], &["ሰላም።", "አዎ።"]);
    check(&["မင်္ဂလာပါ။ဟုတ်ကဲ့။"], &["မင်္ဂလာပါ။", "ဟုတ်ကဲ့။"]);
    check(&["សួស្តី។បាទ។"], &["សួស្តី។", "បាទ។"]);
    check(&["Τι κάνετε; Καλά."], &["Τι κάνετε;", "Καλά."]);
    check(&["「はい。」それから、（多分。）"], &["「はい。」", "それから、（多分。）"]);
    check(&["はい｡いいえ｡"], &["はい｡", "いいえ｡"]);
}

#[test]
fn a_sentence_is_settled_when_nothing_follows() {
    for (text, settled) in [
        ("感谢您的来电。", true),
        ("नमस्ते।", true),
        ("We open at nine.", true),
        ("Really?", true),
        ("「はい。」", true),
        ("It is 3.", false),
        ("Ask Dr.", false),
        ("at 5 p.m.", false),
        ("So we", false),
        ("1.", false),
        ("Well,", false),
        ("See https://a.b/c.", false),
        ("yes. <thi", false),
    ] {
        let mut splitter = splitter();
        let given = splitter.push(text).len();
        assert_eq!(splitter.is_settled(), settled, "{text}");
        let piece = splitter.settle();
        assert!(matches!(&piece, Some(Item::Piece(p)) if p.say() == text) == settled, "{text}: {piece:?}");
        assert_eq!(given, usize::from(text.starts_with("yes")), "{text}");
    }
    let mut splitter = splitter();
    splitter.push("感谢您的来电。");
    splitter.settle();
    assert_eq!(splitter.push("请说。好").len(), 1, "the next one goes on as usual");
}

#[test]
fn quotes_and_brackets_behind_the_mark_belong_to_it() {
    check(
        &["She said \"yes.\" Then (he left.) **Now.** Go"],
        &["She said \"yes.\"", "Then (he left.)", "Now.", "Go"],
    );
    check(&["« Oui. » Fin. « Non. Si. » Va."], &["« Oui. »", "Fin.", "« Non.", "Si. »", "Va."]);
    check(&["Really?!", " Yes!!! Ok"], &["Really?!", "Yes!!!", "Ok"]);
}

#[test]
fn only_the_first_piece_may_be_a_clause() {
    check(
        &["Well, thank you for calling us today, I can help. First, second, and third of a long list, done."],
        &[
            "Well, thank you for calling us today,",
            "I can help.",
            "First, second, and third of a long list, done.",
        ],
    );
    check(&["非常感谢您今天的来电，我来帮您查一下。"], &["非常感谢您今天的来电，", "我来帮您查一下。"]);
}

#[test]
fn no_text_waits_without_an_end() {
    for unit in [
        "word ",
        "我们",
        "สวัสดี",
        "x",
        "[",
        "<b ",
        "*",
        "<",
        "a|",
        "{\"",
        "`",
        "www.",
        "1. ",
        "U.S. ",
        "\u{1F600}",
        "\u{301}",
        "…",
        "♪",
    ] {
        let mut splitter = splitter();
        splitter.push("Go on: ");
        let mut waits = 0;
        let mut longest = 0;
        for _ in 0..3_000 {
            let given = !splitter.push(unit).is_empty();
            waits = if given { 0 } else { waits + unit.chars().count() };
            longest = longest.max(waits);
        }
        let speaks = unit.contains(char::is_alphanumeric);
        assert!(!speaks || longest <= 1_300, "{unit}: {longest}");
    }
    let longest = |text: &str| says(&[text]).iter().map(|p| p.chars().count()).max().unwrap_or(0);
    assert!(longest(&"word ".repeat(200)) <= 241);
    assert!(longest(&"我们周一到周五营业".repeat(50)) <= 80);
    assert!(longest(&"สวัสดีครับ".repeat(100)) <= 260);
    assert!(longest(&"x".repeat(3000)) <= 500);
}
