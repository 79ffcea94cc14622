//! Twilio: `POST /2010-04-01/Accounts/{account}/Calls/{call}.json`, a form, with the account's SID and token as name and password.

use http::Method;
use reqwest::RequestBuilder;
use vox_shared::dial::Destination;

use super::{CarrierError, Control};

const VERSION: &str = "2010-04-01";

pub fn hang_up(control: &Control) -> Result<RequestBuilder, CarrierError> {
    update(control, "Status", "completed")
}

/// The call's document is replaced: the stream ends, and the caller is connected.
pub fn transfer(control: &Control, to: &Destination) -> Result<RequestBuilder, CarrierError> {
    update(control, "Twiml", &to.twiml())
}

fn update(control: &Control, field: &str, value: &str) -> Result<RequestBuilder, CarrierError> {
    let (account, call) = (&control.access.account.account, format!("{}.json", control.call));
    let request = control.request(Method::POST, &[VERSION, "Accounts", account, "Calls", &call])?;
    let form = url::form_urlencoded::Serializer::new(String::new()).append_pair(field, value).finish();
    let request = request.header(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(form);
    Ok(control.basic(request))
}
