//! What a call's carrier is asked beside the line, with the account of the bot's owner: to hang up, and to hand the caller over.
//! A socket says none of this on the media streams of Twilio, Plivo, Telnyx and Vonage; their APIs of calls do.
//!
//! That an order was taken is all that is known: whether whoever is dialled answers, the carrier does not tell us.

mod plivo;
mod telnyx;
mod twilio;
mod vonage;

use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use reqwest::{RequestBuilder, Response};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout_at};
use url::Url;
use vox_shared::clock::Clock;
use vox_shared::dial::Destination;
use vox_shared::egress::HostRules;
use vox_shared::model::bot::Carrier;
use vox_shared::wire::config::{CarrierAccess, RuntimeConfig};

use crate::provider::egress::{Egress, FailureClass, Refusal, code_word, http_failure};

/// How the result names a hand-over by a carrier's API.
pub const METHOD: &str = "carrier_api";
/// For an order, however often it is sent.
const DEADLINE: Duration = Duration::from_secs(10);
/// How long is waited where a carrier takes no more orders just now and does not say for how long; twice as long after each.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Longest name of a call or an account, bytes.
const MAX_NAME: usize = 256;
/// Of an answer, what is read: the carriers' are far shorter.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Why a carrier did not do what it was asked. The text is for the model and the operator; it holds no number and no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CarrierError {
    #[error("{0}")]
    Destination(#[from] vox_shared::dial::BadDestination),
    #[error("the bot's account at the carrier cannot be used: {0}")]
    Account(&'static str),
    #[error("the carrier's address may not be used: {0}")]
    Forbidden(String),
    #[error("the carrier could not be asked: {0}")]
    Unreachable(String),
    #[error("the carrier did not answer in time")]
    TimedOut,
    #[error("the carrier's answer was lost: {0}")]
    Lost(String),
    /// It did nothing, and asks to come again; `None`: it does not say when.
    #[error("the carrier takes no more orders of this account just now (429)")]
    Limited { wait: Option<Duration> },
    #[error("the carrier does not take the bot's credentials")]
    Credentials,
    #[error("the carrier has no such call: it is over, or another account's")]
    NoCall,
    #[error("the carrier refused with {status}{}", .code.as_ref().map(|code| format!(": {code}")).unwrap_or_default())]
    Refused { status: u16, code: Option<String> },
}

impl CarrierError {
    /// Whether the order may have been carried out all the same.
    pub fn is_unclear(&self) -> bool {
        matches!(self, Self::TimedOut | Self::Lost(_))
    }
}

/// The carrier of one call.
#[derive(Debug)]
pub struct Control {
    carrier: Carrier,
    access: CarrierAccess,
    /// Its name of the call.
    call: String,
    /// Who was called: whoever is dialled next may be shown it.
    did: Option<String>,
    base: Url,
    egress: Arc<Egress>,
    rules: HostRules,
    clock: Clock,
}

/// What is known of the line.
#[derive(Clone, Copy, Debug)]
pub struct OfLine<'a> {
    pub transport: &'a str,
    pub call: Option<&'a str>,
    pub did: Option<&'a str>,
}

impl Control {
    /// The carrier of a call, or why it can be asked nothing. The reason is what an order for a transfer is refused with.
    pub fn of(
        line: OfLine<'_>,
        config: &RuntimeConfig,
        egress: Arc<Egress>,
        clock: Clock,
    ) -> Result<Self, String> {
        let Some(carrier) = Carrier::of_transport(line.transport) else {
            return Err("this line cannot hand a caller over".into());
        };
        let name = carrier.name();
        let Some(access) = config.carrier.as_deref() else {
            return Err(format!(
                "this line hands a caller over only with an account of its carrier: set carriers.{name} of the bot"
            ));
        };
        let Some(call) = line.call else {
            return Err(match carrier {
                Carrier::Vonage => {
                    "the carrier did not say which call this is: give its uuid in the endpoint's headers"
                        .into()
                }
                _ => "the carrier did not say which call this is".to_owned(),
            });
        };
        if ![call, &access.account.account].into_iter().all(is_plain) {
            return Err(format!("the call's name or carriers.{name}.account is none that the carrier gives"));
        }
        let text = match access.account.base_url.as_str() {
            "" => carrier.base_url(),
            own => own,
        };
        let base =
            Url::parse(text).map_err(|_| format!("carriers.{name}.base_url of the bot is no address"))?;
        Ok(Self {
            carrier,
            access: access.clone(),
            call: call.to_owned(),
            did: line.did.map(str::to_owned),
            base,
            egress,
            rules: config.egress.clone(),
            clock,
        })
    }

    /// Why no caller can be handed over although the carrier can be asked.
    pub fn no_transfer(&self) -> Option<&'static str> {
        let needs_document = self.carrier == Carrier::Plivo && self.access.dial_url.is_empty();
        needs_document.then_some(
            "Plivo fetches from the bridge whom to dial, and that has no public address: set VOX_PUBLIC_URL",
        )
    }

    /// End the call, within this time and ten seconds. One that is over already is no fault.
    pub async fn hang_up(&self, within: Duration) -> Result<(), CarrierError> {
        let request = || match self.carrier {
            Carrier::Twilio => twilio::hang_up(self),
            Carrier::Plivo => plivo::hang_up(self),
            Carrier::Telnyx => telnyx::hang_up(self),
            Carrier::Vonage => vonage::hang_up(self),
        };
        match self.ask(request, within.min(DEADLINE)).await {
            Err(CarrierError::NoCall) => Ok(()),
            other => other,
        }
    }

    /// Hand the caller over.
    pub async fn transfer(&self, to: &str) -> Result<(), CarrierError> {
        let to: Destination = to.parse()?;
        let request = || match self.carrier {
            Carrier::Twilio => twilio::transfer(self, &to),
            Carrier::Plivo => plivo::transfer(self, &to),
            Carrier::Telnyx => telnyx::transfer(self, &to),
            Carrier::Vonage => vonage::transfer(self, &to),
        };
        self.ask(request, DEADLINE).await
    }

    /// A request to the API. An address that the bot's owner gave keeps to the tenant's rules too.
    fn request(&self, method: Method, segments: &[&str]) -> Result<RequestBuilder, CarrierError> {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        let request = match self.access.account.base_url.is_empty() {
            true => self.egress.request(method, url),
            false => self.egress.request_under(&self.rules, method, url),
        };
        request.map_err(|failure| CarrierError::Forbidden(failure.detail))
    }

    /// Account and secret as a name and a password.
    fn basic(&self, request: RequestBuilder) -> RequestBuilder {
        let account = &self.access.account;
        request.basic_auth(&account.account, Some(account.secret.expose()))
    }

    /// Order something, and again while the carrier says that it did nothing because of too many orders, when it wants to be asked
    /// again. What cannot be waited for within this time is given up at once.
    async fn ask(
        &self,
        request: impl Fn() -> Result<RequestBuilder, CarrierError>,
        within: Duration,
    ) -> Result<(), CarrierError> {
        let (until, mut pause) = (Instant::now() + within, FIRST_PAUSE);
        loop {
            let answer = match timeout_at(until, self.exchange(request()?)).await {
                Ok(answer) => answer,
                Err(_) => Err(CarrierError::TimedOut),
            };
            let Err(CarrierError::Limited { wait }) = &answer else { return answer };
            let wait = wait.unwrap_or(pause);
            if Instant::now() + wait >= until {
                return answer;
            }
            tracing::info!(
                wait_ms = wait.as_millis(),
                "the carrier takes no more orders just now; it is asked again"
            );
            sleep(wait).await;
            pause *= 2;
        }
    }

    async fn exchange(&self, request: RequestBuilder) -> Result<(), CarrierError> {
        let response = request.send().await.map_err(|error| {
            let was_sent = !(error.is_connect() || error.is_builder());
            let failure = http_failure(error);
            match failure.class {
                FailureClass::Forbidden => CarrierError::Forbidden(failure.detail),
                _ if !was_sent => CarrierError::Unreachable(failure.detail),
                FailureClass::TimedOut => CarrierError::TimedOut,
                _ => CarrierError::Lost(failure.detail),
            }
        })?;
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        let body = Refusal {
            status: status.as_u16(),
            headers: response.headers().clone(),
            body: read(response).await,
        };
        let code = error_code(&body.json());
        Err(match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => CarrierError::Credentials,
            StatusCode::NOT_FOUND => CarrierError::NoCall,
            StatusCode::TOO_MANY_REQUESTS => CarrierError::Limited { wait: body.retry_after() },
            // Telnyx' way to say that the call is over.
            StatusCode::UNPROCESSABLE_ENTITY if code.as_deref() == Some(telnyx::CALL_IS_OVER) => {
                CarrierError::NoCall
            }
            _ => CarrierError::Refused { status: body.status, code },
        })
    }
}

/// Whether a name may stand in a path: a `..` in the place of a call would name all of them. Telnyx has no account.
fn is_plain(name: &str) -> bool {
    let letters = |b: u8| b.is_ascii_alphanumeric() || b"-_:.=+".contains(&b);
    name.len() <= MAX_NAME && name.bytes().all(letters) && !name.starts_with('.')
}

/// The beginning of an answer's body; one that breaks off is read as far as it came.
async fn read(mut response: Response) -> String {
    let mut body = Vec::new();
    while let Ok(Some(piece)) = response.chunk().await {
        body.extend_from_slice(&piece);
        if body.len() > MAX_ANSWER_BYTES {
            break;
        }
    }
    body.truncate(MAX_ANSWER_BYTES);
    String::from_utf8_lossy(&body).into_owned()
}

/// The carrier's own code for what is wrong, where it says one: Twilio's `code`, Telnyx' `errors[].code`, Vonage's `title`. Free
/// text is not passed on: it may quote a number.
fn error_code(body: &Value) -> Option<String> {
    let said = [&body["code"], &body["errors"][0]["code"], &body["title"]];
    said.into_iter().find_map(|value| match value {
        Value::Number(number) => Some(number.to_string()),
        value => code_word(value).map(str::to_owned),
    })
}

#[cfg(test)]
pub(crate) mod tests;
