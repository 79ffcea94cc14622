//! Resemble.

use crate::catalogue::{Ability, Figures, Form, Key, Kind, Setting, Vendor, VoiceRule};

/// Resemble over its WebSocket.
pub const RESEMBLE: Vendor = Vendor {
    kind: Kind::Voice,
    name: "resemble",
    title: "Resemble, WebSocket (`/stream`), where the plan has it",
    key: Key::Always,
    home: "https://websocket.cluster.resemble.ai",
    model: "",
    models: &[],
    voice: VoiceRule::Id,
    languages: &[],
    abilities: &[Ability::ManyReplies, Ability::WordTimes],
    settings: &[
        Setting { name: "base_url", form: Form::Address, about: "another host" },
        Setting {
            name: "project_uuid",
            form: Form::Text,
            about: "the project, for accounts that must name it",
        },
    ],
    key_check: None,
    figures: Figures {
        price: None,
        latency_ms: None,
        limits: Some("a sentence that was begun is billed, although its reply was interrupted"),
    },
};
