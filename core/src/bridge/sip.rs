//! What the client asks about numbers: which bot answers one, and by which trunk one calls.

use reqwest::StatusCode;
use serde::Deserialize;
use vox_shared::ids::BotId;

use super::{Bridge, short};

/// Why the bridge said nothing about a number.
#[derive(Debug, thiserror::Error)]
#[error("the bridge could not be asked about a number: {0}")]
pub struct NotAsked(String);

#[derive(Deserialize)]
struct Lookup {
    bot_id: BotId,
}

/// How calls of a number go out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct OutboundTrunk {
    /// In LiveKit (`ST_…`); none while its carrier is not known there.
    #[serde(default)]
    pub trunk_id: Option<String>,
}

impl Bridge {
    /// The bot that answers this number, if one does.
    pub async fn bot_of_number(&self, number: &str) -> Result<Option<BotId>, NotAsked> {
        let found: Option<Lookup> = self.about("lookup", ("number", number)).await?;
        Ok(found.map(|found| found.bot_id))
    }

    /// The trunk of this number, if it is a carrier's.
    pub async fn outbound_trunk(&self, from: &str) -> Result<Option<OutboundTrunk>, NotAsked> {
        self.about("outbound-trunk", ("from_number", from)).await
    }

    async fn about<T: for<'de> Deserialize<'de>>(
        &self,
        what: &str,
        (name, number): (&str, &str),
    ) -> Result<Option<T>, NotAsked> {
        let number: String = url::form_urlencoded::byte_serialize(number.as_bytes()).collect();
        let request = self.http.get(format!("{}/api/v1/sip/{what}?{name}={number}", self.url));
        let answer = self.as_worker(request).send().await.map_err(|error| NotAsked(short(&error)))?;
        match answer.status() {
            StatusCode::OK => answer.json().await.map(Some).map_err(|error| NotAsked(short(&error))),
            StatusCode::NOT_FOUND => Ok(None),
            status => Err(NotAsked(format!("it answers {status}"))),
        }
    }
}
