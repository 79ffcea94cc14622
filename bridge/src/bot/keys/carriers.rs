//! The secrets of a bot's accounts with carriers. One is kept until a change names it, like the lines' token; it goes only to the
//! account and the address that it was given for.

use serde_json::{Map, Value};
use vox_shared::model::bot::{ApiKey, BotSettings, Carrier, CarrierAccount};

use super::mask;
use crate::fields::FieldError;

const CARRIERS: &str = "carriers";
const SECRET: &str = "secret";
const MOVED: &str = "give the secret again: the stored one is not sent to another account or base_url";

fn place(carrier: Carrier) -> String {
    format!("{CARRIERS}.{}.{SECRET}", carrier.name())
}

/// Every secret with its place, `carriers.twilio.secret`.
pub(super) fn each_secret(settings: &mut BotSettings, see: &mut dyn FnMut(String, &mut ApiKey)) {
    for carrier in Carrier::ALL {
        see(place(carrier), &mut settings.carriers.of_mut(carrier).secret);
    }
}

/// Whether such a secret may stand there.
pub(super) fn is_place(parts: &[&str]) -> bool {
    matches!(parts, [CARRIERS, name, SECRET] if Carrier::of_transport(name).is_some())
}

pub(super) fn mask_all(shown: &mut Map<String, Value>) {
    for account in accounts(shown) {
        if let Some(Value::String(secret)) = account.get_mut(SECRET) {
            *secret = mask(secret);
        }
    }
}

pub(super) fn clear_all(shown: &mut Map<String, Value>) {
    for account in accounts(shown) {
        account.remove(SECRET);
    }
}

fn accounts(shown: &mut Map<String, Value>) -> impl Iterator<Item = &mut Map<String, Value>> {
    let carriers = shown.get_mut(CARRIERS).and_then(Value::as_object_mut);
    carriers.into_iter().flat_map(Map::values_mut).filter_map(Value::as_object_mut)
}

/// Put the stored secrets where a change leaves them alone. It takes one away by naming it, as null or empty, or by naming null
/// for what holds it.
pub fn keep_carriers(
    new: &mut BotSettings,
    stored: &BotSettings,
    given: &Map<String, Value>,
    faults: &mut Vec<FieldError>,
) {
    for carrier in Carrier::ALL.into_iter().filter(|carrier| leaves_secret(given, *carrier)) {
        let (new, old) = (new.carriers.of_mut(carrier), stored.carriers.of(carrier));
        if old.is_empty() || !new.is_empty() {
            continue;
        }
        match is_same(new, old) {
            true => new.secret = old.secret.clone(),
            false => faults.push(FieldError::new(place(carrier), MOVED)),
        }
    }
}

/// Old settings get the present secrets of the accounts that both have.
pub(super) fn renew(old: &mut BotSettings, present: &BotSettings) {
    for carrier in Carrier::ALL {
        let (old, present) = (old.carriers.of_mut(carrier), present.carriers.of(carrier));
        if !old.is_empty() && !present.is_empty() && is_same(old, present) {
            old.secret = present.secret.clone();
        }
    }
}

fn is_same(one: &CarrierAccount, other: &CarrierAccount) -> bool {
    (&one.account, &one.base_url) == (&other.account, &other.base_url)
}

fn leaves_secret(given: &Map<String, Value>, carrier: Carrier) -> bool {
    let inside = |fields: &Map<String, Value>, name: &str| match fields.get(name) {
        None => Ok(None),
        Some(Value::Object(fields)) => Ok(Some(fields.clone())),
        Some(_) => Err(()),
    };
    match inside(given, CARRIERS) {
        Ok(None) => true,
        Err(()) => false,
        Ok(Some(carriers)) => match inside(&carriers, carrier.name()) {
            Ok(None) => true,
            Err(()) => false,
            Ok(Some(account)) => !account.contains_key(SECRET),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settings() -> BotSettings {
        let mut settings = BotSettings::default();
        settings.carriers.twilio = CarrierAccount {
            account: "AC1".into(),
            secret: ApiKey::new("tw-0123456789abcdef"),
            base_url: String::new(),
        };
        settings
    }

    fn changed(given: Value, account: &str) -> Result<String, String> {
        let (mut new, mut faults) = (BotSettings::default(), Vec::new());
        account.clone_into(&mut new.carriers.twilio.account);
        keep_carriers(&mut new, &settings(), given.as_object().unwrap(), &mut faults);
        match faults.pop() {
            None => Ok(new.carriers.twilio.secret.expose().to_owned()),
            Some(fault) => Err(fault.path),
        }
    }

    #[test]
    fn a_secret_is_kept_until_it_is_named() {
        let stored = || Ok("tw-0123456789abcdef".to_owned());
        for kept in [json!({}), json!({"carriers": {}}), json!({"carriers": {"twilio": {"account": "AC1"}}})]
        {
            assert_eq!(changed(kept, "AC1"), stored());
        }
        for taken in [
            json!({"carriers": null}),
            json!({"carriers": {"twilio": null}}),
            json!({"carriers": {"twilio": {"secret": null}}}),
        ] {
            assert_eq!(changed(taken, "AC1"), Ok(String::new()));
        }
        let moved = json!({"carriers": {"twilio": {"account": "AC2"}}});
        assert_eq!(changed(moved, "AC2"), Err("carriers.twilio.secret".into()));
    }

    #[test]
    fn nothing_of_it_is_shown() {
        let shown = super::super::masked(&settings());
        assert_eq!(shown["carriers"]["twilio"]["secret"], "tw-0…cdef");
        let (mut cleared, places) = (shown.clone(), super::super::secrets_of(&settings()));
        super::super::clear_all(&mut cleared);
        assert!(cleared["carriers"]["twilio"].get("secret").is_none());
        assert_eq!(places, ["carriers.twilio.secret"]);
        assert!(
            super::super::is_place("carriers.vonage.secret")
                && !super::super::is_place("carriers.other.secret")
        );
    }
}
