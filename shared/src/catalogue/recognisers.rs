//! Recognisers.

use super::{Ability, Figures, Form, Key, KeyCheck, Kind, Setting, Vendor, VoiceRule};

/// All recognisers.
pub const RECOGNISERS: &[&Vendor] = &[&DEEPGRAM, &POCKETSPHINX];

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
            form: Form::Texts { most: 100, bytes: 200 },
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
        Setting { name: "tag", form: Form::Text, about: "a label for Deepgram's usage reports" },
    ],
    key_check: Some(KeyCheck { path: &["v1", "projects"], header: "authorization", prefix: "Token " }),
    figures: Figures::UNKNOWN,
};

/// The keyless recogniser.
pub const POCKETSPHINX: Vendor = Vendor {
    kind: Kind::Recogniser,
    name: "pocketsphinx",
    title: "pocketsphinx, on the machine",
    key: Key::Never,
    home: "",
    model: "",
    models: &[],
    voice: VoiceRule::None,
    languages: &["en"],
    abilities: &[Ability::Interim, Ability::TurnEnd, Ability::SpeechStart, Ability::FinalOnDemand],
    settings: &[
        Setting {
            name: "expected",
            form: Form::Texts { most: 500, bytes: 200 },
            about: "phrases to expect; what is said is the nearest of them or nothing",
        },
        Setting {
            name: "free",
            form: Form::Flag,
            about: "also try open speech; on when nothing is expected",
        },
    ],
    key_check: None,
    figures: Figures::OWN_MACHINE,
};
