//! OpenAI's speech, and servers that speak it.

use crate::catalogue::{Ability, Figures, Form, Key, KeyCheck, Kind, Setting, Vendor, VoiceRule};

/// OpenAI's speech over HTTP.
pub const SPEECH: Vendor = Vendor {
    kind: Kind::Voice,
    name: "openai",
    title: "OpenAI speech over HTTP (`/audio/speech`), and every server that speaks it: Kokoro, Orpheus, Groq",
    key: Key::UnlessOwnServer,
    home: "https://api.openai.com/v1",
    model: "gpt-4o-mini-tts",
    models: &["tts-1", "tts-1-hd"],
    voice: VoiceRule::Known(&[
        "alloy", "ash", "ballad", "coral", "echo", "fable", "onyx", "nova", "sage", "shimmer", "verse",
        "marin", "cedar",
    ]),
    languages: &[],
    abilities: &[Ability::CancelReply],
    settings: &[
        Setting {
            name: "base_url",
            form: Form::Address,
            about: "a server of one's own or another vendor, with its version",
        },
        Setting { name: "speed", form: Form::Number(0.25, 4.0), about: "how fast it speaks; 1" },
        Setting {
            name: "instructions",
            form: Form::Text,
            about: "how it shall sound, in a sentence; not for `tts-1`",
        },
        Setting {
            name: "response_format",
            form: Form::OneOf(&["pcm", "wav"]),
            about: "pcm; `wav` for servers that send nothing else, such as Groq",
        },
        Setting {
            name: "pcm_rate_hz",
            form: Form::Whole(8_000, 48_000),
            about: "the rate of a server's `pcm` where it is another; 24000",
        },
    ],
    key_check: Some(KeyCheck { path: &["models"], header: "authorization", prefix: "Bearer " }),
    figures: Figures {
        price: Some(
            "about USD 0.015 a minute of `gpt-4o-mini-tts`; USD 0.015 for 1,000 characters of `tts-1`, 0.030 of `tts-1-hd` (2026-11)",
        ),
        latency_ms: None,
        limits: Some(
            "4,096 characters a request; all three of OpenAI's models end on 2027-01-06, and nothing replaces them here",
        ),
    },
};
