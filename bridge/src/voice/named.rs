//! Bots that name a voice of the tenant's own in `tts.voice`: whether they may, and what their config gets in its place.

use url::Url;
use vox_shared::egress::HostRules;
use vox_shared::ids::{TenantId, VoiceId};
use vox_shared::model::bot::{BotSettings, TtsSettings};

use crate::fields::FieldError;
use crate::runtime::memory::Memory;
use crate::store::voices::{Voice, VoiceState};
use crate::store::{StoreError, Stores};

/// A voice where a bot names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// `tts`, `tts.fallbacks.0`.
    pub path: String,
    pub id: VoiceId,
    pub provider: String,
}

/// Those that settings name.
pub fn voices_of(settings: &BotSettings) -> Vec<Named> {
    let first = std::iter::once(("tts".to_owned(), &settings.tts));
    let fallbacks = settings.tts.fallbacks.iter().enumerate();
    let all = first.chain(fallbacks.map(|(n, tts)| (format!("tts.fallbacks.{n}"), tts)));
    all.filter_map(|(path, tts)| {
        Some(Named { path, id: VoiceId::in_settings(&tts.voice)?, provider: tts.provider.clone() })
    })
    .collect()
}

/// What is wrong with the voices that settings name.
pub async fn refused(
    stores: &Stores,
    tenant: &TenantId,
    settings: &BotSettings,
) -> Result<Vec<FieldError>, StoreError> {
    let mut faults = Vec::new();
    for Named { path, id, provider } in voices_of(settings) {
        let voice = stores.voices(tenant).find_voice(&id).await?;
        let wrong = match voice.map(|voice| voice.value) {
            None => "there is no such voice; see GET /api/v1/voices".to_owned(),
            Some(voice) if voice.provider != provider => {
                format!("this voice was made by {}; name that as the provider", voice.provider)
            }
            Some(Voice { state: VoiceState::Making | VoiceState::Ready, .. }) => continue,
            Some(Voice { state: VoiceState::Failed, .. }) => "the vendor did not make this voice".into(),
            Some(Voice { state: VoiceState::Removing, .. }) => "this voice is being deleted".into(),
        };
        faults.push(FieldError::new(format!("{path}.voice"), wrong));
    }
    Ok(faults)
}

/// A config's voices.
#[derive(Debug)]
pub struct Placed {
    /// `None` when none is left to speak with.
    pub tts: Option<TtsSettings>,
    /// Entries that were left out, in words for the call's events.
    pub left_out: Vec<String>,
}

/// The voices of a config: the vendors' ids in the place of the tenant's own, with the account where the bot names none. An entry whose
/// voice cannot be had is left out, and the next one speaks.
pub async fn placed(
    memory: &Memory,
    (tenant, rules): (&TenantId, &HostRules),
    tts: &TtsSettings,
) -> Result<Placed, StoreError> {
    let mut left_out = Vec::new();
    let named = |tts: &TtsSettings| VoiceId::in_settings(&tts.voice).is_some();
    if !named(tts) && !tts.fallbacks.iter().any(named) {
        return Ok(Placed { tts: Some(tts.clone()), left_out });
    }
    let first = TtsSettings { fallbacks: Vec::new(), ..tts.clone() };
    let mut usable = Vec::new();
    for mut entry in std::iter::once(first).chain(tts.fallbacks.iter().cloned()) {
        if let Some(id) = VoiceId::in_settings(&entry.voice) {
            let voice = memory.voice(tenant, &id).await?;
            let Some((voice, at_vendor)) = voice.as_deref().and_then(|voice| usable_by(&entry, voice, rules))
            else {
                left_out.push(format!("voice: {id} cannot be used, and the next one speaks"));
                continue;
            };
            entry.voice = at_vendor;
            take_account(&mut entry, voice);
        }
        usable.push(entry);
    }
    let mut usable = usable.into_iter();
    let first = usable.next();
    Ok(Placed { tts: first.map(|first| TtsSettings { fallbacks: usable.collect(), ..first }), left_out })
}

/// A voice that is there still, with its id at the vendor. The tenant's egress rules may have changed since it was made.
fn usable_by<'a>(entry: &TtsSettings, voice: &'a Voice, rules: &HostRules) -> Option<(&'a Voice, String)> {
    let is_good = voice.state == VoiceState::Ready && voice.provider == entry.provider;
    let url = voice.base_url.as_deref().and_then(|url| Url::parse(url).ok());
    let is_allowed = url.is_none_or(|url| rules.check(&url).is_ok());
    let at_vendor = voice.vendor_voice_id.clone().filter(|_| is_good && is_allowed)?;
    Some((voice, at_vendor))
}

/// A voice is its account's alone. A bot that names a key or an address of its own keeps them.
fn take_account(entry: &mut TtsSettings, voice: &Voice) {
    let address = entry.extra.get("base_url").and_then(serde_json::Value::as_str);
    let has_address = address.is_some_and(|url| !url.is_empty());
    if voice.api_key.is_empty() || has_address || !entry.api_key.is_empty() {
        return;
    }
    entry.api_key = voice.api_key.clone();
    if let Some(url) = &voice.base_url {
        entry.extra.insert("base_url".to_owned(), url.as_str().into());
    }
}
