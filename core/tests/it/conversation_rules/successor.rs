//! Another bot goes on with the caller: what is carried over, what is the other one's, and what becomes of a bot that does not come.

use std::time::Duration;

use serde_json::{Value, json};
use vox_core::provider::llm::{Finish, LlmEvent, Role, TAKEN_OVER};
use vox_core::session::event::{BotEvent, Command, Event, ToolAnswer};
use vox_core::session::next_bot::NextBot;
use vox_core::session::rules::Rules;
use vox_core::session::standing::Standing;
use vox_core::session::successor::MOST_HAND_OVERS;
use vox_shared::model::bot::{ReEngagement, Tool};
use vox_shared::wire::config::RuntimeConfig;
use vox_shared::wire::result::{CallEvent, DisconnectedBy};

use super::scene::{Scene, config};

const FRONT: &str = "bot_front";
const BILLING: &str = "bot_billing";

fn target(bot: &str) -> Value {
    json!({"id": "other", "label": "Other desk", "method": "bot", "type": "bot", "value": bot})
}

fn of_bot(config: &mut RuntimeConfig, (own, other): (&str, &str)) {
    config.bot_id = Some(own.parse().unwrap());
    config.tools = vec![Tool::built_in("transfer_call"), Tool::built_in("end_call")];
    config.transfer_targets = vec![target(other)];
    config.re_engagement = Some(ReEngagement { after_secs: 5.0, ..ReEngagement::default() });
}

/// The config of the other bot, which speaks Hindi and is called `own`.
fn next(own: &str, change: impl FnOnce(&mut RuntimeConfig)) -> Event {
    let config = config(|config| {
        config.system_prompt = "You do the billing.".into();
        config.tts.language = "hi".into();
        of_bot(config, (own, FRONT));
        change(config);
    });
    let next = NextBot { bot: own.to_owned(), config, standing: Standing::default() };
    Event::Bot(BotEvent::Ready(Box::new(next)))
}

fn missing(why: &str) -> Event {
    Event::Bot(BotEvent::Missing { bot: BILLING.into(), why: why.into() })
}

/// A caller wants the billing, and the front bot's model hands them over.
fn handing(change: impl FnOnce(&mut RuntimeConfig)) -> Scene {
    let mut scene = Scene::begin(|config| {
        of_bot(config, (FRONT, BILLING));
        change(config);
    });
    scene.caller_says("It is about my invoice 42.", 900);
    hands_over(&mut scene, "I will connect you with the billing.");
    scene
}

fn hands_over(scene: &mut Scene, words: &str) {
    scene.tokens(words);
    // The very same call is made three times at most.
    let reason = format!("an invoice ({words})");
    scene.calls_tool("t1", "transfer_call", json!({"target": "other desk", "reason": reason}));
    scene.llm(LlmEvent::Done { finish: Finish::ToolCalls, usage: None });
}

fn called(scene: &Scene) -> Vec<String> {
    let commands = scene.log.iter().flat_map(|(_, _, commands)| commands);
    let bots = commands.filter_map(|command| match command {
        Command::CallBot { bot } => Some(bot.clone()),
        _ => None,
    });
    bots.collect()
}

fn changes(scene: &Scene) -> usize {
    let commands = scene.log.iter().flat_map(|(_, _, commands)| commands);
    commands.filter(|command| matches!(command, Command::ChangeBot { .. })).count()
}

fn event<'a>(scene: &'a Scene, kind: &str) -> &'a CallEvent {
    let outcome = scene.outcome.as_ref().expect("the call is over");
    outcome.events.iter().find(|event| event.event == kind).unwrap_or_else(|| panic!("no {kind}"))
}

#[test]
fn the_other_bot_goes_on_with_all_that_was_said_and_nothing_else_of_the_first() {
    let mut scene = handing(|_| {});
    assert_eq!(called(&scene), [BILLING], "it is called while the caller still hears the first one");
    scene.feed(next(BILLING, |_| {}));
    assert_eq!(changes(&scene), 0, "what the first one says is heard to its end");
    let (voices, recognisers, asked) = (scene.voices, scene.recognisers, scene.asked.len());
    scene.hear_out();
    assert_eq!(
        (changes(&scene), scene.voices, scene.recognisers, scene.asked.len()),
        (1, voices + 1, recognisers + 1, asked + 1)
    );
    let (_, ask) = scene.asked.last().unwrap();
    assert_eq!(ask.messages[0].text, "You do the billing.");
    let told = scene.conversation();
    let texts: Vec<&str> = told.iter().map(|(_, text)| text.as_str()).collect();
    let (note, said) = texts.split_last().unwrap();
    assert_eq!(said, ["Hello.", "It is about my invoice 42.", "I will connect you with the billing."]);
    assert!(note.starts_with(TAKEN_OVER) && note.contains("an invoice"), "{note}");
    assert!(ask.messages.iter().all(|m| m.tool_calls.is_empty() && m.role != Role::Tool), "{ask:?}");
    scene.reply("बिल 5 है।");
    scene.hear_out();
    assert_eq!(scene.said.last().unwrap(), "बिल पाँच है।", "its own language");
    scene.caller_says("Yes, that one.", 900);
    assert_eq!(scene.told().last().unwrap(), "Yes, that one.");
    scene.reply("It is paid.");
    scene.hear_out();
    scene.hang_up();
    let outcome = scene.outcome.as_ref().unwrap();
    assert_eq!(outcome.disconnected_by, DisconnectedBy::Customer);
    assert!(outcome.transfer.is_none(), "nobody else was given the call");
    let by_bot: Vec<(&str, Option<&str>)> = outcome
        .transcript
        .iter()
        .map(|line| (line.text.as_str(), line.bot_id.as_ref().map(|bot| bot.as_str())))
        .collect();
    assert_eq!(by_bot[2], ("I will connect you with the billing.", None));
    assert_eq!(by_bot[3], ("बिल 5 है।", Some(BILLING)));
    assert_eq!((by_bot[4].1, by_bot[5]), (None, ("It is paid.", Some(BILLING))));
    assert_eq!(event(&scene, "transfer_requested").data["transfer_type"], "bot");
    let data = &event(&scene, "transferred").data;
    let named = |name: &str| data[name].as_str().unwrap();
    assert_eq!((named("transferred_to"), named("from_bot"), named("transfer_type")), (BILLING, FRONT, "bot"));
}

#[test]
fn a_caller_hears_that_the_line_lives_until_the_bot_is_there_and_may_speak_meanwhile() {
    let mut scene = handing(|_| {});
    scene.hear_out();
    let (tones, asked) = (scene.tones, scene.asked.len());
    scene.pass(3_500);
    assert!(scene.tones > tones, "three seconds without sound are too long");
    assert_eq!((changes(&scene), scene.count("caller_silent")), (0, 0));
    scene.feed(next(BILLING, |_| {}));
    assert_eq!((changes(&scene), scene.asked.len()), (1, asked + 1), "at once");
    assert!(
        scene.replay.unwrap() <= Duration::from_millis(500),
        "words that were answered must not come again as a turn of their own: {:?}",
        scene.replay
    );

    // Whoever goes on speaks with the first bot, and the other one is not wanted any more.
    let mut scene = handing(|_| {});
    scene.hear_out();
    scene.caller_says("No, wait, stay with me.", 900);
    assert_eq!(scene.told().last().unwrap(), "No, wait, stay with me.");
    scene.feed(next(BILLING, |_| {}));
    scene.reply("I stay.");
    scene.hear_out();
    scene.pass(1_000);
    assert_eq!((changes(&scene), scene.count("transferred")), (0, 0));
}

#[test]
fn a_bot_that_does_not_come_leaves_the_caller_with_the_first_one_who_knows_why() {
    for is_late in [false, true] {
        let mut scene = handing(|_| {});
        let why = if is_late { "it did not come in time" } else { "it is switched off" };
        if !is_late {
            scene.feed(missing(why));
        }
        scene.hear_out();
        scene.pass(if is_late { 10_500 } else { 100 });
        assert_eq!((changes(&scene), scene.count("transfer_failed"), scene.count("transferred")), (0, 1, 0));
        let (role, note) = scene.conversation().last().unwrap().clone();
        assert_eq!(role, Role::System);
        assert!(note.contains(why) && note.contains("Other desk"), "{note}");
        scene.reply("I cannot reach them, but I can help.");
        scene.hear_out();
        // It is too late now.
        scene.feed(next(BILLING, |_| {}));
        scene.caller_says("Fine.", 900);
        assert_eq!(changes(&scene), 0);
        scene.hang_up();
        assert!(scene.outcome.as_ref().unwrap().transfer.is_none());
    }
}

#[test]
fn two_bots_that_send_a_caller_to_each_other_end_there() {
    let mut scene = handing(|_| {});
    let mut at = BILLING;
    for round in 1..=MOST_HAND_OVERS {
        scene.feed(next(at, |config| {
            let other = if at == FRONT { BILLING } else { FRONT };
            config.transfer_targets = vec![target(other)];
        }));
        scene.hear_out();
        assert_eq!(changes(&scene), round as usize);
        at = if at == FRONT { BILLING } else { FRONT };
        // Each in a turn of its own: the same call twice in one is refused anyhow.
        scene.reply("What is it?");
        scene.hear_out();
        scene.caller_says(&format!("Question {round}."), 900);
        hands_over(&mut scene, &format!("One moment, {round}."));
    }
    scene.hear_out();
    assert_eq!((changes(&scene), called(&scene).len()), (MOST_HAND_OVERS as usize, MOST_HAND_OVERS as usize));
    let (_, ask) = scene.asked.last().unwrap();
    let answer = ask.messages.last().unwrap();
    assert!(answer.role == Role::Tool && answer.text.contains("5 times"), "{answer:?}");
}

#[test]
fn what_the_call_used_counts_on_by_the_limits_of_the_bot_that_has_it() {
    let mut scene = handing(|config| {
        config.limits.max_tokens = Some(100_000);
        config.max_call_duration_seconds = 3_600;
    });
    scene.feed(next(BILLING, |config| {
        config.limits.max_tokens = Some(5);
        config.max_call_duration_seconds = 40;
    }));
    scene.hear_out();
    // The first bot's requests used them up: the other one says that the time is up, and asks nothing.
    assert_eq!(scene.count("limit_reached"), 1);
    scene.hear_out();
    assert_eq!(scene.hung_up, Some(DisconnectedBy::Timeout));

    let mut scene = handing(|config| config.max_call_duration_seconds = 3_600);
    scene.feed(next(BILLING, |config| config.max_call_duration_seconds = 40));
    scene.hear_out();
    scene.reply("Billing here.");
    scene.hear_out();
    while scene.outcome.is_none() && scene.now < 60_000 {
        scene.caller_says("And then?", 900);
        if scene.outcome.is_none() && scene.count("max_duration") == 0 {
            // The same again and again would be a loop, and its end.
            scene.reply(&format!("Then this, at {}.", scene.now));
        }
        scene.hear_out();
    }
    assert_eq!((scene.count("max_duration"), scene.hung_up), (1, Some(DisconnectedBy::Timeout)));
    assert!((40_000..50_000).contains(&scene.now), "from the call's beginning: {}", scene.now);
}

#[test]
fn what_was_looked_up_before_is_told_as_a_note_and_a_late_answer_is_nobodys() {
    let mut scene = Scene::begin(|config| {
        of_bot(config, (FRONT, BILLING));
        let http = json!({"name": "find", "http": {"url": "https://h/", "method": "GET"}});
        config.tools.push(serde_json::from_value(http).unwrap());
    });
    scene.caller_says("Find invoice 42.", 900);
    scene.calls_tool("f1", "find", json!({"n": 42}));
    scene.llm(LlmEvent::Done { finish: Finish::ToolCalls, usage: None });
    let (run, _) = scene.tools[0].clone();
    scene.feed(Event::ToolDone { run, answer: ToolAnswer::from(json!("12 euros")) });
    scene.reply("It is 12 euros.");
    scene.hear_out();
    scene.caller_says("Connect me.", 900);
    hands_over(&mut scene, "I will.");
    scene.feed(next(BILLING, |_| {}));
    scene.hear_out();
    let told = scene.conversation();
    let note = told.iter().find(|(_, text)| text.contains("12 euros") && text.contains("'find'"));
    assert!(note.is_some_and(|(role, _)| *role == Role::System), "{told:?}");
    let (_, ask) = scene.asked.last().unwrap();
    assert!(ask.tools.iter().all(|tool| tool.name != "find"), "its tools are its own");
}

#[test]
fn what_a_bot_may_not_be_recorded_is_not() {
    let mut scene = handing(|_| {});
    assert!(scene.is_recorded());
    scene.feed(next(BILLING, |config| config.recording.enabled = false));
    scene.hear_out();
    assert!(!scene.is_recorded());
}

#[test]
fn a_bot_stands_in_for_nobody_when_a_vendor_is_lost() {
    let config = config(|config| {
        of_bot(config, (FRONT, BILLING));
        config.resilience.transfer_to = "other".into();
    });
    let mut scene = Scene::by(Rules::from_config(&config, Duration::ZERO));
    scene.pass(1_000);
    for _ in 0..2 {
        scene.caller_says("Hello?", 900);
        let failure =
            || vox_core::provider::Failure::new(vox_core::provider::FailureClass::Unauthorised, "401");
        scene.llm_fails(failure());
        scene.hear_out();
        if scene.outcome.is_some() {
            break;
        }
    }
    assert_eq!(called(&scene), Vec::<String>::new());
    assert_eq!(scene.hung_up, Some(DisconnectedBy::Error));
}
