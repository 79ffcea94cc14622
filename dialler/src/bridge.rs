//! The client of the bridge's routes for diallers. The bridge has all state; a dialler that cannot reach it begins nothing.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use vox_shared::ids::AttemptId;
use vox_shared::wire::SECRET_HEADER;
use vox_shared::wire::dialler::attempt::{
    Abort, Commit, Fenced, Live, Lost, MAX_PERMITS, PermitsRenewed, PermitsRequest, Recoveries,
    RecoveriesRequest, ResultNoted, ResultRequest, RoomsRequest, RoomsSeen,
};
use vox_shared::wire::dialler::claim::{Claim, ClaimRequest};
use vox_shared::wire::dialler::lease::{
    MAX_HELD, ReleaseRequest, RenewRequest, Renewed, TakeRequest, TakenLease,
};
use vox_shared::wire::dialler::tick::{Tick, Ticked};
use vox_shared::wire::dialler::{CampaignsNow, Candidates, CandidatesRequest, codes};
use vox_shared::wire::refusal::Refusal;

const CONNECT_DEADLINE: Duration = Duration::from_secs(2);
const DEADLINE: Duration = Duration::from_secs(5);
/// A beat that takes longer has missed its time.
const BEAT_DEADLINE: Duration = Duration::from_secs(4);
/// Longest answer read, bytes: a page of campaigns with their leases.
const MAX_ANSWER: usize = 8 * 1024 * 1024;
/// Of an error's body that is shown.
const DETAIL: usize = 300;
/// Codes of a 409 that say something of the campaign, the number or the lease. Any other says that several wrote at once.
const DECIDED: [&str; 3] = [codes::PAUSED, codes::BARRED, codes::LEASE_TAKEN];
/// A secret that is refused is complained of so often: everything is asked each second.
const COMPLAIN_EVERY: Duration = Duration::from_secs(60);

/// The client. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Bridge {
    http: reqwest::Client,
    secret: SecretString,
    /// With the path that all routes begin with.
    base: String,
    /// When it was complained of the secret.
    complained: Arc<Mutex<Option<Instant>>>,
}

/// Why the bridge did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum BridgeError {
    /// It may have been done, or could be when asked again.
    #[error("the bridge cannot be asked: {0}")]
    Away(String),
    /// Another owns the contact, the attempt or the partition.
    #[error("another dialler owns it")]
    Fenced,
    /// Not done, for certain, and it will not be when asked again.
    #[error("the bridge refuses ({code}): {detail}")]
    Refused { code: String, detail: String },
}

type Told<T> = Result<T, BridgeError>;

impl Bridge {
    /// A client of the bridge at `url` (no path).
    pub fn new(url: &str, secret: SecretString) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(vox_egress::client_config())
            .connect_timeout(CONNECT_DEADLINE)
            .timeout(DEADLINE)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self {
            http,
            secret,
            base: format!("{}/api/v1/dialler", url.trim_end_matches('/')),
            complained: Arc::default(),
        })
    }

    pub async fn campaigns(&self) -> Told<CampaignsNow> {
        let request = self.http.get(format!("{}/campaigns", self.base));
        read(self.send(request).await?).await
    }

    /// However many are held: what one request may not name goes with the next. A beat that holds nothing is one too.
    pub async fn renew(&self, ask: &RenewRequest) -> Told<Renewed> {
        let mut renewed = Renewed::default();
        for held in parts(&ask.held, MAX_HELD) {
            let part = RenewRequest { worker: ask.worker.clone(), held: held.to_vec() };
            let request = self.post("/leases/renew", &part).timeout(BEAT_DEADLINE);
            let told: Renewed = read(self.send(request).await?).await?;
            renewed.lost.extend(told.lost);
        }
        Ok(renewed)
    }

    pub async fn take(&self, ask: &TakeRequest) -> Told<TakenLease> {
        self.ask("/leases/take", ask).await
    }

    pub async fn release(&self, ask: &ReleaseRequest) -> Told<()> {
        self.tell("/leases/release", ask).await
    }

    pub async fn candidates(&self, ask: &CandidatesRequest) -> Told<Candidates> {
        self.ask("/candidates", ask).await
    }

    pub async fn claim(&self, ask: &ClaimRequest) -> Told<Claim> {
        self.ask("/claims", ask).await
    }

    pub async fn recoveries(&self, ask: &RecoveriesRequest) -> Told<Recoveries> {
        self.ask("/recoveries", ask).await
    }

    pub async fn commit(&self, attempt: &AttemptId, epoch: u32) -> Told<Commit> {
        self.ask(&of(attempt, "commit"), &Fenced { epoch }).await
    }

    pub async fn live(&self, attempt: &AttemptId, live: Live) -> Told<()> {
        self.tell(&of(attempt, "live"), &live).await
    }

    pub async fn abort(&self, attempt: &AttemptId, abort: &Abort) -> Told<()> {
        self.tell(&of(attempt, "abort"), abort).await
    }

    pub async fn result(&self, attempt: &AttemptId, result: &ResultRequest) -> Told<ResultNoted> {
        self.ask(&of(attempt, "result"), result).await
    }

    pub async fn adopt(&self, attempt: &AttemptId, epoch: u32) -> Told<()> {
        self.tell(&of(attempt, "adopt"), &Fenced { epoch }).await
    }

    pub async fn recover(&self, attempt: &AttemptId, epoch: u32) -> Told<()> {
        self.tell(&of(attempt, "recover"), &Fenced { epoch }).await
    }

    pub async fn lost(&self, attempt: &AttemptId, lost: Lost) -> Told<()> {
        self.tell(&of(attempt, "lost"), &lost).await
    }

    /// However many calls run, as with [`Self::renew`].
    pub async fn renew_permits(&self, ask: &PermitsRequest) -> Told<PermitsRenewed> {
        let mut renewed = PermitsRenewed::default();
        for attempts in parts(&ask.attempts, MAX_PERMITS) {
            let part = PermitsRequest { attempts: attempts.to_vec() };
            let told: PermitsRenewed = self.ask("/permits/renew", &part).await?;
            renewed.gone.extend(told.gone);
        }
        Ok(renewed)
    }

    pub async fn rooms(&self, ask: &RoomsRequest) -> Told<RoomsSeen> {
        self.ask("/rooms", ask).await
    }

    pub async fn tick(&self, tick: &Tick) -> Told<Ticked> {
        self.ask("/ticks", tick).await
    }

    async fn ask<A: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Told<A> {
        read(self.send(self.post(path, body)).await?).await
    }

    /// Where the answer says nothing.
    async fn tell(&self, path: &str, body: &impl Serialize) -> Told<()> {
        self.send(self.post(path, body)).await.map(drop)
    }

    fn post(&self, path: &str, body: &impl Serialize) -> reqwest::RequestBuilder {
        self.http.post(format!("{}{path}", self.base)).json(body)
    }

    /// The answer, once it is known to be a good one.
    async fn send(&self, request: reqwest::RequestBuilder) -> Told<reqwest::Response> {
        let request = request.header(SECRET_HEADER, self.secret.expose_secret());
        let response = request.send().await.map_err(|error| away(&error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let text = body(response).await.unwrap_or_default();
        Err(self.refusal(status.as_u16(), Refusal::of(&text)))
    }

    /// What a status that is no success means. Only the bridge's own word is a refusal: a balancer, or a secret that was changed, says
    /// nothing of what was told.
    fn refusal(&self, status: u16, said: Option<Refusal>) -> BridgeError {
        let away = |why: &str| BridgeError::Away(format!("HTTP {status} {why}"));
        let said = match said.map(|refusal| refusal.error) {
            Some(said) if !matches!(status, 401 | 403) => said,
            None if !matches!(status, 401 | 403) => return away("that is none of the bridge's"),
            _ => {
                self.complain(status);
                return away("for this dialler's VOXCORE_SECRET");
            }
        };
        match status {
            408 | 425 | 429 | 500..=599 => away(&said.code),
            409 if said.code == codes::FENCED => BridgeError::Fenced,
            409 if !DECIDED.contains(&said.code.as_str()) => away(&said.code),
            _ => BridgeError::Refused { code: said.code, detail: said.detail.chars().take(DETAIL).collect() },
        }
    }

    fn complain(&self, status: u16) {
        let mut last = self.complained.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|at| at.elapsed() >= COMPLAIN_EVERY) {
            *last = Some(Instant::now());
            tracing::warn!(
                status,
                "the bridge refuses this dialler's secret: VOXCORE_SECRET has to be the bridge's; nothing is begun meanwhile"
            );
        }
    }
}

/// Of so many at most each; of nothing there is one part, with nothing in it.
fn parts<T>(all: &[T], most: usize) -> impl Iterator<Item = &[T]> {
    all.is_empty().then_some(all).into_iter().chain(all.chunks(most))
}

fn of(attempt: &AttemptId, what: &str) -> String {
    format!("/attempts/{attempt}/{what}")
}

async fn read<A: DeserializeOwned>(response: reqwest::Response) -> Told<A> {
    let text = body(response).await?;
    serde_json::from_slice(&text)
        .map_err(|error| BridgeError::Away(format!("its answer makes no sense: {error}")))
}

async fn body(mut response: reqwest::Response) -> Told<Vec<u8>> {
    let mut text = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| away(&error))? {
        if text.len() + piece.len() > MAX_ANSWER {
            return Err(BridgeError::Away("its answer is too large".to_owned()));
        }
        text.extend_from_slice(&piece);
    }
    Ok(text)
}

fn away(error: &reqwest::Error) -> BridgeError {
    let why = match () {
        () if error.is_connect() => "no connection",
        () if error.is_timeout() => "no answer in time",
        () => "the connection was cut",
    };
    BridgeError::Away(why.to_owned())
}

#[cfg(test)]
mod tests {
    use vox_harness::scripted_bridge;
    use vox_shared::wire::dialler::lease::Held;

    use super::*;

    const GOLDEN: &str = include_str!("../../shared/src/wire/refusal_v1.golden.json");

    /// The client of a server that answers so, by what the body of a request says.
    fn over(answer: impl Fn(&[u8]) -> (u16, String) + Send + 'static) -> Bridge {
        // Chosen once per process; a second choice is refused and changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let url = scripted_bridge(move |_, body| answer(body));
        Bridge::new(&url, "s".repeat(32).into()).unwrap()
    }

    fn answered(status: u16, text: &str) -> Bridge {
        let text = text.to_owned();
        over(move |_| (status, text.clone()))
    }

    async fn told(status: u16, text: &str) -> &'static str {
        let attempt = "con_1.2".parse().unwrap();
        match answered(status, text).recover(&attempt, 7).await {
            Ok(()) => "done",
            Err(BridgeError::Fenced) => "fenced",
            Err(BridgeError::Refused { .. }) => "refused",
            Err(BridgeError::Away(_)) => "away",
        }
    }

    #[tokio::test]
    async fn the_bridges_own_words_are_understood() {
        assert_eq!(told(204, "").await, "done");
        assert_eq!(told(409, GOLDEN).await, "fenced");
        for code in DECIDED {
            assert_eq!(told(409, &GOLDEN.replace("fenced", code)).await, "refused", "{code}");
        }
        let refused = answered(404, &GOLDEN.replace("fenced", "not_found")).campaigns().await;
        let Err(BridgeError::Refused { code, detail }) = refused else { panic!("{refused:?}") };
        assert_eq!((code.as_str(), detail.contains("walk away")), ("not_found", true));
    }

    #[tokio::test]
    async fn what_says_nothing_of_an_attempt_is_asked_again() {
        for (status, text) in [
            (401, &*GOLDEN.replace("fenced", "unauthorized")),
            (403, &*GOLDEN.replace("fenced", "forbidden")),
            (401, ""),
            (404, "<html>no such upstream</html>"),
            (409, &*GOLDEN.replace("fenced", "conflict")),
            (429, &*GOLDEN.replace("fenced", "too_many_requests")),
            (503, &*GOLDEN.replace("fenced", "store_unavailable")),
            (302, ""),
        ] {
            assert_eq!(told(status, text).await, "away", "{status} {text}");
        }
    }

    #[tokio::test]
    async fn as_much_is_renewed_as_there_is() {
        let of_each = over(|body| {
            let ask: serde_json::Value = serde_json::from_slice(body).unwrap();
            let (held, attempts) = (ask["held"].as_array(), ask["attempts"].as_array());
            let all = held.or(attempts).unwrap();
            assert!(all.len() <= 2_000, "the bridge takes no more: {}", all.len());
            let told: Vec<_> = all.first().into_iter().chain(all.last()).collect();
            (200, serde_json::json!({"lost": told, "gone": told}).to_string())
        });
        let held = |partition| Held { campaign: "cmp_1".parse().unwrap(), partition, epoch: 1 };
        let ask = |many| RenewRequest { worker: "one".into(), held: (0..many).map(held).collect() };
        let lost = of_each.renew(&ask(4_500)).await.unwrap().lost;
        let lost: Vec<_> = lost.into_iter().map(|held| held.partition).collect();
        assert_eq!(lost, [0, 1_999, 2_000, 3_999, 4_000, 4_499]);
        assert_eq!(of_each.renew(&ask(0)).await.unwrap().lost, [], "it is asked all the same");
        let attempts = (0..4_001).map(|n| format!("con_{n}.1").parse().unwrap()).collect();
        let gone = of_each.renew_permits(&PermitsRequest { attempts }).await.unwrap().gone;
        let gone: Vec<_> = gone.iter().map(AttemptId::as_str).collect();
        assert_eq!(gone, ["con_0.1", "con_1999.1", "con_2000.1", "con_3999.1", "con_4000.1", "con_4000.1"]);
    }
}
