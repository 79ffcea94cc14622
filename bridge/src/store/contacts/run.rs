//! A campaign that is begun anew.

use vox_shared::ids::CampaignId;

use super::Contacts;
use super::contact::{Class, Contact, ContactStatus};
use crate::store::documents::StoreError;
use crate::store::engine::{Cursor, MAX_PAGE};
use crate::store::stamp::Stamp;

impl Contacts {
    /// Begin a new run: have those of a campaign rung again that came to an end before it and that `wanted` takes, and have those that still
    /// wait begin with their caps anew; none of them before its `next_at`. Answers how many it changed: call again until that is 0, as
    /// others may change them meanwhile.
    pub async fn reopen(
        &self,
        (campaign, run): (&CampaignId, u32),
        wanted: impl Fn(&Contact) -> bool,
        now: Stamp,
    ) -> Result<u64, StoreError> {
        let mut changed = 0;
        for status in ContactStatus::REOPENED {
            let mut after = None;
            loop {
                let page = self.list_in((campaign, status), MAX_PAGE, after).await?;
                for mut contact in page.items {
                    let value = &mut contact.value;
                    let waits = status == ContactStatus::Ready;
                    if value.run >= run || if waits { value.is_untried() } else { !wanted(value) } {
                        continue;
                    }
                    value.begin_run(run, now);
                    if !waits {
                        value.ready(Class::Retry, now);
                    }
                    match self.replace_contact(contact).await {
                        Ok(_) => changed += 1,
                        Err(StoreError::Conflict) => {}
                        Err(error) => return Err(error),
                    }
                }
                after = page.next_cursor.as_deref().map(Cursor::parse).transpose()?;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(changed)
    }
}
