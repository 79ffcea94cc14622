//! Access tokens of Google's service accounts: a claim signed with the account's key is exchanged for a token that is good for an hour.
//! (RFC 7523; the key file and the scope as Google documents them.)

mod account;

use std::time::Duration;

use http::{HeaderValue, Method};
use serde_json::Value;
use tokio::time::timeout;

pub use account::{Account, SCOPE};

use crate::chat::read_refusal;
use crate::{Egress, Failure, FailureClass, code_word, http_failure, secret_header};

/// A token server answers within this, or counts as away.
const DEADLINE: Duration = Duration::from_secs(10);
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// Longest life of a token that is believed.
const LIFE_MAX: u64 = 24 * 3600;
/// Most that a token server answers, bytes.
const ANSWER_MAX: usize = 64 * 1024;

/// A token as the `Authorization` header wants it, and how long it is good from now on.
#[derive(Clone, Debug)]
pub struct Token {
    pub authorization: HeaderValue,
    pub life: Duration,
}

/// Exchange a claim made at this second for a token. `vendor` stands in what goes wrong.
///
/// # Errors
/// `Unauthorised` where the account or its key is not taken, otherwise by what happened to the request.
pub async fn exchange(
    (vendor, egress): (&str, &Egress),
    account: &Account,
    second: i64,
) -> Result<Token, Failure> {
    let signing = account.clone();
    // A signature takes milliseconds of a processor.
    let signed = tokio::task::spawn_blocking(move || signing.claim(second)).await;
    let lost = |_| Failure::new(FailureClass::Unavailable, format!("{vendor}: no claim could be signed"));
    let assertion = signed.map_err(lost)?.map_err(|fault| refused(vendor, &fault))?;
    let request = egress
        .request(Method::POST, account.token_server().clone())?
        .header(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(form(&assertion));
    let asking = async {
        let response = request.send().await.map_err(http_failure)?;
        if !response.status().is_success() {
            let refusal = read_refusal(response).await;
            let json = refusal.json();
            let word = code_word(&json["error"]);
            // The account, its key or its clock: nothing that another try mends.
            let class = match word {
                Some("invalid_grant" | "invalid_client" | "unauthorized_client") => {
                    FailureClass::Unauthorised
                }
                _ => refusal.class(),
            };
            let said = word.map(|word| format!("{word} (the token server, of the service account)"));
            return Err(refusal.failure(vendor, class, said.as_deref()));
        }
        read_token(vendor, response).await
    };
    let late = |_| Failure::new(FailureClass::TimedOut, format!("{vendor}: no token in time"));
    timeout(DEADLINE, asking).await.map_err(late)?
}

fn form(assertion: &str) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", GRANT).append_pair("assertion", assertion);
    form.finish()
}

async fn read_token(vendor: &str, mut response: reqwest::Response) -> Result<Token, Failure> {
    let malformed =
        |what: &str| Failure::new(FailureClass::Malformed, format!("{vendor}: the token server {what}"));
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(http_failure)? {
        body.extend_from_slice(&piece);
        if body.len() > ANSWER_MAX {
            return Err(malformed("does not end"));
        }
    }
    let told: Value = serde_json::from_slice(&body).map_err(|_| malformed("answered no JSON"))?;
    let token = told["access_token"].as_str().filter(|token| !token.is_empty());
    let token = token.ok_or_else(|| malformed("gave no token"))?;
    let life = told["expires_in"].as_u64().unwrap_or(3600).min(LIFE_MAX);
    Ok(Token {
        authorization: secret_header(vendor, &format!("Bearer {token}"))?,
        life: Duration::from_secs(life),
    })
}

fn refused(vendor: &str, fault: &str) -> Failure {
    Failure::new(FailureClass::Unauthorised, format!("{vendor}: {fault}"))
}
