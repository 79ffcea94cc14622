//! What is set for a bot's CRM, and the rules of it.

use reqwest::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderName, HeaderValue, TRANSFER_ENCODING};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::{Origin, Url};
use utoipa::ToSchema;
use vox_egress::Egress;
use vox_shared::egress::HostRules;

use crate::bot::template;
use crate::fields::FieldError;

/// Longest address, bytes.
const MAX_URL_BYTES: usize = 2_048;
const MOVED: &str = "give the value again: the stored one is not sent to another host";
/// Longest body before its values, bytes.
const MAX_BODY_BYTES: usize = 64 * 1024;
const MAX_HEADERS: usize = 20;
/// Longest header, bytes.
const MAX_HEADER_BYTES: usize = 4_096;
/// A worker gives a try to get its config two seconds, and the rest of the config needs some of it.
pub const TIMEOUT_MS: (u32, u32) = (1_000, 1_500);

/// The two exchanges; each may be there or not.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct CrmSettings {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefetch: Option<Exchange>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub push: Option<Exchange>,
}

/// How a CRM is asked or told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Exchange {
    pub enabled: bool,
    /// With `{{…}}` behind the host.
    pub url: String,
    pub method: Method,
    pub headers: Vec<Header>,
    /// JSON text with `{{…}}` in its strings. Text, so that no key of it is taken for a field of ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Of the pre-fetch.
    pub timeout_ms: u32,
}

/// A header as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Header {
    pub name: String,
    /// Sealed at rest (`vault/places.rs`).
    pub header_value: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
}

impl Method {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
        }
    }
}

impl From<Method> for reqwest::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::Get => Self::GET,
            Method::Post => Self::POST,
            Method::Put => Self::PUT,
            Method::Patch => Self::PATCH,
        }
    }
}

/// A bot's CRM as it is asked for. What is left out, or null, is not done.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CrmRequest {
    prefetch: Option<ExchangeRequest>,
    push: Option<ExchangeRequest>,
}

/// One exchange as it is asked for.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExchangeRequest {
    /// `https://crm.example.com/leads/{{call.lead_id}}`: 2048 bytes at most, `{{…}}` only behind the host.
    url: String,
    /// A pre-fetch: `GET` (the default) or `POST`. A push: `POST` (the default), `PUT` or `PATCH`.
    method: Option<Method>,
    /// 20 at most.
    headers: Option<Vec<HeaderRequest>>,
    /// JSON with `{{…}}` in its strings, 64 KiB at most. A push needs one.
    body: Option<Value>,
    /// Of a pre-fetch: 1000 (the default) to 1500.
    timeout_ms: Option<u32>,
    /// True by default.
    enabled: Option<bool>,
}

/// A header as it is asked for.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HeaderRequest {
    name: String,
    /// It is stored sealed and never shown. Left out, the one that is stored under this name stays, if the host does.
    value: Option<String>,
}

/// Which of the two exchanges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    Prefetch,
    Push,
}

impl Which {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prefetch => "prefetch",
            Self::Push => "push",
        }
    }

    fn methods(self) -> &'static [Method] {
        match self {
            Self::Prefetch => &[Method::Get, Method::Post],
            Self::Push => &[Method::Post, Method::Put, Method::Patch],
        }
    }
}

impl CrmRequest {
    /// As it is to be stored, or all that is wrong with it. `old` has the headers' values that were left out.
    pub fn checked(
        self,
        old: &CrmSettings,
        egress: (&Egress, &HostRules),
    ) -> Result<CrmSettings, Vec<FieldError>> {
        let mut faults = Vec::new();
        let mut read = |asked: Option<ExchangeRequest>, old: &Option<Exchange>, which: Which| {
            asked.map(|asked| Reading { which, old: old.as_ref(), egress, faults: &mut faults }.read(asked))
        };
        let prefetch = read(self.prefetch, &old.prefetch, Which::Prefetch);
        let push = read(self.push, &old.push, Which::Push);
        if faults.is_empty() { Ok(CrmSettings { prefetch, push }) } else { Err(faults) }
    }
}

/// One exchange while it is read.
struct Reading<'a> {
    which: Which,
    old: Option<&'a Exchange>,
    egress: (&'a Egress, &'a HostRules),
    faults: &'a mut Vec<FieldError>,
}

impl Reading<'_> {
    fn fault(&mut self, field: &str, message: impl Into<String>) {
        self.faults.push(FieldError::new(format!("{}.{field}", self.which.as_str()), message));
    }

    fn read(mut self, asked: ExchangeRequest) -> Exchange {
        if let Some(fault) = fault_of_url(&asked.url, self.egress) {
            self.fault("url", fault);
        }
        let method = asked.method.unwrap_or(self.which.methods()[0]);
        if !self.which.methods().contains(&method) {
            let methods = format!("{:?}", self.which.methods()).to_uppercase();
            self.fault("method", format!("must be one of {methods}"));
        }
        let timeout_ms = asked.timeout_ms.unwrap_or(TIMEOUT_MS.0);
        if !(TIMEOUT_MS.0..=TIMEOUT_MS.1).contains(&timeout_ms) {
            self.fault("timeout_ms", format!("must be {} to {}", TIMEOUT_MS.0, TIMEOUT_MS.1));
        }
        if self.which == Which::Push && asked.timeout_ms.is_some() {
            self.fault("timeout_ms", "a push has 15 s; leave it out");
        }
        let body = self.body(asked.body, method);
        let headers = self.headers(asked.headers.unwrap_or_default(), &asked.url);
        let enabled = asked.enabled.unwrap_or(true);
        Exchange { enabled, url: asked.url, method, headers, body, timeout_ms }
    }

    fn body(&mut self, body: Option<Value>, method: Method) -> Option<String> {
        let text = body.map(|body| body.to_string());
        match &text {
            None if self.which == Which::Push => self.fault("body", "is required: the JSON that is sent"),
            Some(_) if method == Method::Get => self.fault("body", "goes with POST only"),
            Some(text) if text.len() > MAX_BODY_BYTES => {
                self.fault("body", format!("at most {MAX_BODY_BYTES} bytes"));
            }
            Some(text) if text.contains("\\u0000") => self.fault("body", "must not hold NUL"),
            _ => {}
        }
        text
    }

    /// A value that was left out goes only to the host that it was given for: whoever may set an address could have it sent to a server of
    /// their own.
    fn headers(&mut self, asked: Vec<HeaderRequest>, url: &str) -> Vec<Header> {
        if asked.len() > MAX_HEADERS {
            self.fault("headers", format!("at most {MAX_HEADERS}"));
            return Vec::new();
        }
        let mut headers: Vec<Header> = Vec::new();
        for (at, header) in asked.into_iter().enumerate() {
            if let Some(fault) = fault_of_name(&header.name) {
                self.fault(&format!("headers.{at}.name"), fault);
                continue;
            }
            if headers.iter().any(|other| other.name.eq_ignore_ascii_case(&header.name)) {
                self.fault(&format!("headers.{at}.name"), "is named twice");
                continue;
            }
            let stored = self.old.and_then(|old| {
                let header = old.headers.iter().find(|h| h.name.eq_ignore_ascii_case(&header.name))?;
                Some((leads_to_same(&old.url, url), header.header_value.clone()))
            });
            match header.value.or_else(|| stored.clone().filter(|(same, _)| *same).map(|(_, value)| value)) {
                None if stored.is_some() => self.fault(&format!("headers.{at}.value"), MOVED),
                None => self.fault(&format!("headers.{at}.value"), "is required: none is stored for it"),
                Some(value) if value.len() > MAX_HEADER_BYTES || HeaderValue::from_str(&value).is_err() => {
                    self.fault(
                        &format!("headers.{at}.value"),
                        format!("at most {MAX_HEADER_BYTES} bytes without line breaks"),
                    );
                }
                Some(header_value) => headers.push(Header { name: header.name, header_value }),
            }
        }
        headers
    }
}

fn fault_of_name(name: &str) -> Option<String> {
    let ours = [HOST, CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION];
    match HeaderName::from_bytes(name.as_bytes()) {
        Err(_) => Some("is no name of a header".into()),
        Ok(_) if name.len() > 128 => Some("at most 128 bytes".into()),
        Ok(name) if ours.contains(&name) => Some("is set by the bridge; leave it out".into()),
        Ok(_) => None,
    }
}

/// The address with every token replaced by `with`.
fn with_tokens_as(url: &str, with: &str) -> Result<Url, url::ParseError> {
    Url::parse(&template::replaced(url, |_| with.to_owned()))
}

/// Where an address leads, whatever its values are.
pub fn shape(url: &str) -> Result<(Origin, usize), url::ParseError> {
    let url = with_tokens_as(url, "x")?;
    Ok((url.origin(), segments(&url)))
}

/// Whether two addresses have scheme, host and port in common.
fn leads_to_same(one: &str, other: &str) -> bool {
    matches!((shape(one), shape(other)), (Ok((one, _)), Ok((other, _))) if one == other)
}

/// The parts of its path: a value that adds or takes one away leads elsewhere.
pub fn segments(url: &Url) -> usize {
    url.path_segments().map_or(0, Iterator::count)
}

fn fault_of_url(url: &str, (egress, rules): (&Egress, &HostRules)) -> Option<String> {
    if url.len() > MAX_URL_BYTES {
        return Some(format!("at most {MAX_URL_BYTES} bytes"));
    }
    let (Ok(one), Ok(other)) = (with_tokens_as(url, "x"), with_tokens_as(url, "y")) else {
        return Some("must be an address, like https://crm.example.com/leads/{{call.lead_id}}".into());
    };
    if !matches!(one.scheme(), "http" | "https") {
        return Some("must begin with https:// or http://".into());
    }
    if one.origin() != other.origin()
        || one.username() != other.username()
        || one.password() != other.password()
    {
        return Some("{{…}} may stand only behind the host".into());
    }
    if !one.username().is_empty() || one.password().is_some() {
        return Some("must not hold a user name or a password; use a header".into());
    }
    egress.check_under(rules, &one).err().map(|failure| failure.detail)
}
