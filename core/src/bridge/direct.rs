//! What the client asks about recordings that go straight to the bucket, and how it puts their parts there.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use reqwest::header::CONTENT_LENGTH;
use reqwest::{Response, StatusCode};
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::sleep;
use vox_shared::wire::proof::Proof;
use vox_shared::wire::upload::{CompleteRequest, UploadAnswer, UploadRequest};

use super::{Bridge, DeliveryError, again, detail_of, judge, noted, short};

/// The bridge reads the whole recording back before it answers; it gives up after ten minutes itself.
const COMPLETE_DEADLINE: Duration = Duration::from_secs(610);
/// A part on a line that takes so long is tried again by other means.
const PART_DEADLINE: Duration = Duration::from_hours(1);
/// Longest time in which nothing of a part moves: what the kernel has taken of it leaves on a slow line too.
const STALL: Duration = Duration::from_secs(90);
/// A part is handed to the connection in such pieces, bytes.
const PIECE: usize = 64 * 1024;

/// Why a part is not in the bucket.
#[derive(Debug, thiserror::Error)]
pub enum PartError {
    /// The address is not taken, or not any more.
    #[error("the bucket does not take the address of a part")]
    Refused,
    /// Nobody is there to take it, or who is does not.
    #[error("{0}")]
    Failed(String),
}

/// What the bridge makes of an upload whose parts were sent.
#[derive(Debug)]
pub enum Completed {
    /// It is what was announced.
    Stored,
    /// Which, it says when it is asked to go on.
    PartsMissing,
    /// It is gone, or what is there is not what was announced.
    BeginAnew(String),
}

impl Bridge {
    /// May a recording go straight to the bucket, and where to? A bridge of an older version knows no other way than itself.
    pub async fn direct(
        &self,
        key: &str,
        asked: &UploadRequest,
        proof: &Proof,
    ) -> Result<UploadAnswer, DeliveryError> {
        let path = format!("/api/v1/internal/recordings/{key}/direct");
        let answer = self.ask_for_call(&path, asked, proof, None).await?;
        if matches!(answer.status(), StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED) {
            return Ok(UploadAnswer::Bridge);
        }
        let answer = judge(Ok(answer)).await?;
        answer.json().await.map_err(|error| DeliveryError::Retry(short(&error)))
    }

    /// Have the parts put together and looked at.
    pub async fn complete(
        &self,
        key: &str,
        asked: &CompleteRequest,
        proof: &Proof,
    ) -> Result<Completed, DeliveryError> {
        let path = format!("/api/v1/internal/recordings/{key}/direct/complete");
        let answer = self.ask_for_call(&path, asked, proof, Some(COMPLETE_DEADLINE)).await?;
        match answer.status() {
            StatusCode::CONFLICT => {
                let detail = detail_of(answer).await;
                Ok(match detail.contains("parts_missing") {
                    true => Completed::PartsMissing,
                    false => Completed::BeginAnew(detail),
                })
            }
            // A bridge of an older version, beside the one that began it, knows nothing of uploads.
            StatusCode::UNPROCESSABLE_ENTITY | StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
                Ok(Completed::BeginAnew(detail_of(answer).await))
            }
            _ => noted(judge(Ok(answer)).await.map(drop)).map(|()| Completed::Stored),
        }
    }

    /// Ask about something of a call; an answer that says that its token is not taken any more is asked for again without it.
    async fn ask_for_call<T: Serialize>(
        &self,
        path: &str,
        asked: &T,
        proof: &Proof,
        deadline: Option<Duration>,
    ) -> Result<Response, DeliveryError> {
        let body = Bytes::from(serde_json::to_vec(asked).expect("a message is plain data"));
        let ask = |proof: &Proof| {
            let request = self.for_call(self.post(path, body.clone()), proof);
            match deadline {
                Some(deadline) => request.timeout(deadline),
                None => request,
            }
        };
        let away = |error: reqwest::Error| DeliveryError::Away(short(&error));
        let answer = ask(proof).send().await.map_err(away)?;
        if answer.status() != StatusCode::FORBIDDEN {
            return Ok(answer);
        }
        let refused = judge(Ok(answer)).await.map(drop);
        match again(proof, &refused) {
            Some(claim) => ask(&claim).send().await.map_err(away),
            None => Err(refused.err().unwrap_or_else(|| DeliveryError::Retry("refused".into()))),
        }
    }

    /// Put a part where the bridge says. It is given up when nothing of it moves: a slow bucket is none that is away.
    pub async fn put_part(&self, url: &str, content: Vec<u8>) -> Result<(), PartError> {
        let length = content.len();
        let (moved, mut progress) = watch::channel(());
        let request = self.http.put(url).timeout(PART_DEADLINE).header(CONTENT_LENGTH, length);
        let sending = request.body(pieces(content.into(), moved)).send();
        let mut sending = std::pin::pin!(sending);
        let answer = loop {
            tokio::select! {
                answer = &mut sending => break answer,
                Ok(()) = progress.changed() => {}
                () = sleep(STALL) => {
                    return Err(PartError::Failed("the bucket takes nothing of a part".into()));
                }
            }
        };
        let answer = answer.map_err(|error| PartError::Failed(format!("the bucket: {}", short(&error))))?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED | StatusCode::BAD_REQUEST => {
                Err(PartError::Refused)
            }
            // The upload is gone: the bridge begins another.
            StatusCode::NOT_FOUND => Err(PartError::Refused),
            status => Err(PartError::Failed(format!("the bucket answers {status} to a part"))),
        }
    }
}

/// `moved` is told of each piece that the connection takes.
fn pieces(content: Bytes, moved: watch::Sender<()>) -> reqwest::Body {
    let pieces = stream::unfold((content, moved), |(mut content, moved)| async move {
        // Nobody may be listening any more.
        let _ = moved.send(());
        if content.is_empty() {
            return None;
        }
        let piece = content.split_to(content.len().min(PIECE));
        Some((Ok::<_, std::io::Error>(piece), (content, moved)))
    });
    reqwest::Body::wrap_stream(pieces)
}
