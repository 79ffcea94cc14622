use vox_shared::model::bot::Tool;
use vox_shared::wire::config::RuntimeConfig;
use vox_shared::wire::result::DisconnectedBy;

use super::*;
use crate::provider::llm::{LlmRequest, Role};
use crate::session::event::{Event, Outcome};

const MINUTE: Duration = Duration::from_secs(60);

fn rules(change: impl FnOnce(&mut RuntimeConfig)) -> Rules {
    let config = json!({
        "session_id": "call_1", "webhook_url": "", "system_prompt": "Be kind.", "opening_message": "Hello.",
        "max_call_duration_seconds": 120,
        "tools": [{"name": "find_order", "http": {"url": "https://shop.example/orders"}}],
    });
    let mut config = serde_json::from_value(config).unwrap();
    change(&mut config);
    Rules::from_config(&config, Duration::ZERO)
}

fn line(turn: u32, speaker: Speaker, text: &str, started_ms: u64) -> TranscriptEntry {
    TranscriptEntry {
        turn,
        speaker,
        text: text.into(),
        confidence: None,
        started_ms,
        ended_ms: started_ms + 900,
        interrupted: false,
        words: Vec::new(),
        bot_id: None,
    }
}

fn tool_called(at_ms: u64) -> CallEvent {
    let data = json!({"tool": "find_order", "input": {"n": 7}, "output": "shipped", "status": "ok"});
    CallEvent { at_ms, event: "tool_called".into(), why: "find_order".into(), data: object(data) }
}

fn past() -> Past {
    Past {
        transcript: vec![
            line(0, Speaker::Bot, "Hello.", 100),
            line(1, Speaker::Caller, "I am Asha. Where is my order?", 2_000),
            line(1, Speaker::Bot, "One moment.", 3_500),
            line(1, Speaker::Bot, "It is shipped.", 6_000),
        ],
        events: vec![tool_called(5_000)],
        usage: vec![Usage { kind: "stt".into(), provider: "v".into(), seconds: 8.0, ..Usage::default() }],
        tokens: 300,
        steered: vec![Steered { at_ms: 7_000, text: "Offer a voucher.".into() }],
        times: 1,
        ..Past::default()
    }
}

/// What is done when the line is there again.
fn begun(session: &mut Session, at: Duration) -> Vec<Command> {
    let mut out = Vec::new();
    session.on(at, Event::Answered, &mut out);
    out
}

fn asked(out: &[Command]) -> Option<&LlmRequest> {
    out.iter().find_map(|command| match command {
        Command::Ask { ask, .. } => Some(&**ask),
        _ => None,
    })
}

fn phrases(out: &[Command]) -> Vec<&str> {
    let said = out.iter().filter_map(|command| match command {
        Command::Phrase { text, .. } => Some(text.as_str()),
        _ => None,
    });
    said.collect()
}

fn outcome(session: &mut Session, at: Duration) -> Box<Outcome> {
    let mut out = Vec::new();
    session.on(at, Event::HungUp { by: DisconnectedBy::Customer }, &mut out);
    let finished = out.into_iter().find_map(|command| match command {
        Command::Finish(outcome) => Some(outcome),
        _ => None,
    });
    finished.expect("it is over")
}

#[test]
fn the_model_knows_what_was_said_and_found_in_its_order_and_the_caller_is_told() {
    let mut session = Session::going_on(rules(|_| {}), past());
    let out = begun(&mut session, MINUTE);
    assert_eq!(phrases(&out), ["Sorry, the line was interrupted for a moment."]);
    let messages = &asked(&out).expect("the bot goes on").messages;
    let told: Vec<(Role, &str)> = messages.iter().map(|m| (m.role, m.text.as_str())).collect();
    assert_eq!(
        told,
        [
            (Role::System, "Be kind."),
            (Role::Assistant, "Hello."),
            (Role::User, "I am Asha. Where is my order?"),
            (Role::Assistant, "One moment."),
            (Role::Tool, "shipped"),
            (Role::Assistant, "It is shipped."),
            (Role::System, "Offer a voucher."),
            (Role::System, GOES_ON),
        ]
    );
    let call = &messages[3].tool_calls[0];
    assert_eq!((call.name.as_str(), &call.arguments), ("find_order", &json!({"n": 7})));
    assert_eq!(messages[4].tool_call_id.as_ref(), Some(&call.id));
}

#[test]
fn an_operators_own_words_and_the_callers_language_come_before_the_stock_phrase() {
    let own = rules(|config| config.phrases.line_back = "Da bin ich wieder.".into());
    assert_eq!(phrases(&begun(&mut Session::going_on(own, past()), MINUTE)), ["Da bin ich wieder."]);
    let german = rules(|config| config.tts.language = "de".into());
    let said = begun(&mut Session::going_on(german, past()), MINUTE);
    assert_eq!(phrases(&said), ["Entschuldigung, die Leitung war kurz unterbrochen."]);
}

/// The caller has heard nothing of the bot: it begins.
#[test]
fn a_greeting_that_nobody_heard_is_said() {
    let mut session = Session::going_on(rules(|_| {}), Past { times: 1, ..Past::default() });
    let out = begun(&mut session, Duration::from_secs(2));
    assert!(asked(&out).is_none(), "{out:?}");
    assert_eq!(session.plan.first_kind(), Some(Kind::Greeting));
}

/// The machine records while nobody speaks.
#[test]
fn a_machine_gets_the_message_anew_and_is_told_of_no_interruption() {
    let with_tool = rules(|config| {
        config.tools = vec![Tool::built_in("detected_voicemail")];
        config.voicemail_message = "Please call back.".into();
    });
    let detected = CallEvent {
        at_ms: 20_000,
        event: EventKind::VoicemailDetected.as_str().into(),
        why: String::new(),
        data: Default::default(),
    };
    let mut session = Session::going_on(with_tool, Past { events: vec![detected], ..past() });
    let out = begun(&mut session, MINUTE);
    assert_eq!((phrases(&out), asked(&out)), (vec!["Please call back."], None));
    assert_eq!(outcome(&mut session, MINUTE + MINUTE).disconnected_by, DisconnectedBy::Voicemail);
}

#[test]
fn there_is_one_record_with_both_parts_and_one_clock() {
    let mut session = Session::going_on(rules(|_| {}), past());
    begun(&mut session, MINUTE);
    session.on(MINUTE + Duration::from_secs(1), Event::Dtmf('4'), &mut Vec::new());
    let outcome = outcome(&mut session, MINUTE + Duration::from_secs(2));
    assert_eq!(outcome.duration, MINUTE + Duration::from_secs(2));
    let texts: Vec<(u32, &str)> = outcome.transcript.iter().map(|l| (l.turn, l.text.as_str())).collect();
    assert_eq!(texts[..4].last(), Some(&(1, "It is shipped.")));
    assert_eq!(texts[4], (2, "[keypad: 4]"), "turns are counted on");
    let kinds: Vec<&str> = outcome.events.iter().map(|event| event.event.as_str()).collect();
    assert_eq!(kinds[..2], ["tool_called", "rejoined"]);
    assert_eq!(outcome.events[1].data["times"], 1);
    assert_eq!(outcome.usage[0].seconds, 8.0);
}

/// The worker died while somebody was asked, or had the call.
#[test]
fn a_caller_on_hold_is_taken_back_and_the_record_says_so() {
    let event = |at_ms, event: &str, why: &str, data| CallEvent {
        at_ms,
        event: event.into(),
        why: why.into(),
        data: object(data),
    };
    let requested = event(
        9_000,
        "transfer_requested",
        "warm, warm",
        json!({"target": "+15550111", "transfer_type": "warm"}),
    );
    let taken = event(20_000, "transferred", "warm: key 1", json!({"transferred_to": "+15550111"}));
    for (more, done) in [(vec![requested.clone()], false), (vec![requested, taken], true)] {
        let mut past = past();
        past.events.extend(more);
        let mut session = Session::going_on(rules(|_| {}), past);
        let out = begun(&mut session, MINUTE);
        let told = format!("{:?}", asked(&out).expect("the model is asked"));
        let note =
            if done { "is not on the line any more" } else { "The transfer failed: the line broke off" };
        assert!(told.contains(note), "{told}");
        let outcome = outcome(&mut session, MINUTE + Duration::from_secs(2));
        let transfer = outcome.transfer.unwrap();
        assert_eq!(
            (transfer.to.as_str(), transfer.method.as_str(), transfer.done),
            ("+15550111", "warm", done)
        );
        assert_eq!(transfer.failed.as_deref(), (!done).then_some("the line broke off"));
        assert_eq!(outcome.events.iter().any(|event| event.event == "transfer_failed"), !done);
    }
}

/// Nobody else had the call: it went from bot to bot.
#[test]
fn a_call_that_went_to_another_bot_was_handed_to_no_person() {
    let event = |event: &str, data| CallEvent {
        at_ms: 9_000,
        event: event.into(),
        why: "bot".into(),
        data: object(data),
    };
    let mut past = past();
    past.events.extend([
        event("transfer_requested", json!({"target": "bot_2", "transfer_type": "bot"})),
        event("transferred", json!({"transferred_to": "bot_2", "transfer_type": "bot"})),
        event("transfer_requested", json!({"target": "bot_3", "transfer_type": "bot"})),
        event("transfer_failed", json!({"target": "bot_3", "transfer_type": "bot"})),
    ]);
    let mut session = Session::going_on(rules(|_| {}), past);
    assert_eq!(session.hand_overs, 1, "they go on counting");
    let told = format!("{:?}", asked(&begun(&mut session, MINUTE)).expect("the model is asked"));
    assert!(!told.contains("A person had taken the call") && !told.contains("The transfer failed"), "{told}");
    assert!(outcome(&mut session, MINUTE + Duration::from_secs(2)).transfer.is_none());
}

#[test]
fn the_longest_duration_and_the_limits_count_from_the_answer() {
    let mut session = Session::going_on(rules(|_| {}), past());
    begun(&mut session, MINUTE);
    let longest = session.course.timers().next_of(|timer| timer == PhaseTimer::MaxDuration);
    assert_eq!(longest, Some(Duration::from_secs(120)), "after the answer, and not after the return");

    let mut session = Session::going_on(rules(|config| config.limits.max_tokens = Some(250)), past());
    assert!(asked(&begun(&mut session, MINUTE)).is_none(), "300 tokens were used");
    let mut session = Session::going_on(rules(|config| config.limits.max_tool_calls = Some(1)), past());
    begun(&mut session, MINUTE);
    let call = ToolCall { id: "a".into(), name: "find_order".into(), arguments: json!({"n": 8}) };
    assert!(session.guard.admit(&call, 2, || false).is_err(), "one run was allowed");
}

#[test]
fn a_tally_tells_each_thing_once_and_sums_as_they_stand() {
    let mut session = Session::going_on(rules(|_| {}), past());
    begun(&mut session, MINUTE);
    let id: SessionId = "call_1".parse().unwrap();
    let order = vox_shared::wire::order::Order::Steer { text: "Be brief.".into() };
    session.on(MINUTE, Event::Order { id: 1, order }, &mut Vec::new());
    let first = session.tally(&id).unwrap();
    assert_eq!((first.at_ms, first.tokens), (60_000, 300));
    let words: Vec<&str> = first.steered.iter().map(|word| word.text.as_str()).collect();
    assert_eq!(words, ["Be brief."], "what was told in the past is in an earlier tally");
    assert_eq!(first.usage[0].seconds, 8.0);
    let second = session.tally(&id).unwrap();
    assert!(second.steered.is_empty() && second.why.is_empty() && second.usage == first.usage);
    // The last line of a call is journalled when its report is the outcome's already.
    outcome(&mut session, MINUTE);
    assert_eq!(session.tally(&id), None);
}

/// The caller hangs up while the bot speaks: its line is told when the record has been made of the lists already. Such a call broke off by a
/// fault of ours.
#[test]
fn a_call_that_is_over_has_no_tally() {
    let mut session =
        Session::going_on(rules(|_| {}), Past { latency: vec![TurnLatency::default()], ..past() });
    begun(&mut session, MINUTE);
    let id: SessionId = "call_1".parse().unwrap();
    session.tally(&id).unwrap();
    outcome(&mut session, MINUTE);
    assert!(session.tally(&id).is_none());
}
