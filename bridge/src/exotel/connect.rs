//! Exotel's request to place a call ("Connect"): a form with the credentials in basic authentication, answered in JSON.

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;
use url::Url;
use vox_egress::{Failure, FailureClass};
use vox_shared::egress::HostRules;
use vox_shared::phone::Number;

use super::Exotel;
use super::settings::AccountSettings;
use crate::delivery::exchange::{DEADLINE, ask, new_attempt};
use crate::store::Stamp;
use crate::store::deliveries::Attempt;

/// How long it may ring, seconds.
const RING_SECONDS: u32 = 45;
/// Longest call that Exotel takes, seconds.
const MAX_SECONDS: u32 = 14_400;
/// Longest address of a stream that Exotel takes, bytes.
pub const MAX_STREAM_URL_BYTES: usize = 600;

/// A call that is to be placed.
pub struct Connect {
    pub to: Number,
    /// The account's own number.
    pub caller_id: Number,
    pub way: Way,
    /// How long it may last.
    pub seconds: u32,
}

/// What the one who answers gets to hear.
pub enum Way {
    /// The bot, over its stream.
    Stream(Url),
    /// A flow of the account.
    Flow(String),
}

/// What came of it.
pub struct Connected {
    /// Exotel's own id of the call.
    pub call_sid: Option<String>,
    /// `queued`, `ringing`, `in-progress`, …, as Exotel says it.
    pub status: Option<String>,
    pub attempt: Attempt,
}

/// The answer, as far as it matters.
#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "Call")]
    call: Call,
}

#[derive(Deserialize)]
struct Call {
    #[serde(rename = "Sid")]
    sid: String,
    #[serde(rename = "Status", default)]
    status: Option<String>,
}

impl Exotel {
    /// Ask Exotel to place a call. It is asked once: after an unclear answer the phone may ring.
    pub async fn connect(
        &self,
        account: &AccountSettings,
        rules: &HostRules,
        connect: &Connect,
    ) -> Connected {
        let attempt = new_attempt(Stamp(self.clock.now()));
        let request = self.request(account, rules, connect);
        let request = request.map(|request| request.header("x-request-id", &attempt.request_id));
        let (mut attempt, _, body) = ask(request, attempt, DEADLINE).await;
        if attempt.error.is_some() {
            return Connected { call_sid: None, status: None, attempt };
        }
        match serde_json::from_slice::<Answer>(&body) {
            Ok(Answer { call }) => Connected { call_sid: Some(call.sid), status: call.status, attempt },
            Err(_) => {
                attempt.error = Some("the answer names no call: look at Exotel whether it was placed".into());
                Connected { call_sid: None, status: None, attempt }
            }
        }
    }

    fn request(
        &self,
        account: &AccountSettings,
        rules: &HostRules,
        connect: &Connect,
    ) -> Result<reqwest::RequestBuilder, Failure> {
        let address = format!("{}/v1/Accounts/{}/Calls/connect.json", account.api_url(), account.account_sid);
        let url = Url::parse(&address);
        let url = url.map_err(|_| Failure::new(FailureClass::Refused, "the address is no URL"))?;
        let to = connect.to.comparable();
        let (seconds, ring) = (connect.seconds.clamp(1, MAX_SECONDS).to_string(), RING_SECONDS.to_string());
        let mut fields = vec![
            ("From", to.as_str()),
            ("CallerId", connect.caller_id.as_str()),
            ("TimeLimit", &seconds),
            ("TimeOut", &ring),
        ];
        match &connect.way {
            Way::Stream(url) => fields.extend([("StreamUrl", url.as_str()), ("StreamType", "bidirectional")]),
            Way::Flow(url) => fields.push(("Url", url)),
        }
        let form = serde_urlencoded::to_string(fields);
        let form = form.map_err(|_| Failure::new(FailureClass::Refused, "the form cannot be written"))?;
        let request = self.egress.request_under(rules, Method::POST, url)?;
        Ok(request
            .basic_auth(account.api_key.expose(), Some(account.api_token.expose()))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form))
    }
}
