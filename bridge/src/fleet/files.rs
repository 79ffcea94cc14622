//! Fetching a recording from the worker that made it, for the time until it is uploaded.

use std::time::Duration;

use futures_util::StreamExt;
use reqwest::redirect::Policy;
use secrecy::{ExposeSecret, SecretString};
use vox_shared::wire::SECRET_HEADER;

use crate::objects::{ByteStream, Key};
use crate::store::workers::Registration;

/// Time to connect.
const CONNECT_DEADLINE: Duration = Duration::from_secs(2);
/// Longest pause between two pieces.
const READ_DEADLINE: Duration = Duration::from_secs(5);
/// Workers asked before the recording counts as missing.
const MAX_ASKED: usize = 8;

/// The client for workers. It opens only addresses that workers registered with the internal secret, and follows no
/// redirects, so the secret goes nowhere else.
pub struct WorkerFiles {
    client: reqwest::Client,
    secret: SecretString,
}

/// A recording on a worker.
pub struct WorkerFile {
    pub size_bytes: Option<u64>,
    pub content: ByteStream,
}

impl WorkerFiles {
    pub fn new(secret: &SecretString) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_DEADLINE)
            .read_timeout(READ_DEADLINE)
            .build()?;
        Ok(Self { client, secret: secret.clone() })
    }

    /// The first of these workers that has the file. A worker that does not answer is passed over.
    pub async fn find(&self, key: &Key, workers: &[Registration]) -> Option<WorkerFile> {
        for worker in workers.iter().take(MAX_ASKED) {
            match self.ask(key, &worker.report.address).await {
                Ok(Some(file)) => return Some(file),
                Ok(None) => {}
                Err(error) => {
                    let (worker, error) = (&worker.report.worker_id, error.without_url());
                    tracing::debug!(worker.id = %worker, %error, "a worker did not give a recording");
                }
            }
        }
        None
    }

    async fn ask(&self, key: &Key, address: &str) -> Result<Option<WorkerFile>, reqwest::Error> {
        let url = format!("{}/recordings/{}", address.trim_end_matches('/'), key.as_str());
        let request = self.client.get(url).header(SECRET_HEADER, self.secret.expose_secret());
        let response = request.send().await?;
        if response.status() != reqwest::StatusCode::OK {
            return Ok(None);
        }
        let size_bytes = response.content_length();
        let content = response.bytes_stream().map(|chunk| chunk.map_err(std::io::Error::other)).boxed();
        Ok(Some(WorkerFile { size_bytes, content }))
    }
}
