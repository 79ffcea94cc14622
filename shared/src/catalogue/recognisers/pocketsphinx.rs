//! The keyless recogniser.

use crate::catalogue::{Ability, Figures, Form, Key, Kind, Setting, Vendor, VoiceRule};

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
