//! How an account is shown: without its credentials.

use serde::Serialize;
use utoipa::ToSchema;

use crate::exotel::settings::Region;
use crate::store::Stored;
use crate::store::exotel::Account;

/// An account with Exotel.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountView {
    /// What its numbers have as `carrier_id`. There is no SIP carrier of this id.
    pub carrier_id: String,
    pub version: u64,
    pub account_sid: String,
    pub region: Region,
    /// Where Exotel's API is asked.
    pub api_url: String,
    /// Credentials are never shown.
    pub api_key_set: bool,
    pub api_token_set: bool,
    /// RFC 3339, UTC.
    pub created_at: String,
    pub updated_at: String,
}

impl From<Stored<Account>> for AccountView {
    fn from(stored: Stored<Account>) -> Self {
        let Account { carrier_id, created_at, updated_at, settings, .. } = stored.value;
        Self {
            carrier_id: carrier_id.to_string(),
            version: stored.version,
            api_url: settings.api_url().to_owned(),
            api_key_set: !settings.api_key.is_empty(),
            api_token_set: !settings.api_token.is_empty(),
            account_sid: settings.account_sid,
            region: settings.region,
            created_at: created_at.to_string(),
            updated_at: updated_at.to_string(),
        }
    }
}
