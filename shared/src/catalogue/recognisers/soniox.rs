//! Soniox.

use super::KEYTERMS;
use crate::catalogue::{Ability, Figures, Form, Key, Kind, Setting, Vendor, VoiceRule};

/// Soniox's real-time transcription.
pub const SONIOX: Vendor = Vendor {
    kind: Kind::Recogniser,
    name: "soniox",
    title: "Soniox, real time (`/transcribe-websocket`)",
    key: Key::Always,
    home: "https://stt-rt.soniox.com",
    model: "stt-rt-v5",
    models: &["stt-rt-v4"],
    voice: VoiceRule::None,
    languages: &[],
    abilities: &[
        Ability::Interim,
        Ability::TurnEnd,
        Ability::FinalOnDemand,
        Ability::WordTimes,
        Ability::UsageTold,
    ],
    settings: &[
        Setting {
            name: "base_url",
            form: Form::Address,
            about: "a region's host; a key works at the hosts of its own region only",
        },
        Setting { name: "keyterms", form: KEYTERMS, about: "names and terms to expect" },
        Setting { name: "context", form: Form::Text, about: "what the call is about, in a few sentences" },
        Setting {
            name: "language_hints",
            form: Form::Texts { most: 20, bytes: 20 },
            about: "the languages to expect; the bot's `language` where there are none, and any with `multi`",
        },
        Setting { name: "language_hints_strict", form: Form::Flag, about: "hear no other languages" },
        Setting {
            name: "endpoint_detection",
            form: Form::Flag,
            about: "whether Soniox tells when an utterance is over; it does",
        },
        Setting {
            name: "max_endpoint_delay_ms",
            form: Form::Whole(500, 3000),
            about: "the longest silence within an utterance; 2000",
        },
        Setting {
            name: "endpoint_sensitivity",
            form: Form::Number(-1.0, 1.0),
            about: "higher ends an utterance sooner; `stt-rt-v5` and newer",
        },
        Setting {
            name: "endpoint_latency_adjustment_level",
            form: Form::Whole(0, 3),
            about: "higher ends an utterance sooner, and may cost accuracy",
        },
        Setting { name: "tag", form: Form::Text, about: "a label for the vendor's usage reports" },
    ],
    key_check: None,
    figures: Figures {
        price: Some("USD 0.0020 a minute, silence too (soniox.com, 2026-08)"),
        latency_ms: Some(260),
        limits: Some("10 streams at once for each organisation unless raised, 300 minutes each"),
    },
};
