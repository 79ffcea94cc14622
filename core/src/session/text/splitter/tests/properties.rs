use proptest::prelude::*;

use super::*;

/// Texts made of what matters here, and of anything.
fn text() -> impl Strategy<Value = String> {
    let parts = prop::sample::select(vec![
        "Hello",
        ". ",
        "? ",
        "! ",
        "\n",
        "\n\n",
        "1. ",
        "- ",
        "* ",
        "**",
        "*",
        "_",
        "a_b",
        "<think>",
        "</think>",
        "<tool_call>",
        "</tool_call>",
        "{\"name\": \"end_call\"",
        ", \"arguments\": {}}",
        "[link](https://a.b/c)",
        "![x](y)",
        "| a | b |",
        "|---|",
        "```json\n",
        "```",
        "<5",
        "#4",
        "C#",
        "U.S. ",
        "Dr. ",
        "。",
        "，",
        "感谢您",
        "नमस्ते",
        "।",
        "😀",
        "\u{200d}",
        "❤\u{fe0f}",
        "&amp;",
        "&",
        "<b>",
        "https://a.b/c?d=e ",
        "[",
        "]",
        "(",
        ")",
        "end_call(",
        "functions.",
        "<|channel|>",
        "analysis",
        "<|message|>",
        "final",
        "<|end|>",
        "[TOOL_CALLS]",
        "[CALL_ID]",
        "<|channel>thought",
        "<channel|>",
        "<|im_start|>",
        "functools[",
        "<minimax:",
        "tool_call>",
        "Action: ",
        "end_call",
        "[END_CALL]",
        "{{name}}",
        ":)",
        "．",
        "2. ",
        "We",
        "→",
        "◁think▷",
        "◁/think▷",
        "word",
        " ",
        "22222",
        "~",
        "`",
        "\\",
        "…",
        "...",
        "สวัสดี",
        "a.m. ",
        "e\u{301}",
    ]);
    let part = prop_oneof![9 => parts.prop_map(str::to_owned), 1 => ".{0,6}"];
    prop::collection::vec(part, 0..40).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, ..ProptestConfig::default() })]

    #[test]
    fn how_tokens_are_split_changes_nothing(text in text(), cuts in prop::collection::vec(0usize..400, 0..12)) {
        let chars: Vec<char> = text.chars().collect();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(chars.len())).collect();
        cuts.extend([0, chars.len()]);
        cuts.sort_unstable();
        let tokens: Vec<String> = cuts.windows(2).map(|w| chars[w[0]..w[1]].iter().collect()).collect();
        let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
        prop_assert_eq!(items(&tokens), items(&[&text]));
    }

    #[test]
    fn letters_and_digits_are_never_lost(words in prop::collection::vec("[a-zA-Z0-9éñ感谢हिंकข]{1,8}", 1..60), signs in prop::collection::vec("[ .,!?;:'\"()*_~#%$&+/=@-]{1,3}", 60)) {
        let text: String = words.iter().zip(&signs).map(|(w, s)| format!("{w}{s}")).collect();
        let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
        let spoken = says(&[&text]).concat();
        let mut plain = Splitter::new("xx", Vec::new());
        let mut found = plain.push(&text);
        found.extend(plain.finish());
        let said: String = found.iter().filter_map(|i| if let Item::Piece(p) = i { Some(p.say()) } else { None }).collect();
        prop_assert_eq!(letters(&said), letters(&text));
        prop_assert!(letters(&spoken).len() >= letters(&text).len());
    }

    #[test]
    fn kept_and_said_lie_beside_each_other(text in text(), at in 0usize..200) {
        for item in items(&[&text]) {
            let Item::Piece(piece) = item else { continue };
            let (before, after) = piece.split(at);
            let keeps: String = before.iter().chain(&after).map(|p| p.keep().to_owned()).collect();
            prop_assert!(piece.keep().starts_with(before.as_ref().map_or("", |p| p.keep())));
            if after.is_some() || before.is_some() {
                prop_assert!(keeps == piece.keep() || after.is_none());
            }
            prop_assert!(piece.say().contains(char::is_alphanumeric));
        }
    }
}
