//! Where a model is asked, and by what right: the Gemini API by a key, Vertex AI by the token of a service account.

use std::sync::Arc;

use http::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use url::Url;
use vox_shared::catalogue::{GEMINI, VERTEX, vertex_host};
use vox_shared::model::bot::LlmSettings;

use crate::provider::accounts::{Accounts, Tokens};
use crate::provider::egress::chat::endpoint;
use crate::provider::egress::{Egress, secret_header};
use crate::provider::extra::{Extra, Transport};
use crate::provider::llm::exchange;
use crate::provider::{Failure, FailureClass};

/// The version that has what the vendor's own client uses.
const GEMINI_VERSION: &str = "v1beta";
const VERTEX_VERSION: &str = "v1beta1";

/// The way to the models of one account.
#[derive(Clone, Debug)]
pub(super) struct Door {
    egress: Arc<Egress>,
    /// The address of all models, without the name of one.
    models: Arc<Url>,
    right: Right,
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
        let models = endpoint(&extra.base_url(Transport::Http), &[GEMINI_VERSION, "models"]);
        egress.check(&models)?;
        Ok(Self { egress: Arc::clone(egress), models: Arc::new(models), right: Right::Key(key) })
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
        let path = ["projects", project, "locations", location, "publishers", "google", "models"];
        let models = endpoint(&endpoint(&base, &[VERTEX_VERSION]), &path);
        egress.check(&models)?;
        Ok(Self { egress: Arc::clone(egress), models: Arc::new(models), right: Right::Account(tokens) })
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
