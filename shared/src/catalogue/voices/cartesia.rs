//! Cartesia.

use crate::catalogue::{Ability, Figures, Form, Key, Kind, Setting, Vendor, VoiceRule};

/// Cartesia's Sonic over its WebSocket.
pub const CARTESIA: Vendor = Vendor {
    kind: Kind::Voice,
    name: "cartesia",
    title: "Cartesia Sonic, WebSocket (`/tts/websocket`)",
    key: Key::Always,
    home: "https://api.cartesia.ai",
    model: "sonic-3.6",
    models: &["sonic-latest", "sonic-3.5", "sonic-3"],
    voice: VoiceRule::Id,
    languages: &[],
    abilities: &[Ability::ManyReplies, Ability::CancelReply, Ability::WordTimes],
    settings: &[
        Setting { name: "base_url", form: Form::Address, about: "another host" },
        Setting { name: "speed", form: Form::Number(0.6, 1.5), about: "how fast it speaks; 1" },
        Setting { name: "volume", form: Form::Number(0.5, 2.0), about: "how loud it is; 1" },
        Setting {
            name: "emotion",
            form: Form::Text,
            about: "how it feels, such as `calm`; nothing of the kind",
        },
        Setting {
            name: "pronunciation_dict_id",
            form: Form::Text,
            about: "a dictionary of the account that says how names are pronounced",
        },
    ],
    key_check: None,
    figures: Figures {
        price: Some(
            "about 1 credit a character, 1.5 for a professional clone; what a credit costs depends on the plan (vendor's pages, 2026)",
        ),
        latency_ms: Some(188),
        limits: Some(
            "2 (Free), 3 (Pro), 5 (Startup) or 15 (Scale) replies at once; an interrupted reply is generated to its end and billed",
        ),
    },
};
