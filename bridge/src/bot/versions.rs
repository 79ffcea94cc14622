//! The versions of a bot, and the draft that becomes the next one.

use vox_shared::model::bot::BotSettings;

use super::catalogue::{BotError, Catalogue, Edit, Publication, publish};
use super::keys;
use crate::fields::FieldError;
use crate::store::bot_versions::Version;
use crate::store::bots::{Bot, Draft};
use crate::store::{StoreError, Stored};

/// What a change of a draft begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The draft is written anew, on what is published now.
    Published,
    /// The draft as it is, or what is published when there is none.
    Draft,
}

/// One page of a bot's versions.
#[derive(Debug)]
pub struct VersionPage {
    pub items: Vec<Version>,
    /// The page after begins below this number.
    pub next: Option<u32>,
}

impl Catalogue {
    /// Write a bot's draft. Secrets that it does not name are those of the draft before, or of the bot.
    pub async fn write_draft(
        &self,
        edit: Edit<'_>,
        basis: Basis,
        drafted: impl FnOnce(&BotSettings) -> Result<BotSettings, Vec<FieldError>>,
    ) -> Result<Stored<Bot>, BotError> {
        self.edit(edit, |bot, now| {
            let before = bot.draft.as_ref();
            let settings =
                drafted(before.map_or(&bot.settings, |draft| &draft.settings)).map_err(BotError::Invalid)?;
            let based_on = match (basis, before) {
                (Basis::Draft, Some(draft)) => draft.based_on,
                _ => bot.release.number,
            };
            let author = edit.author.to_owned();
            bot.draft = Some(Draft { settings, based_on, updated_at: now, author });
            Ok(())
        })
        .await
    }

    /// Forget a bot's draft.
    pub async fn drop_draft(&self, edit: Edit<'_>) -> Result<(), BotError> {
        let dropped = |bot: &mut Bot, _| bot.draft.take().map(drop).ok_or(StoreError::NotFound.into());
        self.edit(edit, dropped).await.map(drop)
    }

    /// Make a bot's draft its next version, unless another version came out since it was begun.
    pub async fn publish_draft(&self, edit: Edit<'_>, note: String) -> Result<Stored<Bot>, BotError> {
        self.edit(edit, |bot, now| {
            let draft = bot.draft.take().ok_or(BotError::NoDraft)?;
            let (based_on, published) = (draft.based_on, bot.release.number);
            if based_on != published {
                return Err(BotError::DraftOutdated { based_on, published });
            }
            publish(bot, draft.settings, Publication { author: edit.author, note, now });
            Ok(())
        })
        .await
    }

    /// Roll back: publish an old version's settings as the next version. A vendor's key is the present one where the bot still
    /// has that vendor's entry, for the old one may have been revoked; otherwise it is the old one.
    pub async fn roll_back(
        &self,
        edit: Edit<'_>,
        number: u32,
        note: String,
    ) -> Result<Stored<Bot>, BotError> {
        let old = self.get_version(edit, number).await?.settings;
        self.edit(edit, |bot, now| {
            let settings = keys::with_present_keys(old, &bot.settings);
            let note = if note.is_empty() { format!("version {number} again") } else { note };
            publish(bot, settings, Publication { author: edit.author, note, now });
            Ok(())
        })
        .await
    }

    /// One version, the present one too.
    pub async fn get_version(&self, of: Edit<'_>, number: u32) -> Result<Version, StoreError> {
        let bot = self.stores.bots(of.reach).get_bot(of.bot).await?;
        match bot.value.release.number {
            present if present == number => Ok(Version::published(of.bot, &bot.value)),
            present if present < number => Err(StoreError::NotFound),
            _ => self.stores.bot_versions(of.reach).get_version(of.bot, number).await,
        }
    }

    /// The versions below a number, newest first; all from the present one on when there is none. Those of a page have no
    /// settings.
    pub async fn list_versions(
        &self,
        of: Edit<'_>,
        below: Option<u32>,
        limit: usize,
    ) -> Result<VersionPage, StoreError> {
        let bot = self.stores.bots(of.reach).get_bot(of.bot).await?;
        let present = bot.value.release.number;
        let mut items = Vec::new();
        if below.is_none_or(|below| present < below) {
            items.push(Version::published(of.bot, &bot.value));
        }
        // The present version may be kept already, by somebody who is about to publish the next.
        let below = below.map_or(present, |below| below.min(present));
        if items.len() < limit {
            let rest = limit - items.len();
            let kept = self.stores.bot_versions(of.reach).list_below(of.bot, below, rest).await?;
            items.extend(kept.into_iter().map(|kept| kept.value));
        }
        let next = items.last().map(|last| last.release.number).filter(|last| *last > 1);
        let next = next.filter(|_| items.len() == limit);
        Ok(VersionPage { items, next })
    }
}
