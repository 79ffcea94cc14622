//! Removes bots for good that were deleted long ago, what hangs on them first. Their calls stay.

use jiff::{SignedDuration, Timestamp};
use vox_shared::ids::BotId;

use crate::error::with_source;
use crate::store::bots::Bot;
use crate::store::{Cursor, SWEPT, Stamp, StoreError, Stored, Stores};

/// How long a deleted bot can be restored.
pub const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Most bots of one round: each may have many versions.
pub const BATCH: usize = 20;
/// Most pages of a round: those of bots that cannot be removed are passed over.
const PAGES: usize = 50;

/// Remove some of those whose time is over; answers how many are gone, and whether there may be more. One that cannot be removed, or
/// makes no sense, is told and keeps no other from going.
pub async fn sweep(stores: &Stores, now: Timestamp) -> Result<(usize, bool), StoreError> {
    let long_ago = Stamp(now.saturating_sub(KEPT).unwrap_or(now));
    let (mut gone, mut after) = (0, None);
    for _ in 0..PAGES {
        let page = stores.all_bots().list_deleted_before(long_ago, BATCH, after).await?;
        for bot in page.items {
            let id = bot.id.clone();
            match Box::pin(remove(stores, bot)).await {
                Ok(()) => gone += 1,
                // Somebody restored it at this moment.
                Err(StoreError::Conflict) => {}
                Err(error) => {
                    let error = with_source(&error);
                    tracing::error!(bot.id = id, error, "a bot that was deleted long ago cannot be removed");
                }
            }
        }
        after = page.next_cursor.as_deref().map(Cursor::parse).transpose()?;
        if after.is_none() || gone >= BATCH {
            break;
        }
    }
    Ok((gone, after.is_some()))
}

async fn remove(stores: &Stores, bot: Stored<Bot>) -> Result<(), StoreError> {
    let bots = stores.all_bots();
    let bot = match bot.value.is_going {
        true => bot,
        // From here on nobody restores it without its versions.
        false => bots.replace_bot(Stored { value: Bot { is_going: true, ..bot.value }, ..bot }).await?,
    };
    let versions = stores.all_bot_versions();
    while versions.remove(&bot.value.tenant_id, &bot.id, SWEPT).await? == SWEPT {}
    // What is no id never had a CRM or a number.
    if let Ok(id) = bot.id.parse::<BotId>() {
        stores.crm(&bot.value.tenant_id).forget(&id).await?;
        stores.config_requests(&bot.value.tenant_id).forget(&id).await?;
        stores.dids(&bot.value.tenant_id).forget_bot(&id).await?;
    }
    bots.remove_bot(&bot).await
}
