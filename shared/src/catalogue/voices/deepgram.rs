//! Deepgram.

use crate::catalogue::{Ability, Figures, Form, Key, KeyCheck, Kind, Setting, Vendor, VoiceRule};

const KEY_CHECK: KeyCheck = KeyCheck { path: &["v1", "projects"], header: "authorization", prefix: "Token " };

/// Deepgram's Aura over its WebSocket.
pub const AURA: Vendor = Vendor {
    kind: Kind::Voice,
    name: "deepgram",
    title: "Deepgram Aura, WebSocket (`/v1/speak`); the model names the voice and its language",
    key: Key::UnlessOwnServer,
    home: "https://api.deepgram.com",
    model: "aura-2-thalia-en",
    models: &["aura-2-celeste-es", "aura-asteria-en"],
    voice: VoiceRule::None,
    languages: &[],
    abilities: &[Ability::CancelReply],
    settings: &[
        Setting { name: "base_url", form: Form::Address, about: "another host, such as a region's" },
        Setting {
            name: "speed",
            form: Form::Number(0.7, 1.5),
            about: "how fast it speaks, where Aura-2 speaks English or Spanish; 1",
        },
        Setting {
            name: "mip_opt_out",
            form: Form::Flag,
            about: "true keeps what is spoken out of the vendor's training, at another price",
        },
    ],
    key_check: Some(KEY_CHECK),
    figures: Figures {
        price: Some("USD 0.030 for 1,000 characters of Aura-2, 0.015 of Aura-1 (2026-08 and 2026-11)"),
        latency_ms: Some(200),
        limits: Some(
            "15 connections at once or more, by project and region; 2,400 characters and 20 sentences a minute for each; an hour for each",
        ),
    },
};

/// Deepgram's Flux voices over their WebSocket.
pub const FLUX_VOICES: Vendor = Vendor {
    kind: Kind::Voice,
    name: "deepgram_flux",
    title: "Deepgram Flux voices, WebSocket (`/v2/speak`); the model names the voice",
    key: Key::Always,
    home: "https://api.deepgram.com",
    model: "flux-alexis-en",
    models: &["flux-kit-en", "flux-haley-en"],
    voice: VoiceRule::None,
    languages: &["en"],
    abilities: &[Ability::CancelReply, Ability::UsageTold],
    settings: &[
        Setting { name: "base_url", form: Form::Address, about: "another host, such as a region's" },
        Setting {
            name: "speed",
            form: Form::Number(0.5, 1.5),
            about: "how fast it speaks, in steps of 0.05; 1",
        },
        Setting {
            name: "expressivity",
            form: Form::Number(-2.0, 2.0),
            about: "a whole number: low is even, high is lively; 0",
        },
        Setting {
            name: "mip_opt_out",
            form: Form::Flag,
            about: "true keeps what is spoken out of the vendor's training, at another price",
        },
        Setting { name: "tag", form: Form::Text, about: "a label for the vendor's usage reports" },
    ],
    key_check: Some(KEY_CHECK),
    figures: Figures { price: None, latency_ms: None, limits: Some("an hour for each connection") },
};
