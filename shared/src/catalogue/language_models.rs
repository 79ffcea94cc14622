//! Language models.

use super::{Ability, Figures, Form, Key, KeyCheck, Kind, Setting, Vendor, VoiceRule};

/// All language models.
pub const LANGUAGE_MODELS: &[&Vendor] = &[&ANTHROPIC, &GEMINI, &GROQ, &OPENAI, &VERTEX, &SCRIPTED];

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

/// Fields of a request that some model or server of Anthropic's kind refuses and a reply does not depend on.
pub const ANTHROPIC_OPTIONAL_FIELDS: &[&str] = &["temperature", "thinking", "output_config", "cache_control"];

/// Anthropic's Messages.
pub const ANTHROPIC: Vendor = Vendor {
    kind: Kind::LanguageModel,
    name: "anthropic",
    title: "Anthropic Claude (`/v1/messages`)",
    key: Key::UnlessOwnServer,
    home: "https://api.anthropic.com",
    model: "claude-haiku-5-5",
    models: &[
        "claude-sonnet-5-5",
        "claude-opus-5-5",
        "claude-sonnet-5",
        "claude-sonnet-4-6",
        "claude-haiku-4-5",
    ],
    voice: VoiceRule::None,
    languages: &[],
    abilities: &[Ability::Tools, Ability::UsageTold, Ability::CachedTokens, Ability::ReasoningShown],
    settings: &[
        Setting { name: "base_url", form: Form::Address, about: "another server that speaks Messages" },
        Setting {
            name: "version",
            form: Form::Text,
            about: "the `anthropic-version` that is asked for; 2023-06-01, which all models take",
        },
        Setting {
            name: "thinking",
            form: Form::OneOf(&["disabled", "adaptive", "between_tools"]),
            about: "left out, each model is told to think as little as it can be told to",
        },
        Setting {
            name: "effort",
            form: Form::OneOf(&["low", "medium", "high", "xhigh", "max"]),
            about: "`low`, for models that have it",
        },
        Setting {
            name: "cache_ttl",
            form: Form::OneOf(&["5m", "1h"]),
            about: "how long the prompt is kept where the bot's `prompt_parts.cache_enabled` is on; 5m. Writing for 1h costs twice the price of input, for 5m a quarter more",
        },
        Setting {
            name: "omit",
            form: Form::SomeOf(ANTHROPIC_OPTIONAL_FIELDS),
            about: "fields to leave out; those that a server refuses by name are left out by themselves",
        },
    ],
    key_check: Some(KeyCheck { path: &["v1", "models"], header: "x-api-key", prefix: "" }),
    figures: Figures {
        price: Some(
            "`claude-haiku-5-5` 0.10 USD in, 0.01 cached, 0.50 out per million tokens, of prompts over 100,000 tokens five times that; `claude-sonnet-5-5` 2, 0.20, 10 (the vendor, October 2026)",
        ),
        latency_ms: None,
        limits: Some(
            "by the account; a prompt of fewer than 512 to 4096 tokens, by the model, is not cached, and the vendor does not say so",
        ),
    },
};

/// Headers that a vendor wants with every request, besides that of the key.
const FIXED_HEADERS: &[(&str, &str, &str)] =
    &[(ANTHROPIC.name, "anthropic-version", "2023-06-01"), ("cartesia", "cartesia-version", "2026-03-01")];

impl Vendor {
    /// Headers that belong to every request, [`KeyCheck`]'s too.
    pub fn fixed_headers(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let name = self.name;
        FIXED_HEADERS
            .iter()
            .filter(move |(vendor, ..)| *vendor == name)
            .map(|(_, header, value)| (*header, *value))
    }
}

/// Google's Gemini API.
pub const GEMINI: Vendor = Vendor {
    kind: Kind::LanguageModel,
    name: "gemini",
    title: "Google Gemini API (`streamGenerateContent`)",
    key: Key::UnlessOwnServer,
    home: "https://generativelanguage.googleapis.com",
    model: "gemini-3.5-flash-lite",
    models: GEMINI_MODELS,
    voice: VoiceRule::None,
    languages: &[],
    abilities: &[Ability::Tools, Ability::UsageTold, Ability::CachedTokens, Ability::ReasoningShown],
    settings: &[
        Setting { name: "base_url", form: Form::Address, about: "another server that speaks this protocol" },
        THINKING_LEVEL,
        THINKING_BUDGET,
        SAFETY,
        CACHE_MINUTES,
    ],
    key_check: Some(KeyCheck { path: &["v1beta", "models"], header: "x-goog-api-key", prefix: "" }),
    figures: Figures {
        price: Some(
            "`gemini-3.5-flash-lite` 0.30 USD in, 0.03 cached, 2.50 out per million tokens; `gemini-3.8-flash` 0.75, 0.075, 3.75 (a price table of November 2026)",
        ),
        latency_ms: None,
        limits: Some(
            "by the account, told by nothing before they are passed; models are answered by newer ones from a date that the vendor sets",
        ),
    },
};

/// Google's Vertex AI.
pub const VERTEX: Vendor = Vendor {
    kind: Kind::LanguageModel,
    name: "vertex",
    title: "Google Vertex AI (`streamGenerateContent`)",
    key: Key::Always,
    home: "https://aiplatform.googleapis.com",
    model: "gemini-3.5-flash-lite",
    models: GEMINI_MODELS,
    voice: VoiceRule::None,
    languages: &[],
    abilities: &[Ability::Tools, Ability::UsageTold, Ability::CachedTokens, Ability::ReasoningShown],
    settings: &[
        Setting {
            name: "location",
            form: Form::Text,
            about: "where the model runs: `global`, which is the default and has every model, `us` or `eu`, or a region such as `europe-west4`, which has the older ones",
        },
        Setting { name: "project", form: Form::Text, about: "the project that pays; that of the key file" },
        Setting { name: "base_url", form: Form::Address, about: "another address than that of the location" },
        THINKING_LEVEL,
        THINKING_BUDGET,
        SAFETY,
        CACHE_MINUTES,
    ],
    key_check: None,
    figures: Figures {
        price: Some("as `gemini`, by the vendor's own list for Vertex"),
        latency_ms: None,
        limits: Some("by the project; its `api_key` is the whole JSON of a service account's key file"),
    },
};

/// Longest key file, bytes; a service account's has about 2,400.
pub const KEY_FILE_BYTES_MAX: usize = 8192;

impl Vendor {
    /// Whether its key is a whole file, the JSON of a service account.
    pub fn takes_key_file(&self) -> bool {
        self.name == VERTEX.name
    }

    /// Why a text is no key file that it takes.
    pub(super) fn key_file_fault(&self, text: &str) -> Option<String> {
        if !self.takes_key_file() {
            return None;
        }
        let file: serde_json::Value = serde_json::from_str(text.trim()).unwrap_or_default();
        let lacks = ["client_email", "private_key"].into_iter().find(|name| !file[*name].is_string());
        let wanted = format!("{}: must be the whole JSON of a service account's key file", self.name);
        lacks.map(|name| if file.is_object() { format!("{wanted}; it has no `{name}`") } else { wanted })
    }
}

/// The host that serves a location.
pub fn vertex_host(location: &str) -> String {
    match location {
        "global" | "" => "aiplatform.googleapis.com".to_owned(),
        "us" | "eu" => format!("aiplatform.{location}.rep.googleapis.com"),
        region => format!("{region}-aiplatform.googleapis.com"),
    }
}

const GEMINI_MODELS: &[&str] = &[
    "gemini-3.8-flash",
    "gemini-3.6-flash",
    "gemini-3.1-flash-lite",
    "gemini-2.5-flash-lite",
    "gemini-2.5-flash",
    "gemini-2.5-pro",
];
const THINKING_LEVEL: Setting = Setting {
    name: "thinking_level",
    form: Form::OneOf(&["minimal", "low", "medium", "high", "xhigh"]),
    about: "of models from 3 on; left out, each model is told to think as little as it can be told to",
};
const THINKING_BUDGET: Setting = Setting {
    name: "thinking_budget",
    form: Form::Number(-1.0, 32_768.0),
    about: "tokens, of models before 3: 0 is off, -1 is as it likes; `thinking_level` goes before it",
};
const CACHE_MINUTES: Setting = Setting {
    name: "cache_minutes",
    form: Form::Number(0.0, 1440.0),
    about: "how long the vendor keeps the static part of the prompt and the tools (`cachedContents`) after their last use, where the bot's `prompt_parts.cache_enabled` is on; 60, and 0 for not at all. It costs storage by the token and hour, and what it keeps is read at the price of cached tokens",
};
const SAFETY: Setting = Setting {
    name: "safety",
    form: Form::OneOf(&[
        "BLOCK_NONE",
        "OFF",
        "BLOCK_ONLY_HIGH",
        "BLOCK_MEDIUM_AND_ABOVE",
        "BLOCK_LOW_AND_ABOVE",
    ]),
    about: "from which probability on harassment, hatred, sexual and dangerous content are held back; the vendor's own",
};

/// The value of `extra.api` for OpenAI's Responses.
pub const RESPONSES: &str = "responses";

/// OpenAI's Chat Completions and Responses, and every server that speaks them.
pub const OPENAI: Vendor = Vendor {
    kind: Kind::LanguageModel,
    name: "openai",
    title: "OpenAI (Chat Completions and Responses) and every server that speaks Chat Completions",
    key: Key::UnlessOwnServer,
    home: "https://api.openai.com/v1",
    model: "gpt-5.4-mini",
    models: &["gpt-5.4", "gpt-5.4-nano", "gpt-5.5", "gpt-5.6-luna", "gpt-6-luna", "gpt-6-sol"],
    voice: VoiceRule::None,
    languages: &[],
    abilities: &[Ability::Tools, Ability::UsageTold, Ability::CachedTokens, Ability::ReasoningShown],
    settings: &[
        CHAT_ADDRESS,
        Setting {
            name: "api",
            form: Form::OneOf(&["chat", RESPONSES]),
            about: "`chat` for Chat Completions, which every server speaks; `responses` for OpenAI's newer interface, with the same models and prices",
        },
        EFFORT,
        VERBOSITY,
        SERVICE_TIER,
        OMIT,
        LEGACY_MAX_TOKENS,
    ],
    key_check: Some(KeyCheck { path: &["models"], header: "authorization", prefix: "Bearer " }),
    figures: Figures {
        price: Some(
            "`gpt-5.4-mini` 0.75 USD in, 0.075 cached, 4.50 out per million tokens; `gpt-6-luna` 0.10, 0.01, 0.50; from the 5.6 family on writing to the cache costs a quarter more than input (a price table of November 2026)",
        ),
        latency_ms: None,
        limits: Some("by the account; other servers have their own"),
    },
};

/// Groq, which speaks Chat Completions.
pub const GROQ: Vendor = Vendor {
    kind: Kind::LanguageModel,
    name: "groq",
    title: "Groq (Chat Completions)",
    key: Key::UnlessOwnServer,
    home: "https://api.groq.com/openai/v1",
    model: "openai/gpt-oss-20b",
    models: &["openai/gpt-oss-120b"],
    voice: VoiceRule::None,
    languages: &[],
    abilities: &[Ability::Tools, Ability::UsageTold, Ability::CachedTokens, Ability::ReasoningShown],
    settings: &[CHAT_ADDRESS, EFFORT, VERBOSITY, SERVICE_TIER, OMIT, LEGACY_MAX_TOKENS],
    key_check: Some(KeyCheck { path: &["models"], header: "authorization", prefix: "Bearer " }),
    figures: Figures {
        price: Some(
            "`openai/gpt-oss-20b` 0.075 USD in, 0.0375 cached, 0.30 out per million tokens; `openai/gpt-oss-120b` 0.15, 0.075, 0.60 (the vendor, 2026)",
        ),
        latency_ms: None,
        limits: Some(
            "on the developer plan 1,000 requests and 250,000 tokens a minute, for each model (the vendor, 2026)",
        ),
    },
};

const CHAT_ADDRESS: Setting = Setting {
    name: "base_url",
    form: Form::Address,
    about: "another server: with or without `/v1`, a slash at the end, or the whole path",
};
const EFFORT: Setting = Setting {
    name: "reasoning_effort",
    form: Form::Text,
    about: "passed on; models of OpenAI that reason are told to do so least",
};
const VERBOSITY: Setting = Setting { name: "verbosity", form: Form::Text, about: "passed on" };
const SERVICE_TIER: Setting = Setting { name: "service_tier", form: Form::Text, about: "passed on" };
const OMIT: Setting = Setting {
    name: "omit",
    form: Form::SomeOf(OPENAI_OPTIONAL_FIELDS),
    about: "fields to leave out; those that a server refuses by name are left out by themselves",
};
const LEGACY_MAX_TOKENS: Setting = Setting {
    name: "legacy_max_tokens",
    form: Form::Flag,
    about: "send `max_tokens` instead of `max_completion_tokens`",
};

/// Fields of Chat Completions that a vendor does not document, and that are left out from the first request on.
const UNDOCUMENTED: &[(&str, &[&str])] =
    &[(GROQ.name, &["include_obfuscation", "prompt_cache_key", "store"])];

impl Vendor {
    /// What is left out of every request to it, whatever a bot's `omit` says.
    pub fn undocumented_fields(&self) -> &'static [&'static str] {
        UNDOCUMENTED.iter().find(|(vendor, _)| *vendor == self.name).map_or(&[], |(_, fields)| fields)
    }
}

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
