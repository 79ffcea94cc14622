//! Supervisors in the call: what is whispered is the model's alone, and whoever talks aloud leads.

use std::time::Duration;

use vox_core::provider::llm::Role;
use vox_core::provider::stt::SttEvent;
use vox_core::provider::{Failure, FailureClass};
use vox_core::session::event::{AgentEvent, Event, SupervisorEvent};
use vox_core::session::rules::{Ladder, Rules};
use vox_shared::wire::order::Order;
use vox_shared::wire::result::Speaker;
use vox_shared::wire::supervision::Part;

use super::scene::{Scene, config};

const EVE: &str = "usr_eve";
const WHISPER: &str = "Offer her ten percent.";
const TOLD: &str = "Your supervisor tells you, and the caller does not hear it: Offer her ten percent.";

fn rules() -> Rules {
    Rules { has_rooms: true, ..Rules::from_config(&config(|_| {}), Duration::ZERO) }
}

fn in_rooms() -> Scene {
    let mut scene = Scene::by(rules());
    scene.pass(1_000);
    scene
}

fn is(scene: &mut Scene, part: Part, bot_goes_on: bool) {
    let who = EVE.to_owned();
    scene.feed(Event::Supervisor(SupervisorEvent::Joined { who, part, bot_goes_on }));
}

fn leaves(scene: &mut Scene) {
    let (who, why) = (EVE.to_owned(), "you have left".to_owned());
    scene.feed(Event::Supervisor(SupervisorEvent::Left { who, why }));
}

fn supervise(part: Part) -> Order {
    Order::Supervise { supervisor: EVE.into(), part, bot_goes_on: false }
}

#[test]
fn a_whisper_is_told_to_the_model_and_is_no_line_of_the_conversation() {
    let mut scene = in_rooms();
    is(&mut scene, Part::WhisperToBot, false);
    assert_eq!((scene.whisper_recognisers, scene.hears_whispers), (1, true));
    scene.caller_says("It is too dear.", 900);
    scene.reply("I am sorry to hear that.");
    scene.supervisor_says(WHISPER, 900);
    assert_eq!((scene.asked.len(), scene.count("whispered")), (1, 1), "nothing is said for it");
    scene.hear_out();
    scene.caller_says("So no.", 700);
    let told = scene.conversation();
    assert!(told.contains(&(Role::System, TOLD.into())), "{told:?}");
    leaves(&mut scene);
    assert!(!scene.hears_whispers);
    assert!(!scene.shown.iter().any(|text| text.contains("ten percent")), "{:?}", scene.shown);
    let outcome = scene.hang_up();
    assert!(outcome.transcript.iter().all(|line| !line.text.contains("ten percent")));
    let whispered = outcome.events.iter().find(|event| event.event == "whispered").unwrap();
    assert_eq!(whispered.data["text"], WHISPER);
    assert!(!whispered.why.contains("percent"), "spoken words are data, and hidden as such");
}

/// The caller goes on being heard, answered and prompted as if nobody whispered.
#[test]
fn a_whisper_takes_nothing_from_the_conversation() {
    let mut scene = in_rooms();
    scene.caller_says("Tell me about your opening hours.", 900);
    scene.reply("We are open from nine to five on all days of the week but on Sundays.");
    scene.pass(900);
    assert!(scene.bot_speaks());
    is(&mut scene, Part::WhisperToBot, false);
    scene.supervisor_says(WHISPER, 1_500);
    assert!(scene.bot_speaks(), "it interrupts nobody");
    scene.hear_out();
    let before = scene.asked.len();
    scene.caller_says("And on Sundays?", 900);
    assert_eq!(scene.asked.len(), before + 1);
}

#[test]
fn words_that_were_begun_when_the_supervisor_left_or_the_call_ended_are_not_lost() {
    for ends in [true, false] {
        let mut scene = in_rooms();
        is(&mut scene, Part::WhisperToBot, false);
        scene.set_whispers(true);
        scene.pass(600);
        scene.feed(Event::Supervisor(SupervisorEvent::Stt(SttEvent::Partial { text: WHISPER.into() })));
        match ends {
            true => {
                scene.hang_up();
            }
            false => leaves(&mut scene),
        }
        assert_eq!((scene.count("whispered"), scene.count("supervisor_left")), (1, 1), "{ends}");
        assert!(scene.context().contains(&(Role::System, TOLD.into())));
    }
}

/// It was told to the model as something that the caller had heard.
#[test]
fn what_was_whispered_stays_a_whisper_when_its_speaker_talks_aloud_from_now_on() {
    let mut scene = in_rooms();
    is(&mut scene, Part::WhisperToBot, false);
    scene.set_whispers(true);
    scene.pass(600);
    scene.feed(Event::Supervisor(SupervisorEvent::Stt(SttEvent::Partial { text: WHISPER.into() })));
    is(&mut scene, Part::Barge, true);
    assert!(scene.context().contains(&(Role::System, TOLD.into())), "{:?}", scene.context());
    assert_eq!((scene.whisper_recognisers, scene.count("supervisor_said")), (2, 0));
}

/// The bot is silent while somebody talks with the caller, and takes the call back.
#[test]
fn who_barges_in_leads_and_the_bot_comes_back() {
    let mut scene = in_rooms();
    is(&mut scene, Part::Listen, false);
    assert_eq!((scene.hears_agent, scene.hears_whispers), (false, false));
    is(&mut scene, Part::Barge, false);
    assert!(scene.hears_agent);
    scene.caller_says("My bill is wrong.", 900);
    scene.agent_says("Let me look.", 900);
    scene.pass(20_000);
    assert_eq!((scene.asked.len(), scene.said.len()), (0, 1), "the greeting was all");
    is(&mut scene, Part::WhisperToBot, false);
    assert_eq!((scene.asked.len(), scene.hears_agent, scene.hears_whispers), (1, false, true));
    assert!(scene.told().join(" ").contains("[agent: Let me look.]"), "{:?}", scene.told());
    scene.hang_up();
    assert_eq!(scene.lines(Speaker::Agent), ["Let me look."]);
    assert_eq!(scene.count("supervisor_joined"), 3);
}

#[test]
fn beside_a_bot_that_goes_on_what_is_said_aloud_is_told_to_the_model() {
    let mut scene = in_rooms();
    is(&mut scene, Part::Barge, true);
    assert_eq!((scene.hears_agent, scene.hears_whispers), (false, true));
    scene.supervisor_says("I am here too.", 900);
    scene.caller_says("Who are you?", 900);
    assert_eq!(scene.asked.len(), 1, "the bot answers");
    let note = "A supervisor who is in the call says, and the caller hears it: I am here too.";
    assert!(scene.conversation().contains(&(Role::System, note.into())));
    assert_eq!((scene.count("supervisor_said"), scene.count("whispered")), (1, 0));
}

/// Two lead, one goes: the other leads on.
#[test]
fn the_bot_comes_back_when_the_last_who_leads_has_gone() {
    let mut scene = in_rooms();
    scene.feed(Event::Agent(AgentEvent::Joined));
    is(&mut scene, Part::TakeOver, false);
    leaves(&mut scene);
    assert!(scene.hears_agent, "the agent leads still");
    is(&mut scene, Part::Barge, false);
    scene.feed(Event::Agent(AgentEvent::Left));
    assert!(scene.hears_agent, "the supervisor leads still");
    assert_eq!(scene.count("agent_left"), 0);
    leaves(&mut scene);
    assert_eq!((scene.hears_agent, scene.count("agent_left"), scene.asked.len()), (false, 1, 1));
}

#[test]
fn a_seat_is_the_lines_to_give_and_some_are_refused_before() {
    let mut scene = in_rooms();
    scene.feed(Event::Order { id: 1, order: supervise(Part::Listen) });
    assert_eq!((scene.seats.len(), scene.verdicts.len()), (1, 0), "the line's word is waited for");
    scene.feed(Event::Seated { id: 1, refused: None });
    assert_eq!(scene.verdicts, [Ok(())]);
    scene.feed(Event::Order { id: 2, order: Order::StopSupervising { supervisor: EVE.into() } });
    scene.feed(Event::Seated { id: 2, refused: Some("the line is lost".into()) });
    assert_eq!(scene.verdicts[1], Err("the line is lost".into()));
    assert_eq!((scene.count("order_taken"), scene.count("order_refused")), (1, 1));
    scene.order(supervise(Part::WhisperToAgent));
    assert_eq!(scene.verdicts[2], Err("no agent is in the call to whisper to".into()));
    is(&mut scene, Part::TakeOver, false);
    scene.feed(Event::Order { id: 4, order: supervise(Part::WhisperToAgent) });
    assert_eq!(scene.seats.len(), 3);

    let mut scene = Scene::begin(|_| {});
    scene.order(supervise(Part::Listen));
    assert!(scene.verdicts[0].as_ref().is_err_and(|why| why.contains("on a socket")), "{:?}", scene.verdicts);
    let mut scene = Scene::by(Rules { stt: Ladder::default(), tts: Ladder::default(), ..rules() });
    scene.order(supervise(Part::WhisperToBot));
    assert!(scene.verdicts[0].as_ref().is_err_and(|why| why.contains("no ear")), "{:?}", scene.verdicts);
}

#[test]
fn an_ear_that_is_lost_takes_nothing_from_the_call() {
    let mut scene = in_rooms();
    is(&mut scene, Part::WhisperToBot, false);
    for _ in 0..4 {
        let failure = Failure::new(FailureClass::Unavailable, "cut");
        scene.feed(Event::Supervisor(SupervisorEvent::Stt(SttEvent::Failed(failure))));
        scene.pass(2_000);
    }
    assert_eq!(scene.count("whispers_lost"), 1);
    scene.caller_says("Hello?", 600);
    assert_eq!(scene.asked.len(), 1, "the call goes on");
    assert!(scene.outcome.is_none());
}
