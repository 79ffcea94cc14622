//! What the deletion of a call, or of its recording alone, leaves outside of the call's own document, and its removal. Each step may
//! be repeated, by any bridge.

use jiff::SignedDuration;
use vox_shared::ids::SessionId;

use super::Custodian;
use crate::error::with_source;
use crate::objects::{Key, ObjectError, Objects};
use crate::search::digest;
use crate::store::calls::Call;
use crate::store::calls::custody::blanked;
use crate::store::{Cursor, SWEPT, Stamp, StoreError, Stored};

/// Events of a call that are looked at in one batch; most calls have three.
const EVENTS: usize = 50;
/// What could not be removed is tried again after this.
const AGAIN: SignedDuration = SignedDuration::from_mins(2);

/// Everything is cleaned once more so long after the deletion: whoever had read the call before it may have put something of it
/// somewhere since, the relay an event above all.
const LATE: SignedDuration = SignedDuration::from_mins(1);

/// Where the sound of a call may be: under its own name, and under the one that its record gave.
pub fn recordings(call: &str, named: Option<&str>) -> impl Iterator<Item = Key> {
    let own = format!("{call}.wav");
    let named = named.filter(|name| *name != own).map(str::to_owned);
    // What is no key was never stored.
    [Some(own), named].into_iter().flatten().filter_map(|name| Key::of_recording(&name).ok())
}

/// Remove a recording, and what is on its way there.
pub async fn remove_sound(objects: &dyn Objects, key: Key) -> Result<(), ObjectError> {
    match objects.give_up_uploads(key.clone()).await {
        // Who may not list them may not give them up: they stay until a rule of the bucket removes them, which the sweep tells of.
        Ok(_) | Err(ObjectError::Refused { .. }) => {}
        Err(error) => return Err(error),
    }
    objects.delete(key).await.map(drop)
}

/// Why something is still there; it is tried again.
#[derive(Debug, thiserror::Error)]
pub enum CleanError {
    #[error("the recording, or what was archived of the call, could not be removed")]
    Object(#[from] ObjectError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Custodian {
    /// Remove what is left of a call that was deleted, or of its recording; answers whether all is gone.
    pub async fn clean(&self, id: &SessionId) -> Result<bool, StoreError> {
        // Without its heavy part, which nothing here concerns: the archive may be away.
        let Some(call) = self.stores.all_calls().find_top(id).await? else { return Ok(true) };
        if call.value.custody.as_ref().is_none_or(|custody| custody.clean_at.is_none()) {
            return Ok(true);
        }
        let removed = match call.value.is_deleted() {
            true => self.remove_all(&call).await,
            false => self.remove_recording(&call).await,
        };
        match removed {
            Ok(()) => {
                let deleted_at = call.value.custody.as_ref().and_then(|custody| custody.deleted_at);
                let late = deleted_at.map(|at| at + LATE);
                self.note(call, late.filter(|late| late.0 > self.clock.now())).await.map(|()| true)
            }
            Err(error) => {
                tracing::warn!(call.id = %id, %error, "what is left of a deleted call is removed later");
                let later = Stamp(self.clock.now()) + AGAIN;
                self.note(call, Some(later)).await.map(|()| false)
            }
        }
    }

    /// Clean what is due, a batch; answers how many calls were done with. Those that cannot be read or written keep no other from
    /// its turn, however many they are.
    pub async fn clean_due(&self, limit: usize) -> Result<usize, StoreError> {
        let (now, mut done, mut after) = (Stamp(self.clock.now()), 0, None);
        while done < limit {
            let page = self.stores.all_calls().list_to_clean(now, limit - done, after).await?;
            for call in page.items {
                let Ok(id) = call.id.parse::<SessionId>() else { continue };
                match self.clean(&id).await {
                    Ok(_) | Err(StoreError::Conflict) => done += 1,
                    Err(error) => {
                        tracing::error!(call.id = %id, error = with_source(&error), "what is left of a deleted call cannot be removed");
                    }
                }
            }
            after = page.next_cursor.as_deref().map(Cursor::parse).transpose()?;
            if after.is_none() {
                break;
            }
        }
        Ok(done)
    }

    /// The sound of a call that stays, and that names it no more.
    async fn remove_recording(&self, call: &Stored<Call>) -> Result<(), CleanError> {
        let left = call.value.custody.as_ref().and_then(|custody| custody.old_recording.as_deref());
        for key in recordings(&call.id, left) {
            // It may have come again since.
            let named = call.value.recording_key.as_deref().and_then(|name| Key::of_recording(name).ok());
            if named.as_ref() != Some(&key) {
                remove_sound(&*self.objects, key).await?;
            }
        }
        Ok(())
    }

    async fn remove_all(&self, call: &Stored<Call>) -> Result<(), CleanError> {
        for key in recordings(&call.id, call.value.recording_key.as_deref()) {
            remove_sound(&*self.objects, key).await?;
        }
        for object in call.value.kept.iter().flat_map(|kept| &kept.objects) {
            self.depot.delete(object).await?;
        }
        let now = Stamp(self.clock.now());
        Box::pin(self.stores.all_digests().bury(&call.id, digest::gone(call, now))).await?;
        let tenant = &call.value.tenant_id;
        let (events, deliveries) = (self.stores.events(tenant), self.stores.deliveries(tenant));
        loop {
            let batch = events.list_of_call(&call.id, EVENTS).await?;
            for event in &batch {
                // Last: it takes the event out of the list.
                while deliveries.forget_event(&event.id).await? == SWEPT {}
                events.blank(&event.id, &blanked(&call.id)).await?;
            }
            if batch.len() < EVENTS {
                break;
            }
        }
        self.stores.pushes(tenant).forget_call(&call.id).await?;
        Ok(self.stores.dialouts(tenant).blank(&call.id).await?)
    }

    /// Say in the call when it is to be cleaned again. One that was changed since so that more is to be removed is left as it is.
    async fn note(&self, call: Stored<Call>, again: Option<Stamp>) -> Result<(), StoreError> {
        let all = self.stores.all_calls();
        let Ok(id) = call.id.parse::<SessionId>() else { return Ok(()) };
        if !call.value.is_deleted() {
            let Some(was) = call.value.custody.and_then(|custody| custody.clean_at) else { return Ok(()) };
            return all.note_cleaned(&id, was, again).await;
        }
        let Some(mut call) = all.find_with_deleted(&id).await? else { return Ok(()) };
        call.value.custody_mut().clean_at = again;
        if again.is_none() {
            call.value.custody_mut().old_recording = None;
            (call.value.recording_key, call.value.kept) = (None, None);
        }
        all.replace_any(call).await.map(drop)
    }
}
