//! Transcription over HTTP.

use super::KEYTERMS;
use crate::catalogue::{Ability, Figures, Form, Key, KeyCheck, Kind, Setting, Vendor, VoiceRule};

/// OpenAI's transcription and every server that speaks it.
pub const TRANSCRIPTION: Vendor = Vendor {
    kind: Kind::Recogniser,
    name: "openai",
    title: "OpenAI's transcription and every server that speaks it, such as Whisper on a machine of your own (`/audio/transcriptions`)",
    key: Key::UnlessOwnServer,
    home: "https://api.openai.com/v1",
    model: "gpt-transcribe",
    models: &["whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe", "whisper-large-v3-turbo"],
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
        Setting {
            name: "base_url",
            form: Form::Address,
            about: "another server: with or without `/v1`, or the whole path; Groq is `https://api.groq.com/openai/v1`",
        },
        Setting {
            name: "keyterms",
            form: KEYTERMS,
            about: "names and terms to expect; they go into the prompt",
        },
        Setting { name: "prompt", form: Form::Text, about: "what the call is about" },
        Setting {
            name: "response_format",
            form: Form::OneOf(&["json", "verbose_json"]),
            about: "verbose_json for models with `whisper` in their name, else json, which has no times of words",
        },
        Setting {
            name: "silence_duration_ms",
            form: Form::Whole(200, 2_000),
            about: "silence that ends a segment, which is one request; 400",
        },
        Setting {
            name: "interim_ms",
            form: Form::Timer { most_ms: 10_000 },
            about: "how often a segment that goes on is transcribed so far, each time a request more; 2000; without it the words so far are asked for when a caller has spoken for 4 s",
        },
    ],
    key_check: Some(KeyCheck { path: &["models"], header: "authorization", prefix: "Bearer " }),
    figures: Figures {
        price: Some(
            "USD 0.0045 a minute with gpt-transcribe, 0.006 with whisper-1 (2026-08, 2026-11); Groq 0.000667, 10 s at least for each request (2026-08); your own server: its machine",
        ),
        latency_ms: None,
        limits: Some(
            "a request for each segment, so words come when a pause was heard; whisper-1 and the 4o models end 2027-02-26; P99 2.01 s (Pipecat's constant, 2026-10)",
        ),
    },
};
