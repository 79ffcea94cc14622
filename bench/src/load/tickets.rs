//! Tickets for `/talk`: one per call.

use std::{sync::OnceLock, time::Duration};

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use thiserror::Error;

const DEADLINE: Duration = Duration::from_secs(10);

/// Where a call's ticket comes from.
#[derive(Clone, Debug)]
pub enum Tickets {
    /// The protocol or the server needs none.
    None,
    /// The same for every call; good for one call of a server that honours single use.
    One(SecretString),
    /// Asked for before each call: `POST {"bot_id"}` with the secret in `X-VoxCore-Secret`, answered by `{"ticket"}`.
    From { url: reqwest::Url, secret: SecretString },
}

/// Why there is no ticket.
#[derive(Debug, Error)]
pub enum TicketError {
    #[error("the ticket could not be asked for")]
    Request(#[source] reqwest::Error),
    #[error("the ticket was refused with status {0}")]
    Refused(u16),
    #[error("the answer holds no ticket")]
    Malformed(#[source] reqwest::Error),
}

impl TicketError {
    /// In one word, to count failures by.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Request(_) => "ticket_unreachable",
            Self::Refused(_) => "ticket_refused",
            Self::Malformed(_) => "ticket_malformed",
        }
    }
}

#[derive(Deserialize)]
struct Answer {
    ticket: SecretString,
}

impl Tickets {
    pub(super) async fn next(&self, bot_id: &str) -> Result<Option<SecretString>, TicketError> {
        match self {
            Self::None => Ok(None),
            Self::One(ticket) => Ok(Some(ticket.clone())),
            Self::From { url, secret } => ask(url, secret, bot_id).await.map(Some),
        }
    }
}

async fn ask(url: &reqwest::Url, secret: &SecretString, bot_id: &str) -> Result<SecretString, TicketError> {
    let response = client()
        .map_err(TicketError::Request)?
        .post(url.clone())
        .header("X-VoxCore-Secret", secret.expose_secret())
        .json(&serde_json::json!({"bot_id": bot_id}))
        .send()
        .await
        .map_err(TicketError::Request)?;
    if !response.status().is_success() {
        return Err(TicketError::Refused(response.status().as_u16()));
    }
    let answer: Answer = response.json().await.map_err(TicketError::Malformed)?;
    Ok(answer.ticket)
}

fn client() -> Result<&'static reqwest::Client, reqwest::Error> {
    static CLIENT: OnceLock<reqwest::Client> = OnceLock::new();
    if let Some(client) = CLIENT.get() {
        return Ok(client);
    }
    // Whoever was first is as good: there is one provider in this program.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().timeout(DEADLINE).no_proxy().build()?;
    Ok(CLIENT.get_or_init(|| client))
}
