//! Bots that name a voice of the tenant's own in `tts.voice`: whether they may, and what their config gets in its place.

use url::Url;
use vox_shared::catalogue::Pin;
use vox_shared::ids::{TenantId, VoiceId};
use vox_shared::model::bot::{BotSettings, TtsSettings};

use crate::bot::residency;
use crate::fields::FieldError;
use crate::runtime::memory::Memory;
use crate::store::tenants::Tenant;
use crate::store::voices::{Voice, VoiceState};
use crate::store::{StoreError, Stores};

/// A voice where a bot names it.
#[derive(Clone, Debug)]
pub struct Named<'a> {
    /// `tts`, `tts.fallbacks.0`.
    pub path: String,
    pub id: VoiceId,
    pub entry: &'a TtsSettings,
}

/// Those that settings name.
pub fn voices_of(settings: &BotSettings) -> Vec<Named<'_>> {
    let first = std::iter::once(("tts".to_owned(), &settings.tts));
    let fallbacks = settings.tts.fallbacks.iter().enumerate();
    let all = first.chain(fallbacks.map(|(n, tts)| (format!("tts.fallbacks.{n}"), tts)));
    all.filter_map(|(path, tts)| Some(Named { path, id: VoiceId::in_settings(&tts.voice)?, entry: tts }))
        .collect()
}

/// What is wrong with the voices that settings name, in a tenant that is pinned to a region or not.
pub async fn refused(
    stores: &Stores,
    (tenant, pin): (&TenantId, Option<&Pin>),
    settings: &BotSettings,
) -> Result<Vec<FieldError>, StoreError> {
    let mut faults = Vec::new();
    for Named { path, id, entry } in voices_of(settings) {
        let voice = stores.voices(tenant).find_voice(&id).await?;
        let wrong = match voice.map(|voice| voice.value) {
            None => "there is no such voice; see GET /api/v1/voices".to_owned(),
            Some(voice) if voice.provider != entry.provider => {
                format!("this voice was made by {}; name that as the provider", voice.provider)
            }
            Some(voice @ Voice { state: VoiceState::Making | VoiceState::Ready, .. }) => {
                match elsewhere(entry, &voice, pin) {
                    Some(why) => why,
                    None => continue,
                }
            }
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
    (tenant_id, tenant): (&TenantId, &Tenant),
    tts: &TtsSettings,
) -> Result<Placed, StoreError> {
    let mut left_out = Vec::new();
    let named = |tts: &TtsSettings| VoiceId::in_settings(&tts.voice).is_some();
    if !named(tts) && !tts.fallbacks.iter().any(named) {
        return Ok(Placed { tts: Some(tts.clone()), left_out });
    }
    let first = TtsSettings { fallbacks: Vec::new(), ..tts.clone() };
    let mut usable = Vec::new();
    for entry in std::iter::once(first).chain(tts.fallbacks.iter().cloned()) {
        let Some(id) = VoiceId::in_settings(&entry.voice) else {
            usable.push(entry);
            continue;
        };
        let voice = memory.voice(tenant_id, &id).await?;
        match voice.as_deref().and_then(|voice| spoken(entry, voice, tenant)) {
            Some(entry) => usable.push(entry),
            None => left_out.push(format!("voice: {id} cannot be used, and the next one speaks")),
        }
    }
    let mut usable = usable.into_iter();
    let first = usable.next();
    Ok(Placed { tts: first.map(|first| TtsSettings { fallbacks: usable.collect(), ..first }), left_out })
}

/// An entry with a voice that is there still. The tenant's egress rules and its region may have changed since it was made.
fn spoken(mut entry: TtsSettings, voice: &Voice, tenant: &Tenant) -> Option<TtsSettings> {
    let is_good = voice.state == VoiceState::Ready && voice.provider == entry.provider;
    let url = voice.base_url.as_deref().and_then(|url| Url::parse(url).ok());
    let is_allowed = url.is_none_or(|url| tenant.egress.check(&url).is_ok());
    let is_within = elsewhere(&entry, voice, tenant.pin().as_ref()).is_none();
    let at_vendor = voice.vendor_voice_id.clone().filter(|_| is_good && is_allowed && is_within)?;
    entry.voice = at_vendor;
    if takes_account(&entry, voice) {
        entry.api_key = voice.api_key.clone();
        if let Some(url) = &voice.base_url {
            entry.extra.insert("base_url".to_owned(), url.as_str().into());
        }
    }
    Some(entry)
}

/// A voice is its account's alone. A bot that names a key or an address of its own keeps them.
fn takes_account(entry: &TtsSettings, voice: &Voice) -> bool {
    let address = entry.extra.get("base_url").and_then(serde_json::Value::as_str);
    let has_address = address.is_some_and(|url| !url.is_empty());
    !voice.api_key.is_empty() && !has_address && entry.api_key.is_empty()
}

/// Why the account that an entry takes over from its voice is outside the region; one of the bot's own is looked at with the bot.
fn elsewhere(entry: &TtsSettings, voice: &Voice, pin: Option<&Pin>) -> Option<String> {
    let base_url = voice.base_url.as_deref().filter(|_| takes_account(entry, voice))?;
    residency::of_voice(pin, &voice.provider, Some(base_url))
}
