use std::collections::VecDeque;

use tokio::sync::mpsc;

use super::*;
use crate::provider::TaskGuard;
use crate::provider::llm::Finish;

const CALL: Watched<'_> = Watched { language: "en", rate_hz: 8_000, since: Duration::ZERO, rang: None };

fn screener(detector: Value) -> Screener {
    let Value::Object(detector) = detector else { panic!("an object") };
    let answering = Answering { detect: true, detector, ..Answering::default() };
    Screener::new(&answering, CALL).unwrap()
}

#[test]
fn nobody_is_looked_at_again_in_the_middle_of_a_conversation() {
    let answering = Answering { detect: true, ..Answering::default() };
    assert!(Screener::new(&answering, CALL).is_some());
    let later = Watched { since: Duration::from_secs(90), ..CALL };
    assert!(Screener::new(&answering, later).is_none(), "who talks long is no voicemail");
}

fn told(screener: &mut Screener) -> Vec<Event> {
    let mut events = VecDeque::new();
    screener.news(&mut events);
    events.into()
}

#[test]
fn a_line_without_a_sound_has_a_verdict_too() {
    let mut screener = screener(serde_json::json!({}));
    let mut events = Vec::new();
    for second in 1..=13 {
        screener.passes(Duration::from_secs(second));
        events.extend(told(&mut screener));
    }
    let is_silence = |event: &Event| {
        matches!(event, Event::Answering(AnsweringEvent::Verdict { answered: Answered::Silence, .. }))
    };
    assert!(events.first().is_some_and(is_silence), "{events:?}");
    let record = screener.finish(Closing::default());
    assert!(matches!(record.class, answered::Callee::Silent | answered::Callee::Unsure), "{record:?}");
}

#[test]
fn words_of_a_machine_are_a_verdict_and_stand_in_the_record() {
    let mut screener = screener(serde_json::json!({}));
    let speech: Vec<i16> = (0..8_000).map(|n| if n / 20 % 2 == 0 { 6_000 } else { -6_000 }).collect();
    screener.hear(&speech);
    let text = "You have reached the voicemail of Mira. Please leave a message after the tone.".to_owned();
    screener.understand(&SttEvent::Partial { text });
    screener.hear(&speech[..1_600]);
    let events = told(&mut screener);
    let is_machine = |event: &Event| matches!(event, Event::Answering(AnsweringEvent::Verdict { answered: Answered::Voicemail, because }) if because.starts_with("said '"));
    assert!(events.iter().any(is_machine), "{events:?}");
    let record = screener.finish(Closing { message_left: true, ..Closing::default() });
    assert_eq!((record.class, record.message_left), (answered::Callee::Voicemail, true));
    assert!(record.evidence.to_string().contains("Mira"), "{record:?}");
    let hidden = screener.finish(Closing { hides_words: true, ..Closing::default() }).evidence.to_string();
    assert!(!hidden.contains("Mira") && hidden.contains("\"w\""), "{hidden}");
}

/// A tone, or two at once, at 8 kHz.
fn tone(hertz: &[f32], ms: usize) -> Vec<i16> {
    let at =
        |n: usize| hertz.iter().map(move |hertz| (n as f32 * hertz * std::f32::consts::TAU / 8_000.0).sin());
    (0..ms * 8).map(|n| (at(n).sum::<f32>() * 9_000.0 / hertz.len() as f32) as i16).collect()
}

fn quiet(ms: usize) -> Vec<i16> {
    vec![0; ms * 8]
}

/// What the session is told first, and what stands in the record.
fn of(sound: &[Vec<i16>]) -> (Option<Answered>, AnsweredBy) {
    let mut screener = screener(serde_json::json!({}));
    sound.concat().chunks(160).for_each(|frame| screener.hear(frame));
    let first = told(&mut screener).into_iter().find_map(|event| match event {
        Event::Answering(AnsweringEvent::Verdict { answered, .. }) => Some(answered),
        _ => None,
    });
    (first, screener.finish(Closing::default()))
}

/// A fax's number is called by no campaign again.
#[test]
fn of_the_tones_only_a_faxs_make_a_fax() {
    let busy: Vec<Vec<i16>> = (0..6).flat_map(|_| [tone(&[480.0, 620.0], 500), quiet(500)]).collect();
    let (told, record) = of(&[vec![quiet(400)], busy].concat());
    assert_eq!((told, record.class), (Some(Answered::Nobody), answered::Callee::Announcement));
    let rings =
        [quiet(400), tone(&[440.0, 480.0], 2_000), quiet(4_000), tone(&[440.0, 480.0], 2_000), quiet(500)];
    let (told, record) = of(&rings);
    assert_eq!((told, record.class), (Some(Answered::Rings), answered::Callee::Announcement));
    let (told, record) = of(&[quiet(400), tone(&[2_100.0], 3_000), quiet(200)]);
    assert_eq!((told, record.class), (Some(Answered::Nobody), answered::Callee::Fax));
}

#[test]
fn tones_that_say_that_there_is_no_such_number_say_so_in_the_record() {
    let three = |first: (f32, usize), second: (f32, usize), third: usize| {
        [
            quiet(400),
            tone(&[first.0], first.1),
            tone(&[second.0], second.1),
            tone(&[1_776.7], third),
            quiet(600),
        ]
    };
    let (told, record) = of(&three((913.8, 274), (1_370.6, 274), 380));
    assert_eq!((told, record.class), (Some(Answered::Nobody), answered::Callee::Announcement));
    assert!(record.invalid_number && !record.no_line, "the number is not in service: {record:?}");
    let (_, record) = of(&three((985.2, 380), (1_428.5, 380), 380));
    assert_eq!(
        (record.class, record.invalid_number, record.no_line),
        (answered::Callee::Announcement, false, true),
        "no line is free"
    );
}

#[test]
fn a_mailbox_that_takes_no_message_says_so() {
    for (said, is_full) in [("the mailbox is full", true), ("leave a message after the tone", false)] {
        let mut screener = screener(serde_json::json!({}));
        screener.hear(&quiet(400));
        screener.understand(&SttEvent::Partial { text: said.into() });
        screener.hear(&quiet(400));
        let record = screener.finish(Closing::default());
        assert_eq!((record.class, record.mailbox_full), (answered::Callee::Voicemail, is_full), "{said}");
    }
}

/// Bridges take nothing else; an older one did.
#[test]
fn the_bots_settings_decide_and_those_that_make_no_sense_cost_no_call() {
    let after = |detector: Value, seconds| {
        let mut screener = screener(detector);
        screener.passes(Duration::from_secs(seconds));
        told(&mut screener).into_iter().find_map(|event| match event {
            Event::Answering(AnsweringEvent::Verdict { answered, .. }) => Some(answered),
            _ => None,
        })
    };
    let json = |text| serde_json::from_str::<Value>(text).unwrap();
    assert_eq!(after(json("{}"), 4), None);
    assert_eq!(after(json(r#"{"no_speech_ms": 3000}"#), 4), Some(Answered::Silence));
    let old = json(r#"{"mode": "cadence", "cadence": {"initial_silence": 3000}}"#);
    assert_eq!(after(old, 4), Some(Answered::Voicemail));
    for none in [r#"{"colour": 7}"#, r#"{"no_speech_ms": 3}"#, r#"{"initial_silence": 3000}"#] {
        assert_eq!((after(json(none), 4), after(json(none), 7)), (None, Some(Answered::Silence)), "{none}");
    }
}

/// Nobody else listens for them, and the bot's model may find the machine later than the detector has looked.
#[test]
fn beeps_are_heard_when_nothing_is_corrected_any_more() {
    let mut screener =
        screener(serde_json::json!({"mode": "cadence", "cadence": {"initial_silence": 1_000}}));
    screener.hear(&quiet(1_500));
    assert!(told(&mut screener).len() == 1 && screener.is_settled);
    screener.hear(&[tone(&[1_000.0], 400), quiet(1_000)].concat());
    let later = told(&mut screener);
    assert!(matches!(&later[..], [Event::Beep { ago }] if !ago.is_zero()), "{later:?}");
}

#[test]
fn of_the_bots_own_words_the_newest_are_kept() {
    let mut screener = screener(serde_json::json!({}));
    for _ in 0..100 {
        screener.says("Guten Tag, hier ist die Praxis für Öhren.");
    }
    assert!(screener.own_words.len() <= OWN_WORDS && screener.own_words.ends_with("Öhren. "));
}

/// When a short greeting is a person's, by how long it rang.
fn person_after(rang: Option<u64>) -> (Screener, usize) {
    let answering = Answering { detect: true, ..Answering::default() };
    let call = Watched { rang: rang.map(Duration::from_secs), ..CALL };
    let mut screener = Screener::new(&answering, call).unwrap();
    let speech: Vec<i16> = (0..6_400).map(|n| if n / 20 % 2 == 0 { 6_000 } else { -6_000 }).collect();
    screener.hear(&[quiet(400), speech].concat());
    for ms in (20..3_000).step_by(20) {
        screener.hear(&quiet(20));
        let is_person = |event: &Event| {
            matches!(event, Event::Answering(AnsweringEvent::Verdict { answered: Answered::Person, .. }))
        };
        if told(&mut screener).iter().any(is_person) {
            return (screener, ms);
        }
    }
    panic!("no verdict after {rang:?}")
}

#[test]
fn who_lets_it_ring_as_long_as_machines_do_is_listened_to_for_longer() {
    let (screener, machine) = person_after(Some(21));
    assert_eq!(screener.finish(Closing::default()).evidence["ring_ms"], 21_000);
    let ((unknown, middle), (_, person)) = (person_after(None), person_after(Some(6)));
    assert!(unknown.finish(Closing::default()).evidence["ring_ms"].is_null());
    assert!(person + 100 <= middle && middle + 200 <= machine, "{person} {middle} {machine}");
}

/// A model that says this, and then nothing.
fn says(events: Vec<LlmEvent>) -> LlmStream {
    let (tell, heard) = mpsc::channel(8);
    for event in events {
        tell.try_send(event).unwrap();
    }
    LlmStream { events: heard, task: TaskGuard::new(tokio::spawn(async move { tell.closed().await })) }
}

#[tokio::test(start_paused = true)]
async fn what_the_model_is_asked_stands_in_the_books_however_it_ends() {
    let usage = Some(LlmUsage { tokens_in: 210, tokens_out: 3, ..LlmUsage::default() });
    let done = LlmEvent::Done { finish: Finish::Stop, usage };
    let text = |text: &str| LlmEvent::Text(text.to_owned());
    let long = "voicemail 90, and why: ".repeat(10);
    for (events, used, written) in [
        (vec![text("human "), text("85"), done], usage, 8),
        // It is asked for two words, and not waited for when it writes an essay.
        (vec![text(&long)], None, long.len() as u64),
        (vec![text("hum")], None, 3),
    ] {
        let mut screener = screener(serde_json::json!({}));
        screener.asks(says(events), 840);
        while screener.asking.is_some() {
            screener.answered().await;
        }
        let books = [AnsweringEvent::Asked, AnsweringEvent::Used { usage: used, told: 840, written }];
        assert_eq!(told(&mut screener), books.map(Event::Answering));
        assert_eq!(told(&mut screener), []);
    }
}
