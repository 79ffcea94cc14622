use super::*;

#[test]
fn markup_addresses_and_pictures_are_not_spoken() {
    check(
        &[
            "## Opening hours\n\n**Monday** to *Friday* we are open. ✅ 😀\n\n| Day | Hours |\n| --- | --- |\n| Saturday | nine to noon |\n\n\
           See [our page](https://example.com/hours?x=1#top) → or ~~fax~~ `call` us.\n\n---\n\n> Bring your card.",
        ],
        &[
            "Opening hours",
            "Monday to Friday we are open.",
            "Day, Hours",
            "Saturday, nine to noon",
            "See our page or fax call us.",
            "Bring your card.",
        ],
    );
    check(&["**Sure** 😀!\n- `one`\n- two\n***\n"], &["Sure!", "one", "two"]);
}

#[test]
fn each_form_of_markup_leaves_its_text() {
    for (text, spoken) in [
        ("![A map of it](https://a.b/c.png) here", "A map of it here"),
        ("![](https://a.b/c.png) here", "here"),
        ("[![logo](a.png)](https://a.b) here", "logo here"),
        ("See [](https://www.a.com/x) now", "See a.com now"),
        ("See [the page][1] now", "See the page now"),
        ("See https://www.example.com/hours?x=1#top, please", "See example.com, please"),
        ("See <https://example.com/a> or <me@a.com>", "See example.com or me@a.com"),
        (
            "See www.example.com/hours.",
            "See www.example.com/hours.".replace("www.", "").replace("/hours", "").as_str(),
        ),
        ("Mail mailto:me@a.com now", "Mail me@a.com now"),
        ("[https://a.com/x](https://a.com/x) is it", "a.com is it"),
        ("A<br>B<br/>C <b>D</b> <break time=\"1s\"/> E", "A B C D E"),
        ("Tom &amp; Ann&#39;s &lt;5%", "Tom & Ann's less than 5%"),
        ("- [ ] one thing", "one thing"),
        ("* **Bold:** text", "Bold: text"),
        ("***all*** of __it__ and _this_ one", "all of it and this one"),
        ("Day | Hours", "Day, Hours"),
        ("--- | ---", ""),
        ("Heading\n=====", "Heading"),
        ("```\nplain\n```", "plain"),
        ("text\\* with \\_escapes\\_ \\#1", "text* with _escapes_ #1"),
        ("as said[1] and[^2] here【4:0†source】.", "as said and here."),
        ("<speak>Hello <prosody rate=\"slow\">there</prosody></speak>", "Hello there"),
        ("un**believ**able and ==marked== text", "unbelievable and marked text"),
        ("[1]: https://a.b/c", ""),
        ("A -> B => C <- D", "A B C D"),
        ("one -- two", "one — two"),
        ("Dear <customer name>, hello", "Dear customer name, hello"),
        ("Delhi→Mumbai, A->B, tea•milk", "Delhi Mumbai, A B, tea milk"),
        ("> [!NOTE]\n> Bring your card.", "Bring your card."),
        ("# Welcome #", "Welcome"),
        ("so ==hi==, caf&eacute; &rarr; ok", "so hi, café ok"),
        ("at https://en.wikipedia.org/wiki/Foo_(bar).", "at en.wikipedia.org."),
        ("Good :smile: and :thumbs_up: :)", "Good and"),
        ("one\\\ntwo", "one two"),
        ("这是__重点__内容", "这是重点内容"),
        ("Term\n: its meaning", "Term its meaning"),
        ("[^1]: Terms apply.", "Terms apply."),
        ("See [4][5] now and [doc1].", "See now and."),
        ("It is so\u{e200}cite\u{e202}turn0search0\u{e201}.", "It is so."),
        ("Settings > Account > Billing", "Settings, Account, Billing"),
        ("[laughs] Yes [sighs softly] no.", "Yes no."),
        ("Well, <whisper>yes</whisper> <break time=\"1s\"/> no.", "Well, yes no."),
        ("Dear {{customer_name}}, it is {{ call.day }}.", "Dear, it is."),
        ("\u{200e}abc\u{200f} \u{2066}x\u{2069}", "abc x"),
    ] {
        assert_eq!(says(&[text]).join(" "), spoken, "{text}");
    }
}

#[test]
fn signs_with_a_meaning_stay() {
    for text in [
        "john_smith@example.com",
        "A_12",
        "snake_case_name",
        "2 * 3 is 6",
        "2*3",
        "C++",
        "a & b",
        "24/7",
        "+1 555 0100",
        "$3.50",
        "50%",
        "5-10",
        "9:00–17:00",
        "22222",
        "@home",
        "5* hotel",
        "press * or #",
        "dial *67 now",
        "-5 degrees",
        "1,000.50",
        "§ 5",
        "No. 5",
        "½ hour",
        "20°C",
        "3 × 4",
        "x = 5",
        "it's 5'10\" tall",
        "A/B",
        "(optional)",
        "[optional] yes",
        "№ 7",
        "①",
        "rock 'n' roll",
        "a ~ b 5~10",
        "don’t",
        "first-class",
        "Monday - Friday",
        "{name}",
        "C:\\temp",
        "h.264",
        "hello@a-b.co.uk",
        "what?",
        "mp3",
        "www",
        "AT&T",
        "5:30",
        "10^2",
        "*67",
        "dial *21# or **21*555#, then #21#",
        "**21*555#",
        "_ann_@example.com",
        "~/home",
        "at 10:30:45",
        "price: 5",
        "[1] is first",
    ] {
        let spoken = says(&[text]).join(" ");
        let wanted = if text.contains("a ~ b") { "a b 5~10" } else { text };
        assert_eq!(spoken, wanted, "{text}");
    }
    for (text, spoken) in [
        ("The fee is <5% of it.", "The fee is less than 5% of it."),
        ("if x < y and > 5", "if x less than y and more than 5"),
        ("≤ 5 or ≥10 or <= 7 or >=8", "at most 5 or at least 10 or at most 7 or at least 8"),
        ("Press #4, or ask for the C# course.", "Press number 4, or ask for the C sharp course."),
        ("F# and ~5 minutes", "F sharp and about 5 minutes"),
        (">5 people", "more than 5 people"),
        ("if a<b and c>d or x<y", "if a less than b and c more than d or x less than y"),
        ("~$5, ~ 5, ≈5", "about $5, about 5, about 5"),
        ("**5 seats** at **5%** and *5* more", "5 seats at 5% and 5 more"),
    ] {
        assert_eq!(says(&[text]).join(" "), spoken, "{text}");
    }
    let mut chinese = Splitter::new("zh", Vec::new());
    chinese.push("费用<5%，请按#4。");
    let said: Vec<Item> = chinese.finish();
    assert!(matches!(&said[..], [Item::Piece(p)] if p.say() == "费用<5%，请按#4。"), "{said:?}");
}

#[test]
fn joiners_stay_between_letters_and_go_with_pictures() {
    let text = "ශ්\u{200d}රී ලංකාව. क्\u{200d}या आप आ सकते हैं? می\u{200c}خواهم بیایم.";
    let spoken = says(&[&format!("{text} 👩\u{200d}💻❤\u{fe0f} 🇮🇳 1\u{fe0f}\u{20e3}")]).join(" ");
    assert_eq!(spoken, format!("{text} 1"));
    // A Malayalam letter that ends its word with a joiner.
    check(&["അവന്\u{200d} വന്നു"], &["അവന്\u{200d} വന്നു"]);
    check(&["葛\u{e0100}城 ☎\u{fe0f} 555"], &["葛\u{e0100}城 555"]);
}

#[test]
fn what_is_kept_is_what_was_written() {
    let text = "## Hours\n\n**Monday**: 9-5. See [us](https://a.b/c_d)!\n\n| a | b |\n|---|---|\n| c | d |\n\n---\nBye, john_smith@a.com. ✅";
    let mut splitter = splitter();
    let mut pieces: Vec<Piece> = Vec::new();
    for item in splitter.push(text).into_iter().chain(splitter.finish()) {
        if let Item::Piece(piece) = item {
            pieces.push(piece);
        }
    }
    assert_eq!(crate::session::text::joined(&pieces), text.trim_end_matches(" ✅"));
}
