//! The three scripted vendors as processes of their own, with delays that are known.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};
use vox_caller::Spread;

use super::BenchError;
use vox_testkit::vendor::{deepgram, elevenlabs, openai};

/// From `Finalize` to the final transcript.
const RECOGNISER_FINAL_MS: u64 = 100;
const MODEL_FIRST_TOKEN_MS: u64 = 200;
const MODEL_PER_TOKEN_MS: u64 = 20;
/// From a reply's first text to its first audio.
const VOICE_FIRST_AUDIO_MS: u64 = 120;
/// Silence after which the bot takes the caller's turn as over: the default of a complete sentence.
pub(super) const ENDPOINT_MS: f64 = 350.0;
/// Silence after which the recogniser itself would make a text final: longer than the bot's own wait, so that every
/// turn pays the recogniser's delay in full and the sum of the delays is the same for every turn.
const RECOGNISER_ENDPOINT_MS: u32 = 1_000;
/// A scripted vendor says where it listens within this.
const START_DEADLINE: Duration = Duration::from_secs(20);
const ANSWER_DEADLINE: Duration = Duration::from_secs(10);
/// Answers from which the model's delay is taken.
const CALIBRATIONS: usize = 9;

/// The same for every caller, so it is kept as sound.
const GREETING: &str = "Hello, this is the shop. How can I help?";
/// How every reply begins: the piece that the voice gets first.
const FIRST_SENTENCE: &str = "Yes, of course.";
/// What the recogniser makes of the callers' speech, and the rest of the bot's answer to it. Neighbours differ, because
/// a bot that repeats itself ends the call, and share no words, because an echo of the bot does not interrupt it.
const TALK: [(&str, &str); 4] = [
    ("What time does your shop close today?", "We are there until six."),
    ("Could somebody deliver a parcel tomorrow?", "Only if it gets here early."),
    ("Please tell me how much everything costs.", "Twelve, or seven for a small one."),
    ("I would like another kind, in blue.", "There are three left here."),
];

/// The delays that are no doing of the platform's, milliseconds. All turns have the same.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Delays {
    /// The bot's own wait for the caller to go on.
    pub endpoint_ms: f64,
    pub recogniser_ms: f64,
    /// From the question to the first sentence with the token after it, without which no sentence is known to be over.
    pub model_ms: f64,
    pub voice_ms: f64,
}

impl Delays {
    /// Together.
    pub fn sum_ms(&self) -> f64 {
        self.endpoint_ms + self.recogniser_ms + self.model_ms + self.voice_ms
    }
}

/// The vendors, and the config of a bot that uses them.
pub(crate) struct Vendors {
    recogniser: Vendor,
    model: Vendor,
    voice: Vendor,
}

struct Vendor {
    child: Child,
    at: Announcement,
}

#[derive(Deserialize)]
struct Announcement {
    url: String,
    api_key: String,
}

impl Vendors {
    /// Start the three with the program `testkit`; their scripts are written to `dir`.
    pub(crate) async fn start(testkit: &Path, dir: &Path) -> Result<Self, BenchError> {
        let (recogniser, model, voice) = scripts();
        Ok(Self {
            recogniser: Vendor::start(testkit, "deepgram", write(dir, "deepgram", &recogniser)?).await?,
            model: Vendor::start(testkit, "openai", write(dir, "openai", &model)?).await?,
            voice: Vendor::start(testkit, "elevenlabs", write(dir, "elevenlabs", &voice)?).await?,
        })
    }

    /// The processes.
    pub(crate) fn pids(&self) -> Vec<u32> {
        [&self.recogniser, &self.model, &self.voice]
            .into_iter()
            .filter_map(|vendor| vendor.child.id())
            .collect()
    }

    /// The runtime config of every call, without its session.
    pub(crate) fn config(&self) -> Value {
        let endpoint_secs = ENDPOINT_MS / 1_000.0;
        json!({
            "webhook_url": "",
            "system_prompt": "You answer the telephone of a shop. Be brief.",
            "opening_message": GREETING,
            "stable_phrases": [GREETING],
            "max_call_duration_seconds": 24 * 3_600,
            "turn": {"complete_secs": endpoint_secs, "incomplete_secs": endpoint_secs},
            "stt": {
                "provider": "deepgram", "api_key": self.recogniser.at.api_key, "model": "nova-3", "language": "en",
                "extra": {"base_url": self.recogniser.at.url, "endpointing": RECOGNISER_ENDPOINT_MS}
            },
            "llm": {
                "provider": "openai", "api_key": self.model.at.api_key, "model": "gpt-5.4-mini",
                "extra": {"base_url": format!("{}/v1", self.model.at.url)}
            },
            "tts": {
                "provider": "elevenlabs", "api_key": self.voice.at.api_key, "model": "eleven_flash_v2_5",
                "voice": "21m00Tcm4TlvDq8ikWAM", "extra": {"base_url": self.voice.at.url}
            }
        })
    }

    /// Where they are, for a bot that is not ours.
    pub(crate) fn settings(&self) -> Vec<(&'static str, String)> {
        let address = |vendor: &Vendor| vendor.at.url.clone();
        vec![
            ("BENCH_RECOGNISER_URL", address(&self.recogniser)),
            ("BENCH_RECOGNISER_KEY", self.recogniser.at.api_key.clone()),
            ("BENCH_MODEL_URL", address(&self.model)),
            ("BENCH_MODEL_KEY", self.model.at.api_key.clone()),
            ("BENCH_VOICE_URL", address(&self.voice)),
            ("BENCH_VOICE_KEY", self.voice.at.api_key.clone()),
            ("BENCH_GREETING", GREETING.to_owned()),
            ("BENCH_ENDPOINT_SECONDS", (ENDPOINT_MS / 1_000.0).to_string()),
        ]
    }

    /// The delays as a client on the idle machine sees them. The model's is measured, because the timers of its tokens
    /// add up.
    pub(super) async fn delays(&self) -> Result<Delays, BenchError> {
        // Whoever was first is as good: there is one provider in this program.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().timeout(ANSWER_DEADLINE).build()?;
        let mut seen = Vec::with_capacity(CALIBRATIONS);
        for _ in 0..CALIBRATIONS {
            seen.push(self.time_of_first_sentence(&client).await?);
        }
        Ok(Delays {
            endpoint_ms: ENDPOINT_MS,
            recogniser_ms: RECOGNISER_FINAL_MS as f64,
            model_ms: Spread::of(seen).p50,
            voice_ms: VOICE_FIRST_AUDIO_MS as f64,
        })
    }

    async fn time_of_first_sentence(&self, client: &reqwest::Client) -> Result<f64, BenchError> {
        let question = json!({"model": "gpt-5.4-mini", "stream": true, "messages": [{"role": "user", "content": TALK[0].0}]});
        let url = format!("{}/v1/chat/completions", self.model.at.url);
        let asked = Instant::now();
        let answer = client.post(url).bearer_auth(&self.model.at.api_key).json(&question).send().await?;
        let mut pieces = answer.error_for_status()?.bytes_stream();
        let (mut events, mut text) = (String::new(), String::new());
        while let Some(piece) = pieces.next().await {
            events.push_str(&String::from_utf8_lossy(&piece?));
            while let Some(end) = events.find("\n\n") {
                text.push_str(&content(&events[..end]));
                events.drain(..end + 2);
            }
            if text.len() > FIRST_SENTENCE.len() {
                return Ok(asked.elapsed().as_secs_f64() * 1_000.0);
            }
        }
        Err(BenchError::NoSentence)
    }
}

/// The text of one server-sent event of the model.
fn content(event: &str) -> String {
    let chunk: Value =
        event.strip_prefix("data: ").and_then(|data| serde_json::from_str(data).ok()).unwrap_or_default();
    chunk["choices"][0]["delta"]["content"].as_str().unwrap_or_default().to_owned()
}

fn scripts() -> (deepgram::Script, openai::Script, elevenlabs::Script) {
    let recogniser = deepgram::Script {
        final_delay_ms: RECOGNISER_FINAL_MS,
        ..deepgram::Script::saying(TALK.map(|(question, _)| question))
    };
    let rule = |(question, answer): (&str, &str)| openai::Rule {
        when: openai::When { contains: Some(question.to_owned()), ..openai::When::default() },
        say: format!("{FIRST_SENTENCE} {answer}"),
        ..openai::Rule::default()
    };
    let otherwise =
        openai::Reply { say: format!("{FIRST_SENTENCE} You said: {{user}}"), ..openai::Reply::default() };
    let model = openai::Script {
        rules: TALK.map(rule).into(),
        default: otherwise,
        first_token_ms: MODEL_FIRST_TOKEN_MS,
        per_token_ms: MODEL_PER_TOKEN_MS,
        ..openai::Script::default()
    };
    let voice = elevenlabs::Script { first_audio_ms: VOICE_FIRST_AUDIO_MS, ..elevenlabs::Script::default() };
    (recogniser, model, voice)
}

fn write<S: Serialize>(dir: &Path, vendor: &str, script: &S) -> io::Result<PathBuf> {
    let path = dir.join(format!("{vendor}.json"));
    fs::write(&path, serde_json::to_vec_pretty(script)?)?;
    Ok(path)
}

impl Vendor {
    async fn start(testkit: &Path, name: &'static str, script: PathBuf) -> Result<Self, BenchError> {
        let mut child = Command::new(testkit)
            .args(["serve", name, "--until-eof", "--script"])
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| BenchError::Spawn { program: testkit.to_path_buf(), source })?;
        let output = child.stdout.take().expect("its output is piped");
        let mut lines = BufReader::new(output).lines();
        let line = timeout(START_DEADLINE, lines.next_line()).await;
        let at = match line {
            Ok(Ok(Some(line))) => serde_json::from_str(&line).ok(),
            _ => None,
        };
        let at = at.ok_or(BenchError::SilentVendor(name))?;
        Ok(Self { child, at })
    }
}
