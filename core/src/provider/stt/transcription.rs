//! OpenAI's transcription (`/audio/transcriptions`) and every server that speaks it: Whisper on a machine of one's own, Groq. A gate
//! cuts the line's audio into segments, each is one request.

mod answer;
mod ask;
mod body;
mod hearing;
mod listen;
mod questions;
mod segments;

use std::sync::Arc;

use tokio::sync::mpsc;
use vox_shared::catalogue::TRANSCRIPTION;
use vox_shared::model::bot::SttSettings;

pub use answer::{AnswerError, Transcript, parse_answer};
pub use body::{ANSWER_DEADLINE, Body};
pub use hearing::{Hearing, Told};
pub use questions::{Question, Questions};
pub use segments::{Change, Cuts, Segment, Segmenter};

use super::{Recogniser, SttStream};
use crate::provider::egress::{Egress, secret_header};
use crate::provider::extra::Extra;
use crate::provider::{AUDIO_DEPTH, Failure, STREAM_DEPTH, TaskGuard};
use ask::Server;
use listen::Listener;

const NAME: &str = TRANSCRIPTION.name;

/// A server that transcribes, and the settings of its streams.
#[derive(Clone, Debug)]
pub struct Transcription {
    server: Server,
    cuts: Cuts,
}

impl Transcription {
    /// Check the settings; nothing is connected yet.
    ///
    /// # Errors
    /// `Refused` for a setting of the wrong type, `Unauthorised` without a key (a server behind `base_url` may need none).
    pub fn from_settings(settings: &SttSettings, egress: &Arc<Egress>) -> Result<Self, Failure> {
        let (questions, cuts) = (Questions::from_settings(settings)?, Cuts::from_settings(settings)?);
        let key = Extra::new(&TRANSCRIPTION, &settings.extra)?.key(&settings.api_key)?;
        egress.check(questions.address())?;
        let key = key.expose();
        let authorization =
            if key.is_empty() { None } else { Some(secret_header(NAME, &format!("Bearer {key}"))?) };
        Ok(Self { server: Server { egress: Arc::clone(egress), authorization, questions }, cuts })
    }
}

impl Recogniser for Transcription {
    fn open(&self, rate_hz: u32) -> SttStream {
        let (input, input_end) = mpsc::channel(AUDIO_DEPTH);
        let (events_end, events) = mpsc::channel(STREAM_DEPTH);
        let listener = Listener::new(self.server.clone(), rate_hz, self.cuts);
        let task = tokio::spawn(listener.run(input_end, events_end));
        SttStream { input, events, task: TaskGuard::new(task) }
    }

    fn name(&self) -> &'static str {
        NAME
    }
}
