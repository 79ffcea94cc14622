//! The three scripted vendors as processes of their own, with delays that are known.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use futures_util::StreamExt as _;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};
use vox_caller::Spread;

use super::{
    BenchError,
    tls::{Front, Identity},
};

mod parts;

use parts::{
    Announcement, FIRST_SENTENCE, MODEL_FIRST_TOKEN_MS, MODEL_PER_TOKEN_MS, RECOGNISER_FINAL_MS, TALK,
    VOICE_FIRST_AUDIO_MS,
};
pub(crate) use parts::{Cast, MODELS, Part, RECOGNISERS, VOICES};

/// Silence after which the bot takes the caller's turn as over: the default of a complete sentence.
pub(super) const ENDPOINT_MS: f64 = 350.0;
/// A scripted vendor says where it listens within this.
const START_DEADLINE: Duration = Duration::from_secs(20);
const ANSWER_DEADLINE: Duration = Duration::from_secs(10);
/// Answers from which the model's delay is taken.
const CALIBRATIONS: usize = 9;

/// The same for every caller, so it is kept as sound.
const GREETING: &str = "Hello, this is the shop. How can I help?";
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
    fn with_model(model_ms: f64) -> Self {
        let (recogniser_ms, voice_ms) = (RECOGNISER_FINAL_MS as f64, VOICE_FIRST_AUDIO_MS as f64);
        Self { endpoint_ms: ENDPOINT_MS, recogniser_ms, model_ms, voice_ms }
    }

    /// Together.
    pub fn sum_ms(&self) -> f64 {
        self.endpoint_ms + self.recogniser_ms + self.model_ms + self.voice_ms
    }
}

/// The vendors, and the config of a bot that uses them.
pub(crate) struct Vendors {
    cast: Cast,
    recogniser: Vendor,
    model: Vendor,
    voice: Vendor,
}

struct Vendor {
    child: Child,
    at: Announcement,
    /// The same without TLS, for this program's own questions.
    bare_url: String,
    /// TLS before it.
    _front: Option<Front>,
}

impl Vendors {
    /// Start the three with the program `testkit`; their scripts are written to `dir`. With a certificate they are behind TLS.
    pub(crate) async fn start(
        testkit: &Path,
        dir: &Path,
        (cast, identity): (Cast, Option<&Identity>),
    ) -> Result<Self, BenchError> {
        let start = async |part: &'static Part, role: &str| -> Result<Vendor, BenchError> {
            let vendor = Vendor::start(testkit, part.server, write(dir, role, &(part.script)())?).await?;
            vendor.behind(identity).await
        };
        Ok(Self {
            cast,
            recogniser: start(cast.recogniser, "recogniser").await?,
            model: start(cast.model, "model").await?,
            voice: start(cast.voice, "voice").await?,
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
            "stt": (self.cast.recogniser.section)(&self.recogniser.at),
            "llm": (self.cast.model.section)(&self.model.at),
            "tts": (self.cast.voice.section)(&self.voice.at)
        })
    }

    /// The same with all that a careful operator configures: two fall-backs for each part, and two tools.
    pub(crate) fn laden_config(&self) -> Value {
        let mut config = self.config();
        for part in ["stt", "llm", "tts"] {
            let again = config[part].clone();
            config[part]["fallbacks"] = json!([again, again]);
        }
        let number =
            json!({"type": "object", "required": ["number"], "properties": {"number": {"type": "string"}}});
        config["tools"] = json!([
            {"name": "end_call", "description": "", "parameters": null},
            {"name": "find_order", "description": "Finds an order by its number.", "parameters": number,
             "http": {"method": "GET", "url": "https://shop.example.com/orders/{{number}}"}}
        ]);
        config
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

    /// The delays as a client on the idle machine sees them. The usual model's is measured, because the timers of its tokens
    /// add up; another's is what its script says.
    pub(super) async fn delays(&self) -> Result<Delays, BenchError> {
        if !std::ptr::eq(self.cast.model, Cast::USUAL.model) {
            // The first sentence is certain when a token has come behind its words.
            let tokens = FIRST_SENTENCE.split(' ').count() as u64;
            let model_ms = MODEL_FIRST_TOKEN_MS + MODEL_PER_TOKEN_MS * tokens;
            return Ok(Delays::with_model(model_ms as f64));
        }
        // Whoever was first is as good: there is one provider in this program.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().timeout(ANSWER_DEADLINE).build()?;
        let mut seen = Vec::with_capacity(CALIBRATIONS);
        for _ in 0..CALIBRATIONS {
            seen.push(self.time_of_first_sentence(&client).await?);
        }
        Ok(Delays::with_model(Spread::of(seen).p50))
    }

    async fn time_of_first_sentence(&self, client: &reqwest::Client) -> Result<f64, BenchError> {
        let question = json!({"model": "gpt-5.4-mini", "stream": true, "messages": [{"role": "user", "content": TALK[0].0}]});
        let url = format!("{}/v1/chat/completions", self.model.bare_url);
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
        let at: Announcement = at.ok_or(BenchError::SilentVendor(name))?;
        Ok(Self { child, bare_url: at.url.clone(), at, _front: None })
    }

    /// The same vendor, reached over TLS.
    async fn behind(mut self, identity: Option<&Identity>) -> Result<Self, BenchError> {
        if let Some(identity) = identity {
            let front = Front::before(&self.at.url, identity).await?;
            self.at.url = front.url();
            self._front = Some(front);
        }
        Ok(self)
    }
}
