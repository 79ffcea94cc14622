//! The demo bots of a first start, driven through whole conversations as text.

use vox_core::provider::llm::scripted::reply;
use vox_core::provider::llm::{Message, Role, ToolSpec};
use vox_shared::model::bot::BotSettings;
use vox_shared::model::script::Script;

const APPOINTMENT: &str = include_str!("../../../bridge/src/demo/appointment-reminder.json");
const FAQ: &str = include_str!("../../../bridge/src/demo/faq.json");
const SURVEY: &str = include_str!("../../../bridge/src/demo/survey.json");

/// One exchange: what the caller says, and words the answer must hold. `end:` means that the bot hangs up with them.
type Exchange<'a> = (&'a str, &'a str);

fn end_call() -> ToolSpec {
    let parameters = serde_json::json!({});
    ToolSpec { name: "end_call".into(), description: String::new(), parameters }
}

struct Talk {
    script: Script,
    messages: Vec<Message>,
}

impl Talk {
    fn with(bot: &str) -> Self {
        let bot: BotSettings = serde_json::from_str(bot).unwrap();
        let script = Script::parse(&bot.llm.extra["script"]).unwrap();
        let opening = Message::text(Role::Assistant, bot.opening_message);
        Self { script, messages: vec![Message::text(Role::System, bot.system_prompt), opening] }
    }

    /// The answer, marked `end:` when it hangs up.
    fn say(&mut self, line: &str) -> String {
        self.messages.push(Message::text(Role::User, line));
        let reply = reply(&self.script, &self.messages, &[end_call()]);
        let answer = match reply.tool_calls.as_slice() {
            [] => reply.text,
            [call] => {
                assert_eq!((call.name.as_str(), reply.text.as_str()), ("end_call", ""));
                format!("end: {}", call.arguments["message"].as_str().unwrap())
            }
            more => panic!("{} tool calls in one reply", more.len()),
        };
        self.messages.push(Message::text(Role::Assistant, answer.clone()));
        answer
    }
}

fn check(bot: &str, talk: &[Exchange<'_>]) {
    let mut session = Talk::with(bot);
    for (at, (line, expected)) in talk.iter().enumerate() {
        let answer = session.say(line);
        let ends = answer.starts_with("end: ");
        assert!(answer.contains(expected), "after {line:?}: {answer:?} lacks {expected:?}");
        assert_eq!(ends, at + 1 == talk.len(), "after {line:?}: {answer:?}");
    }
}

#[test]
fn appointment_is_confirmed() {
    check(APPOINTMENT, &[("yes I can", "stays as it is. Is there anything else?"), ("no", "Goodbye")]);
    check(APPOINTMENT, &[("yeah that's fine", "stays as it is"), ("thank you goodbye", "Goodbye")]);
    check(APPOINTMENT, &[("I'll be there Friday", "stays as it is"), ("no thats all", "nice day")]);
    check(APPOINTMENT, &[("no problem", "stays as it is"), ("nope", "nice day")]);
}

#[test]
fn appointment_is_moved() {
    let moved = ("yes that's right", "Your new appointment is on Tuesday, at ten in the morning.");
    check(
        APPOINTMENT,
        &[
            ("no I can't make it", "another day, or shall I cancel"),
            ("another day please", "Which day and time"),
            ("Tuesday", "what time"),
            ("at ten", "on Tuesday, at ten in the morning. Is that right?"),
            moved,
            ("no thank you", "Goodbye"),
        ],
    );
    check(
        APPOINTMENT,
        &[
            ("can we do Tuesday at ten instead", "on Tuesday, at ten in the morning"),
            moved,
            ("no", "Goodbye"),
        ],
    );
    check(
        APPOINTMENT,
        &[
            ("no how about to morrow morning", "tomorrow, in the morning"),
            ("yes please", "Your new appointment is tomorrow, in the morning"),
            ("bye", "Goodbye"),
        ],
    );
}

#[test]
fn appointment_follows_changes_of_mind() {
    check(
        APPOINTMENT,
        &[
            ("I want to re schedule", "Which day and time"),
            ("Sunday at three", "closed on Sundays. Which day"),
            ("then Monday", "on Monday, at three in the afternoon"),
            ("no Wednesday", "on Wednesday, at three in the afternoon"),
            ("a different time please", "what time"),
            ("eight in the evening", "open from nine to six. And what time?"),
            ("half past four", "on Wednesday, at four thirty in the afternoon"),
            ("correct", "Done."),
            ("actually cancel it", "Shall I cancel"),
            ("no keep it", "stays as it is"),
            ("no", "Goodbye"),
        ],
    );
    check(
        APPOINTMENT,
        &[
            ("no", "another day, or shall I cancel"),
            ("I changed my mind I can come", "stays as it is"),
            ("no", "Goodbye"),
        ],
    );
}

#[test]
fn appointment_is_cancelled() {
    check(
        APPOINTMENT,
        &[("please cancel my appointment", "Shall I cancel"), ("yes", "is cancelled"), ("no", "Goodbye")],
    );
    check(
        APPOINTMENT,
        &[
            ("not really", "another day, or shall I cancel"),
            ("council", "is cancelled"),
            ("thank you", "Goodbye"),
        ],
    );
    check(
        APPOINTMENT,
        &[("I don't need it anymore", "Shall I cancel"), ("no", "stays as it is"), ("no", "Goodbye")],
    );
}

#[test]
fn appointment_answers_questions_on_the_way() {
    check(
        APPOINTMENT,
        &[
            ("who is this", "automated assistant of Maple Street Dental. So, can you come"),
            ("when is my appointment", "check-up with Doctor Shaw"),
            ("sorry?", "check-up with Doctor Shaw"),
            ("can I talk to a person", "front desk"),
            ("where are you", "twelve Maple Street"),
            ("how much is it", "forty five dollars"),
            ("okay", "stays as it is"),
            ("what are your hours", "Monday to Saturday"),
            ("no", "Goodbye"),
        ],
    );
    check(APPOINTMENT, &[("sorry you have the wrong number", "trouble")]);
    check(APPOINTMENT, &[("I'm busy right now call me later", "stays as it is")]);
}

#[test]
fn appointment_survives_silence_and_nonsense() {
    check(
        APPOINTMENT,
        &[
            ("[the caller was silent]", "I didn't hear anything. So, can you come on Friday at three?"),
            ("purple elephants", "yes to keep"),
            ("bananas", "Your appointment stays as it is"),
        ],
    );
    check(
        APPOINTMENT,
        &[("", "didn't hear"), ("yes", "stays as it is"), ("mumble", "anything else"), ("mumble", "Goodbye")],
    );
    check(APPOINTMENT, &[("I can't", "another day"), ("neither", "stays as it is"), ("goodbye", "Goodbye")]);
}

#[test]
fn faq_answers_each_topic() {
    check(
        FAQ,
        &[
            ("what are your opening hours", "Monday to Friday, eight to six"),
            ("are you open on Sunday", "on Sundays we are closed"),
            ("are you open tuesday", "on Tuesday we are open"),
            ("where are you located", "twelve Maple Street"),
            ("is there packing", "car park"),
            ("can I get a re fund", "whole fee"),
            ("do you take credit cards", "by card or in cash"),
            ("do I need an appointment", "walk in"),
            ("that's all thank you", "Goodbye"),
        ],
    );
}

#[test]
fn faq_tells_prices() {
    check(FAQ, &[("how much is a blood test", "A blood test is thirty dollars."), ("no thanks", "Goodbye")]);
    check(
        FAQ,
        &[
            ("what are your prices", "a consultation, a follow up"),
            ("flew shot", "A flu shot is fifteen dollars. Is there anything else"),
            ("and a consultation", "A consultation is forty dollars."),
            ("nothing else", "Goodbye"),
        ],
    );
    check(
        FAQ,
        &[
            ("what does it cost", "Would you like the price of"),
            ("all of them", "a blood test thirty"),
            ("how much does it cost", "Would you like the price of"),
            ("the purple one", "for which service"),
            ("when do you open", "eight to six"),
            ("goodbye", "Goodbye"),
        ],
    );
}

#[test]
fn faq_copes_with_people() {
    check(
        FAQ,
        &[
            ("hello", "Hello!"),
            ("I have a question", "You can ask me about"),
            ("I want to speak to a person", "can't put you through"),
            ("are you a robot", "front desk opens"),
            ("pardon", "front desk opens"),
            ("thank you", "You're welcome."),
            ("yes", "What would you like to know?"),
            ("the address please", "twelve Maple Street"),
            ("no", "Goodbye"),
        ],
    );
    check(FAQ, &[("it's an emergency", "hang up now"), ("bye", "Goodbye")]);
    check(
        FAQ,
        &[
            ("[the caller was silent]", "didn't hear anything"),
            ("purple", "when are you open"),
            ("purple", "I can't help with that"),
        ],
    );
}

#[test]
fn survey_is_answered() {
    check(
        SURVEY,
        &[
            ("yes", "how was your visit"),
            ("five", "Thank you. Second"),
            ("I'd say for", "recommend us"),
            ("yes of course", "good to hear. Those were all"),
        ],
    );
    check(
        SURVEY,
        &[
            ("sure", "how was your visit"),
            ("two", "sorry to hear that. Second"),
            ("it was very good", "recommend us"),
            ("definitely not", "do better"),
        ],
    );
    check(
        SURVEY,
        &[
            ("go ahead", "how was your visit"),
            ("not bad", "Second"),
            ("four out of five", "recommend us"),
            ("maybe", "No problem. Those were all"),
        ],
    );
}

#[test]
fn survey_takes_back_and_skips() {
    check(
        SURVEY,
        &[
            ("okay", "how was your visit"),
            ("one no sorry five", "Thank you. Second"),
            ("go back", "All right. First"),
            ("three", "Second"),
            ("skip this question", "No problem. And the last one"),
            ("can I change my answer", "All right. Second"),
            ("tree", "recommend us"),
            ("no I wouldn't", "do better"),
        ],
    );
}

#[test]
fn survey_is_declined() {
    check(SURVEY, &[("no thanks", "No problem")]);
    check(SURVEY, &[("not now I'm busy", "No problem")]);
    check(SURVEY, &[("I don't have time", "No problem")]);
    check(SURVEY, &[("wrong number", "sorry for the trouble")]);
    check(SURVEY, &[("yes", "how was your visit"), ("stop calling me", "I'll stop here")]);
    check(SURVEY, &[("how long does it take", "one minute. May I begin?"), ("no", "No problem")]);
}

#[test]
fn survey_survives_silence_and_nonsense() {
    check(
        SURVEY,
        &[
            ("purple", "May I ask you three questions"),
            ("yes", "how was your visit"),
            ("ten", "a number from one to five"),
            ("[the caller was silent]", "still can't hear you. How was your visit"),
            ("purple", "Let's leave that one. Second"),
            ("[dtmf: 4]", "recommend us"),
            ("purple", "yes, or no"),
            ("yes", "good to hear"),
        ],
    );
}

/// What the local recogniser can hear is said in any order: the bot always has an answer.
#[test]
fn a_demo_bot_is_never_speechless() {
    for bot in [APPOINTMENT, FAQ, SURVEY] {
        let settings: BotSettings = serde_json::from_str(bot).unwrap();
        let phrases: Vec<String> = serde_json::from_value(settings.stt.extra["expected"].clone()).unwrap();
        assert_eq!(settings.tools.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>(), ["end_call"]);
        for seed in 0..20_usize {
            let mut talk = Talk::with(bot);
            let mut at = seed;
            for _ in 0..10 {
                // A full-period step through the phrases, another order for each seed.
                at = (at * 31 + 17 * seed + 7) % phrases.len();
                let answer = talk.say(&phrases[at]);
                assert!(answer.split_whitespace().count() > 1, "nothing said after {:?}", talk.messages);
            }
        }
    }
}

/// A phrase that the recogniser is told to expect is worth expecting: somewhere in the script it means something.
#[test]
fn every_expected_phrase_of_a_demo_bot_is_understood_somewhere() {
    let openings: [(&str, &[&[&str]]); 3] = [
        (APPOINTMENT, &[&[], &["no"], &["reschedule"], &["can we do tuesday at ten"], &["cancel"], &["yes"]]),
        (FAQ, &[&[], &["prices"]]),
        (SURVEY, &[&[], &["yes"], &["yes", "five"], &["yes", "five", "five"]]),
    ];
    // Out of range on purpose: the bot asks for a number from one to five.
    let beyond = ["zero", "six", "seven", "eight", "nine", "ten"];
    for (bot, openings) in openings {
        let settings: BotSettings = serde_json::from_str(bot).unwrap();
        let phrases: Vec<String> = serde_json::from_value(settings.stt.extra["expected"].clone()).unwrap();
        let answer_after = |opening: &[&str], phrase: &str| {
            let mut talk = Talk::with(bot);
            opening.iter().for_each(|line| drop(talk.say(line)));
            talk.say(phrase)
        };
        let at_a_loss: Vec<String> = openings.iter().map(|opening| answer_after(opening, "xyzzy")).collect();
        let is_lost = |phrase: &&String| {
            let mut tries = openings.iter().zip(&at_a_loss);
            !tries.any(|(opening, loss)| answer_after(opening, phrase) != *loss)
        };
        let expected = phrases.iter().filter(|phrase| bot != SURVEY || !beyond.contains(&phrase.as_str()));
        let lost: Vec<&String> = expected.filter(is_lost).collect();
        assert_eq!(lost, Vec::<&String>::new(), "{} understands these nowhere", settings.name);
    }
}
