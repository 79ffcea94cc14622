//! Language models.

use super::{Ability, Figures, Form, Key, KeyCheck, Kind, Setting, Vendor, VoiceRule};

/// All language models.
pub const LANGUAGE_MODELS: &[&Vendor] = &[&OPENAI, &SCRIPTED];

/// Fields of a request that some compatible server refuses and a reply does not depend on.
pub const OPENAI_OPTIONAL_FIELDS: &[&str] = &[
    "include_obfuscation",
    "stream_options",
    "temperature",
    "max_completion_tokens",
    "parallel_tool_calls",
    "tool_choice",
    "strict",
    "reasoning_effort",
    "verbosity",
    "service_tier",
    "prompt_cache_key",
    "store",
];

/// OpenAI's Chat Completions and every server that speaks them.
pub const OPENAI: Vendor = Vendor {
    kind: Kind::LanguageModel,
    name: "openai",
    title: "OpenAI and every server that speaks Chat Completions",
    key: Key::UnlessOwnServer,
    home: "https://api.openai.com/v1",
    model: "gpt-5.4-mini",
    models: &["gpt-5.4", "gpt-5.4-nano", "gpt-5.5", "gpt-5.6-luna", "gpt-6-luna", "gpt-6-sol"],
    voice: VoiceRule::None,
    languages: &[],
    abilities: &[Ability::Tools, Ability::UsageTold, Ability::CachedTokens, Ability::ReasoningShown],
    settings: &[
        Setting {
            name: "base_url",
            form: Form::Address,
            about: "another server: with or without `/v1`, a slash at the end, or the whole path",
        },
        Setting {
            name: "reasoning_effort",
            form: Form::Text,
            about: "passed on; models of OpenAI that reason are told to do so least",
        },
        Setting { name: "verbosity", form: Form::Text, about: "passed on" },
        Setting { name: "service_tier", form: Form::Text, about: "passed on" },
        Setting {
            name: "omit",
            form: Form::SomeOf(OPENAI_OPTIONAL_FIELDS),
            about: "fields to leave out; those that a server refuses by name are left out by themselves",
        },
        Setting {
            name: "legacy_max_tokens",
            form: Form::Flag,
            about: "send `max_tokens` instead of `max_completion_tokens`",
        },
    ],
    key_check: Some(KeyCheck { path: &["models"], header: "authorization", prefix: "Bearer " }),
    figures: Figures::UNKNOWN,
};

/// The keyless model.
pub const SCRIPTED: Vendor = Vendor {
    kind: Kind::LanguageModel,
    name: "scripted",
    title: "the scripted model, on the machine",
    key: Key::Never,
    home: "",
    model: "",
    models: &[],
    voice: VoiceRule::None,
    languages: &[],
    abilities: &[Ability::Tools],
    settings: &[Setting {
        name: "script",
        form: Form::Script,
        about: "what is said to what; see scripted-model.md",
    }],
    key_check: None,
    figures: Figures::OWN_MACHINE,
};
