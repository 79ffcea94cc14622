//! A human agent in the call: the agent leads, and the bot listens.

use std::time::Duration;

use vox_core::provider::llm::Role;
use vox_core::provider::stt::SttEvent;
use vox_core::provider::{Failure, FailureClass};
use vox_core::session::event::{AgentEvent, Event, VoiceEvent};
use vox_core::session::rules::Rules;
use vox_shared::wire::order::Order;
use vox_shared::wire::result::{DisconnectedBy, Speaker};

use super::scene::{Scene, config, prompts_after};

const LONG: &str = "We are open from nine to five on all days of the week but on Sundays.";

fn joins(scene: &mut Scene) {
    scene.feed(Event::Agent(AgentEvent::Joined));
}

fn leaves(scene: &mut Scene) {
    scene.feed(Event::Agent(AgentEvent::Left));
}

/// A conversation that an agent has joined.
fn accompanied() -> Scene {
    let mut scene = Scene::begin(|c| c.re_engagement = prompts_after(4.0));
    joins(&mut scene);
    scene
}

fn broken(class: FailureClass) -> SttEvent {
    SttEvent::Failed(Failure::new(class, "cut"))
}

#[test]
fn an_agent_who_joins_stops_the_bot_and_what_it_planned() {
    let mut scene = Scene::begin(|_| {});
    scene.caller_says("When are you open?", 900);
    scene.tokens(LONG);
    scene.tokens(" And on holidays");
    scene.pass(1_200);
    assert!(scene.bot_speaks());
    joins(&mut scene);
    assert!(!scene.bot_speaks());
    assert_eq!((scene.cancelled.len(), scene.agent_recognisers), (1, 1));
    scene.tokens(" from ten to two.");
    scene.pass(20_000);
    assert_eq!((scene.said.len(), scene.tones, scene.count("agent_joined")), (2, 0, 1));
    let heard = scene.context().into_iter().rfind(|(role, _)| *role == Role::Assistant).unwrap().1;
    assert!(LONG.starts_with(&heard) && heard.len() < LONG.len(), "{heard}");
    scene.hang_up();
    assert_eq!(scene.lines(Speaker::Bot).last(), Some(&heard));
}

#[test]
fn while_an_agent_leads_nothing_is_answered_prompted_or_filled() {
    let mut scene = accompanied();
    scene.caller_says("My bill is wrong.", 900);
    scene.pass(30_000);
    scene.sound(700);
    scene.pass(3_000);
    scene.key('4');
    scene.pass(5_000);
    let quiet = (scene.asked.len(), scene.said.len(), scene.tones, scene.count("caller_silent"));
    assert_eq!(quiet, (0, 1, 0, 0), "the greeting was all");
    assert_eq!(scene.count("not_understood"), 0);
}

#[test]
fn both_are_written_down_and_the_bot_knows_what_was_said_when_it_takes_the_call_back() {
    let mut scene = accompanied();
    scene.agent_says("What can I do for you?", 900);
    scene.caller_says("My bill is wrong.", 900);
    scene.agent_says("I have mended it.", 900);
    leaves(&mut scene);
    assert_eq!((scene.asked.len(), scene.hears_agent, scene.count("agent_left")), (1, false, 1));
    let told: Vec<String> = scene.conversation().into_iter().map(|(_, text)| text).collect();
    let expected = [
        "Hello.",
        "A human agent has joined the call and talks with the caller. The agent's words are marked [agent: …].",
        "[agent: What can I do for you?] My bill is wrong. [agent: I have mended it.]",
        "The human agent has left the call. You talk with the caller again.",
    ];
    assert_eq!(told, expected);
    scene.reply("Is there anything else?");
    scene.hear_out();
    scene.caller_says("No.", 500);
    assert_eq!(scene.asked.len(), 2, "the bot answers again");
    scene.hang_up();
    let lines: Vec<(Speaker, String)> = scene.transcript();
    let who: Vec<Speaker> = lines.iter().map(|(who, _)| *who).collect();
    use Speaker::{Agent, Bot, Caller};
    assert_eq!(who, [Bot, Agent, Caller, Agent, Bot, Caller]);
    assert_eq!(lines[1].1, "What can I do for you?");
}

#[test]
fn lines_stand_in_the_order_in_which_they_began_whoever_ends_first() {
    let mut scene = accompanied();
    scene.set_sound(true);
    scene.pass(500);
    scene.set_agent_sound(true);
    scene.pass(800);
    scene.set_agent_sound(false);
    scene.agent_words("I see.");
    scene.pass(1_000);
    scene.order(Order::Steer { text: "The caller is a doctor.".into() });
    scene.set_sound(false);
    scene.final_words("My bill is wrong, it says ninety.");
    scene.pass(1_500);
    leaves(&mut scene);
    let told = scene.conversation();
    let caller_first = "My bill is wrong, it says ninety. [agent: I see.]";
    assert!(told.contains(&(Role::User, caller_first.into())), "{told:?}");
    assert!(told.contains(&(Role::System, "The caller is a doctor.".into())), "{told:?}");
    scene.hang_up();
    let lines = scene.transcript();
    assert_eq!(lines[1], (Speaker::Caller, "My bill is wrong, it says ninety.".into()));
    assert_eq!(lines[2], (Speaker::Agent, "I see.".into()));
}

#[test]
fn what_the_caller_said_when_the_agent_came_and_left_is_not_lost() {
    let mut scene = Scene::begin(|_| {});
    scene.caller_says("When are you open?", 900);
    scene.reply(LONG);
    scene.pass(600);
    scene.sound(300);
    scene.final_words("And parking?");
    scene.pass(700);
    scene.set_sound(true);
    scene.pass(400);
    joins(&mut scene);
    scene.pass(400);
    scene.set_sound(false);
    scene.final_words("Also I am late.");
    scene.pass(1_000);
    scene.set_agent_sound(true);
    scene.pass(600);
    scene.feed(Event::Agent(AgentEvent::Stt(SttEvent::Partial { text: "No problem".into() })));
    leaves(&mut scene);
    let told = scene.told().join(" ");
    assert!(told.contains("And parking?") && told.contains("Also I am late."), "{told}");
    assert!(told.ends_with("[agent: No problem]"), "{told}");
}

#[test]
fn late_words_of_the_agent_take_the_place_of_the_interim_in_the_agents_line_only() {
    let mut scene = accompanied();
    scene.caller_says("I need an appointment", 900);
    scene.set_agent_sound(true);
    scene.pass(900);
    scene.feed(Event::Agent(AgentEvent::Stt(SttEvent::Partial { text: "I need an appointment".into() })));
    scene.set_agent_sound(false);
    scene.pass(4_000);
    scene.agent_words("I need an appointment number from you.");
    leaves(&mut scene);
    let told = "I need an appointment [agent: I need an appointment number from you.]";
    assert_eq!(scene.told(), [told]);
    scene.hang_up();
    assert_eq!(scene.lines(Speaker::Caller), ["I need an appointment"]);
    assert_eq!(scene.lines(Speaker::Agent), ["I need an appointment number from you."]);
}

#[test]
fn orders_while_an_agent_leads_are_refused_noted_or_end_the_call() {
    let mut scene = accompanied();
    let orders = [
        Order::Say { text: "Hello.".into() },
        Order::Hold,
        Order::GoOn,
        Order::Transfer { to: "+15550001".into(), warm: false },
    ];
    for order in orders {
        scene.order(order);
        let why = "it is not possible while a human agent is in the call";
        assert_eq!(scene.verdicts.last().unwrap(), &Err(why.into()));
    }
    scene.order(Order::Steer { text: "The caller is a doctor.".into() });
    assert!(scene.context().contains(&(Role::System, "The caller is a doctor.".into())));
    scene.set_agent_sound(true);
    scene.pass(600);
    scene.feed(Event::Agent(AgentEvent::Stt(SttEvent::Partial { text: "One moment".into() })));
    scene.order(Order::End { goodbye: "We close now. Bye.".into() });
    assert!(!scene.hears_agent);
    scene.pass(6_000);
    assert_eq!(scene.outcome.as_ref().unwrap().disconnected_by, DisconnectedBy::Bot);
    let lines = scene.transcript();
    assert_eq!(
        lines[1..],
        [(Speaker::Agent, "One moment".into()), (Speaker::Bot, "We close now. Bye.".into())]
    );
}

#[test]
fn the_longest_duration_and_a_hang_up_end_a_call_that_an_agent_leads() {
    let mut scene = Scene::begin(|c| c.max_call_duration_seconds = 90);
    joins(&mut scene);
    scene.pass(100_000);
    assert_eq!(scene.outcome.as_ref().unwrap().disconnected_by, DisconnectedBy::Timeout);

    let mut scene = accompanied();
    scene.set_agent_sound(true);
    scene.pass(600);
    scene.feed(Event::Agent(AgentEvent::Stt(SttEvent::Partial { text: "Are you".into() })));
    assert_eq!(scene.hang_up().disconnected_by, DisconnectedBy::Customer);
    assert_eq!(scene.lines(Speaker::Agent), ["Are you"]);
    assert!(!scene.hears_agent);
}

#[test]
fn an_agent_who_comes_to_a_caller_who_waits_ends_the_waiting() {
    let mut scene = Scene::begin(|_| {});
    scene.order(Order::Hold);
    joins(&mut scene);
    assert_eq!(scene.recognisers, 2, "the caller is heard again");
    scene.caller_says("Hello?", 600);
    leaves(&mut scene);
    assert_eq!(scene.told(), ["Hello?"]);

    let rules = Rules::from_config(&config(|_| {}), Duration::ZERO);
    let mut scene = Scene::by(Rules { transfers: Some("websocket_reverse_transfer"), ..rules });
    scene.pass(1_000);
    scene.order(Order::Transfer { to: "+15550001".into(), warm: false });
    joins(&mut scene);
    scene.pass(70_000);
    assert_eq!(scene.count("transfer_failed"), 0, "somebody is there");
    scene.feed(Event::Transferred);
    assert_eq!(scene.outcome.as_ref().unwrap().disconnected_by, DisconnectedBy::TransferToAgent);
}

#[test]
fn an_agent_before_the_answer_in_the_goodbye_or_twice_changes_nothing() {
    let mut scene = Scene::begin(|_| {});
    leaves(&mut scene);
    scene.feed(Event::Agent(AgentEvent::Stt(SttEvent::Partial { text: "Who is there?".into() })));
    joins(&mut scene);
    joins(&mut scene);
    assert_eq!((scene.agent_recognisers, scene.count("agent_joined"), scene.asked.len()), (1, 1, 0));
    let mut scene = Scene::begin(|_| {});
    scene.order(Order::End { goodbye: "Goodbye and take care of yourself.".into() });
    joins(&mut scene);
    assert!(scene.bot_speaks() && scene.agent_recognisers == 0);
}

#[test]
fn a_recogniser_that_is_lost_ends_no_call_that_an_agent_leads() {
    let mut scene = accompanied();
    scene.feed(Event::Agent(AgentEvent::Stt(broken(FailureClass::Unavailable))));
    assert_eq!(scene.agent_recognisers, 2, "the agent's is opened anew");
    scene.feed(Event::Agent(AgentEvent::Stt(broken(FailureClass::Unauthorised))));
    scene.pass(10_000);
    scene.caller_says("Still here.", 900);
    leaves(&mut scene);
    let told = scene.conversation();
    let note = "From here on the words of the agent are not known.";
    assert!(told.contains(&(Role::System, note.into())), "{told:?}");

    let mut scene = accompanied();
    scene.feed(Event::Stt(broken(FailureClass::Unauthorised)));
    scene.pass(10_000);
    assert!(scene.outcome.is_none() && !scene.bot_speaks());
    leaves(&mut scene);
    scene.pass(8_000);
    assert_eq!(scene.outcome.as_ref().unwrap().disconnected_by, DisconnectedBy::Error, "the bot is deaf");
}

#[test]
fn a_voice_that_breaks_while_an_agent_leads_is_opened_when_it_is_needed() {
    let mut scene = accompanied();
    for _ in 0..5 {
        let failure = Failure::new(FailureClass::Unavailable, "idle for too long");
        scene.feed(Event::Voice(VoiceEvent::Failed(failure)));
    }
    assert_eq!((scene.voices, scene.outcome.is_none()), (1, true));
    leaves(&mut scene);
    assert_eq!(scene.voices, 2);
    scene.reply("I am back.");
    scene.hear_out();
    assert_eq!(scene.said.last().map(String::as_str), Some("I am back."));
}
