//! The rules of how a bot speaks, and of what it may not say or must say.

use vox_shared::catalogue::{IPA_CHARS, Ipa, Kind};
use vox_shared::model::bot::{BotSettings, Guardrails, Pronunciation, TtsSettings};
use vox_shared::phrases::{Phrase, Words};

use super::{Faults, MAX_PHRASE_BYTES, MAX_WORD_BYTES};

const MAX_PRONUNCIATIONS: usize = 200;
const MAX_RULES: usize = 32;
const MAX_PHRASES: usize = 100;
const MAX_TURNS: f64 = 20.0;

pub(super) fn check(settings: &BotSettings, faults: &mut Faults) {
    check_pronunciations(settings, faults);
    check_guardrails(&settings.guardrails, faults);
    check_own_words(settings, faults);
}

fn check_pronunciations(settings: &BotSettings, faults: &mut Faults) {
    let entries = &settings.pronunciations;
    let deaf = without_ipa(settings);
    faults.count("pronunciations", entries.len(), MAX_PRONUNCIATIONS);
    for (place, entry) in entries.iter().take(MAX_PRONUNCIATIONS).enumerate() {
        let path = format!("pronunciations.{place}");
        let (ipa, at_say) = (entry.ipa.trim(), format!("{path}.say"));
        for (field, text) in [("word", &entry.word), ("say", &entry.say)] {
            let path = format!("{path}.{field}");
            faults.text(&path, text, MAX_WORD_BYTES);
            let may_lack = field == "say" && !ipa.is_empty() && text.trim().is_empty();
            faults.unless(may_lack || text.contains(char::is_alphanumeric), &path, || {
                "must have a letter or a digit".into()
            });
        }
        check_ipa(ipa, &format!("{path}.ipa"), faults);
        if let Some(deaf) = deaf.filter(|_| entry.say.trim().is_empty() && !ipa.is_empty()) {
            faults.add(&at_say, format!(
                "{deaf} takes no phonetic signs: say here with usual letters how the word sounds, or give the bot voices that take them \
                 (cartesia from sonic-3 on, deepgram with aura-2 in English and Spanish)"
            ));
        }
        faults.text(&format!("{path}.language"), &entry.language, MAX_WORD_BYTES);
        let is_same = |other: &&Pronunciation| {
            other.word.trim() == entry.word.trim() && other.language.trim() == entry.language.trim()
        };
        faults.unless(!entries[..place].iter().any(|other| is_same(&other)), &format!("{path}.word"), || {
            "there is an entry for this word already".into()
        });
    }
}

/// The first of the bot's voices that takes no phonetic signs.
fn without_ipa(settings: &BotSettings) -> Option<&str> {
    let mut voices = std::iter::once(&settings.tts).chain(&settings.tts.fallbacks);
    let takes = |voice: &&TtsSettings| {
        Kind::Voice.find(&voice.provider).is_some_and(|vendor| vendor.ipa(&voice.model) != Ipa::None)
    };
    voices.find(|voice| !takes(voice)).map(|voice| voice.provider.as_str())
}

/// Signs go into what voices read: nothing else may.
fn check_ipa(ipa: &str, path: &str, faults: &mut Faults) {
    if ipa.is_empty() {
        return;
    }
    faults.unless(ipa.chars().count() <= IPA_CHARS, path, || format!("at most {IPA_CHARS} characters"));
    let is_sign = |c: char| {
        c.is_alphabetic()
            || c == ' '
            || matches!(c, '|' | '/' | '[' | ']' | '(' | ')' | '.' | '\u{203F}' | 'ˑ' | '˞')
            || ('\u{2B0}'..='\u{36F}').contains(&c)
    };
    faults.unless(ipa.contains(char::is_alphabetic) && ipa.chars().all(is_sign), path, || {
        "must be signs of the International Phonetic Alphabet, such as \"duːˈpɪljuːmæb\"".into()
    });
}

fn check_guardrails(guardrails: &Guardrails, faults: &mut Faults) {
    const AT: &str = "guardrails";
    faults.text(&format!("{AT}.replacement"), &guardrails.replacement, MAX_PHRASE_BYTES);
    faults.count(&format!("{AT}.forbidden"), guardrails.forbidden.len(), MAX_RULES);
    for (place, rule) in guardrails.forbidden.iter().take(MAX_RULES).enumerate() {
        let path = format!("{AT}.forbidden.{place}");
        faults.named(&format!("{path}.name"), &rule.name, 1);
        faults.text(&format!("{path}.replacement"), &rule.replacement, MAX_PHRASE_BYTES);
        check_phrases(&rule.phrases, &format!("{path}.phrases"), faults);
        faults.unless(!rule.phrases.is_empty(), &format!("{path}.phrases"), || {
            "name at least one phrase".into()
        });
    }
    faults.count(&format!("{AT}.required"), guardrails.required.len(), MAX_RULES);
    for (place, rule) in guardrails.required.iter().take(MAX_RULES).enumerate() {
        let path = format!("{AT}.required.{place}");
        faults.named(&format!("{path}.name"), &rule.name, 1);
        faults.text(&format!("{path}.text"), &rule.text, MAX_PHRASE_BYTES);
        faults.unless(!Words::of(&rule.text).is_empty(), &format!("{path}.text"), || {
            "write what must be said".into()
        });
        check_phrases(&rule.before, &format!("{path}.before"), faults);
        if let Some(turns) = rule.within_turns {
            faults.range(&format!("{path}.within_turns"), turns.into(), 1.0..=MAX_TURNS);
        }
        faults.unless(!rule.before.is_empty() || rule.within_turns.is_some(), &path, || {
            "say when it must be said: before certain phrases (before), within so many turns (within_turns), or both".into()
        });
    }
}

fn check_phrases(phrases: &[String], path: &str, faults: &mut Faults) {
    faults.count(path, phrases.len(), MAX_PHRASES);
    for (place, text) in phrases.iter().take(MAX_PHRASES).enumerate() {
        let path = format!("{path}.{place}");
        faults.text(&path, text, MAX_WORD_BYTES);
        if let Err(why) = Phrase::read(text) {
            faults.add(&path, why.to_string());
        }
    }
}

/// What the operator has the bot say must not be what it may not say: it would be replaced in every call.
fn check_own_words(settings: &BotSettings, faults: &mut Faults) {
    let rules = settings.guardrails.forbidden.iter().take(MAX_RULES);
    let read = |text: &String| Phrase::read(text).ok();
    let bans: Vec<(&str, Vec<Phrase>)> = rules
        .map(|rule| (rule.name.as_str(), rule.phrases.iter().take(MAX_PHRASES).filter_map(read).collect()))
        .collect();
    for (path, text) in own_words(settings) {
        let words = Words::of(text);
        let ban = bans.iter().find(|(_, phrases)| phrases.iter().any(|phrase| phrase.is_in(&words)));
        if let Some((name, _)) = ban {
            faults
                .add(&path, format!("guardrails.forbidden '{name}' forbids it; change the one or the other"));
        }
    }
}

fn own_words(settings: &BotSettings) -> Vec<(String, &str)> {
    let phrases = &settings.phrases;
    let mut words: Vec<(String, &str)> = vec![
        ("opening_message".into(), &settings.opening_message),
        ("voicemail_message".into(), &settings.voicemail_message),
        ("pre_transfer_message".into(), &settings.pre_transfer_message),
        ("phrases.not_understood".into(), &phrases.not_understood),
        ("phrases.hold".into(), &phrases.hold),
        ("phrases.trouble".into(), &phrases.trouble),
        ("phrases.apology".into(), &phrases.apology),
        ("phrases.time_up".into(), &phrases.time_up),
        ("phrases.closing".into(), &phrases.closing),
        ("phrases.line_back".into(), &phrases.line_back),
        ("guardrails.replacement".into(), &settings.guardrails.replacement),
    ];
    if let Some(idle) = &settings.re_engagement {
        let prompts = idle.prompts.iter().enumerate();
        words.extend(prompts.map(|(n, prompt)| (format!("re_engagement.prompts.{n}"), prompt.as_str())));
        words.push(("re_engagement.goodbye".into(), &idle.goodbye));
    }
    let answers = settings.common_answers.iter().enumerate();
    words.extend(answers.map(|(n, answer)| (format!("common_answers.{n}.answer"), answer.answer.as_str())));
    let bans = settings.guardrails.forbidden.iter().enumerate();
    words.extend(
        bans.map(|(n, rule)| (format!("guardrails.forbidden.{n}.replacement"), rule.replacement.as_str())),
    );
    let duties = settings.guardrails.required.iter().enumerate();
    words.extend(duties.map(|(n, rule)| (format!("guardrails.required.{n}.text"), rule.text.as_str())));
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn check_settings(given: Value, expected: &[&str]) {
        let settings: BotSettings =
            serde_json::from_value(given.clone()).unwrap_or_else(|e| panic!("{given}: {e}"));
        let mut faults = Faults::default();
        check(&settings, &mut faults);
        let paths: Vec<&str> = faults.0.iter().map(|f| f.path.as_str()).collect();
        assert_eq!(paths, expected, "{given}: {:?}", faults.0);
    }

    #[test]
    fn phonetic_signs_alone_are_for_voices_that_take_them() {
        let with =
            |entry: serde_json::Value, tts: serde_json::Value| json!({"pronunciations": [entry], "tts": tts});
        let (cartesia, flite) = (json!({"provider": "cartesia"}), json!({"provider": "flite"}));
        let both = json!({"provider": "cartesia", "fallbacks": [{"provider": "flite"}]});
        let alone = json!({"word": "Xhosa", "ipa": "ˈkɔːsə"});
        let respelled = json!({"word": "Xhosa", "say": "Kawsa", "ipa": "/ˈkɔː.sə/"});
        for (entry, tts, expected) in [
            (&alone, &cartesia, &[][..]),
            (&alone, &flite, &["pronunciations.0.say"]),
            (&alone, &both, &["pronunciations.0.say"]),
            (&respelled, &both, &[]),
            (&json!({"word": "Xhosa"}), &cartesia, &["pronunciations.0.say"]),
            (&json!({"word": "x", "say": "x", "ipa": "a<b>"}), &cartesia, &["pronunciations.0.ipa"]),
            (&json!({"word": "x", "say": "x", "ipa": "a\\\"}"}), &cartesia, &["pronunciations.0.ipa"]),
            (&json!({"word": "x", "say": "x", "ipa": "a".repeat(129)}), &cartesia, &["pronunciations.0.ipa"]),
        ] {
            check_settings(with(entry.clone(), tts.clone()), expected);
        }
    }

    #[test]
    fn what_could_not_be_said_or_looked_for_is_told_where_it_stands() {
        let good = json!({
            "spoken_forms": "off",
            "pronunciations": [{"word": "Vox", "say": "Vocks"}, {"word": "Vox", "say": "Wocks", "language": "de"}],
            "guardrails": {
                "forbidden": [{"name": "promises", "phrases": ["guaranteed * returns", "refund*"], "replacement": "No."}],
                "required": [{"name": "risk", "text": "Funds carry risk.", "before": ["fund*"], "within_turns": 2}],
            },
        });
        check_settings(good, &[]);
        check_settings(
            json!({
                "pronunciations": [{"word": "", "say": "x"}, {"word": "a", "say": "?"}, {"word": "a", "say": "b"}],
                "guardrails": {
                    "forbidden": [{"name": "", "phrases": ["* x", "ok then"]}, {"name": "none"}],
                    "required": [{"name": "when", "text": "…"}, {"name": "late", "text": "So.", "within_turns": 0}],
                },
            }),
            &[
                "pronunciations.0.word",
                "pronunciations.1.say",
                "pronunciations.2.word",
                "guardrails.forbidden.0.name",
                "guardrails.forbidden.0.phrases.0",
                "guardrails.forbidden.1.phrases",
                "guardrails.required.0.text",
                "guardrails.required.0",
                "guardrails.required.1.within_turns",
            ],
        );
    }

    #[test]
    fn the_operators_own_words_keep_to_the_guardrails() {
        let given = |words: &str| {
            json!({
                "opening_message": words, "re_engagement": {"prompts": [words]},
                "guardrails": {"forbidden": [{"name": "promises", "phrases": ["refund*"], "replacement": words}]},
            })
        };
        check_settings(given("How can I help?"), &[]);
        check_settings(
            given("REFUNDS, anyone?"),
            &["opening_message", "re_engagement.prompts.0", "guardrails.forbidden.0.replacement"],
        );
    }
}
