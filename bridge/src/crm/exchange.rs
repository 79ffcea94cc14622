//! One request to a CRM: made of the settings and the values of a call, sent, and what came back.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use serde_json::Value;
use tracing::Instrument;
use tracing::field::Empty;
use url::Url;
use vox_egress::{Egress, Failure, FailureClass};
use vox_shared::egress::HostRules;
use vox_shared::model::bot::tool::fill::percent_encoded;

use super::settings::{Exchange, segments, shape};
use crate::bot::template::Variables;
use crate::delivery::exchange::{Verdict, ask, new_attempt};
use crate::store::Stamp;
use crate::store::deliveries::Attempt;

/// A request with its values filled in.
#[derive(Clone, Debug)]
pub struct Filled {
    pub url: Url,
    pub body: Option<Value>,
}

/// What came of it.
pub struct Answer {
    pub attempt: Attempt,
    /// At most 64 KiB.
    pub body: Vec<u8>,
}

/// Put a call's values into an exchange. A token without a value is empty.
pub fn fill(exchange: &Exchange, variables: &Variables) -> Result<Filled, Failure> {
    let refused = |detail: &str| Failure::new(FailureClass::Refused, detail);
    let url = Url::parse(&variables.sent(&exchange.url, percent_encoded));
    let url = url.map_err(|_| refused("with this call's values the address is none"))?;
    // A value of dots would climb the path, in whatever spelling.
    if shape(&exchange.url).ok() != Some((url.origin(), segments(&url))) {
        return Err(refused("with this call's values the address leads elsewhere"));
    }
    let body = exchange.body.as_deref().map(serde_json::from_str::<Value>).transpose();
    let body = body.map_err(|_| refused("the stored body is no JSON"))?;
    Ok(Filled { url, body: body.map(|body| mapped(body, variables)) })
}

/// Send it. `id` is the same for every try of the same push.
pub async fn send(
    (egress, rules): (&Egress, &HostRules),
    (exchange, filled): (&Exchange, &Filled),
    id: Option<&str>,
    (now, deadline): (Stamp, Duration),
) -> Answer {
    let attempt = new_attempt(now);
    let request =
        egress.request_under(rules, exchange.method.into(), filled.url.clone()).map(|mut request| {
            request = request.header("x-request-id", &attempt.request_id);
            if let Some(id) = id {
                request = request.header("idempotency-key", id);
            }
            if let Some(body) = &filled.body {
                request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
            }
            exchange.headers.iter().fold(request, |request, header| {
                let Ok(mut value) = HeaderValue::from_str(&header.header_value) else { return request };
                value.set_sensitive(true);
                request.header(&header.name, value)
            })
        });
    let span = tracing::info_span!("crm", otel.kind = "client", status = Empty, "error.type" = Empty);
    let (attempt, verdict, body) = ask(request, attempt, deadline).instrument(span.clone()).await;
    if let Some(status) = attempt.status {
        span.record("status", status);
    }
    if verdict != Verdict::Taken {
        span.record("error.type", if attempt.status.is_some() { "refused" } else { "unreachable" });
    }
    Answer { attempt, body: body.to_vec() }
}

/// Every string of a body with its values; keys stay as they are.
fn mapped(body: Value, variables: &Variables) -> Value {
    match body {
        Value::String(text) => variables.sent(&text, str::to_owned).into(),
        Value::Array(list) => list.into_iter().map(|value| mapped(value, variables)).collect(),
        Value::Object(map) => map.into_iter().map(|(key, value)| (key, mapped(value, variables))).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::settings::Method;
    use super::*;

    fn check(url: &str, value: &str, expected: Option<&str>) {
        let call = json!({"id": value}).as_object().unwrap().clone();
        let variables = Variables { call, ..Variables::default() };
        let (headers, body) = (Vec::new(), None);
        let exchange = Exchange {
            enabled: true,
            url: url.into(),
            method: Method::Get,
            headers,
            body,
            timeout_ms: 1_000,
        };
        let filled = fill(&exchange, &variables).ok().map(|filled| filled.url.to_string());
        assert_eq!(filled.as_deref(), expected, "{url} {value}");
    }

    #[test]
    fn a_value_stays_in_its_place_of_the_address() {
        let path = "https://crm.test/leads/{{id}}/notes";
        check(path, "7 ü/&?#", Some("https://crm.test/leads/7%20%C3%BC%2F%26%3F%23/notes"));
        check(path, "..", None);
        check(path, ".", None);
        check(path, "%2e%2e", Some("https://crm.test/leads/%252e%252e/notes"));
        check("https://crm.test/{{id}}", "@evil.test", Some("https://crm.test/%40evil.test"));
        check("https://crm.test/?q={{id}}&x={{unknown}}", "a&b=c", Some("https://crm.test/?q=a%26b%3Dc&x="));
    }
}
