//! Where a model is asked, and by what right: the Gemini API by a key, Vertex AI by the token of a service account.

use std::sync::Arc;
use std::time::Duration;

use http::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::time::timeout;
use url::Url;
use vox_shared::catalogue::{GEMINI, VERTEX, vertex_host};
use vox_shared::model::bot::LlmSettings;

use super::error::{http_refusal, least_tokens};
use super::kept::PromptId;
use crate::provider::accounts::{Accounts, Tokens};
use crate::provider::egress::chat::{endpoint, read_refusal};
use crate::provider::egress::{Egress, http_failure, secret_header};
use crate::provider::extra::{Extra, Transport};
use crate::provider::llm::exchange;
use crate::provider::{Failure, FailureClass};

/// The version that has what the vendor's own client uses.
const GEMINI_VERSION: &str = "v1beta";
const VERTEX_VERSION: &str = "v1beta1";
/// Where the vendor keeps prompts.
const KEPT: &str = "cachedContents";
/// What it says of a kept prompt comes within this, and has at most so many bytes.
const KEPT_DEADLINE: Duration = Duration::from_secs(30);
const KEPT_ANSWER_MAX: usize = 64 * 1024;

/// The way to the models of one account.
#[derive(Clone, Debug)]
pub(super) struct Door {
    egress: Arc<Egress>,
    /// The address that all names of the vendor are below.
    root: Arc<Url>,
    /// The address of all models, without the name of one, and what stands before a model's name in the vendor's own names.
    models: Arc<Url>,
    publisher: Arc<str>,
    /// The address of all prompts that are kept.
    kept: Arc<Url>,
    right: Right,
}

/// What became of a prompt that the vendor was to keep.
pub(super) enum Making {
    /// It is kept under this name.
    Made(Arc<str>),
    /// It has too few tokens; so many are needed, as far as the vendor says.
    TooSmall(Option<u64>),
}

#[derive(Clone, Debug)]
enum Right {
    /// None at a server of one's own.
    Key(Option<HeaderValue>),
    Account(Arc<Tokens>),
}

impl Door {
    /// The Gemini API.
    pub(super) fn with_key(
        settings: &LlmSettings,
        extra: &Extra<'_>,
        egress: &Arc<Egress>,
    ) -> Result<Self, Failure> {
        let key = extra.key(&settings.api_key)?;
        let key = key.expose();
        let key = if key.is_empty() { None } else { Some(secret_header(GEMINI.name, key)?) };
        let mut root = endpoint(&extra.base_url(Transport::Http), &[GEMINI_VERSION, "models"]);
        // Of an address that was copied with its last part too, that part stands there once.
        root.path_segments_mut().expect("the catalogue lets only addresses through").pop();
        Self::open(egress, (root, &[]), &["models"], Right::Key(key))
    }

    /// Vertex AI.
    pub(super) fn with_account(
        settings: &LlmSettings,
        extra: &Extra<'_>,
        (egress, accounts): (&Arc<Egress>, &Accounts),
    ) -> Result<Self, Failure> {
        let refused = |what: &str| Failure::new(FailureClass::Refused, format!("{}: {what}", VERTEX.name));
        let key = extra.key(&settings.api_key)?;
        let tokens = accounts.open(VERTEX.name, key.expose())?;
        let given = |name: &str| extra.text(name).map(str::trim).filter(|text| !text.is_empty());
        let location = given("location").unwrap_or("global");
        let project = given("project").or(tokens.project());
        let project =
            project.ok_or_else(|| refused("extra.project must name the project; the key file has none"))?;
        let host = || Url::parse(&format!("https://{}", vertex_host(location)));
        let base = match given("base_url") {
            Some(_) => extra.base_url(Transport::Http),
            None => host().map_err(|_| refused("extra.location must be a location of Google's"))?,
        };
        let root = endpoint(&base, &[VERTEX_VERSION]);
        let place = ["projects", project, "locations", location];
        let right = Right::Account(Arc::clone(&tokens));
        Self::open(egress, (root, &place), &["publishers", "google", "models"], right)
    }

    fn open(
        egress: &Arc<Egress>,
        (root, place): (Url, &[&str]),
        models: &[&str],
        right: Right,
    ) -> Result<Self, Failure> {
        let (models, kept) = ([place, models].concat(), [place, &[KEPT]].concat());
        let address = |path: &[&str]| path.iter().fold(root.clone(), |url, part| within(&url, part));
        egress.check(&root)?;
        Ok(Self {
            egress: Arc::clone(egress),
            models: Arc::new(address(&models)),
            publisher: models.join("/").into(),
            kept: Arc::new(address(&kept)),
            root: Arc::new(root),
            right,
        })
    }

    /// Names a prompt for a model, by this right: who has another key has other prompts.
    pub(super) fn prompt_id(&self, model: &str, prompt: &str) -> PromptId {
        let right: &[u8] = match &self.right {
            Right::Key(key) => key.as_ref().map_or(&b""[..], HeaderValue::as_bytes),
            // What Vertex keeps belongs to the project, which is in the address.
            Right::Account(_) => &[],
        };
        let mut digest = Sha256::new();
        for part in [self.models.as_str().as_bytes(), right, model.as_bytes(), prompt.as_bytes()] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        digest.finalize().into()
    }

    /// Have the vendor keep a prompt (the fields of a request that are the same each time) for so long.
    pub(super) async fn keep(
        &self,
        model: &str,
        prompt: &Value,
        (title, life): (&str, Duration),
    ) -> Result<Making, Failure> {
        let mut body = prompt.clone();
        body["model"] = format!("{}/{model}", self.publisher).into();
        body["displayName"] = title.into();
        body["ttl"] = seconds(life).into();
        let asking = async {
            let url = &*self.kept;
            let response =
                self.send(&|egress| Ok(egress.request(Method::POST, url.clone())?.json(&body))).await?;
            if !response.status().is_success() {
                let refusal = read_refusal(response).await;
                return match least_tokens(&refusal) {
                    Some(least) => Ok(Making::TooSmall(least)),
                    None => Err(http_refusal(self.vendor(), &refusal)),
                };
            }
            let told = read_answer(self.vendor(), response).await?;
            let name = told["name"].as_str().filter(|name| is_kept_name(name));
            name.map(|name| Making::Made(name.into()))
                .ok_or_else(|| self.malformed("gave a kept prompt no name"))
        };
        self.in_time(asking).await
    }

    /// Have a prompt that is kept live for so long from now on.
    pub(super) async fn keep_on(&self, name: &str, life: Duration) -> Result<(), Failure> {
        let mut url = name.split('/').fold((*self.root).clone(), |url, part| within(&url, part));
        url.set_query(Some("updateMask=ttl"));
        let body = json!({"ttl": seconds(life)});
        let asking = async {
            let response =
                self.send(&|egress| Ok(egress.request(Method::PATCH, url.clone())?.json(&body))).await?;
            if !response.status().is_success() {
                return Err(http_refusal(self.vendor(), &read_refusal(response).await));
            }
            read_answer(self.vendor(), response).await.map(|_told| ())
        };
        self.in_time(asking).await
    }

    async fn in_time<T>(&self, asking: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let late = |_| {
            Failure::new(
                FailureClass::TimedOut,
                format!("{}: no answer about a prompt in time", self.vendor()),
            )
        };
        timeout(KEPT_DEADLINE, Box::pin(asking)).await.map_err(late)?
    }

    fn vendor(&self) -> &'static str {
        match self.right {
            Right::Key(_) => GEMINI.name,
            Right::Account(_) => VERTEX.name,
        }
    }

    fn malformed(&self, what: &str) -> Failure {
        Failure::new(FailureClass::Malformed, format!("{}: the server {what}", self.vendor()))
    }

    /// Ask a model for a reply in pieces.
    pub(super) async fn generate(&self, model: &str, body: &Value) -> Result<reqwest::Response, Failure> {
        let mut url = endpoint(&self.models, &[&format!("{model}:streamGenerateContent")]);
        url.set_query(Some("alt=sse"));
        self.send(&|egress| Ok(egress.request(Method::POST, url.clone())?.json(body))).await
    }

    /// The smallest request, for its connection. Nothing is generated.
    pub(super) async fn knock(&self, model: &str) -> Result<reqwest::Response, Failure> {
        let url = endpoint(&self.models, &[model]);
        self.send(&|egress| egress.request(Method::GET, url.clone())).await
    }

    /// A token that is not taken is replaced, once: it may have been taken back before its time.
    async fn send(
        &self,
        request: &(dyn Fn(&Egress) -> Result<reqwest::RequestBuilder, Failure> + Send + Sync),
    ) -> Result<reqwest::Response, Failure> {
        let tokens = match &self.right {
            Right::Key(None) => return exchange::send(GEMINI.name, request(&self.egress)?).await,
            Right::Key(Some(key)) => {
                let asking = request(&self.egress)?.header("x-goog-api-key", key.clone());
                return exchange::send(GEMINI.name, asking).await;
            }
            Right::Account(tokens) => tokens,
        };
        let mut replaced = false;
        loop {
            let authorization = tokens.authorization().await?;
            let asking = request(&self.egress)?.header(AUTHORIZATION, authorization.clone());
            let response = exchange::send(VERTEX.name, asking).await?;
            if response.status() != StatusCode::UNAUTHORIZED
                || replaced
                || !tokens.replace(&authorization).await
            {
                return Ok(response);
            }
            replaced = true;
        }
    }
}

/// An address with one more part of a path, escaped, even if it is the same as the last.
fn within(url: &Url, part: &str) -> Url {
    let mut url = url.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().push(part);
    }
    url
}

/// A length of time as the vendor writes it.
fn seconds(life: Duration) -> String {
    format!("{}s", life.as_secs())
}

/// A name that this vendor gives: parts of plain letters, of which the last but one says what it is.
fn is_kept_name(name: &str) -> bool {
    let parts: Vec<&str> = name.split('/').collect();
    let is_plain = |part: &&str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
    };
    name.len() <= 256 && parts.len() >= 2 && parts[parts.len() - 2] == KEPT && parts.iter().all(is_plain)
}

/// A short answer in JSON.
async fn read_answer(vendor: &str, mut response: reqwest::Response) -> Result<Value, Failure> {
    let malformed =
        |what: &str| Failure::new(FailureClass::Malformed, format!("{vendor}: the server {what}"));
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(http_failure)? {
        body.extend_from_slice(&piece);
        if body.len() > KEPT_ANSWER_MAX {
            return Err(malformed("does not end its answer about a prompt"));
        }
    }
    serde_json::from_slice(&body).map_err(|_| malformed("answered no JSON about a prompt"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_kept_prompts_lead_nowhere_else() {
        for good in ["cachedContents/a-1_b", "projects/123/locations/eu/cachedContents/7"] {
            assert!(is_kept_name(good), "{good}");
        }
        for bad in [
            "",
            "cachedContents",
            "cachedContents/",
            "cachedContents/../models",
            "a/b",
            "cachedContents/a?b",
            "/cachedContents/a",
        ] {
            assert!(!is_kept_name(bad), "{bad}");
        }
    }
}
