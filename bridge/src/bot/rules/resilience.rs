//! The rules of what a bot does when its vendors fail.

use vox_shared::model::bot::{BotSettings, TransferMethod, TransferTarget};

use super::{Faults, MAX_PHRASE_BYTES, MAX_WORD_BYTES};

/// Most answers, and most ways to ask for one.
const MAX_ANSWERS: usize = 64;
const MAX_QUESTIONS: usize = 20;
/// Fewest letters of a question: less fits anything.
const MIN_QUESTION: usize = 4;

pub(super) fn check(settings: &BotSettings, faults: &mut Faults) {
    check_target(settings, faults);
    faults.count("common_answers", settings.common_answers.len(), MAX_ANSWERS);
    for (place, common) in settings.common_answers.iter().take(MAX_ANSWERS).enumerate() {
        let at = format!("common_answers.{place}");
        let has_words = common.answer.chars().any(char::is_alphanumeric);
        faults.unless(has_words, &format!("{at}.answer"), || "say what the bot answers".into());
        faults.text(&format!("{at}.answer"), &common.answer, MAX_PHRASE_BYTES);
        let questions = format!("{at}.questions");
        faults.unless(!common.questions.is_empty(), &questions, || "name at least one question".into());
        faults.count(&questions, common.questions.len(), MAX_QUESTIONS);
        for (place, question) in common.questions.iter().take(MAX_QUESTIONS).enumerate() {
            let path = format!("{questions}.{place}");
            let letters = question.chars().filter(|c| c.is_alphanumeric()).count();
            faults.unless(letters >= MIN_QUESTION, &path, || format!("at least {MIN_QUESTION} letters"));
            faults.text(&path, question, MAX_WORD_BYTES);
        }
    }
}

/// A target that is not there would be noticed when it is needed most.
fn check_target(settings: &BotSettings, faults: &mut Faults) {
    const PATH: &str = "resilience.transfer_to";
    let wanted = settings.resilience.transfer_to.trim();
    if wanted.is_empty() {
        return;
    }
    let is = |name: &str| name.eq_ignore_ascii_case(wanted);
    // Another bot does not stand in for a vendor that is lost: a person does.
    let is_person = |target: &&TransferTarget| target.enabled && target.method != TransferMethod::Bot;
    let targets = settings.transfer_targets.iter().filter(is_person);
    let names: Vec<&str> = targets
        .flat_map(|target| [target.id.as_str(), target.label.as_str()])
        .chain(settings.transfer_numbers.keys().map(String::as_str))
        .filter(|name| !name.is_empty())
        .collect();
    faults.unless(names.iter().any(|name| is(name)), PATH, || match names.is_empty() {
        true => "the bot has no transfer_targets and no transfer_numbers to choose from".into(),
        false => format!("must be the id or label of an enabled target that is no bot: {}", names.join(", ")),
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn check_settings(given: Value, expected: &[&str]) {
        let settings: BotSettings = serde_json::from_value(given.clone()).unwrap();
        let mut faults = Faults::default();
        check(&settings, &mut faults);
        let paths: Vec<&str> = faults.0.iter().map(|f| f.path.as_str()).collect();
        assert_eq!(paths, expected, "{given}: {:?}", faults.0);
    }

    #[test]
    fn whom_the_caller_is_handed_to_must_be_there() {
        let to = |to: &str, enabled: bool| {
            json!({"resilience": {"transfer_to": to}, "transfer_numbers": {"sales": "+15550111"}, "transfer_targets": [
                {"id": "desk", "label": "Front desk", "method": "warm", "type": "phone_number", "value": "+15550111", "enabled": enabled},
            ]})
        };
        check_settings(to("", true), &[]);
        check_settings(to("front DESK", true), &[]);
        check_settings(to("Sales", true), &[]);
        check_settings(to("desk", false), &["resilience.transfer_to"]);
        check_settings(json!({"resilience": {"transfer_to": "desk"}}), &["resilience.transfer_to"]);
    }

    #[test]
    fn an_answer_has_words_and_a_question() {
        let answers = |answers: Value| json!({"common_answers": answers});
        check_settings(answers(json!([{"questions": ["When are you open?"], "answer": "At nine."}])), &[]);
        check_settings(
            answers(json!([{"questions": [], "answer": "…"}, {"questions": ["Eh?"], "answer": "Yes."}])),
            &["common_answers.0.answer", "common_answers.0.questions", "common_answers.1.questions.0"],
        );
    }
}
