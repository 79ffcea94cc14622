//! A bot's vendors as its call has them: the accounts that are asked, and counted.

use vox_shared::ids::TenantId;
use vox_shared::model::bot::BotSettings;

use crate::bot::keys;
use crate::runtime::memory::Memory;
use crate::store::StoreError;
use crate::voice::named;

/// Settings as the call's config will have them: the voices of the tenant's own with their accounts, and then the keys of the settings
/// where the bot names none. `None` when the tenant is gone. Where no voice can be used the bot's own entries stand; its call gets none.
pub async fn settings_of_call(
    memory: &Memory,
    tenant_id: &TenantId,
    settings: &BotSettings,
) -> Result<Option<BotSettings>, StoreError> {
    let Some(tenant) = memory.tenant(tenant_id).await? else { return Ok(None) };
    let mut settings = settings.clone();
    let voices = named::placed(memory, (tenant_id, &*tenant), &settings.tts).await?;
    settings.tts = voices.tts.unwrap_or(settings.tts);
    fill_keys(memory, tenant_id, &mut settings).await?;
    Ok(Some(settings))
}

/// Put the keys of the settings where the bot names none. Voices have their places before: a voice's account comes first.
pub async fn fill_keys(
    memory: &Memory,
    tenant: &TenantId,
    settings: &mut BotSettings,
) -> Result<(), StoreError> {
    if keys::is_missing(settings) {
        let held = memory.vendor_keys(tenant).await?;
        keys::fill_missing(settings, &held);
    }
    Ok(())
}
