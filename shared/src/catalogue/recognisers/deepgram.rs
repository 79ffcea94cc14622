//! Deepgram's two protocols.

use super::KEYTERMS;
use crate::catalogue::{Ability, Figures, Form, Key, KeyCheck, Kind, Setting, Vendor, VoiceRule};

/// Deepgram's live transcription.
pub const DEEPGRAM: Vendor = Vendor {
    kind: Kind::Recogniser,
    name: "deepgram",
    title: "Deepgram Nova, live (`/v1/listen`)",
    key: Key::UnlessOwnServer,
    home: "https://api.deepgram.com",
    model: "nova-3-general",
    models: &["nova-3", "nova-3-medical", "nova-2-general", "nova-2-phonecall"],
    voice: VoiceRule::None,
    languages: &[],
    abilities: &[
        Ability::Interim,
        Ability::TurnEnd,
        Ability::SpeechStart,
        Ability::FinalOnDemand,
        Ability::WordTimes,
        Ability::UsageTold,
    ],
    settings: &[
        Setting { name: "base_url", form: Form::Address, about: "a server of your own, or a region's host" },
        Setting {
            name: "keyterms",
            form: KEYTERMS,
            about: "names and terms to expect (`keywords` of models before Nova-3)",
        },
        Setting {
            name: "endpointing",
            form: Form::Timer { most_ms: 10_000 },
            about: "silence after which Deepgram thinks an utterance over; 300",
        },
        Setting {
            name: "utterance_end_ms",
            form: Form::Timer { most_ms: 10_000 },
            about: "gap between words that ends an utterance in noise; 1000",
        },
        Setting { name: "smart_format", form: Form::Flag, about: "format dates, numbers and amounts" },
        Setting { name: "numerals", form: Form::Flag, about: "write numbers as digits" },
        Setting { name: "profanity_filter", form: Form::Flag, about: "mask strong language" },
        Setting { name: "mip_opt_out", form: Form::Flag, about: "keep the audio out of Deepgram's training" },
        Setting { name: "tag", form: Form::Text, about: "a label for the vendor's usage reports" },
    ],
    key_check: Some(KeyCheck { path: &["v1", "projects"], header: "authorization", prefix: "Token " }),
    figures: Figures {
        price: Some(
            "USD 0.0048 a minute for one language, 0.0058 for several (two surveys of deepgram.com/pricing, 2026-05 and 2026-08)",
        ),
        latency_ms: Some(247),
        limits: Some("50 streams at once for each project, pay as you go"),
    },
};

/// Deepgram's recogniser that knows turns.
pub const DEEPGRAM_FLUX: Vendor = Vendor {
    kind: Kind::Recogniser,
    name: "deepgram_flux",
    title: "Deepgram Flux (`/v2/listen`)",
    key: Key::UnlessOwnServer,
    home: "https://api.deepgram.com",
    model: "flux-general-en",
    models: &["flux-general-multi"],
    voice: VoiceRule::None,
    languages: &["en", "es", "fr", "de", "hi", "ru", "pt", "ja", "it", "nl", "multi"],
    abilities: &[
        Ability::Interim,
        Ability::TurnEnd,
        Ability::EagerEnd,
        Ability::SpeechStart,
        Ability::FinalOnDemand,
        Ability::WordTimes,
    ],
    settings: &[
        Setting { name: "base_url", form: Form::Address, about: "a server of your own, or a region's host" },
        Setting { name: "keyterms", form: KEYTERMS, about: "names and terms to expect" },
        Setting {
            name: "language_hints",
            form: Form::Texts { most: 10, bytes: 20 },
            about: "the languages to expect; the bot's `language` where there are none, and any with `multi`; `flux-general-multi`",
        },
        Setting {
            name: "eot_threshold",
            form: Form::Number(0.5, 1.0),
            about: "how sure it must be that a turn has ended; 0.7",
        },
        Setting {
            name: "eager_eot_threshold",
            form: Form::Number(0.3, 0.9),
            about: "how sure for a likely end; not above `eot_threshold`; none are told where it is not set",
        },
        Setting {
            name: "eot_timeout_ms",
            form: Form::Whole(500, 60_000),
            about: "silence that ends a turn in any case; 5000",
        },
        Setting {
            name: "force_end_turn",
            form: Form::Flag,
            about: "ask for the end of a turn; on at `api.deepgram.com`, off at other hosts, which may not know it yet and break off",
        },
        Setting { name: "numerals", form: Form::Flag, about: "write numbers as digits" },
        Setting { name: "profanity_filter", form: Form::Flag, about: "mask strong language" },
        Setting { name: "mip_opt_out", form: Form::Flag, about: "keep the audio out of Deepgram's training" },
        Setting { name: "tag", form: Form::Text, about: "a label for the vendor's usage reports" },
    ],
    key_check: Some(KeyCheck { path: &["v1", "projects"], header: "authorization", prefix: "Token " }),
    figures: Figures {
        price: Some(
            "USD 0.0065 a minute in English, 0.0078 in several languages, by the second (2026-08, 2026-11)",
        ),
        latency_ms: Some(260),
        limits: Some("50 streams at once for each project, pay as you go"),
    },
};
