//! Who plays the recogniser, the model and the voice: scripts of the test kit's vendors with the same delays for all of a kind, and what a
//! bot's config says of each.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vox_testkit::vendor::{
    anthropic, assemblyai, aura, bulbul, cartesia, chatterbox, deepgram, elevenlabs, flux, gemini, openai,
    resemble, sarvam, soniox, soniox_voices, speaking::Speaking, speech, transcription,
};

/// From `Finalize`, or from what the vendor takes for the end of an utterance, to the final transcript.
pub(super) const RECOGNISER_FINAL_MS: u64 = 100;
pub(super) const MODEL_FIRST_TOKEN_MS: u64 = 200;
pub(super) const MODEL_PER_TOKEN_MS: u64 = 20;
/// From a reply's first text to its first audio.
pub(super) const VOICE_FIRST_AUDIO_MS: u64 = 120;
/// Silence after which the recogniser itself would make a text final: longer than the bot's own wait, so that every
/// turn pays the recogniser's delay in full and the sum of the delays is the same for every turn.
const RECOGNISER_ENDPOINT_MS: u32 = 1_000;
/// How every reply begins: the piece that the voice gets first.
pub(super) const FIRST_SENTENCE: &str = "Yes, of course.";
/// What the recogniser makes of the callers' speech, and the rest of the bot's answer to it. Neighbours differ, because
/// a bot that repeats itself ends the call, and share no words, because an echo of the bot does not interrupt it.
pub(super) const TALK: [(&str, &str); 4] = [
    ("What time does your shop close today?", "We are there until six."),
    ("Could somebody deliver a parcel tomorrow?", "Only if it gets here early."),
    ("Please tell me how much everything costs.", "Twelve, or seven for a small one."),
    ("I would like another kind, in blue.", "There are three left here."),
];

/// Where a scripted vendor listens, and for whom.
#[derive(Debug, Deserialize)]
pub(super) struct Announcement {
    pub url: String,
    pub api_key: String,
}

/// A vendor in one of the three parts.
#[derive(Debug)]
pub(crate) struct Part {
    /// `provider` of the bot's section, and what else tells it from its like.
    pub name: &'static str,
    /// As the test kit's program knows it.
    pub(super) server: &'static str,
    pub(super) script: fn() -> Value,
    /// The section of the bot's config.
    pub(super) section: fn(&Announcement) -> Value,
}

/// Who plays what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cast {
    pub recogniser: &'static Part,
    pub model: &'static Part,
    pub voice: &'static Part,
}

impl Cast {
    /// That of all benchmarks that are not about vendors.
    pub(crate) const USUAL: Self = Self { recogniser: &RECOGNISERS[0], model: &MODELS[0], voice: &VOICES[0] };
}

/// All recognisers, the usual one first.
pub(crate) static RECOGNISERS: [Part; 7] = [
    Part {
        name: "deepgram",
        server: "deepgram",
        script: || {
            script(deepgram::Script {
                final_delay_ms: RECOGNISER_FINAL_MS,
                ..deepgram::Script::saying(questions())
            })
        },
        section: |at| {
            json!({"provider": "deepgram", "api_key": at.api_key, "model": "nova-3", "language": "en",
                   "extra": {"base_url": at.url, "endpointing": RECOGNISER_ENDPOINT_MS}})
        },
    },
    Part {
        name: "deepgram_flux",
        server: "flux",
        script: || {
            script(flux::Script { delay_ms: RECOGNISER_FINAL_MS, ..flux::Script::saying(questions()) })
        },
        section: |at| {
            json!({"provider": "deepgram_flux", "api_key": at.api_key, "language": "en",
                   "extra": {"base_url": at.url, "force_end_turn": true}})
        },
    },
    Part {
        name: "soniox",
        server: "soniox",
        script: || {
            script(soniox::Script { delay_ms: RECOGNISER_FINAL_MS, ..soniox::Script::saying(questions()) })
        },
        section: |at| recogniser("soniox", at),
    },
    Part {
        name: "assemblyai",
        server: "assemblyai",
        script: || {
            script(assemblyai::Script {
                delay_ms: RECOGNISER_FINAL_MS,
                ..assemblyai::Script::saying(questions())
            })
        },
        section: |at| recogniser("assemblyai", at),
    },
    Part { name: "sarvam", server: "sarvam", script: sarvam_script, section: |at| recogniser("sarvam", at) },
    Part {
        name: "sarvam_realtime",
        server: "sarvam",
        script: sarvam_script,
        section: |at| recogniser("sarvam_realtime", at),
    },
    Part {
        name: "openai",
        server: "transcription",
        script: || {
            script(transcription::Script {
                delay_ms: RECOGNISER_FINAL_MS,
                ..transcription::Script::saying(questions())
            })
        },
        section: |at| {
            json!({"provider": "openai", "api_key": at.api_key, "model": "whisper-1", "language": "en",
                   "extra": {"base_url": at.url}})
        },
    },
];

/// All models, the usual one first.
pub(crate) static MODELS: [Part; 6] = [
    Part {
        name: "openai",
        server: "openai",
        script: openai_script,
        section: |at| model("openai", at, json!({"base_url": format!("{}/v1", at.url)})),
    },
    Part {
        name: "openai, api: responses",
        server: "openai",
        script: openai_script,
        section: |at| model("openai", at, json!({"base_url": format!("{}/v1", at.url), "api": "responses"})),
    },
    Part {
        name: "anthropic",
        server: "anthropic",
        script: || {
            let (rules, default) = talk();
            let (first_token_ms, per_token_ms) = (MODEL_FIRST_TOKEN_MS, MODEL_PER_TOKEN_MS);
            script(anthropic::Script {
                rules,
                default,
                first_token_ms,
                per_token_ms,
                ..anthropic::Script::default()
            })
        },
        section: |at| json!({"provider": "anthropic", "api_key": at.api_key, "extra": {"base_url": at.url}}),
    },
    Part {
        name: "gemini",
        server: "gemini",
        script: gemini_script,
        section: |at| json!({"provider": "gemini", "api_key": at.api_key, "extra": {"base_url": at.url}}),
    },
    Part {
        name: "vertex",
        server: "gemini",
        script: gemini_script,
        // The same server gives the tokens of the account.
        section: |at| {
            json!({"provider": "vertex", "api_key": gemini::service_account(&at.url),
                   "extra": {"base_url": at.url, "location": gemini::LOCATION}})
        },
    },
    Part {
        name: "groq",
        server: "openai",
        script: openai_script,
        section: |at| model("groq", at, json!({"base_url": format!("{}/v1", at.url)})),
    },
];

fn gemini_script() -> Value {
    let (rules, default) = talk();
    let (first_token_ms, per_token_ms) = (MODEL_FIRST_TOKEN_MS, MODEL_PER_TOKEN_MS);
    script(gemini::Script { rules, default, first_token_ms, per_token_ms, ..gemini::Script::default() })
}

/// All voices, the usual one first.
pub(crate) static VOICES: [Part; 10] = [
    Part {
        name: "elevenlabs",
        server: "elevenlabs",
        script: elevenlabs_script,
        section: |at| {
            json!({"provider": "elevenlabs", "api_key": at.api_key, "model": "eleven_flash_v2_5",
                   "voice": "21m00Tcm4TlvDq8ikWAM", "extra": {"base_url": at.url}})
        },
    },
    Part {
        name: "elevenlabs_http",
        server: "elevenlabs",
        script: elevenlabs_script,
        section: |at| voice("elevenlabs_http", "21m00Tcm4TlvDq8ikWAM", at),
    },
    Part {
        name: "cartesia",
        server: "cartesia",
        script: || script(cartesia::Script { speaking: speaking(), ..cartesia::Script::default() }),
        section: |at| voice("cartesia", "a0e99841-438c-4a64-b679-ae501e7d6091", at),
    },
    Part {
        name: "deepgram",
        server: "aura",
        script: || script(aura::Script { speaking: speaking(), ..aura::Script::default() }),
        section: |at| voice("deepgram", "", at),
    },
    Part {
        name: "deepgram_flux",
        server: "aura",
        script: || script(aura::Script { speaking: speaking(), ..aura::Script::default() }),
        section: |at| voice("deepgram_flux", "", at),
    },
    Part {
        name: "sarvam",
        server: "bulbul",
        script: || script(bulbul::Script { speaking: speaking(), ..bulbul::Script::default() }),
        section: |at| voice("sarvam", "shubh", at),
    },
    Part {
        name: "soniox",
        server: "soniox-voices",
        script: || script(soniox_voices::Script { speaking: speaking(), ..soniox_voices::Script::default() }),
        section: |at| voice("soniox", "Adrian", at),
    },
    Part {
        name: "resemble",
        server: "resemble",
        script: || script(resemble::Script { speaking: speaking(), ..resemble::Script::default() }),
        section: |at| voice("resemble", "abcd1234", at),
    },
    Part {
        name: "openai",
        server: "speech",
        script: || script(speech::Script { speaking: speaking(), ..speech::Script::default() }),
        section: |at| {
            json!({"provider": "openai", "api_key": at.api_key, "voice": "alloy",
                   "extra": {"base_url": format!("{}/v1", at.url)}})
        },
    },
    Part {
        name: "chatterbox",
        server: "chatterbox",
        script: || script(chatterbox::Script { speaking: speaking(), ..chatterbox::Script::default() }),
        section: |at| voice("chatterbox", "default_female_1", at),
    },
];

fn voice(provider: &str, voice: &str, at: &Announcement) -> Value {
    json!({"provider": provider, "api_key": at.api_key, "voice": voice, "extra": {"base_url": at.url}})
}

fn speaking() -> Speaking {
    Speaking { first_audio_ms: VOICE_FIRST_AUDIO_MS, ..Speaking::default() }
}

fn elevenlabs_script() -> Value {
    script(elevenlabs::Script { first_audio_ms: VOICE_FIRST_AUDIO_MS, ..elevenlabs::Script::default() })
}

fn script(script: impl Serialize) -> Value {
    serde_json::to_value(script).expect("scripts are plain data")
}

fn questions() -> [&'static str; 4] {
    TALK.map(|(question, _)| question)
}

fn sarvam_script() -> Value {
    script(sarvam::Script { delay_ms: RECOGNISER_FINAL_MS, ..sarvam::Script::saying(questions()) })
}

fn talk() -> (Vec<openai::Rule>, openai::Reply) {
    let rule = |(question, answer): (&str, &str)| openai::Rule {
        when: openai::When { contains: Some(question.to_owned()), ..openai::When::default() },
        say: format!("{FIRST_SENTENCE} {answer}"),
        ..openai::Rule::default()
    };
    let otherwise =
        openai::Reply { say: format!("{FIRST_SENTENCE} You said: {{user}}"), ..openai::Reply::default() };
    (TALK.map(rule).into(), otherwise)
}

fn openai_script() -> Value {
    let (rules, default) = talk();
    let (first_token_ms, per_token_ms) = (MODEL_FIRST_TOKEN_MS, MODEL_PER_TOKEN_MS);
    script(openai::Script { rules, default, first_token_ms, per_token_ms, ..openai::Script::default() })
}

fn recogniser(provider: &str, at: &Announcement) -> Value {
    json!({"provider": provider, "api_key": at.api_key, "language": "en", "extra": {"base_url": at.url}})
}

/// A model of OpenAI's protocols.
fn model(provider: &str, at: &Announcement, extra: Value) -> Value {
    json!({"provider": provider, "api_key": at.api_key, "model": "gpt-5.4-mini", "extra": extra})
}
