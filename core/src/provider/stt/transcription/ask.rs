//! One question to the server: a segment as a WAV file, and its words.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use http::header::{AUTHORIZATION, HeaderValue};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use tokio::time::timeout;
use url::Url;

use super::NAME;
use super::answer::{Transcript, parse_answer};
use super::segments::Segment;
use crate::provider::egress::chat::{self, Address};
use crate::provider::egress::{Egress, http_failure};
use crate::provider::{Failure, FailureClass};

/// From the question to the whole answer. The session gives up much earlier; this ends what it forgot.
const DEADLINE: Duration = Duration::from_secs(30);
/// Asking for the list of models shows that the server is there and takes the key, and opens the connection.
const WARM_DEADLINE: Duration = Duration::from_secs(5);
/// Much more than half a minute of speech needs.
const ANSWER_BYTES: usize = 1 << 20;

/// A server, and what every question to it says.
#[derive(Clone, Debug)]
pub(super) struct Server {
    pub egress: Arc<Egress>,
    pub authorization: Option<HeaderValue>,
    pub address: Arc<Address>,
    /// Fields beside the file.
    pub fields: Vec<(&'static str, String)>,
}

impl Server {
    /// See that the server is there.
    ///
    /// # Errors
    /// When it cannot be reached or does not take the key.
    pub async fn greet(&self) -> Result<(), Failure> {
        let exchange = async {
            let request = self.request(Method::GET, self.address.route(&["models"]))?;
            let answer = request.send().await.map_err(http_failure)?;
            if answer.status().is_success() {
                read(answer).await.map(|_| ())
            } else {
                let refusal = chat::read_refusal(answer).await;
                // Servers of Whisper alone have no such list, and are there all the same.
                let is_there = matches!(refusal.status, 404 | 405 | 501);
                if is_there { Ok(()) } else { Err(chat::http_refusal(NAME, &refusal)) }
            }
        };
        timeout(WARM_DEADLINE, Box::pin(exchange)).await.map_err(|_| late("no connection in time"))?
    }

    /// The words of a segment at `rate_hz`.
    ///
    /// # Errors
    /// As the server refuses, cuts off, or answers what is none.
    pub async fn transcribe(&self, segment: &Segment, rate_hz: u32) -> Result<Transcript, Failure> {
        let file = wav(&segment.pcm, rate_hz);
        timeout(DEADLINE, Box::pin(self.ask(file))).await.map_err(|_| late("no answer in time"))?
    }

    /// Where the server has no such route, ask below `/v1`; that is remembered.
    async fn ask(&self, file: Vec<u8>) -> Result<Transcript, Failure> {
        loop {
            let url = self.address.route(&["audio", "transcriptions"]);
            let request = self.request(Method::POST, url.clone())?.multipart(self.form(file.clone())?);
            let answer = request.send().await.map_err(http_failure)?;
            if answer.status().is_success() {
                let body = read(answer).await?;
                return parse_answer(&body).map_err(|error| {
                    Failure::new(FailureClass::Malformed, format!("{NAME} sends what it should not: {error}"))
                });
            }
            let refusal = chat::read_refusal(answer).await;
            if !(chat::has_no_route(&refusal) && self.address.turn(&url)) {
                return Err(chat::http_refusal(NAME, &refusal));
            }
        }
    }

    fn form(&self, file: Vec<u8>) -> Result<Form, Failure> {
        let part = Part::bytes(file).file_name("audio.wav").mime_str("audio/wav").map_err(http_failure)?;
        let form = Form::new().part("file", part);
        Ok(self.fields.iter().fold(form, |form, (name, value)| form.text(*name, value.clone())))
    }

    fn request(&self, method: Method, url: Url) -> Result<reqwest::RequestBuilder, Failure> {
        let request = self.egress.request(method, url)?;
        Ok(match &self.authorization {
            Some(authorization) => request.header(AUTHORIZATION, authorization.clone()),
            None => request,
        })
    }
}

async fn read(answer: reqwest::Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    let mut pieces = answer.bytes_stream();
    while let Some(piece) = pieces.next().await {
        body.extend_from_slice(&piece.map_err(http_failure)?);
        if body.len() > ANSWER_BYTES {
            let detail = format!("{NAME} answers with more than {ANSWER_BYTES} bytes");
            return Err(Failure::new(FailureClass::Malformed, detail));
        }
    }
    Ok(body)
}

fn late(what: &str) -> Failure {
    Failure::new(FailureClass::TimedOut, format!("{NAME}: {what}"))
}

/// Samples as a mono WAV file of 16 bits (RIFF, PCM).
fn wav(pcm: &[i16], rate_hz: u32) -> Vec<u8> {
    let bytes = (pcm.len() * 2) as u32;
    let mut file = Vec::with_capacity(44 + pcm.len() * 2);
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(36 + bytes).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt ");
    file.extend_from_slice(&16_u32.to_le_bytes());
    for half in [1_u16, 1] {
        file.extend_from_slice(&half.to_le_bytes());
    }
    file.extend_from_slice(&rate_hz.to_le_bytes());
    file.extend_from_slice(&(rate_hz * 2).to_le_bytes());
    for half in [2_u16, 16] {
        file.extend_from_slice(&half.to_le_bytes());
    }
    file.extend_from_slice(b"data");
    file.extend_from_slice(&bytes.to_le_bytes());
    vox_audio::pcm::append_bytes(pcm.iter().copied(), &mut file);
    file
}
