//! What is set for an account, and the rules of it.

use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;
use vox_egress::Egress;
use vox_shared::egress::HostRules;
use vox_shared::model::bot::ApiKey;

use crate::fields::FieldError;

/// Longest account id, key or token, characters.
const MAX_CREDENTIAL: usize = 128;
/// Longest address, bytes: what Exotel takes.
const MAX_URL_BYTES: usize = 600;

/// Where an account is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Region {
    #[default]
    Mumbai,
    Singapore,
}

impl Region {
    fn api_url(self) -> &'static str {
        match self {
            Self::Mumbai => "https://api.in.exotel.com",
            Self::Singapore => "https://api.exotel.com",
        }
    }
}

/// An account's settings as they are stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccountSettings {
    pub account_sid: String,
    pub region: Region,
    /// Instead of the region's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_url: Option<String>,
    /// Sealed at rest, like the token (`vault/places.rs`).
    pub api_key: ApiKey,
    pub api_token: ApiKey,
}

/// An account as it is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountRequest {
    /// The account's id at Exotel, as it stands in its addresses.
    #[schema(example = "acme1")]
    pub account_sid: String,
    /// `mumbai` (the default) or `singapore`.
    #[serde(default)]
    pub region: Region,
    /// Of a proxy before Exotel's API, without a path; the region's own when left out.
    #[serde(default)]
    pub api_url: Option<String>,
    /// Never shown. Left out it stays, as long as account, region and address do.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub api_key: Option<ApiKey>,
    /// The same.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub api_token: Option<ApiKey>,
}

impl AccountRequest {
    /// As it is to be stored, or all that is wrong with it. `old` has what was left out.
    pub fn checked(
        self,
        old: Option<&AccountSettings>,
        egress: (&Egress, &HostRules),
    ) -> Result<AccountSettings, Vec<FieldError>> {
        let mut faults = Vec::new();
        let is_id = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if !(1..=MAX_CREDENTIAL).contains(&self.account_sid.len()) || !self.account_sid.chars().all(is_id) {
            let message = format!("must be 1 to {MAX_CREDENTIAL} letters, digits, '-' or '_'");
            faults.push(FieldError::new("account_sid", message));
        }
        if let Some(fault) = self.api_url.as_deref().and_then(|url| fault_of_url(url, egress)) {
            faults.push(FieldError::new("api_url", fault));
        }
        // They are sent there: another place must be given them anew.
        let same_place = |old: &&AccountSettings| {
            old.account_sid == self.account_sid && old.region == self.region && old.api_url == self.api_url
        };
        let old = old.filter(same_place);
        let mut credential = |name: &str, given: Option<ApiKey>, stored: Option<&ApiKey>| {
            let is_good = |key: &ApiKey| {
                (1..=MAX_CREDENTIAL).contains(&key.expose().len())
                    && key.expose().bytes().all(|b| b.is_ascii_graphic() && b != b':')
            };
            match given.or_else(|| stored.cloned()) {
                Some(key) if is_good(&key) => key,
                Some(_) => {
                    let message = format!("must be 1 to {MAX_CREDENTIAL} printable characters without ':'");
                    faults.push(FieldError::new(name, message));
                    ApiKey::default()
                }
                None => {
                    faults.push(FieldError::new(
                        name,
                        "is required: none is stored for this account and address",
                    ));
                    ApiKey::default()
                }
            }
        };
        let api_key = credential("api_key", self.api_key, old.map(|old| &old.api_key));
        let api_token = credential("api_token", self.api_token, old.map(|old| &old.api_token));
        let (account_sid, region, api_url) = (self.account_sid, self.region, self.api_url);
        if faults.is_empty() {
            Ok(AccountSettings { account_sid, region, api_url, api_key, api_token })
        } else {
            Err(faults)
        }
    }
}

impl AccountSettings {
    /// Where Exotel's API is for it, without a '/' at the end.
    pub fn api_url(&self) -> &str {
        self.api_url.as_deref().map_or(self.region.api_url(), |url| url.trim_end_matches('/'))
    }
}

fn fault_of_url(text: &str, (egress, rules): (&Egress, &HostRules)) -> Option<String> {
    const FORM: &str = "must be like https://exotel-proxy.example.com, without path, query and password";
    let Some(url) = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https")) else {
        return Some(FORM.into());
    };
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if !is_bare || !url.username().is_empty() || url.password().is_some() || text.len() > MAX_URL_BYTES {
        return Some(FORM.into());
    }
    egress.check_under(rules, &url).err().map(|failure| failure.detail)
}

/// What is wrong with the address of a flow. Exotel opens it, not the bridge.
pub fn fault_of_flow(text: &str) -> Option<FieldError> {
    let is_address = Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    let message = format!(
        "must be the address of a flow, like http://my.exotel.com/ACCOUNT/exoml/start_voice/7, {MAX_URL_BYTES} bytes at most"
    );
    (!is_address || text.len() > MAX_URL_BYTES).then(|| FieldError::new("flow_url", message))
}
