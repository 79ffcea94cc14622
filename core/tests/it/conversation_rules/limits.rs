//! What a call may use up: money, tokens, silence.

use vox_core::provider::llm::{Finish, LlmEvent, LlmUsage};
use vox_core::session::event::Event;
use vox_shared::model::bot::{CallLimits, ReEngagement};
use vox_shared::price::{Counted, Rate};
use vox_shared::wire::config::RuntimeConfig;
use vox_shared::wire::order::Order;
use vox_shared::wire::result::{DisconnectedBy, Speaker, Usage};

use super::scene::{Scene, config, prompts_after};

const REPLY: &str = "We open at nine in the morning.";

fn used(tokens_in: u64, tokens_out: u64) -> LlmEvent {
    let usage = Some(LlmUsage { tokens_in, tokens_out, ..LlmUsage::default() });
    LlmEvent::Done { finish: Finish::Stop, usage }
}

fn at_most(tokens: u32) -> impl FnOnce(&mut RuntimeConfig) {
    move |config| config.limits.max_tokens = Some(tokens)
}

/// A call with a budget in which a character of the voice costs 2 and a token that the model writes costs 3.
fn with_budget(config: &mut RuntimeConfig) {
    let of = |service: &str, provider: &str, unit, money| Rate {
        service: service.into(),
        provider: provider.into(),
        model: String::new(),
        unit,
        money,
        per: 1,
    };
    config.limits.max_cost_micros = Some(100);
    config.rates = vec![
        of("tts", &config.tts.provider, Counted::Characters, 2),
        of("llm", &config.llm.provider, Counted::TokensOut, 3),
    ];
}

fn spoken(characters: u64) -> Event {
    let (kind, provider) = ("tts".into(), config(|_| {}).tts.provider);
    Event::Metered { usage: vec![Usage { kind, provider, characters, ..Usage::default() }] }
}

/// The call ended politely for this limit, which is told wherever people look.
fn assert_ended(scene: &Scene, limit: &str, by: DisconnectedBy, last: &str) {
    let outcome = scene.outcome.as_ref().unwrap_or_else(|| panic!("the call goes on: {:?}", scene.events));
    assert_eq!(outcome.disconnected_by, by);
    assert_eq!(scene.lines(Speaker::Bot).last().map(String::as_str), Some(last), "it is said to its end");
    let told: Vec<_> = outcome.events.iter().filter(|e| e.event == "limit_reached").collect();
    assert_eq!((told.len(), told[0].data["limit"].as_str()), (1, Some(limit)), "{told:?}");
    assert!(told[0].data["used"].as_u64() >= told[0].data["of"].as_u64(), "{told:?}");
    let why = format!("goodbye: {limit}");
    assert!(outcome.why.iter().any(|w| w.event == "bot_started" && w.why == why), "{:?}", outcome.why);
}

#[test]
fn tokens_that_are_used_up_end_the_call_after_the_reply() {
    let mut scene = Scene::begin(at_most(100));
    scene.caller_says("When do you open?", 900);
    scene.tokens(REPLY);
    scene.llm(used(60, 20));
    scene.hear_out();
    scene.pass(1_000);
    assert!(scene.outcome.is_none() && scene.count("limit_reached") == 0);
    scene.caller_says("And on Sunday?", 900);
    scene.tokens(REPLY);
    scene.llm(used(10, 10));
    scene.pass(12_000);
    assert_eq!(scene.lines(Speaker::Bot).iter().filter(|l| *l == REPLY).count(), 2, "{:?}", scene.said);
    assert_ended(&scene, "max_tokens", DisconnectedBy::Timeout, &config(|_| {}).phrases.time_up);
}

#[test]
fn a_model_that_does_not_say_its_tokens_is_counted_by_its_characters() {
    let mut scene = Scene::begin(at_most(10));
    scene.caller_says("When do you open?", 900);
    scene.reply(REPLY);
    scene.pass(12_000);
    assert_ended(&scene, "max_tokens", DisconnectedBy::Timeout, &config(|_| {}).phrases.time_up);
}

#[test]
fn a_caller_who_speaks_when_the_tokens_are_used_up_gets_a_goodbye_and_no_request() {
    let mut scene = Scene::begin(at_most(100));
    scene.caller_says("When do you open?", 900);
    scene.tokens("We open at nine in the morning, on all days of the week but on Sundays and on holidays.");
    scene.llm(used(90, 20));
    scene.pass(1_500);
    scene.sound(900);
    scene.final_words("Stop, and on Sunday?");
    scene.pass(700);
    assert_eq!(scene.asked.len(), 1, "nothing is asked any more");
    scene.pass(9_000);
    assert_ended(&scene, "max_tokens", DisconnectedBy::Timeout, &config(|_| {}).phrases.time_up);
}

#[test]
fn money_is_what_models_and_voices_have_cost_together() {
    let mut scene = Scene::begin(with_budget);
    scene.feed(spoken(20));
    scene.caller_says("When do you open?", 900);
    scene.tokens(REPLY);
    scene.llm(used(1_000, 19));
    scene.hear_out();
    scene.pass(1_000);
    assert_eq!(scene.count("limit_reached"), 0, "97 of 100");
    scene.feed(spoken(22));
    scene.pass(9_000);
    assert_ended(&scene, "max_cost_micros", DisconnectedBy::Timeout, &config(|_| {}).phrases.time_up);
}

#[test]
fn a_call_that_is_held_is_ended_when_it_goes_on() {
    let mut scene = Scene::begin(with_budget);
    scene.order(Order::Hold);
    scene.feed(spoken(500));
    scene.pass(5_000);
    assert!(scene.outcome.is_none() && scene.said.len() == 1, "{:?}", scene.said);
    scene.order(Order::GoOn);
    scene.pass(9_000);
    assert_ended(&scene, "max_cost_micros", DisconnectedBy::Timeout, &config(|_| {}).phrases.time_up);
}

#[test]
fn a_silence_is_the_callers_and_goes_on_over_the_bots_prompts() {
    let limited = |config: &mut RuntimeConfig| {
        config.re_engagement = prompts_after(3.0);
        config.limits = CallLimits { max_silence_secs: Some(5), ..CallLimits::default() };
    };
    let goodbye = ReEngagement::default().goodbye;
    let mut scene = Scene::begin(limited);
    scene.pass(18_000);
    assert_eq!(scene.count("caller_silent"), 1, "no second prompt");
    assert_ended(&scene, "max_silence_secs", DisconnectedBy::Rnr, &goodbye);

    let mut scene = Scene::begin(limited);
    scene.caller_says("When do you open?", 900);
    scene.reply("We open at nine in the morning, on all days of the week but on Sundays and on holidays.");
    scene.hear_out();
    scene.pass(4_000);
    assert_eq!(scene.count("limit_reached"), 0, "while the bot replies nobody waits for the caller");
    scene.caller_says("I see, and on Monday?", 900);
    scene.reply(REPLY);
    scene.hear_out();
    scene.key('1');
    scene.pass(100);
    scene.pass(2_500);
    scene.reply(REPLY);
    scene.hear_out();
    scene.pass(4_500);
    assert_eq!(scene.count("limit_reached"), 0, "a key is a sign of the caller");
    scene.pass(12_000);
    assert_ended(&scene, "max_silence_secs", DisconnectedBy::Timeout, &goodbye);
}

#[test]
fn a_call_without_limits_is_not_limited() {
    let mut scene = Scene::begin(|config| config.re_engagement = None);
    scene.caller_says("When do you open?", 900);
    scene.tokens(REPLY);
    scene.llm(used(10_000_000, 10_000_000));
    scene.feed(spoken(1_000_000));
    scene.pass(20_000);
    assert!(scene.outcome.is_none() && scene.count("limit_reached") == 0);
}
