//! Voices.

mod cartesia;
mod chatterbox;
mod deepgram;
mod manners;
mod resemble;
mod sarvam;
mod soniox;
mod speech;

use serde_json::{Map, Value};

use super::{Ability, Figures, Form, Key, KeyCheck, Kind, Setting, Vendor, VoiceRule};
pub use cartesia::CARTESIA;
pub use chatterbox::CHATTERBOX;
pub use deepgram::{AURA, FLUX_VOICES};
pub use manners::{Cues, IPA_CHARS, Ipa};
pub(super) use manners::{cues, ipa};
pub use resemble::RESEMBLE;
pub use sarvam::SARVAM_VOICES;
pub use soniox::SONIOX_VOICES;
pub use speech::SPEECH;

/// All voices.
pub const VOICES: &[&Vendor] = &[
    &ELEVENLABS,
    &ELEVENLABS_HTTP,
    &CARTESIA,
    &AURA,
    &FLUX_VOICES,
    &SARVAM_VOICES,
    &SONIOX_VOICES,
    &RESEMBLE,
    &SPEECH,
    &CHATTERBOX,
    &FLITE,
];

const ELEVENLABS_SETTINGS: &[Setting] = &[
    Setting { name: "base_url", form: Form::Address, about: "another host, such as a region's" },
    Setting {
        name: "stability",
        form: Form::Number(0.0, 1.0),
        about: "low is lively, high is even; as set on the voice",
    },
    Setting { name: "similarity_boost", form: Form::Number(0.0, 1.0), about: "as set on the voice" },
    Setting { name: "style", form: Form::Number(0.0, 1.0), about: "as set on the voice" },
    Setting { name: "speed", form: Form::Number(0.7, 1.2), about: "as set on the voice" },
    Setting { name: "use_speaker_boost", form: Form::Flag, about: "as set on the voice" },
    Setting {
        name: "apply_text_normalization",
        form: Form::OneOf(&["auto", "on", "off"]),
        about: "whether numbers are written out before they are spoken",
    },
    Setting {
        name: "enable_logging",
        form: Form::Flag,
        about: "false keeps nothing at the vendor, where the plan allows",
    },
    Setting {
        name: "seed",
        form: Form::Number(0.0, 4_294_967_295.0),
        about: "the same sound for the same text",
    },
];

/// Whether a voice writes numbers and the like out by itself, with this model and these settings.
pub(super) fn writes_out(vendor: &str, model: &str, extra: &Map<String, Value>) -> bool {
    match vendor {
        "elevenlabs" | "elevenlabs_http" => {
            extra.get("apply_text_normalization").and_then(Value::as_str) != Some("off")
        }
        // From its third version on it always does.
        "sarvam" if model == "bulbul:v2" => {
            extra.get("enable_preprocessing").and_then(Value::as_bool) == Some(true)
        }
        "sarvam" => true,
        _ => false,
    }
}

/// ElevenLabs over its multi-context WebSocket.
pub const ELEVENLABS: Vendor = Vendor {
    kind: Kind::Voice,
    name: "elevenlabs",
    title: "ElevenLabs, multi-context WebSocket",
    key: Key::Always,
    home: "https://api.elevenlabs.io",
    model: "eleven_flash_v2_5",
    models: &["eleven_turbo_v2_5", "eleven_multilingual_v2", "eleven_flash_v2", "eleven_v3", "eleven_v4"],
    voice: VoiceRule::Id,
    languages: &[],
    abilities: &[Ability::ManyReplies, Ability::CancelReply, Ability::WordTimes, Ability::VoicesFromClips],
    settings: ELEVENLABS_SETTINGS,
    key_check: Some(KeyCheck { path: &["v1", "user"], header: "xi-api-key", prefix: "" }),
    figures: Figures {
        price: Some(
            "USD 0.04 to 0.05 for 1,000 characters of Flash and Turbo, 0.08 to 0.10 of the others; sources of 2026 disagree, and plans change it",
        ),
        latency_ms: Some(200),
        limits: Some(
            "3 (Starter) to 15 (Business) replies generated at once, twice as many with Flash and Turbo; others wait their turn",
        ),
    },
};

/// ElevenLabs over HTTP.
pub const ELEVENLABS_HTTP: Vendor = Vendor {
    name: "elevenlabs_http",
    title: "ElevenLabs over HTTP (`/v1/text-to-speech`), for where WebSockets do not get through",
    abilities: &[Ability::CancelReply, Ability::WordTimes, Ability::UsageTold],
    figures: Figures { latency_ms: None, ..ELEVENLABS.figures },
    ..ELEVENLABS
};

/// The keyless voice.
pub const FLITE: Vendor = Vendor {
    kind: Kind::Voice,
    name: "flite",
    title: "flite, on the machine",
    key: Key::Never,
    home: "",
    model: "",
    models: &[],
    voice: VoiceRule::OneOf(&["slt", "kal"]),
    languages: &["en"],
    abilities: &[Ability::ManyReplies, Ability::CancelReply],
    settings: &[],
    key_check: None,
    figures: Figures::OWN_MACHINE,
};
