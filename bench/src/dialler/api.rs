//! The public API as an administrator uses it, and nothing else.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::DiallerError;

const PAGE: usize = 200;
const LOOK: Duration = Duration::from_millis(200);
/// For carriers and imports to be done.
const SOON: Duration = Duration::from_secs(60);

/// A bridge, and who is logged in at it.
#[derive(Clone, Debug)]
pub(super) struct Api {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Api {
    /// Log in with what the bridge's ready file says.
    pub(super) async fn log_in(
        http: reqwest::Client,
        url: &str,
        ready: &Value,
    ) -> Result<Self, DiallerError> {
        let mut api = Self { http, url: url.to_owned(), token: String::new() };
        let login = json!({"email": ready["admin_email"], "password": ready["admin_password"]});
        let session = api.post("/api/v1/auth/login", &login).await?;
        api.token = text(&session, "access_token")?;
        Ok(api)
    }

    pub(super) async fn get(&self, path: &str) -> Result<Value, DiallerError> {
        self.send(self.http.get(format!("{}{path}", self.url)), path).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Value, DiallerError> {
        self.send(self.http.post(format!("{}{path}", self.url)).json(body), path).await
    }

    async fn send(&self, request: reqwest::RequestBuilder, path: &str) -> Result<Value, DiallerError> {
        let body = self.ask(request, path).await?;
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&body)
            .map_err(|error| DiallerError::Api { path: path.to_owned(), why: format!("{error} in: {body}") })
    }

    /// The body of an answer that is none of a failure.
    async fn ask(&self, request: reqwest::RequestBuilder, path: &str) -> Result<String, DiallerError> {
        let failed = |why: String| DiallerError::Api { path: path.to_owned(), why };
        let request = if self.token.is_empty() { request } else { request.bearer_auth(&self.token) };
        let answer = request.send().await.map_err(|error| failed(error.without_url().to_string()))?;
        let status = answer.status();
        let body = answer.text().await.map_err(|error| failed(error.without_url().to_string()))?;
        if status.is_success() { Ok(body) } else { Err(failed(format!("{status}: {body}"))) }
    }

    /// A bot of vendors that nobody will ask.
    pub(super) async fn insert_bot(&self) -> Result<String, DiallerError> {
        let bot = json!({
            "name": "Measured", "system_prompt": "You call people.", "opening_message": "Good day.",
            "stt": {"provider": "deepgram", "api_key": "unused"},
            "llm": {"provider": "openai", "api_key": "unused"},
            "tts": {"provider": "elevenlabs", "api_key": "unused", "voice": "21m00Tcm4TlvDq8ikWAM"},
        });
        text(&self.post("/api/v1/bots", &bot).await?, "id")
    }

    /// A carrier with these numbers, once LiveKit has its trunks.
    pub(super) async fn insert_carrier(
        &self,
        numbers: &[String],
        (cps, channels): (u32, u32),
    ) -> Result<(), DiallerError> {
        let carrier = json!({
            "name": "Simulated", "sip_address": "carrier.example", "outbound_cps": cps, "outbound_channels": channels,
            "outbound_burst": cps.div_ceil(2),
        });
        let id = text(&self.post("/api/v1/carriers", &carrier).await?, "id")?;
        for number in numbers {
            let did = json!({"number": number});
            self.post(&format!("/api/v1/carriers/{id}/dids"), &did).await?;
        }
        let until = Instant::now() + SOON;
        loop {
            let synced = self.post(&format!("/api/v1/carriers/{id}/sync"), &json!({})).await;
            // Another one may have it in hand.
            let status = synced.as_ref().ok().and_then(|carrier| carrier["sync_status"].as_str());
            if status == Some("synced") {
                return Ok(());
            }
            if Instant::now() > until {
                return Err(DiallerError::Late(format!("the carrier's trunks: {synced:?}")));
            }
            sleep(LOOK).await;
        }
    }

    /// A campaign as a draft.
    pub(super) async fn insert_campaign(&self, bot: &str, settings: &Value) -> Result<String, DiallerError> {
        let body = json!({"name": "Measured", "bot_id": bot, "settings": settings});
        text(&self.post("/api/v1/campaigns", &body).await?, "id")
    }

    /// Another administrator of the same tenant, who has a session of their own.
    pub(super) async fn colleague(&self) -> Result<Self, DiallerError> {
        let (email, password) = ("colleague@vox.example", "measured-with-patience");
        let invited = self.post("/api/v1/invitations", &json!({"email": email, "role": "admin"})).await?;
        let acceptance =
            json!({"token": text(&invited, "token")?, "password": password, "name": "Colleague"});
        let mut other = Self { token: String::new(), ..self.clone() };
        other.post("/api/v1/invitations/accept", &acceptance).await?;
        let session =
            other.post("/api/v1/auth/login", &json!({"email": email, "password": password})).await?;
        other.token = text(&session, "access_token")?;
        Ok(other)
    }

    /// Have a file taken; the import's id.
    pub(super) async fn upload(&self, campaign: &str, csv: String) -> Result<String, DiallerError> {
        let path = format!("/api/v1/campaigns/{campaign}/imports");
        let request = self.http.post(format!("{}{path}?name=people.csv", self.url));
        let request = request.header("content-type", "text/csv").body(csv);
        text(&self.send(request, &path).await?, "id")
    }

    /// Wait until the rows of a file are in; what came of them. Whoever waits may look at something each time.
    pub(super) async fn imported(
        &self,
        (campaign, import): (&str, &str),
        patience: Duration,
        mut look: impl FnMut(),
    ) -> Result<Value, DiallerError> {
        let until = Instant::now() + patience;
        loop {
            look();
            let mut seen = self.get(&format!("/api/v1/campaigns/{campaign}/imports/{import}")).await?;
            match seen["state"].as_str() {
                Some("done") => return Ok(seen["counts"].take()),
                Some("failed") => return Err(DiallerError::Late(format!("the import failed: {seen}"))),
                _ if Instant::now() > until => return Err(DiallerError::Late(format!("the import: {seen}"))),
                _ => sleep(LOOK).await,
            }
        }
    }

    /// Import people, and wait until all of them are there; how many came in.
    pub(super) async fn import(&self, campaign: &str, csv: String) -> Result<u64, DiallerError> {
        let import = self.upload(campaign, csv).await?;
        let counts = self.imported((campaign, &import), SOON, || {}).await?;
        Ok(counts["created"].as_u64().unwrap_or_default())
    }

    /// `start`, `pause`, `resume`, …
    pub(super) async fn tell(&self, campaign: &str, verb: &str) -> Result<(), DiallerError> {
        let path = format!("/api/v1/campaigns/{campaign}/{verb}");
        self.send(self.http.post(format!("{}{path}", self.url)), &path).await.map(drop)
    }

    /// A campaign as it stands, with its contacts by where they stand.
    pub(super) async fn campaign(&self, campaign: &str) -> Result<Value, DiallerError> {
        self.get(&format!("/api/v1/campaigns/{campaign}")).await
    }

    /// What is read as what it must be.
    pub(super) async fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T, DiallerError> {
        read(path, self.get(path).await?)
    }

    /// Every item of a list, page by page.
    pub(super) async fn list<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>, DiallerError> {
        let (mut all, mut cursor) = (Vec::new(), String::new());
        loop {
            let mut page = self.get(&format!("{path}?limit={PAGE}{cursor}")).await?;
            let items: Vec<T> = read(path, page["items"].take())?;
            all.extend(items);
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(all),
            }
        }
    }

    /// An answer that is no JSON.
    pub(super) async fn text(&self, path: &str) -> Result<String, DiallerError> {
        self.ask(self.http.get(format!("{}{path}", self.url)), path).await
    }
}

fn read<T: DeserializeOwned>(path: &str, value: Value) -> Result<T, DiallerError> {
    let failed =
        |error: serde_json::Error| DiallerError::Api { path: path.to_owned(), why: error.to_string() };
    serde_json::from_value(value).map_err(failed)
}

pub(super) fn text(value: &Value, field: &str) -> Result<String, DiallerError> {
    let text = value[field].as_str().map(str::to_owned);
    text.ok_or_else(|| DiallerError::Api { path: field.to_owned(), why: format!("is not in {value}") })
}
