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
        // Reasoning within reasoning, and tags that it only speaks of.
        "<thinking>Be <reflection>kind</reflection> and brief.</thinking>We open at nine.",
        "<think>I should use <think> tags.</think>We open at nine.",
        "<think>It ends with `</think>`, I know.</think>We open at nine.",
        "<thought>Be brief.</think>We open at nine.",
        // As models of several vendors write it.
        "<mm:think>Be brief.</mm:think>We open at nine.",
        "<unused94>thought\nBe brief.<unused95>We open at nine.",
        "<|channel>thought\nBe brief.\n<channel|>We open at nine.<turn|>",
        "<|START_THINKING|>Be brief.<|END_THINKING|><|START_RESPONSE|>We open at nine.<|END_RESPONSE|>",
        "<|think|>Be brief.<|/think|>We open at nine.",
        "analysisThe caller asks. Be brief.assistantfinalWe open at nine.",
        "```thinking\nBe brief.\n```\nWe open at nine.",
        // Marks of templates, and a caller whom the model plays.
        "<|im_start|>assistant\nWe open at nine.<|im_end|>\n<|im_start|>user\nAnd then?<|im_end|>\n<|im_start|>assistant\nNo.",
        "<|start_header_id|>assistant<|end_header_id|>\n\nWe open at nine.<|eot_id|>",
        "<start_of_turn>model\nWe open at nine.<end_of_turn>\n<eos>",
        "[/INST] We open at nine.",
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
fn what_stands_around_something_hidden_is_two_sentences() {
    check(&["Let me see.<think>Nine.</think>It is nine."], &["Let me see.", "It is nine."]);
    let harmony = "<|channel|>commentary<|message|>Let me see.<|end|><|start|>assistant<|channel|>final<|message|>We open.";
    check(&[harmony], &["Let me see.", "We open."]);
    check(&["We open<think>Nine.</think> at nine."], &["We open at nine."]);
}

#[test]
fn reasoning_that_closes_twice_takes_back_what_was_between() {
    let found = items(&["<think><think>Nine?</think> Yes, nine. </think>We open at nine."]);
    assert!(found.contains(&Item::WasReasoning), "{found:?}");
    assert!(matches!(found.last(), Some(Item::Piece(p)) if p.keep() == "We open at nine."), "{found:?}");
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
        "{\"type\": \"function\", \"name\": \"end_call\", \"parameters\": {\"message\": \"Goodbye then.\"}}",
        "[end_call(message=\"Goodbye then.\")]",
        "<|python_start|>[end_call(message=\"Goodbye then.\")]<|python_end|>",
        "[TOOL_CALLS]end_call{\"message\": \"Goodbye then.\"}",
        "[TOOL_CALLS]end_call[CALL_ID]a1b2c3d4e[ARGS]{\"message\": \"Goodbye then.\"}",
        "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>end_call<｜tool▁sep｜>{\"message\": \"Goodbye then.\"}<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
        "<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"end_call\">\n<｜DSML｜parameter name=\"message\" string=\"true\">Goodbye then.</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜function_calls>",
        "<minimax:tool_call>\n<invoke name=\"end_call\">\n<parameter name=\"message\">Goodbye then.</parameter>\n</invoke>\n</minimax:tool_call>",
        "functools[{\"name\": \"end_call\", \"arguments\": {\"message\": \"Goodbye then.\"}}]",
        "<|START_ACTION|>[{\"tool_call_id\": \"0\", \"tool_name\": \"end_call\", \"parameters\": {\"message\": \"Goodbye then.\"}}]<|END_ACTION|>",
        "<|action_start|><|plugin|>{\"name\": \"end_call\", \"parameters\": {\"message\": \"Goodbye then.\"}}<|action_end|>",
        "<|tool_call>call:end_call{message:<|\"|>Goodbye then.<|\"|>}<tool_call|>",
        "<start_function_call>call:end_call{message:<escape>Goodbye then.<escape>}<end_function_call>",
        "<end_call message=\"Goodbye then.\"/>",
        "<function_call name=\"end_call\"><arg name=\"message\">Goodbye then.</arg></function_call>",
        "```xml\n<tool_call>{\"name\": \"end_call\", \"arguments\": {\"message\": \"Goodbye then.\"}}</tool_call>\n```",
        "Action: end_call\nAction Input: {\"message\": \"Goodbye then.\"}",
        "Tool: end_call(message=\"Goodbye then.\")",
        "tool_call: {\"name\": \"end_call\", \"arguments\": {\"message\": \"Goodbye then.\"}}",
        "[end_call: message=\"Goodbye then.\"]",
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
fn a_tools_name_behind_a_sentence_is_its_call() {
    for call in [
        "[END_CALL]",
        "[end call]",
        "[end_call()]",
        "end_call",
        "end_call()",
        "`end_call`",
        "*end_call*",
        "**end_call**",
        "(end_call)",
        "{end_call}",
        "<end_call/>",
        "<<end_call>>",
        "{\"name\": \"end_call\", \"arguments\": {}}",
        "[{\"name\": \"end_call\", \"arguments\": {}}]",
    ] {
        let text = format!("Goodbye, and thanks! {call}");
        let found = items(&[&text]);
        let calls = |item: &Item| matches!(item, Item::Tool(tool) if tool.name == "end_call");
        assert!(found.iter().any(calls), "{text}: {found:?}");
        check(&[&text], &["Goodbye, and thanks!"]);
    }
    check(&["<end_call>\nGoodbye then."], &["Goodbye then."]);
    check(&["<end_call/>Goodbye then."], &["Goodbye then."]);
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
        "Action: none of it",
        "I use functools now",
        "analysis of it",
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
