//! The vendors' codecs between what a simulated vendor means and what the session hears: a far end for each puts its meaning into the
//! vendor's own messages, and reads what the codec sends. Time is virtual, and what is random is drawn from the conversation's seed.

mod answered;
pub mod ears;
pub mod frame;
mod honest;
pub mod line;
pub mod models;
pub mod mouths;
pub mod requests;
mod uploads;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::time::Instant;
use vox_core::provider::Failure;
use vox_core::provider::FailureClass;
use vox_core::provider::egress::Refusal;
use vox_core::provider::egress::chat::http_refusal;
use vox_core::provider::llm::Body;
use vox_core::provider::tts::{UtteranceId, WordMark};
use vox_core::session::event::RequestId;
use vox_core::session::rules::with_fallbacks;
use vox_shared::wire::config::RuntimeConfig;

use super::random::Random;
use ears::transcription::Manner;
use ears::{Ear, EarWire};
use frame::Liar;
use models::Writer;
use mouths::{Mouth, MouthWire};

/// The rows of the catalogue that are simulated, by their names there; OpenAI's models in both of their forms.
pub const EARS: [&str; 7] =
    ["deepgram", "deepgram_flux", "soniox", "assemblyai", "sarvam", "sarvam_realtime", "openai"];
/// Those of the recognisers that are asked over HTTP for each segment of speech.
pub const UPLOADED: [&str; 1] = ["openai"];
pub const MODELS: [(&str, Option<&str>); 6] = [
    ("openai", None),
    ("openai", Some("responses")),
    ("anthropic", None),
    ("gemini", None),
    ("groq", None),
    ("vertex", None),
];
pub const MOUTHS: [&str; 10] = [
    "elevenlabs",
    "elevenlabs_http",
    "cartesia",
    "deepgram",
    "deepgram_flux",
    "sarvam",
    "soniox",
    "resemble",
    "openai",
    "chatterbox",
];

/// Those that are not: what runs on the machine and has no codec.
pub const OTHER_EARS: [&str; 1] = ["pocketsphinx"];
pub const OTHER_MODELS: [&str; 1] = ["scripted"];
pub const OTHER_MOUTHS: [&str; 1] = ["flite"];

/// The conversation's clock, as the codecs read it.
pub struct Clock {
    runtime: Runtime,
    began: Instant,
}

impl Clock {
    fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.expect("a runtime without threads and sockets is made");
        let began = {
            let _in = runtime.enter();
            Instant::now()
        };
        Self { runtime, began }
    }

    /// It is so many milliseconds since the conversation began. What reads the time must be within the handle.
    pub fn set(&self, now_ms: u64) -> (Handle, Instant) {
        let now = self.began + Duration::from_millis(now_ms);
        let known = {
            let _in = self.runtime.enter();
            Instant::now()
        };
        if now > known {
            self.runtime.block_on(tokio::time::advance(now - known));
        }
        (self.runtime.handle().clone(), now)
    }

    /// The first whole millisecond at or after this.
    fn ms(&self, at: Instant) -> u64 {
        at.duration_since(self.began).as_nanos().div_ceil(1_000_000) as u64
    }
}

/// A recogniser's connection.
pub struct Listening {
    pub wire: EarWire,
    pub far: Box<dyn Ear>,
    pub vendor: &'static str,
    pub liar: Liar,
    pub stands: bool,
    /// Its server is gone, as one over HTTP shows when it is asked again.
    pub is_broken: bool,
    pub opened_at: u64,
    /// The last final words, and when they were said.
    pub last: (String, u64),
}

impl Listening {
    /// Whether it is asked over HTTP and hears the line's sound.
    pub fn is_uploaded(&self) -> bool {
        UPLOADED.contains(&self.vendor)
    }
}

/// What a server knows a reply, or a text of it, by, and how much of it was said.
#[derive(Debug, Default)]
pub struct Key {
    pub sound_ms: u32,
}

/// A voice's connection.
pub struct Speaking {
    pub wire: MouthWire,
    pub far: Box<dyn Mouth>,
    pub vendor: &'static str,
    pub liar: Liar,
    pub stands: bool,
    /// Connections so far: what was under way on one is lost with it.
    pub connection: u64,
    pub keys: HashMap<String, Key>,
    /// Words that were told and whose sound has not come.
    pub words: HashMap<UtteranceId, Vec<WordMark>>,
}

/// A model's answer.
pub struct Answer {
    pub body: Body,
    pub writer: Box<dyn Writer>,
    pub liar: models::Liar,
    pub vendor: &'static str,
    pub api: Option<&'static str>,
    /// Its head has come.
    pub begun: bool,
    pub late_at: Option<Instant>,
}

/// What happens at a voice's server.
#[derive(Debug)]
pub enum Step {
    Say { word: String, ms: u32 },
    TextOver,
    Over,
    Silent { was_active: bool },
    Cut,
}

/// Which vendors a conversation has, by their places.
struct Places {
    stt: Vec<&'static str>,
    llm: Vec<(&'static str, Option<&'static str>)>,
    tts: Vec<&'static str>,
}

/// All of a conversation's connections.
pub struct Wires {
    pub clock: Clock,
    places: Places,
    pub ear: Option<Listening>,
    pub mouth: Option<Speaking>,
    pub answers: BTreeMap<RequestId, Answer>,
    /// The recognisers lie more than others do.
    lying_ears: bool,
    /// 32 ms of silence, as the line gives it.
    pub silence: Arc<[i16]>,
    /// Words of the caller that were in a line's sound.
    pub spoken: Vec<&'static str>,
    /// How recognisers that are asked over HTTP have answered.
    pub answers_of_ears: BTreeMap<Manner, usize>,
    /// All that a voice was given to say.
    pub said: Vec<String>,
    /// Vendors whose final words, whole replies or spoken ends came through: the kind and the name.
    pub heard: BTreeSet<(&'static str, &'static str)>,
}

/// Draw the vendors of a bot, each with those that are tried after it; the recognisers from these.
pub fn draw(config: &mut RuntimeConfig, ears: &[&'static str], random: &mut Random) {
    let (stt, llm, tts) = (&mut config.stt, &mut config.llm, &mut config.tts);
    for settings in
        std::iter::once(&mut stt.provider).chain(stt.fallbacks.iter_mut().map(|s| &mut s.provider))
    {
        *settings = (*random.pick(ears)).into();
    }
    let fallbacks = llm.fallbacks.iter_mut().map(|s| (&mut s.provider, &mut s.extra));
    for (provider, extra) in std::iter::once((&mut llm.provider, &mut llm.extra)).chain(fallbacks) {
        let (name, api) = *random.pick(&MODELS);
        *provider = name.into();
        extra.clear();
        extra.extend(api.map(|api| ("api".to_owned(), api.into())));
    }
    for settings in
        std::iter::once(&mut tts.provider).chain(tts.fallbacks.iter_mut().map(|s| &mut s.provider))
    {
        *settings = (*random.pick(&MOUTHS)).into();
    }
}

impl Wires {
    /// To the vendors of this bot, which [`draw`] has chosen.
    pub fn of(config: &RuntimeConfig, lying_ears: bool) -> Self {
        let known = |names: &[&'static str], name: &str| {
            *names.iter().find(|known| **known == name).expect("it was drawn from them")
        };
        let model = |settings: &vox_shared::model::bot::LlmSettings| {
            let api = settings.extra.get("api").and_then(serde_json::Value::as_str);
            let is_it = |(name, form): &&(&str, Option<&str>)| *name == settings.provider && *form == api;
            *MODELS.iter().find(is_it).expect("it was drawn from them")
        };
        let places = Places {
            stt: with_fallbacks(&config.stt, |s| known(&EARS, &s.provider), |s| &s.fallbacks),
            llm: with_fallbacks(&config.llm, model, |s| &s.fallbacks),
            tts: with_fallbacks(&config.tts, |s| known(&MOUTHS, &s.provider), |s| &s.fallbacks),
        };
        Self {
            clock: Clock::new(),
            places,
            ear: None,
            mouth: None,
            answers: BTreeMap::new(),
            lying_ears,
            silence: vec![0; ears::HZ as usize * 32 / 1000].into(),
            spoken: Vec::new(),
            answers_of_ears: BTreeMap::new(),
            said: Vec::new(),
            heard: BTreeSet::new(),
        }
    }

    pub fn recogniser(&self, place: usize) -> &'static str {
        self.places.stt[place]
    }

    pub fn open_ear(&mut self, place: usize, now_ms: u64, random: &mut Random) {
        let (_, now) = self.clock.set(now_ms);
        let vendor = self.places.stt[place];
        let (wire, far) = ears::of(vendor, now).expect("it is simulated");
        self.ear = Some(Listening {
            wire,
            far,
            vendor,
            liar: if self.lying_ears { Liar::often() } else { Liar::of(random) },
            stands: false,
            is_broken: false,
            opened_at: now_ms,
            last: (String::new(), 0),
        });
    }

    pub fn open_mouth(&mut self, place: usize, now_ms: u64, random: &mut Random) {
        let (_, now) = self.clock.set(now_ms);
        let vendor = self.places.tts[place];
        let (wire, far) = mouths::of(vendor, now).expect("it is simulated");
        self.mouth = Some(Speaking {
            wire,
            far,
            vendor,
            liar: Liar::of(random),
            stands: false,
            connection: 0,
            keys: HashMap::new(),
            words: HashMap::new(),
        });
    }

    pub fn open_answer(&mut self, (request, place): (RequestId, usize), now_ms: u64, random: &mut Random) {
        let (handle, _) = self.clock.set(now_ms);
        let _in = handle.enter();
        let (vendor, api) = self.places.llm[place];
        let (body, writer) = models::of(vendor, api).expect("it is simulated");
        let liar = models::Liar::of(random);
        let answer = Answer { body, writer, liar, vendor, api, begun: false, late_at: None };
        self.answers.insert(request, answer);
    }

    /// When something is to be done without anybody else, milliseconds.
    pub fn due(&self) -> Option<u64> {
        let ear = self.ear.as_ref().and_then(|ear| ear.wire.due());
        let mouth = self.mouth.as_ref().and_then(|mouth| mouth.wire.due());
        let answers = self.answers.values().filter_map(|answer| answer.late_at);
        answers.chain(ear).chain(mouth).min().map(|at| self.clock.ms(at))
    }
}

/// A handshake or a request that is refused as this failure says, in the words of HTTP.
pub fn refused(vendor: &'static str, failure: &Failure, random: &mut Random) -> Failure {
    let status = match failure.class {
        FailureClass::Unauthorised => *random.pick(&[401, 403]),
        FailureClass::OverLimit => 429,
        _ => *random.pick(&[500, 502, 503]),
    };
    let mut headers = http::HeaderMap::new();
    if let Some(after) = failure.retry_after {
        headers.insert("retry-after-ms", (after.as_millis() as u64).into());
    }
    let refusal = Refusal { status, headers, body: String::new() };
    match vendor {
        "openai" | "groq" => http_refusal(vendor, &refusal),
        _ => refusal.failure(vendor, refusal.class(), None),
    }
}
