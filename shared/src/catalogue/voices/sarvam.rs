//! Sarvam.

use crate::catalogue::{Figures, Form, Key, Kind, Setting, Vendor, VoiceRule};

/// Sarvam's Bulbul over its WebSocket.
pub const SARVAM_VOICES: Vendor = Vendor {
    kind: Kind::Voice,
    name: "sarvam",
    title: "Sarvam Bulbul, WebSocket (`/text-to-speech/ws`)",
    key: Key::Always,
    home: "https://api.sarvam.ai",
    model: "bulbul:v3",
    models: &["bulbul:v2", "bulbul:v4-flash"],
    // Every model has speakers of its own.
    voice: VoiceRule::Known(&["shubh", "anushka"]),
    // Odia is `or` to the world and `od` to the vendor.
    languages: &["bn", "en", "gu", "hi", "kn", "ml", "mr", "od", "or", "pa", "ta", "te"],
    abilities: &[],
    settings: &[
        Setting { name: "base_url", form: Form::Address, about: "another host" },
        Setting {
            name: "pace",
            form: Form::Number(0.3, 3.0),
            about: "how fast it speaks; 1. From 0.5 to 2 with `bulbul:v3` and newer",
        },
        Setting {
            name: "temperature",
            form: Form::Number(0.01, 1.0),
            about: "how lively it is, `bulbul:v3` and newer; 0.6",
        },
        Setting { name: "pitch", form: Form::Number(-0.75, 0.75), about: "`bulbul:v2`; 0" },
        Setting { name: "loudness", form: Form::Number(0.3, 3.0), about: "`bulbul:v2`; 1" },
        Setting {
            name: "enable_preprocessing",
            form: Form::Flag,
            about: "whether numbers are written out, `bulbul:v2`; newer ones always do",
        },
        Setting {
            name: "dict_id",
            form: Form::Text,
            about: "a dictionary of the account that says how names are pronounced, `bulbul:v3` and newer",
        },
    ],
    key_check: None,
    figures: Figures {
        price: Some(
            "INR 3.0 for 1,000 characters of `bulbul:v3` (vendor's page, 2026-09-20), 1.5 of `bulbul:v2`",
        ),
        latency_ms: None,
        limits: Some("an interrupted sentence is billed; the next reply waits for a new connection"),
    },
};
