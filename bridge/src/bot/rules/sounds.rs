//! The rules of a bot's sounds. Whether they are there the store says (`crate::sound::named`).

use std::collections::BTreeSet;

use vox_shared::model::bot::SoundSettings;

use super::{Faults, MAX_PHRASE_BYTES};

/// Most phrases that were recorded.
const MAX_RECORDED: usize = 50;

pub(super) fn check(sounds: &SoundSettings, faults: &mut Faults) {
    if let Some(under) = &sounds.background {
        faults.range("sounds.background.gain_db", f64::from(under.gain_db), -60.0..=0.0);
        faults.range("sounds.background.duck_db", f64::from(under.duck_db), 0.0..=40.0);
    }
    faults.count("sounds.recorded", sounds.recorded.len(), MAX_RECORDED);
    let mut texts = BTreeSet::new();
    for (n, said) in sounds.recorded.iter().take(MAX_RECORDED).enumerate() {
        let path = format!("sounds.recorded.{n}.text");
        faults.text(&path, &said.text, MAX_PHRASE_BYTES);
        faults.unless(said.text.chars().any(char::is_alphanumeric), &path, || {
            "write the phrase as the bot would say it".into()
        });
        faults.unless(!said.text.contains("{{"), &path, || {
            "a phrase with a variable is another one in each call; only one without can be recorded".into()
        });
        faults.unless(texts.insert(said.text.trim()), &path, || "this phrase was recorded before".into());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check_settings(given: Value, expected: &[&str]) {
        let mut faults = Faults::default();
        check(&serde_json::from_value(given.clone()).unwrap(), &mut faults);
        let paths: Vec<_> = faults.0.iter().map(|fault| fault.path.as_str()).collect();
        assert_eq!(paths, expected, "{given}");
    }

    #[test]
    fn levels_and_phrases_are_looked_at() {
        check_settings(json!({"hold": "snd_1", "background": {"sound": "snd_2"}}), &[]);
        check_settings(
            json!({"background": {"sound": "snd_2", "gain_db": 3, "duck_db": -1}}),
            &["sounds.background.gain_db", "sounds.background.duck_db"],
        );
        check_settings(
            json!({"recorded": [
                {"text": "Hello, this is Asha.", "sound": "snd_1"}, {"text": "  ", "sound": "snd_1"},
                {"text": "Hello {{name}}", "sound": "snd_1"}, {"text": "Hello, this is Asha. ", "sound": "snd_2"},
            ]}),
            &["sounds.recorded.1.text", "sounds.recorded.2.text", "sounds.recorded.3.text"],
        );
    }
}
