//! Telnyx: `POST /v2/calls/{call_control_id}/actions/…`, with the API key as a bearer token.

use http::Method;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use vox_shared::dial::Destination;

use super::{CarrierError, Control};

/// The code, with 422, for a call that has ended.
pub const CALL_IS_OVER: &str = "90018";

pub fn hang_up(control: &Control) -> Result<RequestBuilder, CarrierError> {
    action(control, "hangup", &json!({}))
}

pub fn transfer(control: &Control, to: &Destination) -> Result<RequestBuilder, CarrierError> {
    action(control, "transfer", &json!({"to": to.as_str()}))
}

fn action(control: &Control, name: &str, order: &Value) -> Result<RequestBuilder, CarrierError> {
    let request = control.request(Method::POST, &["v2", "calls", &control.call, "actions", name])?;
    Ok(request.bearer_auth(control.access.account.secret.expose()).json(order))
}
