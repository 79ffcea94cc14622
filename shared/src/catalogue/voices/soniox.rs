//! Soniox.

use crate::catalogue::{Ability, Figures, Form, Key, Kind, Setting, Vendor, VoiceRule};

/// Soniox' voices over their WebSocket.
pub const SONIOX_VOICES: Vendor = Vendor {
    kind: Kind::Voice,
    name: "soniox",
    title: "Soniox voices, WebSocket (`/tts-websocket`)",
    key: Key::Always,
    home: "https://tts-rt.soniox.com",
    model: "tts-rt-v2",
    models: &["tts-rt-v1"],
    voice: VoiceRule::Known(&["Adrian", "Bryce"]),
    languages: &[],
    abilities: &[Ability::ManyReplies, Ability::CancelReply, Ability::WordTimes],
    settings: &[
        Setting {
            name: "base_url",
            form: Form::Address,
            about: "a region's host; a key works at the hosts of its own region only",
        },
        Setting { name: "speed", form: Form::Number(0.7, 1.3), about: "how fast it speaks; 1" },
        Setting { name: "reduce_silence", form: Form::Flag, about: "shorter pauses; not with `tts-rt-v1`" },
        Setting { name: "tag", form: Form::Text, about: "a label for the vendor's usage reports" },
    ],
    key_check: None,
    figures: Figures {
        price: None,
        latency_ms: None,
        limits: Some(
            "3 connections at once for each organisation unless raised, a call has one; 2 minutes of sound for each reply",
        ),
    },
};
