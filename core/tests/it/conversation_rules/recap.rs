//! A long conversation is told to the model in short, and nobody waits for that.

use vox_core::provider::llm::{Finish, LlmEvent, LlmUsage, Role};
use vox_core::provider::{Failure, FailureClass};

use super::scene::Scene;

const TURNS: u32 = 6;
const SHORT: &str = "Asha asks about order 7.";

/// The caller has had one turn more than is told as it was, and the last reply is being heard: the model is asked.
fn long(provider: &str) -> Scene {
    let mut scene = Scene::begin(|config| {
        config.summary_after_turns = TURNS;
        config.llm.provider = provider.into();
    });
    for n in 1..=TURNS + 1 {
        turn(&mut scene, n);
    }
    scene
}

fn turn(scene: &mut Scene, n: u32) {
    scene.caller_says(&format!("Question {n}, please."), 900);
    scene.reply(&format!("It is answer number {n}."));
    scene.hear_out();
}

fn finish(scene: &mut Scene, text: &str) {
    scene.tokens(text);
    let usage = Some(LlmUsage { tokens_in: 100, tokens_out: 10, ..LlmUsage::default() });
    scene.llm(LlmEvent::Done { finish: Finish::Stop, usage });
}

fn told(scene: &Scene) -> String {
    scene.conversation().into_iter().map(|(_, text)| text).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_beginning_is_told_in_short_and_the_last_turns_as_they_were() {
    let mut scene = long("openai");
    assert_eq!(scene.asked.len(), TURNS as usize + 2, "one request more than replies");
    let (_, ask) = scene.asked.last().unwrap();
    assert!(ask.tools.is_empty() && ask.cache_key.is_none());
    let told_then: Vec<&str> = ask.messages.iter().map(|m| m.text.as_str()).collect();
    assert!(
        told_then.contains(&"Question 3, please.") && !told_then.contains(&"Question 4, please."),
        "{told_then:?}"
    );
    assert_eq!(ask.messages.last().map(|m| m.role), Some(Role::System));
    finish(&mut scene, SHORT);
    assert_eq!(scene.count("summed_up"), 1);
    scene.caller_says("Question 8, please.", 900);
    let request = &scene.asked.last().unwrap().1;
    assert!(request.messages[1].role == Role::System && request.messages[1].text.ends_with(SHORT));
    let told = told(&scene);
    assert!(
        !told.contains("Question 3,") && told.contains("Question 4,") && told.contains("Question 8,"),
        "{told}"
    );
    // And once more when as many have come again, with what is known from the first time.
    scene.reply("So.");
    scene.hear_out();
    for n in 9..=10 {
        turn(&mut scene, n);
    }
    let before = scene.asked.len();
    assert_eq!(scene.count("summed_up"), 1);
    assert!(scene.asked[before - 1].1.messages.iter().any(|m| m.text.ends_with(SHORT)));
    let outcome = scene.hang_up();
    assert_eq!(outcome.transcript.iter().filter(|line| line.text.starts_with("Question")).count(), 10);
}

#[test]
fn a_caller_who_goes_on_is_answered_and_nothing_is_left_out() {
    let mut scene = long("openai");
    let recap = scene.asked.last().unwrap().0;
    scene.tokens("Asha ");
    scene.caller_says("Question 8, please.", 900);
    assert!(scene.cancelled.contains(&recap));
    assert!(told(&scene).contains("Question 1,"));
    assert_eq!(scene.count("summed_up"), 0);
    // It is not asked for again at once.
    let asked = scene.asked.len();
    scene.reply("So.");
    scene.hear_out();
    assert_eq!(scene.asked.len(), asked);
}

#[test]
fn one_that_fails_or_says_nothing_changes_nothing() {
    for fails in [true, false] {
        let mut scene = long("openai");
        match fails {
            true => scene.llm_fails(Failure::new(FailureClass::Unavailable, "down")),
            false => finish(&mut scene, "  "),
        }
        assert_eq!((scene.count("summed_up"), scene.count("model_failed")), (0, 0));
        scene.caller_says("Question 8, please.", 900);
        assert!(told(&scene).contains("Question 1,"));
    }
}

#[test]
fn a_script_is_not_asked() {
    let scene = long("scripted");
    assert_eq!(scene.asked.len(), TURNS as usize + 1);
}
