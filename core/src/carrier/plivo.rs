//! Plivo: `/v1/Account/{auth_id}/Call/{call}/`, with the auth id and token as name and password. A hang-up deletes the call; a
//! transfer gives its first leg the address of another document, which the bridge answers.

use http::Method;
use reqwest::RequestBuilder;
use serde_json::json;
use url::Url;
use vox_shared::dial::Destination;

use super::{CarrierError, Control};

pub fn hang_up(control: &Control) -> Result<RequestBuilder, CarrierError> {
    Ok(control.basic(of_call(control, Method::DELETE)?))
}

pub fn transfer(control: &Control, to: &Destination) -> Result<RequestBuilder, CarrierError> {
    let no_document = || CarrierError::Account("the bridge has no address for Plivo to fetch from");
    let mut document = Url::parse(&control.access.dial_url).map_err(|_| no_document())?;
    document.query_pairs_mut().append_pair("dial", to.as_str());
    let order = json!({"legs": "aleg", "aleg_url": document.as_str(), "aleg_method": "GET"});
    Ok(control.basic(of_call(control, Method::POST)?).json(&order))
}

/// Paths of this API end with a slash.
fn of_call(control: &Control, method: Method) -> Result<RequestBuilder, CarrierError> {
    control.request(method, &["v1", "Account", &control.access.account.account, "Call", &control.call, ""])
}
