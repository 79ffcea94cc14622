//! Takes away what was pasted around the words of a bot's settings.

use vox_shared::model::bot::{ApiKey, BotLanguage, BotSettings, Carrier, McpServer};
use vox_shared::typed::trimmed;

use super::keys::Keyed;

/// Trim every such word of a bot's settings.
pub fn trim_settings(settings: &mut BotSettings) {
    trim_vendor(&mut settings.stt);
    trim_vendor(&mut settings.llm);
    trim_vendor(&mut settings.tts);
    trim_key(&mut settings.line_access.token);
    for carrier in Carrier::ALL {
        let account = settings.carriers.of_mut(carrier);
        trim(&mut account.account);
        trim(&mut account.base_url);
        trim_key(&mut account.secret);
    }
    trim_servers(&mut settings.mcp_servers);
    let BotSettings {
        name,
        timezone,
        active_hours,
        line_access,
        tools,
        transfer_targets,
        widget,
        languages,
        ..
    } = settings;
    let hours = [&mut active_hours.start, &mut active_hours.end].into_iter().chain(&mut active_hours.days);
    tools.iter_mut().for_each(|tool| trim(&mut tool.name));
    let targets = transfer_targets.iter_mut().flat_map(|target| [&mut target.id, &mut target.value]);
    let languages = languages.iter_mut().flat_map(|known| {
        let BotLanguage { language, voice, voice_model } = known;
        [language, voice, voice_model]
    });
    let names = targets.chain(&mut widget.allowed_origins).chain(languages);
    for text in hours.chain(names).chain(&mut line_access.addresses).chain([timezone]) {
        trim(text);
    }
    for http in tools.iter_mut().filter_map(|tool| tool.http.as_mut()) {
        trim(&mut http.url);
        for header in &mut http.headers {
            trim(&mut header.name);
            trim_key(&mut header.secret);
        }
    }
    // A person may well put a name into quotation marks.
    *name = name.trim().to_owned();
}

fn trim_servers(servers: &mut [McpServer]) {
    for server in servers {
        trim(&mut server.name);
        trim(&mut server.url);
        server.allow.iter_mut().chain(&mut server.confirm).for_each(trim);
        for header in &mut server.headers {
            trim(&mut header.name);
            trim_key(&mut header.secret);
        }
    }
}

fn trim_vendor<T: Keyed>(vendor: &mut T) {
    trim_key(vendor.key());
    vendor.names_mut().into_iter().for_each(trim);
    if let Some(serde_json::Value::String(url)) = vendor.extra_mut().get_mut("base_url") {
        trim(url);
    }
    vendor.fallbacks_mut().iter_mut().for_each(trim_vendor);
}

fn trim_key(key: &mut ApiKey) {
    let word = trimmed(key.expose());
    if word.len() < key.expose().len() {
        *key = ApiKey::new(word);
    }
}

fn trim(text: &mut String) {
    let word = trimmed(text);
    if word.len() < text.len() {
        *text = word.to_owned();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_pasted_word_of_a_bot_is_trimmed() {
        let vendor = json!({"provider": " openai ", "api_key": "k\n", "model": "m ", "extra": {"base_url": " http://x/v1\n"}});
        let voice = json!({"provider": "elevenlabs\n", "api_key": "\"k\"", "voice": " v\u{200b}", "language": "en ", "fallbacks": [{"api_key": "f\r\n"}]});
        let given = json!({
            "name": " \"Max\" ", "timezone": "UTC\n", "llm": vendor, "tts": voice, "tools": [{"name": "end_call "}],
            "active_hours": {"start": " 09:00", "days": ["mon "]}, "line_access": {"token": " t\n", "addresses": ["10.0.0.1 "]}
        });
        let mut settings: BotSettings = serde_json::from_value(given).unwrap();
        trim_settings(&mut settings);
        let BotSettings { name, timezone, llm, tts, tools, active_hours, line_access, .. } = settings;
        assert_eq!(
            (name.as_str(), timezone.as_str(), tools[0].name.as_str()),
            ("\"Max\"", "UTC", "end_call")
        );
        assert_eq!((llm.provider.as_str(), llm.api_key.expose(), llm.model.as_str()), ("openai", "k", "m"));
        assert_eq!(llm.extra["base_url"], "http://x/v1");
        assert_eq!(
            (tts.provider.as_str(), tts.api_key.expose(), tts.voice.as_str()),
            ("elevenlabs", "k", "v")
        );
        assert_eq!((tts.language.as_str(), tts.fallbacks[0].api_key.expose()), ("en", "f"));
        assert_eq!((active_hours.start.as_str(), active_hours.days[0].as_str()), ("09:00", "mon"));
        assert_eq!((line_access.token.expose(), line_access.addresses[0].as_str()), ("t", "10.0.0.1"));
    }
}
