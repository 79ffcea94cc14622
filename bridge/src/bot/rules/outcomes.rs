//! The rules of outcomes: each must be held to words, or a model's claim would be all that there is.

use vox_shared::model::bot::{Outcome, OutcomeField, OutcomeFieldKind};

use super::{Faults, MAX_PHRASE_BYTES};
use crate::verdict::words::Words;

const MAX_OUTCOMES: usize = 16;
const MAX_FIELDS: usize = 16;
const MAX_CHOICES: usize = 32;
/// Most phrases of one list.
const MAX_PHRASES: usize = 64;
/// Longest phrase and disposition, characters.
const MAX_NAME: usize = 120;
/// Longest name of an outcome or field.
const MAX_KEY: usize = 64;

pub(super) fn check(outcomes: &[Outcome], faults: &mut Faults) {
    faults.count("outcomes", outcomes.len(), MAX_OUTCOMES);
    for (place, outcome) in outcomes.iter().take(MAX_OUTCOMES).enumerate() {
        let path = format!("outcomes.{place}");
        let twice = outcomes[..place].iter().any(|other| other.name == outcome.name);
        check_key(&format!("{path}.name"), (&outcome.name, twice), faults);
        faults.text(&format!("{path}.description"), &outcome.description, MAX_PHRASE_BYTES);
        faults.unless(!outcome.needs.is_empty(), &format!("{path}.needs"), || {
            "name at least one word that must be said, like \"pay\"; without it nothing holds the model to the call".into()
        });
        check_phrases(&format!("{path}.needs"), &outcome.needs, faults);
        check_phrases(&format!("{path}.unless"), &outcome.unless, faults);
        if let Some(word) = &outcome.disposition {
            check_length(&format!("{path}.disposition"), word, faults);
        }
        check_fields(&path, &outcome.fields, faults);
    }
}

fn check_fields(path: &str, fields: &[OutcomeField], faults: &mut Faults) {
    faults.count(&format!("{path}.fields"), fields.len(), MAX_FIELDS);
    for (place, field) in fields.iter().take(MAX_FIELDS).enumerate() {
        let path = format!("{path}.fields.{place}");
        let twice = fields[..place].iter().any(|other| other.name == field.name);
        check_key(&format!("{path}.name"), (&field.name, twice), faults);
        faults.text(&format!("{path}.description"), &field.description, MAX_PHRASE_BYTES);
        let at = format!("{path}.choices");
        if field.kind != OutcomeFieldKind::Choice {
            faults.unless(field.choices.is_empty(), &at, || {
                format!("only a field of the type choice has them, and this one is {}", field.kind.as_str())
            });
            continue;
        }
        faults.unless((1..=MAX_CHOICES).contains(&field.choices.len()), &at, || {
            format!("name 1 to {MAX_CHOICES} values, each with the words that stand for it")
        });
        for (value, words) in field.choices.iter().take(MAX_CHOICES) {
            let at = format!("{at}.{}", value.chars().take(MAX_KEY).collect::<String>());
            check_length(&at, value, faults);
            faults.unless(!words.is_empty(), &at, || "name at least one word that stands for it".into());
            check_phrases(&at, words, faults);
        }
    }
}

fn check_key(path: &str, (name, is_taken): (&str, bool), faults: &mut Faults) {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let good = (1..=MAX_KEY).contains(&name.len())
        && name.chars().all(plain)
        && name.starts_with(|c: char| c.is_ascii_lowercase());
    faults.unless(good, path, || {
        format!("1 to {MAX_KEY} small letters, digits and _, and a letter first: promise_to_pay")
    });
    faults.unless(!is_taken, path, || "this name is there already".into());
}

fn check_phrases(path: &str, phrases: &[String], faults: &mut Faults) {
    faults.count(path, phrases.len(), MAX_PHRASES);
    for (place, phrase) in phrases.iter().take(MAX_PHRASES).enumerate() {
        let at = format!("{path}.{place}");
        check_length(&at, phrase, faults);
        faults.unless(phrase.trim().is_empty() || !Words::of(phrase).is_empty(), &at, || {
            "there is no word in it".into()
        });
    }
}

fn check_length(path: &str, text: &str, faults: &mut Faults) {
    faults.unless((1..=MAX_NAME).contains(&text.trim().chars().count()), path, || {
        format!("1 to {MAX_NAME} characters")
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn check_outcome(given: Value, expected: &[&str]) {
        let outcome: Outcome = serde_json::from_value(given.clone()).unwrap();
        let mut faults = Faults::default();
        check(&[outcome], &mut faults);
        let paths: Vec<&str> = faults.0.iter().map(|fault| fault.path.as_str()).collect();
        assert_eq!(paths, expected, "{given}: {:?}", faults.0);
    }

    #[test]
    fn each_field_is_told_by_its_name() {
        let field = |field: Value| json!({"name": "paid", "needs": ["pay"], "fields": [field]});
        check_outcome(json!({"name": "paid", "needs": ["pay", "दूँगा"]}), &[]);
        check_outcome(json!({"name": "paid"}), &["outcomes.0.needs"]);
        check_outcome(json!({"name": "Paid it", "needs": ["pay"]}), &["outcomes.0.name"]);
        check_outcome(
            json!({"name": "paid", "needs": ["…"], "unless": [""]}),
            &["outcomes.0.needs.0", "outcomes.0.unless.0"],
        );
        check_outcome(
            json!({"name": "paid", "needs": ["pay"], "disposition": " "}),
            &["outcomes.0.disposition"],
        );
        check_outcome(field(json!({"name": "amount", "type": "amount"})), &[]);
        check_outcome(field(json!({"name": "how", "type": "choice"})), &["outcomes.0.fields.0.choices"]);
        check_outcome(
            field(json!({"name": "how", "type": "choice", "choices": {"cash": []}})),
            &["outcomes.0.fields.0.choices.cash"],
        );
        check_outcome(
            field(json!({"name": "on", "type": "date", "choices": {"a": ["b"]}})),
            &["outcomes.0.fields.0.choices"],
        );
    }

    #[test]
    fn a_name_is_there_once() {
        let outcome: Outcome = serde_json::from_value(json!({"name": "paid", "needs": ["pay"]})).unwrap();
        let mut faults = Faults::default();
        check(&[outcome.clone(), outcome], &mut faults);
        assert_eq!(faults.0[0].path, "outcomes.1.name");
    }
}
