//! The cheapest request of a vendor that needs a key, and what its answer says of the key.

use std::time::Duration;

use reqwest::Method;
use tokio::time::timeout;
use vox_egress::chat::read_refusal;
use vox_egress::knock::knock;
use vox_egress::{Egress, Failure, FailureClass, Refusal, google, http_failure, secret_header};
use vox_shared::catalogue;
use vox_shared::egress::HostRules;
use vox_shared::model::bot::ApiKey;

use super::found::Account;
use super::key_state::KeyState;

/// The whole request.
const DEADLINE: Duration = Duration::from_secs(10);

/// Ask with a key; the second since 1970 is that of a token that is asked for.
pub async fn ask(
    egress: &Egress,
    rules: &HostRules,
    (account, key): (&Account, &ApiKey),
    second: i64,
) -> Result<(), Failure> {
    let name = account.provider.as_str();
    let unknown = || Failure::new(FailureClass::Refused, format!("{name}: there is nothing to ask"));
    let vendor = catalogue::find_tried(name, account.base_url.as_deref()).ok_or_else(unknown)?;
    if vendor.takes_key_file() {
        return ask_for_a_token(egress, rules, (name, key), second).await;
    }
    if vendor.knock().is_some() {
        let base_url = account.base_url.as_deref();
        if let (Some(_), Some(url)) = (base_url, vendor.knock_url(base_url)) {
            egress.check_under(rules, &url)?;
        }
        let knocked = knock(egress, vendor, (base_url, key.expose())).await;
        return knocked.map(|_took| ()).map_err(|shut| shut.failure);
    }
    let check = vendor.key_check.ok_or_else(unknown)?;
    let url = vendor.key_check_url(account.base_url.as_deref()).ok_or_else(unknown)?;
    let mut request = match account.base_url {
        Some(_) => egress.request_under(rules, Method::GET, url)?,
        None => egress.request(Method::GET, url)?,
    };
    for (header, value) in vendor.fixed_headers() {
        request = request.header(header, value);
    }
    if !key.is_empty() {
        let value = format!("{}{}", check.prefix, key.expose().trim());
        request = request.header(check.header, secret_header(name, &value)?);
    }
    let asking = async {
        let response = request.send().await.map_err(http_failure)?;
        if response.status().is_success() {
            return Ok(());
        }
        let refusal = read_refusal(response).await;
        Err(refusal.failure(name, class_of(&refusal), None))
    };
    let late =
        || Failure::new(FailureClass::TimedOut, format!("{name}: no answer within {} s", DEADLINE.as_secs()));
    timeout(DEADLINE, asking).await.unwrap_or_else(|_| Err(late()))
}

/// The token server that a key file names: it gives a token for a good one. Nothing is asked of the vendor itself.
async fn ask_for_a_token(
    egress: &Egress,
    rules: &HostRules,
    (name, key): (&str, &ApiKey),
    second: i64,
) -> Result<(), Failure> {
    let wrong = |fault| Failure::new(FailureClass::Unauthorised, format!("{name}: {fault}"));
    let account = google::Account::parse(key.expose()).map_err(wrong)?;
    if account.has_own_token_server() {
        egress.check_under(rules, account.token_server())?;
    }
    google::exchange((name, egress), &account, second).await.map(|_token| ())
}

/// A key that may do its job and nothing else, as ElevenLabs, Deepgram and OpenAI give them, is refused here in words of rights, and
/// taken in calls.
fn class_of(refusal: &Refusal) -> FailureClass {
    let body = refusal.body.to_lowercase();
    let lacks_right = ["permission", "scope"].iter().any(|word| body.contains(word));
    match refusal.class() {
        FailureClass::Unauthorised if lacks_right => FailureClass::Refused,
        // Google answers a key that is none with 400.
        FailureClass::Refused if refusal.body.contains("API_KEY_INVALID") => FailureClass::Unauthorised,
        class => class,
    }
}

/// What a failure says of a key.
pub fn state_of(class: FailureClass) -> KeyState {
    match class {
        FailureClass::Unauthorised => KeyState::Refused,
        FailureClass::OverLimit => KeyState::OverLimit,
        FailureClass::Unavailable | FailureClass::TimedOut => KeyState::Away,
        FailureClass::Forbidden => KeyState::Forbidden,
        FailureClass::Refused | FailureClass::Malformed | FailureClass::NotInstalled => KeyState::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With a budget for routing such a key would have kept the bot's first vendor out of every call.
    #[test]
    fn a_key_that_may_only_do_its_job_is_not_a_refused_one() {
        for (status, body, state) in [
            (
                401,
                r#"{"detail": {"status": "missing_permissions", "message": "lacks user_read"}}"#,
                KeyState::Unknown,
            ),
            (403, r#"{"err_code": "INSUFFICIENT_PERMISSIONS"}"#, KeyState::Unknown),
            (403, r#"{"error": {"message": "Missing scopes: api.model.read"}}"#, KeyState::Unknown),
            (401, r#"{"detail": {"status": "invalid_api_key"}}"#, KeyState::Refused),
            (403, r#"{"error": {"code": "invalid_api_key_error"}}"#, KeyState::Refused),
            (402, "no permission to go on without credit", KeyState::OverLimit),
        ] {
            let refusal = Refusal { status, headers: Default::default(), body: body.into() };
            assert_eq!(state_of(class_of(&refusal)), state, "{status} {body}");
        }
    }
}
