//! Making and changing the bots of a tenant.

use vox_shared::catalogue::Pin;
use vox_shared::clock::Clock;
use vox_shared::egress::{HostRules, Policy};
use vox_shared::ids::BotId;
use vox_shared::model::bot::BotSettings;

use super::draft::Held;
use super::{addresses, residency};
use crate::auth::secret_token;
use crate::fields::FieldError;
use crate::sound;
use crate::store::bot_versions::Version;
use crate::store::bots::{Bot, Creation, Release};
use crate::store::{Reach, Stamp, StoreError, Stored, Stores};
use crate::voice::named;

/// What a widget key begins with, so that whoever finds one knows that it is public.
const WIDGET_KEY_PREFIX: &str = "wk_";

/// Why a bot is not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum BotError {
    #[error("this Idempotency-Key was used with another body; choose a new one")]
    KeyReused,
    #[error(
        "the bot that this Idempotency-Key made was deleted; restore it, or choose a new key to make another"
    )]
    MadeAndDeleted,
    #[error("the settings are not acceptable")]
    Invalid(Vec<FieldError>),
    #[error("the bot has no draft; write one first")]
    NoDraft,
    #[error(
        "version {published} was published after the draft was begun on version {based_on}; compare them, and PUT the draft again"
    )]
    DraftOutdated { based_on: u32, published: u32 },
    #[error("the bot is not deleted")]
    NotDeleted,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The bots of all tenants, for those who change them.
#[derive(Clone)]
pub struct Catalogue {
    pub stores: Stores,
    pub clock: Clock,
    /// The deployment's addresses, for those of tools.
    pub policy: Policy,
}

/// Which bot is changed, and by whom.
#[derive(Clone, Copy, Debug)]
pub struct Edit<'a> {
    pub reach: &'a Reach,
    pub bot: &'a BotId,
    /// The version of the document that it must have still.
    pub expected: Option<u64>,
    /// The id of the person or the key.
    pub author: &'a str,
}

/// Where a new bot comes from.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The id of the person or the key that makes it.
    pub author: String,
    /// Of its first version.
    pub note: String,
    pub creation: Option<Creation>,
}

impl Catalogue {
    /// The vendor keys that the settings have for a tenant's bots.
    pub async fn held(&self, reach: &Reach) -> Result<Held, StoreError> {
        self.stores.settings().vendor_keys(reach.tenant()).await
    }

    async fn bounds(&self, reach: &Reach) -> Result<Bounds, StoreError> {
        let tenant = self.stores.tenants().get_tenant(reach.tenant()).await?.value;
        Ok(Bounds { pin: tenant.pin(), egress: tenant.egress, policy: self.policy.clone() })
    }

    /// Make a bot, or find the one that the same request made before.
    pub async fn create(
        &self,
        reach: &Reach,
        settings: BotSettings,
        origin: Origin,
    ) -> Result<Stored<Bot>, BotError> {
        let bounds = self.bounds(reach).await?;
        let mut faults = bounds.refused(&settings);
        let whose = (reach.tenant(), bounds.pin.as_ref());
        faults.extend(named::refused(&self.stores, whose, &settings).await?);
        faults.extend(sound::named::refused(&self.stores, reach.tenant(), &settings).await?);
        if !faults.is_empty() {
            return Err(BotError::Invalid(faults));
        }
        let (bots, now) = (self.stores.bots(reach), Stamp(self.clock.now()));
        let Origin { author, note, creation } = origin;
        let release = Release { number: 1, published_at: Some(now), author: Some(author), note };
        let bot = Bot { release, creation, ..Bot::new(reach.tenant().clone(), settings, now) };
        let id = BotId::generate();
        match (bots.insert_bot(&id, &bot).await, &bot.creation) {
            (Err(StoreError::Duplicate), Some(creation)) => {
                let made = bots.find_by_creation_key(&creation.key).await?.ok_or(StoreError::Conflict)?;
                // The same key with another body is a mistake of the client, not a repeat.
                let is_repeat = made.value.creation.as_ref() == Some(creation);
                match is_repeat {
                    true if made.value.deleted_at.is_some() => Err(BotError::MadeAndDeleted),
                    true => Ok(made),
                    false => Err(BotError::KeyReused),
                }
            }
            (inserted, _) => {
                inserted?;
                Ok(Stored { id: id.to_string(), version: 1, value: bot })
            }
        }
    }

    /// Change a bot's settings and publish them at once, if it has the expected version still.
    pub async fn change(
        &self,
        edit: Edit<'_>,
        drafted: impl FnOnce(&BotSettings) -> Result<BotSettings, Vec<FieldError>>,
    ) -> Result<Stored<Bot>, BotError> {
        self.edit(edit, |bot, now| {
            let settings = drafted(&bot.settings).map_err(BotError::Invalid)?;
            publish(bot, settings, Publication { author: edit.author, note: String::new(), now });
            Ok(())
        })
        .await
    }

    /// Delete a bot. It answers no call from now on, and can be restored until it is removed.
    pub async fn delete(&self, edit: Edit<'_>) -> Result<(), BotError> {
        let deleted = |bot: &mut Bot, now| {
            bot.deleted_at = Some(now);
            Ok(())
        };
        self.edit(edit, deleted).await.map(drop)
    }

    /// Take a deletion back.
    pub async fn undelete(&self, edit: Edit<'_>) -> Result<Stored<Bot>, BotError> {
        let bot = self.stores.bots(edit.reach).get_with_deleted(edit.bot).await?;
        if bot.value.is_going {
            return Err(StoreError::NotFound.into());
        }
        let restored = |bot: &mut Bot, _| bot.deleted_at.take().map(drop).ok_or(BotError::NotDeleted);
        Box::pin(self.edit_this(bot, edit, restored)).await
    }

    /// Give a bot a new widget key; the old one opens nothing from now on.
    pub async fn renew_widget_key(&self, edit: Edit<'_>) -> Result<Stored<Bot>, BotError> {
        let renewed = |bot: &mut Bot, _| {
            bot.widget_key = Some(format!("{WIDGET_KEY_PREFIX}{}", secret_token::generate()));
            Ok(())
        };
        self.edit(edit, renewed).await
    }

    /// Take a bot's widget key away.
    pub async fn remove_widget_key(&self, edit: Edit<'_>) -> Result<(), BotError> {
        let removed = |bot: &mut Bot, _| bot.widget_key.take().map(drop).ok_or(StoreError::NotFound.into());
        self.edit(edit, removed).await.map(drop)
    }

    /// Change a live bot.
    pub(super) async fn edit(
        &self,
        edit: Edit<'_>,
        change: impl FnOnce(&mut Bot, Stamp) -> Result<(), BotError>,
    ) -> Result<Stored<Bot>, BotError> {
        let bot = self.stores.bots(edit.reach).get_bot(edit.bot).await?;
        // A bot is some thousand bytes, and each future below would hold it again.
        Box::pin(self.edit_this(bot, edit, change)).await
    }

    /// Change a bot as it was read. Of two at once one wins, and the other is told of the conflict.
    async fn edit_this(
        &self,
        bot: Stored<Bot>,
        edit: Edit<'_>,
        change: impl FnOnce(&mut Bot, Stamp) -> Result<(), BotError>,
    ) -> Result<Stored<Bot>, BotError> {
        if edit.expected.is_some_and(|version| version != bot.version) {
            return Err(StoreError::Conflict.into());
        }
        let (mut bot, now) = (bot, Stamp(self.clock.now()));
        let before = Version::published(edit.bot, &bot.value);
        let bounds = self.bounds(edit.reach).await?;
        let known = self.refused(&bot.value, &bounds).await?;
        change(&mut bot.value, now)?;
        // What was so before keeps nobody from changing the rest.
        let faults = self.refused(&bot.value, &bounds).await?;
        let faults: Vec<FieldError> = faults.into_iter().filter(|fault| !known.contains(fault)).collect();
        if !faults.is_empty() {
            return Err(BotError::Invalid(faults));
        }
        bot.value.updated_at = now;
        if bot.value.release.number != before.release.number {
            // First, so that whatever happens then no published version is lost.
            Box::pin(self.stores.bot_versions(edit.reach).keep(&before)).await?;
        }
        Ok(Box::pin(self.stores.bots(edit.reach).replace_bot(bot)).await?)
    }

    /// What of a bot and its draft depends on more than themselves, and is refused: addresses, regions and the tenant's own voices.
    async fn refused(&self, bot: &Bot, bounds: &Bounds) -> Result<Vec<FieldError>, StoreError> {
        let mut faults = Vec::new();
        for settings in std::iter::once(&bot.settings).chain(bot.draft.iter().map(|draft| &draft.settings)) {
            faults.extend(bounds.refused(settings));
            let whose = (&bot.tenant_id, bounds.pin.as_ref());
            faults.extend(named::refused(&self.stores, whose, settings).await?);
            faults.extend(sound::named::refused(&self.stores, &bot.tenant_id, settings).await?);
        }
        Ok(faults)
    }
}

/// What a tenant's bots may not leave.
struct Bounds {
    egress: HostRules,
    pin: Option<Pin>,
    /// Of the deployment.
    policy: Policy,
}

impl Bounds {
    /// What of the settings is outside.
    fn refused(&self, settings: &BotSettings) -> Vec<FieldError> {
        let mut faults = addresses::refused(settings, &self.egress);
        faults.extend(addresses::refused_of_tools(settings, &self.policy, &self.egress));
        faults.extend(residency::refused(settings, self.pin.as_ref()));
        faults
    }
}

/// Who publishes, when and why.
pub(super) struct Publication<'a> {
    pub author: &'a str,
    pub note: String,
    pub now: Stamp,
}

/// Give a bot other settings as its next version. The same settings are the same version.
pub(super) fn publish(bot: &mut Bot, settings: BotSettings, by: Publication<'_>) {
    if is_same(&bot.settings, &settings) {
        return;
    }
    bot.settings = settings;
    bot.release = Release {
        number: bot.release.number + 1,
        published_at: Some(by.now),
        author: Some(by.author.to_owned()),
        note: by.note,
    };
}

fn is_same(one: &BotSettings, other: &BotSettings) -> bool {
    let text = |settings| serde_json::to_string(settings).expect("settings are always serialisable");
    text(one) == text(other)
}
