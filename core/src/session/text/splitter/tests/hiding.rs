use serde_json::json;

use super::*;

#[test]
fn reasoning_is_neither_spoken_nor_kept() {
    for text in [
        "<think>\nBe brief.\n</think>\n\nWe open at nine.",
        "<thinking mode=\"deep\">Be brief. </thinking>We open at nine.",
        "<Thought>Be brief. <b>Yes</b> a </b> </thought> We open at nine.",
        "<reasoning>Be brief.</reasoning>We open at nine.",
        "[THINK]Be brief.[/THINK]We open at nine.",
        "◁think▷Be brief. ◁/think▷We open at nine.",
        "<|channel|>analysis<|message|>Be brief.<|end|><|start|>assistant<|channel|>final<|message|>We open at nine.<|return|>",
        "<|begin_of_thought|>Be brief.<|end_of_thought|>We open at nine.<|im_end|>",
        "</think>\n\nWe open at nine.",
        "<think></think>We open at nine.",
        "<think/>We open at nine.",
        "<think><think>Be brief.</think></think>We open at nine.",
        "<think>Be brief. <answer>We open at nine.</answer>",
        "We open at nine. <think>Be brief.",
    ] {
        check(&[text], &["We open at nine."]);
        let singly: Vec<String> = text.chars().map(String::from).collect();
        check(&singly.iter().map(String::as_str).collect::<Vec<_>>(), &["We open at nine."]);
        let kept: Vec<_> = items(&[text])
            .into_iter()
            .filter_map(|i| if let Item::Piece(p) = i { Some(p) } else { None })
            .collect();
        assert_eq!(crate::session::text::joined(&kept), "We open at nine.", "{text}");
    }
    check(&["<think>never ends. Really."], &[]);
    check(&["I think so. <5 minutes, I think."], &["I think so.", "less than 5 minutes, I think."]);
}

#[test]
fn a_lone_closing_mark_takes_back_what_was_before() {
    let found = items(&["Okay, they want hours. I say nine", "</think>", "We open at nine."]);
    assert_eq!(found.len(), 3);
    assert_eq!(found[1], Item::WasReasoning);
    assert!(matches!(&found[2], Item::Piece(p) if p.keep() == "We open at nine."));
}

#[test]
fn a_tool_call_in_text_is_taken_out() {
    let bye = json!({"message": "Goodbye then."});
    for text in [
        "<tool_call>\n{\"name\": \"end_call\", \"arguments\": {\"message\": \"Goodbye then.\"}}\n</tool_call>",
        "<tool_call>{\"name\": \"end_call\", \"arguments\": {\"message\": \"Goodbye then.\"}}",
        "<function=end_call>{\"message\": \"Goodbye then.\"}</function>",
        "<function=end_call>\n<parameter=message>\nGoodbye then.\n</parameter>\n</function>",
        "<tool_call>\n<function=end_call>\n<parameter=message>\nGoodbye then.\n</parameter>\n</function>\n</tool_call>",
        "<function_calls><invoke name=\"end_call\"><parameter name=\"message\">Goodbye then.</parameter></invoke></function_calls>",
        "<|tool_call|>[{\"name\": \"end_call\", \"arguments\": {\"message\": \"Goodbye then.\"}}]",
        "<|tool_call|>{\"name\": \"end_call\", \"arguments\": {\"message\": \"Goodbye then.\"}}<|/tool_call|>",
        "```json\n{\"name\": \"end_call\", \"arguments\": {\"message\": \"Goodbye then.\"}}\n```",
        "```tool_code\nprint(default_api.end_call(message=\"Goodbye then.\"))\n```",
        "[TOOL_CALLS][{\"name\": \"end_call\", \"arguments\": {\"message\": \"Goodbye then.\"}}]",
        "[TOOL_CALLS]end_call[ARGS]{\"message\": \"Goodbye then.\"}",
        "{\"name\": \"end_call\", \"arguments\": {\"message\": \"Goodbye then.\"}}",
        "{\"name\": \"end_call\", \"parameters\": {\"message\": \"Goodbye then.\"}}",
        "[{\"name\": \"end_call\", \"arguments\": {\"message\": \"Goodbye then.\"}}]",
        "functions.end_call({\"message\": \"Goodbye then.\"})",
        "end_call(message=\"Goodbye then.\")",
        "`end_call({\"message\": \"Goodbye then.\"})`",
        "end_call: {\"message\": \"Goodbye then.\"}",
        "<end_call>{\"message\": \"Goodbye then.\"}</end_call>",
        "<|channel|>commentary to=functions.end_call <|constrain|>json<|message|>{\"message\": \"Goodbye then.\"}<|call|>",
        "<|python_tag|>{\"name\": \"end_call\", \"parameters\": {\"message\": \"Goodbye then.\"}}<|eom_id|>",
        "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>end_call\n```json\n{\"message\": \"Goodbye then.\"}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
        "<|tool_calls_section_begin|><|tool_call_begin|>functions.end_call:0<|tool_call_argument_begin|>{\"message\": \"Goodbye then.\"}<|tool_call_end|><|tool_calls_section_end|>",
        "<think>End it.</think><tool_call>{\"name\": \"end_call\", \"arguments\": {\"message\": \"Goodbye then.\"}}</tool_call>",
    ] {
        let singly: Vec<String> = text.chars().map(String::from).collect();
        for tokens in [vec![text], singly.iter().map(String::as_str).collect()] {
            let found = items(&tokens);
            let expected = Item::Tool(ToolText { name: "end_call".into(), arguments: bye.clone() });
            assert_eq!(
                found.iter().filter(|i| matches!(i, Item::Tool(_))).collect::<Vec<_>>(),
                [&expected],
                "{text}"
            );
            assert!(!found.iter().any(|i| matches!(i, Item::Piece(_))), "{text}: {found:?}");
        }
    }
}

#[test]
fn text_around_a_call_is_spoken() {
    let text = "Thank you.\n<tool_call>{\"name\": \"end_call\", \"arguments\": {}}</tool_call>\nBye.";
    check(&[text], &["Thank you.", "Bye."]);
    check(&["Thanks for calling. [end_call]"], &["Thanks for calling."]);
    check(&["Thanks for calling.\nend_call"], &["Thanks for calling."]);
    check(&["[TOOL_CALLS][{\"name\": \"end_call\", \"arguments\": {}}]\nBye."], &["Bye."]);
}

#[test]
fn what_only_looks_like_a_call_is_spoken() {
    for text in [
        "transfer (or not) the money",
        "I can transfer(s) it",
        "{name} is it",
        "a function of x",
        "tools. And more",
        "the toolbox",
        "[tool box] here",
    ] {
        assert_eq!(says(&[text]).join(" "), text);
    }
    check(&["{\"answer\": 42}"], &["{\"answer\": 42}"]);
}

#[test]
fn a_call_that_cannot_be_read_is_not_spoken() {
    let found = items(&["<tool_call>gibberish</tool_call> Hello."]);
    assert!(matches!(&found[..], [Item::Tool(t), Item::Piece(_)] if t.name.is_empty()), "{found:?}");
}
