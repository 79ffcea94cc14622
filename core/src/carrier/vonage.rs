//! Vonage: `PUT /v1/calls/{uuid}`, with a token that the application's key signs for the one request.

use http::Method;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use vox_shared::application_key::ApplicationKey;
use vox_shared::dial::Destination;

use super::{CarrierError, Control};

pub fn hang_up(control: &Control) -> Result<RequestBuilder, CarrierError> {
    change(control, &json!({"action": "hangup"}))
}

/// The caller's leg gets another control object: the socket's leg ends, and the caller is connected. Numbers are without `+`
/// here.
pub fn transfer(control: &Control, to: &Destination) -> Result<RequestBuilder, CarrierError> {
    let digits = |number: &str| number.trim_start_matches('+').to_owned();
    let endpoint = match to {
        Destination::Number(number) => json!({"type": "phone", "number": digits(number.as_str())}),
        Destination::Sip(address) => json!({"type": "sip", "uri": address}),
    };
    let mut connect = json!({"action": "connect", "endpoint": [endpoint]});
    if let Some(did) = &control.did {
        connect["from"] = digits(did).into();
    }
    change(control, &json!({"action": "transfer", "destination": {"type": "ncco", "ncco": [connect]}}))
}

fn change(control: &Control, order: &Value) -> Result<RequestBuilder, CarrierError> {
    let account = &control.access.account;
    let key = ApplicationKey::from_pem(account.secret.expose())
        .map_err(|_| CarrierError::Account("carriers.vonage.secret is no private key"))?;
    let token = key
        .token(&account.account, control.clock.now())
        .ok_or(CarrierError::Account("the machine gives no randomness to sign with"))?;
    Ok(control.request(Method::PUT, &["v1", "calls", &control.call])?.bearer_auth(token).json(order))
}
