//! Bots that name sounds: whether there are such sounds.

use vox_shared::ids::TenantId;
use vox_shared::model::bot::BotSettings;

use crate::fields::FieldError;
use crate::store::{StoreError, Stores};

/// What is wrong with the sounds that settings name.
pub async fn refused(
    stores: &Stores,
    tenant: &TenantId,
    settings: &BotSettings,
) -> Result<Vec<FieldError>, StoreError> {
    let sounds = stores.sounds(tenant);
    let mut faults = Vec::new();
    for (path, id) in settings.sounds.named() {
        if sounds.find_sound(id).await?.is_none() {
            faults.push(FieldError::new(path, "there is no such sound; see GET /api/v1/sounds"));
        }
    }
    Ok(faults)
}
