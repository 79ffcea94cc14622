//! Every vendor key of every bot, tried against its vendor.

use std::time::Duration;

use reqwest::{Method, StatusCode, header};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tokio::time::Instant;
use vox_egress::knock::{Shut, knock};
use vox_egress::{Egress, FailureClass, google, secret_header};
use vox_shared::catalogue::{self, Key, Vendor};
use vox_shared::clock::Clock;
use vox_shared::egress::Policy;

use super::Finding;
use super::clock::{judge_skew, skew};
use crate::bridge::{Bridge, BridgeError, Login};

/// How much of a vendor's refusal is looked at, bytes.
const MAX_REFUSAL_BYTES: usize = 2_000;
/// Longest wait for a vendor's answer.
const DEADLINE: Duration = Duration::from_secs(10);

#[derive(Deserialize)]
struct Uses {
    items: Vec<Use>,
}

/// One vendor of one bot, as the bridge tells an administrator.
#[derive(Clone, Deserialize)]
struct Use {
    bot_id: String,
    provider: String,
    api_key: SecretString,
    #[serde(default)]
    base_url: Option<String>,
}

impl Use {
    fn is_same_key(&self, other: &Self) -> bool {
        let same = self.api_key.expose_secret() == other.api_key.expose_secret();
        same && self.provider == other.provider && self.base_url == other.base_url
    }
}

/// What one key was found to be.
struct Answer {
    finding: Finding,
    /// The other side's `Date`.
    date: Option<String>,
}

/// One finding per key, and one about the clock if a vendor told the time.
pub async fn check(
    (bridge, login): (&Bridge, Option<&Login>),
    policy: Policy,
    clock: &Clock,
) -> Vec<Finding> {
    let Some(login) = login else {
        let mend = "set VOX_ADMIN_PASSWORD (and VOX_ADMIN_EMAIL, if another was chosen) for `vox doctor`";
        let detail = "not tried: keys are told to an administrator only, and the first password was changed";
        return vec![Finding::warn("vendor keys", detail, mend)];
    };
    let uses: Uses = match bridge.read_as(login, "/api/v1/vendor-keys", "tell its bots' vendors").await {
        Ok(uses) => uses,
        Err(error @ BridgeError::Login) => {
            let mend = "give the password of a super_admin as VOX_ADMIN_PASSWORD";
            return vec![Finding::warn("vendor keys", format!("not tried: {error}"), mend)];
        }
        Err(BridgeError::Status { status: StatusCode::NOT_FOUND, .. }) => {
            let mend = "try each bot with a call: `vox call BOT`";
            return vec![Finding::warn("vendor keys", "not tried: this bridge does not tell them", mend)];
        }
        Err(error) => return vec![Finding::fail("vendor keys", error.to_string(), "see the bridge above")],
    };
    let egress = Egress::new(policy);
    let mut findings = Vec::new();
    let mut told_time = None;
    for (bots, one) in distinct(uses.items) {
        let Some(vendor) = catalogue::find_tried(&one.provider, one.base_url.as_deref()) else {
            findings.extend(untried(&one.provider).map(|finding| finding.of_bots(&bots)));
            continue;
        };
        let Answer { finding, date } = match vendor {
            _ if vendor.takes_key_file() => {
                Answer { finding: ask_for_a_token(&egress, vendor, &one, clock).await, date: None }
            }
            _ if vendor.knock().is_some() => {
                Answer { finding: knock_at(&egress, vendor, &one).await, date: None }
            }
            _ => ask(&egress, vendor, &one).await,
        };
        told_time = told_time.or_else(|| Some((skew(&date?, clock.now())?, one.provider.clone())));
        findings.push(Finding { name: format!("key of {}", one.provider), ..finding }.of_bots(&bots));
    }
    if findings.is_empty() {
        findings.push(Finding::ok("vendor keys", "no bot uses a vendor that needs one"));
    }
    findings.extend(told_time.map(|(skew, vendor)| judge_skew(skew, &vendor)));
    findings
}

/// A vendor takes a key and has nothing to try it with.
fn untried(provider: &str) -> Option<Finding> {
    let mend = "try it with a call: `vox call BOT`";
    let detail = "not tried: its vendor has nothing but a call to try it with";
    catalogue::takes_key(provider).then(|| Finding::warn(format!("key of {provider}"), detail, mend))
}

impl Finding {
    fn of_bots(self, bots: &[String]) -> Self {
        Self { detail: format!("{} (of {})", self.detail, bots.join(", ")), ..self }
    }
}

/// Each key once, with the bots that use it.
fn distinct(uses: Vec<Use>) -> Vec<(Vec<String>, Use)> {
    let mut keys: Vec<(Vec<String>, Use)> = Vec::new();
    for one in uses {
        match keys.iter_mut().find(|(_, known)| known.is_same_key(&one)) {
            Some((bots, _)) if bots.contains(&one.bot_id) => {}
            Some((bots, _)) => bots.push(one.bot_id),
            None => keys.push((vec![one.bot_id.clone()], one)),
        }
    }
    keys.sort_by(|(_, a), (_, b)| a.provider.cmp(&b.provider));
    keys
}

async fn ask(egress: &Egress, vendor: &Vendor, one: &Use) -> Answer {
    let told = |finding| Answer { finding, date: None };
    let key = one.api_key.expose_secret().trim();
    let keyless = key.is_empty() && vendor.key == Key::UnlessOwnServer && one.base_url.is_some();
    if key.is_empty() && !keyless {
        return told(Finding::fail("", "there is none", "give the bot a key, or another vendor"));
    }
    let Some(url) = vendor.key_check_url(one.base_url.as_deref()) else {
        return told(Finding::fail(
            "",
            "the bot's base_url is no address",
            "correct it in the bot's settings",
        ));
    };
    let request = match egress.request(Method::GET, url) {
        Ok(request) => vendor
            .fixed_headers()
            .fold(request.timeout(DEADLINE), |request, (name, value)| request.header(name, value)),
        Err(refused) => return told(Finding::fail("", refused.detail, "see VOX_EGRESS_ALLOW")),
    };
    let request = match vendor.key_check {
        Some(check) if !keyless => match secret_header(vendor.name, &format!("{}{key}", check.prefix)) {
            Ok(value) => request.header(check.header, value),
            Err(_) => {
                return told(Finding::fail("", "it holds characters that no key has", "enter it again"));
            }
        },
        _ => request,
    };
    // The second request has its connection already: that is the latency a call meets.
    let warm = request.try_clone();
    let first = time(request).await;
    match (first, warm) {
        (Ok((response, _)), Some(warm)) if response.status().is_success() => {
            let date = date(&response);
            // The body is read so that the connection can be used again.
            let _ = response.bytes().await;
            Answer { finding: measured(warm).await, date }
        }
        (Ok((response, ms)), _) => {
            let date = date(&response);
            Answer { finding: refusal(response).await.after_ms(ms), date }
        }
        (Err(error), _) => told(unreachable(&error)),
    }
}

/// Whether the vendor opens its WebSocket for the key, which is all that can be asked of it without work.
async fn knock_at(egress: &Egress, vendor: &Vendor, one: &Use) -> Finding {
    let key = one.api_key.expose_secret().trim();
    if key.is_empty() {
        return Finding::fail("", "there is none", "give the bot a key, or another vendor");
    }
    let Shut { was_answered, failure } = match knock(egress, vendor, (one.base_url.as_deref(), key)).await {
        Ok(took) => {
            return Finding::ok("", "it is good: a connection opens").after_ms(took.as_secs_f64() * 1_000.0);
        }
        Err(shut) => shut,
    };
    let detail = failure.detail;
    match failure.class {
        FailureClass::Unauthorised => {
            Finding::fail("", format!("it is refused: {detail}"), "enter a valid key in the bot's settings")
        }
        FailureClass::OverLimit => Finding::warn(
            "",
            format!("it is over its limit now, or its account out of credit: {detail}"),
            "wait, or raise the limit at the vendor, or pay it",
        ),
        FailureClass::Forbidden => Finding::fail("", detail, "see VOX_EGRESS_ALLOW"),
        FailureClass::Unavailable | FailureClass::TimedOut if was_answered => {
            Finding::warn("", format!("the vendor is out of order: {detail}"), "see the vendor's status page")
        }
        FailureClass::Unavailable | FailureClass::TimedOut => Finding::fail(
            "",
            format!("not reached: {detail}"),
            "check the network, the bot's base_url and VOX_EGRESS_ALLOW",
        ),
        FailureClass::Refused | FailureClass::Malformed | FailureClass::NotInstalled => Finding::warn(
            "",
            format!("it is not known whether it is good: {detail}"),
            "check the bot's base_url, and try the key with a call: `vox call BOT`",
        ),
    }
}

/// The token server that a key file names: it gives a token for a good one. Nothing is asked of the vendor itself.
async fn ask_for_a_token(egress: &Egress, vendor: &Vendor, one: &Use, clock: &Clock) -> Finding {
    let mend = "enter the whole JSON of a service account's key file in the bot's settings";
    let account = match google::Account::parse(one.api_key.expose_secret()) {
        Ok(account) => account,
        Err(fault) => return Finding::fail("", fault, mend),
    };
    match google::exchange((vendor.name, egress), &account, clock.now().as_second()).await {
        Ok(_) => Finding::ok("", "its service account is given tokens"),
        Err(failure) if failure.class.is_transient() => {
            Finding::warn("", failure.detail, "try again; see the vendor's status page if it stays so")
        }
        Err(failure) => Finding::fail(
            "",
            failure.detail,
            "check that the account and its key exist, and this machine's clock",
        ),
    }
}

async fn time(request: reqwest::RequestBuilder) -> Result<(reqwest::Response, f64), reqwest::Error> {
    let start = Instant::now();
    let response = request.send().await?;
    Ok((response, start.elapsed().as_secs_f64() * 1_000.0))
}

async fn measured(request: reqwest::RequestBuilder) -> Finding {
    match time(request).await {
        Ok((_, ms)) => Finding::ok("", "it is good").after_ms(ms),
        Err(error) => unreachable(&error),
    }
}

fn date(response: &reqwest::Response) -> Option<String> {
    Some(response.headers().get(header::DATE)?.to_str().ok()?.to_owned())
}

/// A key may be good and not allowed to be asked about.
async fn refusal(mut response: reqwest::Response) -> Finding {
    let status = response.status();
    let mut body = Vec::new();
    while let (true, Ok(Some(piece))) = (body.len() < MAX_REFUSAL_BYTES, response.chunk().await) {
        body.extend_from_slice(&piece);
    }
    let body = String::from_utf8_lossy(&body);
    // ElevenLabs' word for a restricted key that is asked for the user's profile.
    let restricted = body.contains("missing_permissions");
    match status {
        _ if restricted => Finding::ok("", "it is good, and restricted"),
        StatusCode::FORBIDDEN => Finding::warn(
            "",
            "it is known and may not be asked about: it may still be good for calls",
            "make a test call: `vox call BOT`",
        ),
        // Google's word for a key that is none, which it answers 400.
        StatusCode::UNAUTHORIZED | StatusCode::BAD_REQUEST
            if status == StatusCode::UNAUTHORIZED || body.contains("API_KEY_INVALID") =>
        {
            Finding::fail("", "it is refused", "enter a valid key in the bot's settings")
        }
        StatusCode::TOO_MANY_REQUESTS => {
            Finding::warn("", "it is over its limit now", "wait, or raise the limit at the vendor")
        }
        StatusCode::PAYMENT_REQUIRED => Finding::fail("", "its account is out of credit", "pay the vendor"),
        status if status.is_server_error() => Finding::warn(
            "",
            format!("the vendor is out of order ({status})"),
            "see the vendor's status page",
        ),
        status => Finding::warn(
            "",
            format!("the vendor answered {status}"),
            "check the bot's base_url; a server that is not the vendor's may not have this address",
        ),
    }
}

/// Without the address: a user's may hold something private.
fn unreachable(error: &reqwest::Error) -> Finding {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let detail =
        if error.is_timeout() { "no answer in time".to_owned() } else { format!("not reached: {cause}") };
    Finding::fail("", detail, "check the network, the bot's base_url and VOX_EGRESS_ALLOW")
}
