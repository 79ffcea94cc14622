//! AssemblyAI.

use super::KEYTERMS;
use crate::catalogue::{Ability, Figures, Form, Key, KeyCheck, Kind, Setting, Vendor, VoiceRule};

/// AssemblyAI's streaming recognition, third version.
pub const ASSEMBLYAI: Vendor = Vendor {
    kind: Kind::Recogniser,
    name: "assemblyai",
    title: "AssemblyAI, Universal-Streaming and Universal-3 (`/v3/ws`)",
    key: Key::Always,
    home: "https://streaming.assemblyai.com",
    model: "universal-streaming-english",
    models: &[
        "universal-streaming-multilingual",
        "u3-rt-pro",
        "universal-3-5-pro",
        "universal-3-6",
        "universal-3-6-pro",
        "whisper-rt",
    ],
    voice: VoiceRule::None,
    languages: &[],
    abilities: &[
        Ability::Interim,
        Ability::TurnEnd,
        Ability::EagerEnd,
        Ability::SpeechStart,
        Ability::FinalOnDemand,
        Ability::WordTimes,
        Ability::UsageTold,
    ],
    settings: &[
        Setting { name: "base_url", form: Form::Address, about: "a region's host" },
        Setting { name: "keyterms", form: KEYTERMS, about: "names and terms to expect" },
        Setting {
            name: "end_of_turn_confidence_threshold",
            form: Form::Number(0.0, 1.0),
            about: "0 ends a turn after `min_turn_silence`, 1 after `max_turn_silence`; 0.4; `universal-streaming` models",
        },
        Setting {
            name: "format_turns",
            form: Form::Flag,
            about: "punctuation and capitals in ended turns; on; `universal-streaming` models, the others always have them",
        },
        Setting {
            name: "min_turn_silence",
            form: Form::Whole(0, 10_000),
            about: "milliseconds; 400, and 100 with Universal-3",
        },
        Setting {
            name: "max_turn_silence",
            form: Form::Whole(0, 30_000),
            about: "milliseconds; 1280, and 1000 with Universal-3",
        },
        Setting {
            name: "vad_threshold",
            form: Form::Number(0.0, 1.0),
            about: "how sure it must be to hear speech; 0.4, and 0.3 with Universal-3",
        },
        Setting { name: "language_detection", form: Form::Flag, about: "tell the language" },
        Setting {
            name: "language_hints",
            form: Form::Texts { most: 10, bytes: 20 },
            about: "the languages to expect, the likeliest first; Universal-3",
        },
        Setting {
            name: "mode",
            form: Form::OneOf(&["min_latency", "balanced", "max_accuracy"]),
            about: "balanced; Universal-3",
        },
        Setting { name: "prompt", form: Form::Text, about: "what the call is about; Universal-3" },
        Setting { name: "profanity_filter", form: Form::Flag, about: "mask strong language" },
    ],
    key_check: Some(KeyCheck {
        path: &["v3", "token?expires_in_seconds=60"],
        header: "authorization",
        prefix: "",
    }),
    figures: Figures {
        price: Some(
            "USD 0.0025 a minute of session, 0.0075 with Universal-3 Pro (a survey of 2026-08; assemblyai.com, 2026-10)",
        ),
        latency_ms: Some(256),
        limits: Some(
            "3 hours for each session; audio no faster than it is spoken, so a second at most is told again after a cut",
        ),
    },
};
