//! Where the secrets of a bot's settings are, by dotted paths.

use vox_shared::model::bot::{ApiKey, BotSettings};

use super::{KEY, Keyed, LINE_ACCESS, SECTIONS, TOKEN, carriers, mcp, tools};

/// The places that hold a secret, `llm.fallbacks.0.api_key`.
pub fn secrets_of(settings: &BotSettings) -> Vec<String> {
    let mut places = Vec::new();
    each_secret(&mut settings.clone(), &mut |place, secret| {
        if !secret.is_empty() {
            places.push(place);
        }
    });
    places
}

/// Whether a secret may stand there, in settings that have the entry.
pub fn is_place(path: &str) -> bool {
    let parts: Vec<&str> = path.split('.').collect();
    match parts.as_slice() {
        [section, KEY] => SECTIONS.contains(section),
        [section, "fallbacks", place, KEY] => SECTIONS.contains(section) && place.parse::<usize>().is_ok(),
        [section, TOKEN] => *section == LINE_ACCESS,
        parts => tools::is_place(parts) || mcp::is_place(parts) || carriers::is_place(parts),
    }
}

fn each_secret(settings: &mut BotSettings, see: &mut dyn FnMut(String, &mut ApiKey)) {
    each_vendor_key(settings, see);
    tools::each_secret(settings, see);
    mcp::each_secret(settings, see);
    carriers::each_secret(settings, see);
    see(format!("{LINE_ACCESS}.{TOKEN}"), &mut settings.line_access.token);
}

/// Every vendor's key, those of fallbacks too.
pub(super) fn each_vendor_key(settings: &mut BotSettings, see: &mut dyn FnMut(String, &mut ApiKey)) {
    fn of<T: Keyed>(vendor: &mut T, path: &str, see: &mut dyn FnMut(String, &mut ApiKey)) {
        see(format!("{path}.{KEY}"), vendor.key());
        for (place, fallback) in vendor.fallbacks_mut().iter_mut().enumerate() {
            of(fallback, &format!("{path}.fallbacks.{place}"), see);
        }
    }
    of(&mut settings.stt, "stt", see);
    of(&mut settings.llm, "llm", see);
    of(&mut settings.tts, "tts", see);
}
