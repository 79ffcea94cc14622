//! The bot's accounts with carriers.

use url::Url;
use vox_shared::application_key::ApplicationKey;
use vox_shared::model::bot::{BotSettings, Carrier, CarrierAccount};
use vox_shared::typed::{self, Alphabet};

use super::Faults;

/// Longest account, bytes.
const MAX_ACCOUNT: usize = 128;
/// Longest private key, bytes of PEM: 8192 bits need some 6,400.
const MAX_KEY_BYTES: usize = 8 * 1024;

pub fn check(settings: &BotSettings, faults: &mut Faults) {
    for carrier in Carrier::ALL {
        let account = settings.carriers.of(carrier);
        check_account(carrier, account, faults);
        let is_open = !carrier.signs() && !settings.line_access.is_guarded();
        let path = format!("carriers.{}", carrier.name());
        faults.unless(account.is_empty() || !is_open, &path, || {
            "this carrier signs nothing, so an account with it is used only for calls that are let in by line_access: set its token or addresses".into()
        });
    }
}

fn check_account(carrier: Carrier, account: &CarrierAccount, faults: &mut Faults) {
    let path = |field: &str| format!("carriers.{}.{field}", carrier.name());
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let is_name = account.account.len() <= MAX_ACCOUNT && account.account.bytes().all(plain);
    faults.unless(is_name, &path("account"), || {
        format!("letters, digits, '-' and '_', at most {MAX_ACCOUNT}, as the carrier shows it")
    });
    let is_named = carrier == Carrier::Telnyx || account.is_empty() || !account.account.is_empty();
    faults.unless(is_named, &path("account"), || match carrier {
        Carrier::Twilio => "name the account's SID, AC…".into(),
        Carrier::Plivo => "name the account's auth id".into(),
        _ => "name the application's id".into(),
    });
    check_secret(carrier, account, &path("secret"), faults);
    if account.base_url.is_empty() {
        return;
    }
    let url = Url::parse(&account.base_url).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.host_str().is_some()
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    });
    let is_good = typed::fault(&account.base_url, Alphabet::Ascii).is_none() && url.is_some();
    faults.unless(is_good, &path("base_url"), || {
        format!("must be an address like {}, or empty for the carrier's usual one", carrier.base_url())
    });
}

fn check_secret(carrier: Carrier, account: &CarrierAccount, path: &str, faults: &mut Faults) {
    if carrier != Carrier::Vonage {
        return faults.secret(path, &account.secret);
    }
    if account.is_empty() || faults.masked(path, &account.secret) {
        return;
    }
    faults.text(path, account.secret.expose(), MAX_KEY_BYTES);
    if let Err(bad) = ApplicationKey::from_pem(account.secret.expose()) {
        faults.add(path, bad.to_string());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::bot::draft::{self, Held};

    const KEY: &str = include_str!("../../../../testkit/keys/application.pem");

    fn faults(carriers: Value, token: &str) -> Vec<String> {
        let given = json!({"name": "a", "carriers": carriers, "line_access": {"token": token}});
        let faults = draft::new(given.as_object().unwrap(), &Held::new()).err().unwrap_or_default();
        faults.into_iter().map(|fault| fault.path).collect()
    }

    #[test]
    fn whole_accounts_are_taken() {
        let whole = json!({
            "twilio": {"account": "AC0123", "secret": "0123456789abcdef"},
            "plivo": {"account": "MA0123", "secret": " 0123456789abcdef\n", "base_url": "https://api.plivo.example/x"},
            "telnyx": {"secret": "KEY0123"},
            "vonage": {"account": "aaaa-bbbb", "secret": KEY},
        });
        assert_eq!(faults(whole, "line-token-1"), Vec::<String>::new());
    }

    #[test]
    fn what_is_wrong_is_told_by_its_place() {
        for (carriers, token, paths) in [
            (json!({"twilio": {"secret": "0123456789abcdef"}}), "", vec!["carriers.twilio.account"]),
            (json!({"twilio": {"account": "../AC", "secret": "x"}}), "", vec!["carriers.twilio.account"]),
            (
                json!({"twilio": {"account": "AC1", "secret": "0123…cdef"}}),
                "",
                vec!["carriers.twilio.secret"],
            ),
            (json!({"telnyx": {"secret": "KEY"}}), "", vec!["carriers.telnyx"]),
            (
                json!({"vonage": {"account": "a", "secret": "no key"}}),
                "line-token-1",
                vec!["carriers.vonage.secret"],
            ),
            (
                json!({"telnyx": {"secret": "KEY", "base_url": "ftp://x"}}),
                "line-token-1",
                vec!["carriers.telnyx.base_url"],
            ),
            (
                json!({"telnyx": {"secret": "KEY", "base_url": "https://u:p@x"}}),
                "line-token-1",
                vec!["carriers.telnyx.base_url"],
            ),
            (json!({"other": {}}), "", vec!["carriers.other"]),
        ] {
            assert_eq!(faults(carriers.clone(), token), paths, "{carriers}");
        }
    }
}
