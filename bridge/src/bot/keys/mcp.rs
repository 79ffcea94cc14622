//! The secrets in the headers of a bot's servers of tools, by the rules of those of its own tools: a header is known by its server's
//! name and its own, and its secret goes only to the host that it was given for.

use serde_json::{Map, Value};
use vox_shared::model::bot::{ApiKey, BotSettings};

use super::tools::{HEADERS, SECRET, Stored, clear_headers, keep_headers, leads_to_same, mask_headers};
use crate::fields::FieldError;

const SERVERS: &str = "mcp_servers";

/// Every secret with its place, `mcp_servers.0.headers.1.secret`.
pub(super) fn each_secret(settings: &mut BotSettings, see: &mut dyn FnMut(String, &mut ApiKey)) {
    for (n, server) in settings.mcp_servers.iter_mut().enumerate() {
        for (m, header) in server.headers.iter_mut().enumerate() {
            see(format!("{SERVERS}.{n}.{HEADERS}.{m}.{SECRET}"), &mut header.secret);
        }
    }
}

/// Whether such a secret may stand there.
pub(super) fn is_place(parts: &[&str]) -> bool {
    let is_number = |text: &str| text.parse::<usize>().is_ok();
    matches!(parts, [SERVERS, n, HEADERS, m, SECRET] if is_number(n) && is_number(m))
}

/// Put the stored secrets where new headers have neither a value nor a secret.
pub(super) fn keep_stored(new: &mut BotSettings, stored: &BotSettings, faults: &mut Vec<FieldError>) {
    for (n, server) in new.mcp_servers.iter_mut().enumerate() {
        let Some(old) = stored.mcp_servers.iter().find(|old| old.name == server.name) else { continue };
        let stored = Stored { headers: &old.headers, is_same_host: leads_to_same(&server.url, &old.url) };
        keep_headers(&mut server.headers, stored, &format!("{SERVERS}.{n}"), faults);
    }
}

fn servers(shown: &mut Map<String, Value>) -> impl Iterator<Item = &mut Value> {
    shown.get_mut(SERVERS).and_then(Value::as_array_mut).into_iter().flatten()
}

/// As a person may see them.
pub(super) fn mask_all(shown: &mut Map<String, Value>) {
    servers(shown).for_each(mask_headers);
}

/// Without them.
pub(super) fn clear_all(shown: &mut Map<String, Value>) {
    servers(shown).for_each(clear_headers);
}
