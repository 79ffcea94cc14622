use serde_json::{Value, json};

use super::*;

const KINDS: [Kind; 3] = [Kind::Recogniser, Kind::LanguageModel, Kind::Voice];

fn faults(vendor: &Vendor, key: &str, extra: Value) -> Vec<(String, String)> {
    let extra = extra.as_object().cloned().unwrap();
    let voice = (vendor.kind == Kind::Voice).then_some("slt");
    let given = Given { key, language: Some("en-GB"), voice, extra: &extra };
    vendor.faults(given).into_iter().map(|fault| (fault.field, fault.message)).collect()
}

#[test]
fn every_row_stands_once_and_is_whole() {
    for kind in KINDS {
        for vendor in kind.vendors() {
            assert_eq!(vendor.kind, kind, "{}", vendor.name);
            let rows = kind.vendors().iter().filter(|other| other.name == vendor.name).count();
            assert_eq!(rows, 1, "{}", vendor.name);
            assert_eq!(vendor.is_local(), vendor.key == Key::Never, "{}", vendor.name);
            assert!(!vendor.is_local() || !vendor.can_be_tried(), "{}", vendor.name);
            assert!(kind.find(account(vendor.name)).is_some() || find_keyed(account(vendor.name)).is_some());
            assert_eq!(vendor.is_local(), vendor.setting("base_url").is_none(), "{}", vendor.name);
            assert!(vendor.is_local() || is_address(vendor.home), "{}", vendor.name);
        }
    }
}

#[test]
fn a_wrong_setting_is_named_with_what_is_allowed() {
    let check = |vendor: &Vendor, extra: Value, expected: &[(&str, &str)]| {
        let found = faults(vendor, "k", extra.clone());
        let found: Vec<(&str, &str)> = found.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(found.len(), expected.len(), "{extra}: {found:?}");
        for ((field, message), (expected, part)) in found.iter().zip(expected) {
            assert!(field == expected && message.contains(part), "{extra}: {field}: {message}");
        }
    };
    check(&ELEVENLABS, json!({"stability": 0.4, "speed": 1, "seed": null}), &[]);
    check(&ELEVENLABS, json!({"speed": 3}), &[("extra.speed", "a number from 0.7 to 1.2")]);
    check(&ELEVENLABS, json!({"stability": "high"}), &[("extra.stability", "from 0 to 1")]);
    check(
        &ELEVENLABS,
        json!({"apply_text_normalization": "maybe"}),
        &[("extra.apply_text_normalization", "one of auto, on, off")],
    );
    check(&ELEVENLABS, json!({"stabilty": 1}), &[("extra.stabilty", "elevenlabs has base_url, stability")]);
    check(
        &DEEPGRAM,
        json!({"keyterms": "Vox", "endpointing": -1}),
        &[("extra.keyterms", "a list of at most 100"), ("extra.endpointing", "10000")],
    );
    check(&DEEPGRAM, json!({"endpointing": false, "utterance_end_ms": 0, "keyterms": ["a"]}), &[]);
    check(&DEEPGRAM, json!({"smart_format": "yes"}), &[("extra.smart_format", "true or false")]);
    check(&OPENAI, json!({"omit": ["messages"]}), &[("extra.omit", "include_obfuscation")]);
    check(&OPENAI, json!({"base_url": "https://h/v1?key=x"}), &[("extra.base_url", "an http")]);
    check(&OPENAI, json!({"base_url": "h:80/v1"}), &[("extra.base_url", "an http")]);
    check(&OPENAI, json!({"base_url": "http://10.0.0.2:8000/v1/"}), &[]);
    check(&FLITE, json!({"colour": 1}), &[("extra.colour", "flite has none")]);
    // Left over from another vendor of the section.
    check(&POCKETSPHINX, json!({"endpointing": 300, "base_url": "http://h"}), &[]);
    check(&DEEPGRAM, json!({"expected": ["a"]}), &[]);
}

#[test]
fn keys_languages_and_voices_have_their_rules() {
    let own = json!({"base_url": "http://10.0.0.2"});
    assert_eq!(faults(&OPENAI, " ", json!({}))[0].0, "api_key");
    assert_eq!(faults(&OPENAI, "", json!({"base_url": ""}))[0].0, "api_key");
    assert!(faults(&OPENAI, "", own.clone()).is_empty());
    assert_eq!(faults(&ELEVENLABS, "", own)[0].0, "api_key");
    assert!(faults(&FLITE, "", json!({})).is_empty());
    let check = |key: &str, part: &str| {
        let found = faults(&VERTEX, key, json!({}));
        assert!(found.first().map_or("", |(_, message)| message).contains(part), "{found:?}");
        assert_eq!(found.is_empty(), part.is_empty(), "{found:?}");
    };
    check("", "needs a key");
    check("ya29.token", "must be the whole JSON");
    check("{\"client_email\": \"a@b\"}", "no `private_key`");
    check(" {\"client_email\": \"a@b\",\n \"private_key\": \"x\"}\n", "");
    assert_eq!(FLITE.voice_fault("alloy").as_deref(), Some("there is no voice \"alloy\"; use slt or kal"));
    assert_eq!(FLITE.voice_fault(""), None);
    assert!(ELEVENLABS.voice_fault("").is_some() && ELEVENLABS.voice_fault("a/b").is_some());
    assert_eq!(ELEVENLABS.voice_fault("21m00Tcm4TlvDq8ikWAM"), None);
    assert_eq!(
        FLITE.language_fault("de").as_deref(),
        Some("there is no \"de\"; use en, or another provider")
    );
    assert_eq!(FLITE.language_fault("EN_us"), None);
    assert_eq!(DEEPGRAM.language_fault("multi"), None);
}

#[test]
fn each_vendor_has_its_question() {
    let check = |vendor: &Vendor, base: Option<&str>, expected: Option<&str>| {
        assert_eq!(vendor.key_check_url(base).map(String::from).as_deref(), expected, "{base:?}");
    };
    check(&DEEPGRAM, None, Some("https://api.deepgram.com/v1/projects"));
    check(&OPENAI, Some(""), Some("https://api.openai.com/v1/models"));
    check(&ELEVENLABS, Some("ws://127.0.0.1:9/"), Some("http://127.0.0.1:9/v1/user"));
    check(&DEEPGRAM, Some("wss://h/v1"), Some("https://h/v1/projects"));
    check(&OPENAI, Some("http://h/api/v1/"), Some("http://h/api/v1/models"));
    check(&OPENAI, Some("ftp://h"), None);
    check(&FLITE, None, None);
    check(&ASSEMBLYAI, None, Some("https://streaming.assemblyai.com/v3/token?expires_in_seconds=60"));
    check(&ASSEMBLYAI, Some("ws://h/v3"), Some("http://h/v3/token?expires_in_seconds=60"));
}

#[test]
fn the_document_is_the_catalogue() {
    let kept = include_str!("../../../docs/providers.md");
    let written = markdown();
    let differs = kept.lines().zip(written.lines()).position(|(kept, written)| kept != written);
    let place = std::env::temp_dir().join("vox-providers.md");
    if kept != written {
        std::fs::write(&place, &written).unwrap();
    }
    assert!(
        kept == written,
        "docs/providers.md differs in line {differs:?}: copy {} over it",
        place.display()
    );
}
