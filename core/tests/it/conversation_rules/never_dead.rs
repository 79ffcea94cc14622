//! Ladders of vendors, what the process knows of them, second requests, and what is left when nobody works.

use std::time::Duration;

use serde_json::json;
use vox_core::provider::llm::LlmEvent;
use vox_core::provider::stt::SttEvent;
use vox_core::provider::{Failure, FailureClass};
use vox_core::session::event::{Event, VoiceEvent};
use vox_core::session::rules::Rules;
use vox_core::session::standing::{Did, Standing};
use vox_shared::model::bot::CommonAnswer;
use vox_shared::wire::answers::Service;
use vox_shared::wire::config::RuntimeConfig;
use vox_shared::wire::result::{DisconnectedBy, Speaker};

use super::scene::{Scene, config};

const STT: usize = 0;
const LLM: usize = 1;
const TTS: usize = 2;

fn failed(class: FailureClass) -> Failure {
    Failure::new(class, "so")
}

fn busy(secs: u64) -> Failure {
    Failure { retry_after: Some(Duration::from_secs(secs)), ..failed(FailureClass::OverLimit) }
}

/// A bot with three of each.
fn three(config: &mut RuntimeConfig) {
    config.stt.fallbacks = vec![config.stt.clone(); 2];
    config.llm.fallbacks = vec![config.llm.clone(); 2];
    config.tts.fallbacks = vec![config.tts.clone(); 2];
}

fn stt_fails(scene: &mut Scene, class: FailureClass) -> usize {
    scene.feed(Event::Stt(SttEvent::Failed(failed(class))));
    scene.places[STT]
}

fn voice_fails(scene: &mut Scene, class: FailureClass) -> usize {
    scene.feed(Event::Voice(VoiceEvent::Failed(failed(class))));
    scene.places[TTS]
}

fn know(scene: &mut Scene, standing: Standing) {
    scene.feed(Event::Standing(Box::new(standing)));
}

#[test]
fn a_recogniser_that_breaks_is_connected_anew_once_and_one_that_refuses_never() {
    let mut scene = Scene::begin(three);
    scene.sound(700);
    scene.partial("when do");
    assert_eq!(stt_fails(&mut scene, FailureClass::Unavailable), 0, "the same one once more");
    assert!(scene.replay.is_some_and(|replay| replay >= Duration::from_millis(700)), "{:?}", scene.replay);
    assert_eq!(stt_fails(&mut scene, FailureClass::Unavailable), 1);
    assert_eq!(stt_fails(&mut scene, FailureClass::Unauthorised), 2, "a refused key is not tried again");
    assert_eq!(stt_fails(&mut scene, FailureClass::Unavailable), 2);
    assert_eq!(stt_fails(&mut scene, FailureClass::Unavailable), 0, "not the one that refused");
    assert!(scene.hung_up.is_none());
}

#[test]
fn a_voice_that_broke_off_is_opened_anew_once_and_the_next_one_says_what_is_left() {
    let mut scene = Scene::begin(three);
    scene.caller_says("When do you open?", 900);
    scene.reply("We are open from nine to five on all days of the week.");
    scene.pass(300);
    // All of it was given, so nothing of it is said again.
    assert_eq!(voice_fails(&mut scene, FailureClass::Unavailable), 0);
    scene.hear_out();
    scene.mute = true;
    scene.caller_says("And on Sunday?", 900);
    scene.reply("Never on Sundays.");
    scene.pass(3_200);
    assert_eq!(scene.places[TTS], 1, "mute, and it had given nothing since it was opened");
    scene.mute = false;
    assert_eq!(voice_fails(&mut scene, FailureClass::Unauthorised), 2);
    scene.hear_out();
    assert_eq!(scene.said.last().unwrap(), "Never on Sundays.");
    scene.hang_up();
    assert_eq!(scene.lines(Speaker::Bot).last().unwrap(), "Never on Sundays.");
}

#[test]
fn a_voice_that_is_busy_is_opened_when_it_wishes_to_be_where_there_is_no_other() {
    let mut busy_for_no_time = busy(0);
    busy_for_no_time.retry_after = None;
    for (failure, wait) in [(busy(1), 1_000), (busy(60), 2_000), (busy_for_no_time, 500)] {
        let mut scene = Scene::begin(|_| {});
        scene.caller_says("When do you open?", 900);
        scene.mute = true;
        scene.reply("At nine.");
        scene.feed(Event::Voice(VoiceEvent::Failed(failure.clone())));
        scene.mute = false;
        scene.pass(wait - 8);
        assert_eq!(
            (scene.voices, scene.said.len()),
            (1, 2),
            "{failure:?}: it is let alone, and nothing is given to it"
        );
        scene.pass(16);
        assert_eq!(scene.voices, 2, "{failure:?}");
        scene.hear_out();
        assert_eq!(scene.said[1..], ["At nine.", "At nine."]);
        scene.hang_up();
        assert_eq!(scene.lines(Speaker::Bot).last().unwrap(), "At nine.");
    }
    let mut scene = Scene::begin(three);
    scene.caller_says("When do you open?", 900);
    scene.mute = true;
    scene.reply("At nine.");
    scene.feed(Event::Voice(VoiceEvent::Failed(busy(60))));
    assert_eq!((scene.voices, scene.places[TTS]), (2, 1), "another one says it at once");
}

#[test]
fn models_and_recognisers_that_are_busy_and_name_no_time_are_let_alone_too() {
    let mut scene = Scene::begin(|_| {});
    stt_fails(&mut scene, FailureClass::OverLimit);
    scene.pass(480);
    assert_eq!(scene.recognisers, 1);
    scene.pass(40);
    assert_eq!(scene.recognisers, 2);
    scene.caller_says("When do you open?", 900);
    scene.llm_fails(failed(FailureClass::OverLimit));
    scene.pass(480);
    assert_eq!(scene.asked.len(), 1);
    scene.pass(40);
    assert_eq!(scene.asked.len(), 2);
}

#[test]
fn every_model_of_the_list_is_asked_before_the_bot_excuses_itself() {
    let mut scene = Scene::begin(three);
    scene.caller_says("When do you open?", 900);
    let mut places = vec![scene.places[LLM]];
    for failure in [failed(FailureClass::Unauthorised), busy(20)] {
        scene.llm_fails(failure);
        places.push(scene.places[LLM]);
    }
    assert_eq!(places, [0, 1, 2]);
    scene.reply("At nine.");
    scene.hear_out();
    // The next reply begins with the only one that can be asked now, and later with the second one again.
    scene.caller_says("And on Sunday?", 900);
    assert_eq!(scene.places[LLM], 2);
    scene.reply("Never.");
    scene.hear_out();
    scene.pass(20_000);
    scene.caller_says("And on Monday?", 900);
    assert_eq!(scene.places[LLM], 1);
}

#[test]
fn whose_breaker_is_open_is_passed_over_while_another_can_be_asked() {
    let until = |scene: &Scene, ms: u64| Duration::from_millis(scene.now + ms);
    let mut scene = Scene::begin(three);
    let open = until(&scene, 5_000);
    know(&mut scene, Standing { llm: vec![open, open], ..Standing::default() });
    scene.caller_says("When do you open?", 900);
    assert_eq!(scene.places[LLM], 2);
    scene.reply("At nine.");
    scene.hear_out();
    scene.pass(4_000);
    scene.caller_says("And on Sunday?", 900);
    assert_eq!(scene.places[LLM], 0, "its time is over");
    // With all of them open the ladder goes as without breakers.
    let mut scene = Scene::begin(three);
    let open = until(&scene, 60_000);
    know(&mut scene, Standing { llm: vec![open; 3], ..Standing::default() });
    scene.caller_says("When do you open?", 900);
    assert_eq!(scene.places[LLM], 0);
    // A call begins with those that work.
    let rules = Rules::from_config(&config(three), Duration::ZERO);
    let mut scene = Scene::waiting(rules);
    let standing = Standing {
        stt: vec![Duration::from_secs(9)],
        tts: vec![Duration::from_secs(9)],
        ..Standing::default()
    };
    know(&mut scene, standing);
    scene.feed(Event::Answered);
    assert_eq!(scene.places, [1, 0, 1]);
}

#[test]
fn the_process_learns_what_the_vendors_of_a_call_did() {
    let mut scene = Scene::begin(three);
    scene.caller_says("When do you open?", 900);
    scene.pass(300);
    scene.llm_fails(busy(3));
    scene.pass(200);
    scene.reply("At nine.");
    scene.hear_out();
    let told = |scene: &Scene, service: Service| -> Vec<(usize, Did)> {
        let noted = scene.noted.iter().filter(|(of, _, _)| *of == service);
        noted.map(|(_, place, did)| (*place, did.clone())).collect()
    };
    let llm = told(&scene, Service::Llm);
    let (wait, after) = (Duration::from_secs(3), Duration::from_millis(200));
    assert!(
        llm.contains(&(0, Did::Failed { class: FailureClass::OverLimit, retry_after: Some(wait) })),
        "{llm:?}"
    );
    assert!(llm.contains(&(1, Did::Answered { after: Some(after) })), "{llm:?}");
    assert!(matches!(llm.last(), Some((1, Did::Used { needlessly: false, .. }))), "{llm:?}");
    let tts = told(&scene, Service::Tts);
    assert!(
        matches!(tts[..], [(0, Did::Answered { after: Some(_) })]),
        "the greeting may be kept as sound: {tts:?}"
    );
    assert!(matches!(told(&scene, Service::Stt)[..], [(0, Did::Answered { after: Some(_) })]));
}

/// A scene whose model is known to answer within 1.2 s, and was asked 0.7 s ago at most.
fn known_model() -> Scene {
    let mut scene = Scene::begin(|_| {});
    let llm_p90 = vec![Some(Duration::from_millis(1_200))];
    know(&mut scene, Standing { llm_p90, second_tokens: 100, ..Standing::default() });
    scene.caller_says("When do you open?", 900);
    scene
}

fn says(scene: &mut Scene, request: u64, text: &str) {
    scene.feed(Event::Llm { request, event: LlmEvent::Text(text.into()) });
}

#[test]
fn a_model_that_is_late_is_asked_once_more_and_whichever_answers_first_is_heard() {
    for second_wins in [false, true] {
        let mut scene = known_model();
        let first = scene.asked[0].0;
        scene.pass(450);
        assert!(scene.seconds.is_empty(), "it is not late yet");
        scene.pass(800);
        let second = scene.seconds[0];
        let (winner, loser) = if second_wins { (second, first) } else { (first, second) };
        says(&mut scene, winner, "At nine. ");
        assert_eq!(scene.cancelled, [loser]);
        says(&mut scene, loser, "Never. ");
        let done = LlmEvent::Done { finish: vox_core::provider::llm::Finish::Stop, usage: None };
        scene.feed(Event::Llm { request: winner, event: done });
        scene.hear_out();
        assert_eq!(scene.said[1..], ["At nine."]);
        assert_eq!(scene.seconds.len(), 1, "never a third");
        assert_eq!(
            (scene.count("second_request"), scene.count("second_request_won")),
            (1, usize::from(second_wins))
        );
        let needless =
            scene.noted.iter().filter(|(_, _, did)| matches!(did, Did::Used { needlessly: true, .. }));
        assert_eq!(needless.count(), 1);
        let usage = scene.hang_up().usage.iter().find(|used| used.kind == "llm").unwrap().clone();
        assert_eq!((usage.requests, usage.failures), (2, 0));
    }
}

#[test]
fn a_second_request_must_be_paid_for_and_wanted() {
    let mut scene = Scene::begin(|_| {});
    let llm_p90 = vec![Some(Duration::from_secs(1))];
    know(&mut scene, Standing { llm_p90: llm_p90.clone(), second_tokens: 1, ..Standing::default() });
    scene.caller_says("When do you open?", 900);
    scene.pass(2_000);
    assert!(scene.seconds.is_empty(), "too dear");
    let mut scene = Scene::begin(|config| config.resilience.second_requests = false);
    know(&mut scene, Standing { llm_p90, second_tokens: 100, ..Standing::default() });
    scene.caller_says("When do you open?", 900);
    scene.pass(2_000);
    assert!(scene.seconds.is_empty(), "the bot does not want it");
}

#[test]
fn of_two_requests_one_may_fail_and_both_are_given_up_with_the_reply() {
    let mut scene = known_model();
    scene.pass(1_250);
    let (first, second) = (scene.asked[0].0, scene.seconds[0]);
    scene.feed(Event::Llm { request: first, event: LlmEvent::Failed(failed(FailureClass::Unavailable)) });
    assert_eq!(scene.asked.len(), 1, "the other one is under way");
    says(&mut scene, second, "At nine. ");
    scene.pass(100);
    assert_eq!(scene.said[1..], ["At nine."]);

    let mut scene = known_model();
    scene.pass(1_250);
    scene.caller_says("No, I mean on Sunday.", 900);
    let (first, second) = (scene.asked[0].0, scene.seconds[0]);
    assert!(scene.cancelled.contains(&first) && scene.cancelled.contains(&second), "{:?}", scene.cancelled);
}

fn with_answers(config: &mut RuntimeConfig) {
    let questions = vec!["When do you open?".to_owned()];
    config.common_answers = vec![CommonAnswer { questions, answer: "We open at nine.".into() }];
}

fn model_is_dead(scene: &mut Scene) {
    for _ in 0..2 {
        scene.llm_fails(failed(FailureClass::Unavailable));
    }
}

#[test]
fn a_common_question_is_answered_without_a_model_and_others_end_in_an_apology() {
    let mut scene = Scene::begin(with_answers);
    for _ in 0..3 {
        scene.caller_says("When do you open?", 900);
        model_is_dead(&mut scene);
        scene.hear_out();
        assert_eq!(scene.said.last().unwrap(), "We open at nine.");
    }
    assert_eq!((scene.count("common_answer"), scene.hung_up), (3, None));
    scene.caller_says("I want my money back.", 900);
    model_is_dead(&mut scene);
    scene.hear_out();
    scene.pass(200);
    assert_eq!(scene.said.last().unwrap(), &config(|_| {}).phrases.apology);
    assert_eq!(scene.hung_up, Some(DisconnectedBy::Error));
    // Where the process knows that nobody can be asked, nobody waits for that.
    let mut scene = Scene::begin(with_answers);
    know(&mut scene, Standing { llm: vec![Duration::from_secs(600)], ..Standing::default() });
    scene.caller_says("When do you open?", 900);
    assert_eq!((scene.asked.len(), scene.said.last().unwrap().as_str()), (0, "We open at nine."));
    // A model that works is asked.
    let mut scene = Scene::begin(with_answers);
    scene.caller_says("When do you open?", 900);
    assert_eq!((scene.asked.len(), scene.count("common_answer")), (1, 0));
}

fn with_person(change: impl FnOnce(&mut RuntimeConfig)) -> Rules {
    let config = config(|config| {
        config.resilience.transfer_to = "desk".into();
        config.transfer_numbers.insert("desk".into(), json!("+15550111"));
        change(config);
    });
    Rules { transfers: Some("websocket_reverse_transfer"), ..Rules::from_config(&config, Duration::ZERO) }
}

fn with_dead_model() -> Scene {
    let mut scene = Scene::by(with_person(|_| {}));
    scene.pass(1_000);
    for _ in 0..2 {
        scene.caller_says("I want my money back.", 900);
        model_is_dead(&mut scene);
        scene.hear_out();
    }
    scene
}

#[test]
fn a_person_takes_the_call_when_the_model_is_lost() {
    let mut scene = with_dead_model();
    scene.pass(200);
    assert_eq!((scene.transfers.as_slice(), scene.count("handed_on")), (&["+15550111".to_owned()][..], 1));
    assert_eq!(scene.said.last().unwrap(), "One moment please, I will connect you.");
    scene.feed(Event::Transferred);
    let outcome = scene.outcome.as_ref().expect("the conversation is over");
    assert_eq!(outcome.disconnected_by, DisconnectedBy::TransferToAgent);
    assert!(outcome.error.as_ref().is_some_and(|error| error.contains("so")), "{:?}", outcome.error);
}

#[test]
fn what_the_caller_says_meanwhile_changes_nothing_and_a_transfer_that_fails_is_the_end() {
    let mut scene = Scene::by(with_person(|_| {}));
    scene.pass(1_000);
    for _ in 0..2 {
        scene.caller_says("I want my money back.", 900);
        model_is_dead(&mut scene);
        scene.pass(400);
    }
    let asked = scene.asked.len();
    scene.caller_says("Hello, can you hear me?", 1_500);
    scene.hear_out();
    scene.pass(400);
    assert_eq!((scene.asked.len(), scene.transfers.len()), (asked, 1));
    scene.feed(Event::TransferFailed { why: "busy".into() });
    scene.hear_out();
    scene.pass(400);
    assert_eq!(scene.said.last().unwrap(), &config(|_| {}).phrases.apology);
    assert_eq!((scene.hung_up, scene.asked.len()), (Some(DisconnectedBy::Error), asked));
}

#[test]
fn a_bot_without_a_voice_hands_over_in_silence() {
    let mut scene = Scene::by(with_person(|_| {}));
    scene.pass(1_000);
    scene.mute = true;
    scene.caller_says("When do you open?", 900);
    scene.reply("At nine.");
    scene.pass(9_000);
    assert_eq!(scene.transfers, ["+15550111"], "{:?}", scene.events);
    assert_eq!(scene.hung_up, None);
}

#[test]
fn a_line_that_cannot_hand_over_ends_in_an_apology() {
    let rules = Rules { transfers: None, ..with_person(|_| {}) };
    let mut scene = Scene::by(rules);
    scene.pass(1_000);
    for _ in 0..4 {
        stt_fails(&mut scene, FailureClass::Unavailable);
        scene.pass(2_500);
    }
    scene.hear_out();
    scene.pass(200);
    assert_eq!(scene.said.last().unwrap(), &config(|_| {}).phrases.apology);
    assert_eq!((scene.hung_up, scene.count("transfer_failed")), (Some(DisconnectedBy::Error), 1));
}
