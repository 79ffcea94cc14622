//! Making and changing the bots of a tenant.

use vox_shared::clock::Clock;
use vox_shared::ids::BotId;
use vox_shared::model::bot::BotSettings;

use super::draft::Held;
use crate::fields::FieldError;
use crate::store::bots::{Bot, Creation};
use crate::store::{Reach, Stamp, StoreError, Stored, Stores};

/// Why a bot is not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum BotError {
    #[error("this Idempotency-Key was used with another body; choose a new one")]
    KeyReused,
    #[error("the settings are not acceptable")]
    Invalid(Vec<FieldError>),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The bots of all tenants, for those who change them.
#[derive(Clone)]
pub struct Catalogue {
    pub stores: Stores,
    pub clock: Clock,
}

impl Catalogue {
    /// The vendor keys that the settings have for a tenant's bots.
    pub async fn held(&self, reach: &Reach) -> Result<Held, StoreError> {
        self.stores.settings().vendor_keys(reach.tenant()).await
    }

    /// Make a bot, or find the one that the same request made before.
    pub async fn create(
        &self,
        reach: &Reach,
        settings: BotSettings,
        creation: Option<Creation>,
    ) -> Result<Stored<Bot>, BotError> {
        let (bots, now) = (self.stores.bots(reach), Stamp(self.clock.now()));
        let tenant_id = reach.tenant().clone();
        let bot = Bot { tenant_id, created_at: now, updated_at: now, settings, creation };
        let id = BotId::generate();
        match (bots.insert_bot(&id, &bot).await, &bot.creation) {
            (Err(StoreError::Duplicate), Some(creation)) => {
                let made = bots.find_by_creation_key(&creation.key).await?.ok_or(StoreError::Conflict)?;
                // The same key with another body is a mistake of the client, not a repeat.
                let is_repeat = made.value.creation.as_ref() == Some(creation);
                if is_repeat { Ok(made) } else { Err(BotError::KeyReused) }
            }
            (inserted, _) => {
                inserted?;
                Ok(Stored { id: id.to_string(), version: 1, value: bot })
            }
        }
    }

    /// Change a bot's settings, if it has the expected version still.
    pub async fn change(
        &self,
        (reach, id): (&Reach, &BotId),
        expected: Option<u64>,
        drafted: impl FnOnce(&BotSettings) -> Result<BotSettings, Vec<FieldError>>,
    ) -> Result<Stored<Bot>, BotError> {
        let bots = self.stores.bots(reach);
        let mut bot = bots.get_bot(id).await?;
        if expected.is_some_and(|version| version != bot.version) {
            return Err(StoreError::Conflict.into());
        }
        bot.value.settings = drafted(&bot.value.settings).map_err(BotError::Invalid)?;
        bot.value.updated_at = Stamp(self.clock.now());
        Ok(bots.replace_bot(bot).await?)
    }
}
