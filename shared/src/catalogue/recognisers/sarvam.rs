//! Sarvam's two protocols.

use crate::catalogue::{Ability, Figures, Form, Key, Kind, Setting, Vendor, VoiceRule};

/// Languages that Sarvam hears, and any of them.
const INDIAN: &[&str] = &[
    "en", "hi", "bn", "gu", "kn", "ml", "mr", "pa", "ta", "te", "as", "ur", "ne", "kok", "ks", "sd", "sa",
    "sat", "mni", "brx", "mai", "doi", "od", "or", "multi",
];
const SARVAM_MODES: Form = Form::OneOf(&["transcribe", "translate", "verbatim", "translit", "codemix"]);
const SARVAM_KEYTERMS: Setting = Setting {
    name: "keyterms",
    form: Form::Texts { most: 50, bytes: 192 },
    about: "names and terms to expect, 64 characters each; `saaras:v4`",
};

/// Sarvam's streaming recognition.
pub const SARVAM: Vendor = Vendor {
    kind: Kind::Recogniser,
    name: "sarvam",
    title: "Sarvam, streaming (`/speech-to-text/ws`)",
    key: Key::Always,
    home: "https://api.sarvam.ai",
    model: "saaras:v4",
    models: &["saaras:v3"],
    voice: VoiceRule::None,
    languages: INDIAN,
    abilities: &[Ability::TurnEnd, Ability::SpeechStart, Ability::FinalOnDemand, Ability::UsageTold],
    settings: &[
        Setting { name: "base_url", form: Form::Address, about: "another host" },
        SARVAM_KEYTERMS,
        Setting {
            name: "mode",
            form: SARVAM_MODES,
            about: "transcribe; translate writes English, translit the letters of English, codemix both languages of a sentence",
        },
        Setting { name: "prompt", form: Form::Text, about: "what the call is about" },
        Setting { name: "high_vad_sensitivity", form: Form::Flag, about: "hear quieter speech" },
    ],
    key_check: None,
    figures: Figures {
        price: Some("INR 0.50 a minute, by the second (Sarvam's pricing page, 2026-09)"),
        latency_ms: None,
        limits: Some(
            "20 streams at once (Starter) or 100; 8 and 16 kHz; P99 1.17 s (Pipecat's constant, 2026-10)",
        ),
    },
};

/// Sarvam's realtime recognition.
pub const SARVAM_REALTIME: Vendor = Vendor {
    kind: Kind::Recogniser,
    name: "sarvam_realtime",
    title: "Sarvam, real time (`/speech-to-text-realtime/ws`), for accounts with access to the beta",
    key: Key::Always,
    home: "https://api.sarvam.ai",
    model: "saaras:v3-realtime",
    models: &["saaras:v4"],
    voice: VoiceRule::None,
    languages: INDIAN,
    abilities: &[Ability::Interim, Ability::TurnEnd, Ability::SpeechStart, Ability::UsageTold],
    settings: &[
        Setting { name: "base_url", form: Form::Address, about: "another host" },
        SARVAM_KEYTERMS,
        Setting { name: "mode", form: SARVAM_MODES, about: "as `sarvam` has it" },
        Setting { name: "prompt", form: Form::Text, about: "what the call is about" },
        Setting {
            name: "stream_type",
            form: Form::OneOf(&["fast", "balanced", "simulated"]),
            about: "balanced; simulated tells nothing before the end",
        },
        Setting {
            name: "threshold",
            form: Form::Number(0.0, 1.0),
            about: "how sure it must be to hear speech; the vendor's own is not published",
        },
        Setting {
            name: "silence_duration_ms",
            form: Form::Whole(0, 10_000),
            about: "silence that ends an utterance; the vendor's own is not published",
        },
        Setting {
            name: "min_speech_duration_ms",
            form: Form::Whole(0, 10_000),
            about: "shorter sounds are no speech",
        },
        Setting {
            name: "prefix_padding_ms",
            form: Form::Whole(0, 10_000),
            about: "audio before the start of speech that is heard too",
        },
    ],
    key_check: None,
    figures: Figures {
        price: Some("INR 0.50 a minute, by the second (Sarvam's pricing page, 2026-09)"),
        latency_ms: None,
        limits: Some("20 streams at once (Starter) or 100; 8 and 16 kHz; final words cannot be asked for"),
    },
};
