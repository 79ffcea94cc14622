//! Questions put to the server over HTTP.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use http::header::{AUTHORIZATION, HeaderValue};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use tokio::time::timeout;
use url::Url;

use super::NAME;
use super::answer::Transcript;
use super::body::{ANSWER_DEADLINE, Body, late};
use super::questions::{Question, Questions};
use super::segments::Segment;
use crate::provider::Failure;
use crate::provider::egress::chat;
use crate::provider::egress::{Egress, http_failure};

/// Asking for the list of models shows that the server is there and takes the key, and opens the connection.
const WARM_DEADLINE: Duration = Duration::from_secs(5);

/// A server, and what is put to it.
#[derive(Clone, Debug)]
pub(super) struct Server {
    pub egress: Arc<Egress>,
    pub authorization: Option<HeaderValue>,
    pub questions: Questions,
}

impl Server {
    /// See that the server is there.
    ///
    /// # Errors
    /// When it cannot be reached or does not take the key.
    pub async fn greet(&self) -> Result<(), Failure> {
        let exchange = async {
            let request = self.request(Method::GET, self.questions.models())?;
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
        timeout(ANSWER_DEADLINE, Box::pin(self.ask(segment, rate_hz))).await.map_err(|_| Body::late())?
    }

    async fn ask(&self, segment: &Segment, rate_hz: u32) -> Result<Transcript, Failure> {
        loop {
            let question = self.questions.question(segment, rate_hz);
            let url = question.url.clone();
            let request = self.request(Method::POST, url.clone())?.multipart(form(question)?);
            let answer = request.send().await.map_err(http_failure)?;
            if answer.status().is_success() {
                return read(answer).await?.end();
            }
            let refusal = chat::read_refusal(answer).await;
            if let Some(failure) = self.questions.refused(&url, &refusal) {
                return Err(failure);
            }
        }
    }

    fn request(&self, method: Method, url: Url) -> Result<reqwest::RequestBuilder, Failure> {
        let request = self.egress.request(method, url)?;
        Ok(match &self.authorization {
            Some(authorization) => request.header(AUTHORIZATION, authorization.clone()),
            None => request,
        })
    }
}

fn form(question: Question) -> Result<Form, Failure> {
    let file =
        Part::bytes(question.file).file_name("audio.wav").mime_str("audio/wav").map_err(http_failure)?;
    let form = Form::new().part("file", file);
    Ok(question.fields.into_iter().fold(form, |form, (name, value)| form.text(name, value)))
}

async fn read(answer: reqwest::Response) -> Result<Body, Failure> {
    let mut body = Body::default();
    let mut pieces = answer.bytes_stream();
    while let Some(piece) = pieces.next().await {
        body.piece(&piece.map_err(http_failure)?)?;
    }
    Ok(body)
}
