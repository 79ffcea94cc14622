//! The bot's accounts with carriers whose media streams it answers: to check their signatures, to hang up and to hand callers
//! over.

use serde::{Deserialize, Serialize};

use super::ApiKey;

/// A carrier that is asked beside the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Carrier {
    Twilio,
    Plivo,
    Telnyx,
    Vonage,
}

impl Carrier {
    pub const ALL: [Self; 4] = [Self::Twilio, Self::Plivo, Self::Telnyx, Self::Vonage];

    /// Its name: of the route, the transport and the setting.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Twilio => "twilio",
            Self::Plivo => "plivo",
            Self::Telnyx => "telnyx",
            Self::Vonage => "vonage",
        }
    }

    /// The carrier of a line.
    pub fn of_transport(transport: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|carrier| carrier.name() == transport)
    }

    /// Where its API is, unless the account says otherwise.
    pub const fn base_url(self) -> &'static str {
        match self {
            Self::Twilio => "https://api.twilio.com",
            Self::Plivo => "https://api.plivo.com",
            Self::Telnyx => "https://api.telnyx.com",
            Self::Vonage => "https://api.nexmo.com",
        }
    }

    /// Whether it signs the upgrades of its WebSockets with the account's secret.
    pub const fn signs(self) -> bool {
        matches!(self, Self::Twilio | Self::Plivo)
    }
}

/// An account with a carrier.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CarrierAccount {
    /// Twilio's account SID, Plivo's auth id, Vonage's application id; Telnyx has none.
    pub account: String,
    /// Twilio's and Plivo's auth token, Telnyx' API key, the private key of Vonage's application (PEM).
    pub secret: ApiKey,
    /// Another address of the API, for a region; empty for the carrier's usual one.
    pub base_url: String,
}

impl CarrierAccount {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.secret.is_empty()
    }
}

/// The bot's accounts, at most one with each carrier.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CarrierAccounts {
    pub twilio: CarrierAccount,
    pub plivo: CarrierAccount,
    pub telnyx: CarrierAccount,
    pub vonage: CarrierAccount,
}

impl CarrierAccounts {
    pub fn of(&self, carrier: Carrier) -> &CarrierAccount {
        match carrier {
            Carrier::Twilio => &self.twilio,
            Carrier::Plivo => &self.plivo,
            Carrier::Telnyx => &self.telnyx,
            Carrier::Vonage => &self.vonage,
        }
    }

    pub fn of_mut(&mut self, carrier: Carrier) -> &mut CarrierAccount {
        match carrier {
            Carrier::Twilio => &mut self.twilio,
            Carrier::Plivo => &mut self.plivo,
            Carrier::Telnyx => &mut self.telnyx,
            Carrier::Vonage => &mut self.vonage,
        }
    }
}
