//! Chatterbox.

use crate::catalogue::{Ability, Figures, Form, Key, KeyCheck, Kind, Setting, Vendor, VoiceRule};

impl Vendor {
    /// Whether it is a server of one's own that says how much memory of its GPU is used (`GET /metrics`).
    pub fn tells_gpu_memory(&self) -> bool {
        self.kind == CHATTERBOX.kind && self.name == CHATTERBOX.name
    }
}

/// A Chatterbox server of one's own.
pub const CHATTERBOX: Vendor = Vendor {
    kind: Kind::Voice,
    name: "chatterbox",
    title: "Chatterbox on a server of one's own (`/synthesize`)",
    key: Key::UnlessOwnServer,
    home: "http://127.0.0.1:8004",
    model: "",
    models: &[],
    voice: VoiceRule::Known(&["default_female_1"]),
    languages: &[],
    abilities: &[Ability::CancelReply],
    settings: &[
        Setting {
            name: "base_url",
            form: Form::Address,
            about: "the server's address; it must be set, and its host be in `VOX_EGRESS_ALLOW` where it is private",
        },
        Setting {
            name: "exaggeration",
            form: Form::Number(0.25, 2.0),
            about: "how lively it is, 0.5; Turbo takes no notice",
        },
        Setting {
            name: "cfg_weight",
            form: Form::Number(0.0, 1.0),
            about: "how closely it keeps to the voice, 0.5; 0.3 for one that speaks fast. Turbo takes no notice",
        },
        Setting {
            name: "turbo",
            form: Form::Flag,
            about: "true where the server runs Chatterbox Turbo, in English: it laughs, chuckles and coughs where the model writes that",
        },
    ],
    key_check: Some(KeyCheck { path: &["health"], header: "authorization", prefix: "Bearer " }),
    figures: Figures {
        price: Some("none; the server's own"),
        latency_ms: Some(75),
        limits: Some("the server's GPU; the latency is the vendor's claim for Turbo, without naming the GPU"),
    },
};
