//! The secrets in the headers of a bot's tools. A header is known by its tool's name and its own; its secret goes only to the host that
//! it was given for, otherwise whoever may edit a bot could have it sent to a server of their own.

use serde_json::{Map, Value};
use vox_shared::model::bot::tool::fill::shape;
use vox_shared::model::bot::{ApiKey, BotSettings, ToolHeader};

use super::mask;
use crate::fields::FieldError;

const TOOLS: &str = "tools";
const HTTP: &str = "http";
pub(super) const HEADERS: &str = "headers";
pub(super) const SECRET: &str = "secret";
const MOVED: &str = "give the secret again: the stored one is not sent to another host";

/// Every secret with its place, `tools.0.http.headers.1.secret`.
pub(super) fn each_secret(settings: &mut BotSettings, see: &mut dyn FnMut(String, &mut ApiKey)) {
    for (n, tool) in settings.tools.iter_mut().enumerate() {
        for (m, header) in tool.http.iter_mut().flat_map(|http| &mut http.headers).enumerate() {
            see(format!("{TOOLS}.{n}.{HTTP}.{HEADERS}.{m}.{SECRET}"), &mut header.secret);
        }
    }
}

/// Whether such a secret may stand there.
pub(super) fn is_place(parts: &[&str]) -> bool {
    let is_number = |text: &str| text.parse::<usize>().is_ok();
    matches!(parts, [TOOLS, n, HTTP, HEADERS, m, SECRET] if is_number(n) && is_number(m))
}

/// Put the stored secrets where new headers have neither a value nor a secret.
pub(super) fn keep_stored(new: &mut BotSettings, stored: &BotSettings, faults: &mut Vec<FieldError>) {
    for (n, tool) in new.tools.iter_mut().enumerate() {
        let old = stored.tools.iter().find(|old| old.name == tool.name).and_then(|old| old.http.as_ref());
        let (Some(http), Some(old)) = (&mut tool.http, old) else { continue };
        let stored = Stored { headers: &old.headers, is_same_host: leads_to_same(&http.url, &old.url) };
        keep_headers(&mut http.headers, stored, &format!("{TOOLS}.{n}.{HTTP}"), faults);
    }
}

/// Headers that are stored, and whether the new ones are for the same host.
pub(super) struct Stored<'a> {
    pub headers: &'a [ToolHeader],
    pub is_same_host: bool,
}

/// The same for the headers of one request, whose settings are at `path`.
pub(super) fn keep_headers(
    new: &mut [ToolHeader],
    stored: Stored<'_>,
    path: &str,
    faults: &mut Vec<FieldError>,
) {
    let open = |header: &ToolHeader| header.value.is_empty() && header.secret.is_empty();
    for (m, header) in new.iter_mut().enumerate().filter(|(_, header)| open(header)) {
        let known = stored.headers.iter().find(|known| known.name.eq_ignore_ascii_case(&header.name));
        match known.filter(|known| !known.secret.is_empty()) {
            Some(known) if stored.is_same_host => header.secret = known.secret.clone(),
            Some(_) => {
                faults.push(FieldError::new(format!("{path}.{HEADERS}.{m}.{SECRET}"), MOVED));
            }
            None => {}
        }
    }
}

/// Scheme, host and port in common.
pub(super) fn leads_to_same(one: &str, other: &str) -> bool {
    matches!((shape(one), shape(other)), (Ok((one, _)), Ok((other, _))) if one == other)
}

fn requests(shown: &mut Map<String, Value>) -> impl Iterator<Item = &mut Value> {
    let tools = shown.get_mut(TOOLS).and_then(Value::as_array_mut).into_iter().flatten();
    tools.filter_map(|tool| tool.get_mut(HTTP))
}

/// The headers of something that is asked.
fn headers(request: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    let headers = request.get_mut(HEADERS).and_then(Value::as_array_mut);
    headers.into_iter().flatten().filter_map(Value::as_object_mut)
}

/// As a person may see them.
pub(super) fn mask_all(shown: &mut Map<String, Value>) {
    requests(shown).for_each(mask_headers);
}

/// Without them.
pub(super) fn clear_all(shown: &mut Map<String, Value>) {
    requests(shown).for_each(clear_headers);
}

/// The headers of one request, as a person may see them.
pub(super) fn mask_headers(request: &mut Value) {
    for header in headers(request) {
        if let Some(Value::String(secret)) = header.get_mut(SECRET) {
            *secret = mask(secret);
        }
    }
}

/// Without their secrets.
pub(super) fn clear_headers(request: &mut Value) {
    headers(request).for_each(|header| drop(header.remove(SECRET)));
}

#[cfg(test)]
mod tests {
    use super::super::{clear_all, is_place, keep_stored, masked, secrets_of, with_present_keys};
    use super::*;
    use serde_json::json;

    const KEY: &str = "Bearer k-0123456789abcdef";

    fn bot(url: &str, secret: &str) -> BotSettings {
        let headers =
            json!([{"name": "x-shop", "value": "berlin"}, {"name": "Authorization", "secret": secret}]);
        let tool = json!({"name": "find_order", "http": {"url": url, "headers": headers}});
        serde_json::from_value(json!({"tools": [{"name": "end_call"}, tool]})).unwrap()
    }

    fn secret(settings: &BotSettings) -> &str {
        settings.tools[1].http.as_ref().unwrap().headers[1].secret.expose()
    }

    #[test]
    fn a_secret_is_shown_masked_and_left_out_of_a_file() {
        let settings = bot("https://shop.test/{{id}}", KEY);
        let mut shown = masked(&settings);
        let text = Value::Object(shown.clone()).to_string();
        assert!(text.contains("Bear…cdef") && !text.contains("0123456789"), "{text}");
        clear_all(&mut shown);
        assert!(!Value::Object(shown).to_string().contains("cdef"));
        let places = secrets_of(&settings);
        assert_eq!(places, ["tools.1.http.headers.1.secret"]);
        assert!(is_place(&places[0]) && !is_place("tools.1.http.headers.1.value"));
    }

    #[test]
    fn a_header_without_a_value_keeps_its_secret_for_the_host_it_was_given_for() {
        let stored = bot("https://shop.test/orders/{{id}}", KEY);
        let check = |url: &str, expected: Result<&str, &str>| {
            let (mut new, mut faults) = (bot(url, ""), Vec::new());
            keep_stored(&mut new, &stored, &mut faults);
            let refused = faults.first().map(|fault| fault.path.as_str());
            assert_eq!(refused.map_or(Ok(secret(&new)), Err), expected, "{url}");
        };
        check("https://shop.test/other/{{id}}", Ok(KEY));
        check("https://evil.test/orders/{{id}}", Err("tools.1.http.headers.1.secret"));
        check("http://shop.test/orders/{{id}}", Err("tools.1.http.headers.1.secret"));
        check("https://shop.test:8443/orders/{{id}}", Err("tools.1.http.headers.1.secret"));
    }

    #[test]
    fn a_version_of_before_gets_the_present_secret_where_it_leads_to_the_same_host() {
        let renewed = |url: &str| {
            let old = bot(url, "Bearer old-0123456789abc");
            secret(&with_present_keys(old, &bot("https://shop.test/", KEY))).to_owned()
        };
        assert_eq!(renewed("https://shop.test/{{id}}"), KEY);
        assert_eq!(renewed("https://old.test/{{id}}"), "Bearer old-0123456789abc");
    }
}
