//! Removes tenants for good that were deleted long ago: their calls with the recordings, then everything else of theirs, in every
//! collection there is, their data keys among it; before that their voices at vendors, as long as the keys for that are there. What stays is what is only ever added to: the ledger, which holds no personal
//! data, and the audit log; the one of whoever deleted the tenant tells of its end. Each step may be repeated, by any bridge.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use vox_shared::clock::Clock;
use vox_shared::ids::{ImportId, TenantId, VoiceId};

use crate::audit::log::{AuditError, AuditLog};
use crate::auth::tenants::RESTORABLE_FOR;
use crate::campaign::intake::key_of;
use crate::custody::clean::{recordings, remove_sound};
use crate::error::with_source;
use crate::objects::Key;
use crate::objects::{ObjectError, Objects};
use crate::sound::desk::{SoundDesk, SoundError};
use crate::store::audit::{Entry, Kind};
use crate::store::tenants::{Tenant, TenantStatus};
use crate::store::{LeftCall, StoreError, Stored, Stores};
use crate::voice::desk::{MAX_VOICES, VoiceDesk};
use crate::voice::jobs::remove_at_vendor;

/// Pause between two looks at the tenants.
const PAUSE: Duration = Duration::from_secs(600);
/// Pause before the next batch while there is more to do: the store belongs to the calls.
const BREATH: Duration = Duration::from_millis(200);
/// For bridges whose clocks differ: nobody restores what another one removes.
const MARGIN: SignedDuration = SignedDuration::from_hours(1);
/// So long a vendor that does not delete a tenant's voices holds the tenant's removal up; then it goes on without.
const VENDORS_PATIENCE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Imports that are removed in one batch.
const IMPORTS: usize = 100;
/// What the entry in the audit log names as its actor.
const ACTOR: &str = "bridge";

/// Why something of a tenant is still there; it is tried again.
#[derive(Debug, thiserror::Error)]
pub enum RemovalError {
    #[error("a recording or a file could not be removed")]
    Object(#[from] ObjectError),
    #[error("a sound could not be removed")]
    Sound(#[from] SoundError),
    #[error("the audit log took no entry")]
    Audit(#[from] AuditError),
    /// Whether one is under a legal hold, and what its recording is called, is not known.
    #[error(
        "{0} of its calls hold values that Vox never writes: mend or remove those documents by hand, the log names them"
    )]
    Unreadable(u64),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Removes tenants. Cheap to clone.
#[derive(Clone)]
pub struct Undertaker {
    pub stores: Stores,
    pub clock: Clock,
    pub objects: Arc<dyn Objects>,
    pub audit: Arc<AuditLog>,
    pub voices: VoiceDesk,
    pub sounds: SoundDesk,
}

impl Undertaker {
    /// Work until `stop`. What fails is tried again in the next round.
    pub async fn run(self, stop: CancellationToken) {
        let mut pause = PAUSE;
        while stop.run_until_cancelled(sleep(pause)).await.is_some() {
            let Some(round) = stop.run_until_cancelled(self.round()).await else { return };
            pause = match round {
                Ok(true) => BREATH,
                Ok(false) => PAUSE,
                Err(error) => {
                    tracing::warn!(%error, "deleted tenants could not be looked at");
                    PAUSE
                }
            };
        }
    }

    /// A batch of each tenant whose time is over; answers whether there is more to do at once. One that cannot be removed keeps no
    /// other from its turn.
    pub async fn round(&self) -> Result<bool, StoreError> {
        let (mut more, mut after) = (false, None);
        loop {
            let page = self.stores.tenants().list_by_id(after).await?;
            for tenant in page.tenants.into_iter().filter(|tenant| self.is_due(&tenant.value)) {
                let Ok(id) = tenant.id.parse::<TenantId>() else { continue };
                match Box::pin(self.remove(&id, tenant)).await {
                    Ok(is_done) => more |= !is_done,
                    Err(error) => {
                        let error = with_source(&error);
                        tracing::error!(tenant.id = %id, error, "a deleted tenant could not be removed");
                    }
                }
            }
            after = page.last;
            if after.is_none() {
                return Ok(more);
            }
        }
    }

    fn is_due(&self, tenant: &Tenant) -> bool {
        let since = |at: jiff::Timestamp| self.clock.now().duration_since(at);
        let long_ago = tenant.deleted_at.is_some_and(|at| since(at.0) >= RESTORABLE_FOR + MARGIN);
        tenant.status == TenantStatus::Deleted && long_ago
    }

    /// A batch of one tenant; answers whether nothing more can be done now.
    async fn remove(&self, id: &TenantId, mut tenant: Stored<Tenant>) -> Result<bool, RemovalError> {
        if !tenant.value.is_going {
            let held = self.held_call(id).await?;
            if let Some(call) = &held {
                tracing::warn!(tenant.id = %id, call.id = call, "a legal hold keeps a deleted tenant: restore it and lift the hold");
                if tenant.value.held_by == held {
                    return Ok(true);
                }
            }
            (tenant.value.is_going, tenant.value.held_by) = (held.is_none(), held);
            tenant = self.stores.tenants().replace_tenant(tenant).await?;
            if !tenant.value.is_going {
                return Ok(true);
            }
        }
        // While the tenant's vendor keys are there.
        if !self.remove_voices(id, &tenant.value).await? {
            return Ok(true);
        }
        if !self.sounds.remove_all(id).await? || !self.remove_imports(id).await? {
            return Ok(false);
        }
        let (calls, _) = self.stores.list_left_calls(id, None).await?;
        for call in &calls {
            self.remove_call(call).await?;
        }
        // Only when none was found: one that was written meanwhile is met by the next batch.
        if !calls.is_empty() {
            return Ok(false);
        }
        // The keys of their recordings would go with the rest.
        all_readable(self.stores.count_left_calls(id).await?, 0)?;
        if !self.stores.forget_tenant(id).await? {
            return Ok(false);
        }
        self.tell(id, &tenant.value).await?;
        self.stores.tenants().remove_tenant(&tenant).await?;
        tracing::info!(tenant.id = %id, "a deleted tenant was removed for good");
        Ok(true)
    }

    async fn held_call(&self, id: &TenantId) -> Result<Option<String>, RemovalError> {
        // Before the calls are looked at: those that are written meanwhile are no fault.
        let (before, mut readable, mut after) = (self.stores.count_left_calls(id).await?, 0, None);
        loop {
            let (calls, next) = self.stores.list_left_calls(id, after).await?;
            readable += calls.len() as u64;
            if let Some(held) = calls.into_iter().find(|call| call.is_held) {
                return Ok(Some(held.id));
            }
            after = next;
            if after.is_none() {
                // Nor are those that another bridge removed meanwhile.
                let count = before.min(self.stores.count_left_calls(id).await?);
                return all_readable(count, readable).map(|()| None);
            }
        }
    }

    /// The tenant's imports, a batch of them, each with its file: one that nobody could read or delete until now would be nobody's.
    /// Whether none is left.
    async fn remove_imports(&self, id: &TenantId) -> Result<bool, RemovalError> {
        let imports = self.stores.campaign_imports(id);
        let found = imports.list_some(IMPORTS).await?;
        for import in &found {
            if let Ok(import) = import.id.parse::<ImportId>() {
                self.objects.delete(key_of(&import)?).await?;
            }
            imports.remove_import(&import.id).await?;
        }
        Ok(found.len() < IMPORTS)
    }

    /// The tenant's voices, at their vendors and here; whether none is left.
    async fn remove_voices(&self, id: &TenantId, tenant: &Tenant) -> Result<bool, RemovalError> {
        let voices = self.stores.voices(id);
        let patience = RESTORABLE_FOR + MARGIN + VENDORS_PATIENCE;
        let waits = tenant.deleted_at.is_some_and(|at| self.clock.now().duration_since(at.0) < patience);
        let found = voices.list_voices(MAX_VOICES + 1).await?.items;
        // Some that came at once may have passed the limit: the next batch meets them.
        let mut is_done = found.len() <= MAX_VOICES;
        for voice in found {
            let Ok(voice_id) = voice.id.parse::<VoiceId>() else { continue };
            if let Err(error) = remove_at_vendor(&self.voices, (id, &voice_id), &voice.value).await {
                let (provider, error) = (&voice.value.provider, with_source(&error));
                let at_vendor = voice.value.vendor_voice_id.as_deref().unwrap_or_default();
                if waits {
                    tracing::warn!(tenant.id = %id, voice.id = %voice_id, provider, error, "a voice of a deleted tenant could not be deleted at its vendor; it is tried again");
                    // It may hang, and others wait for their turn.
                    return Ok(false);
                }
                tracing::error!(tenant.id = %id, provider, at_vendor, error, "a voice of a deleted tenant stays at its vendor: delete it there by hand");
            }
            self.voices.delete_clip(&voice_id).await?;
            match voices.delete_voice(&voice).await {
                Ok(()) => {}
                Err(StoreError::Conflict) => is_done = false,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(is_done)
    }

    async fn remove_call(&self, call: &LeftCall) -> Result<(), RemovalError> {
        for key in recordings(&call.id, call.recording_key.as_deref()) {
            remove_sound(&*self.objects, key).await?;
        }
        for key in call.objects.iter().filter_map(|object| Key::of_call(object).ok()) {
            self.objects.delete(key).await?;
        }
        match self.stores.forget_left_call(call).await {
            // Another bridge did it, or it is written once more: the next batch sees.
            Err(StoreError::Conflict) => Ok(()),
            done => Ok(done?),
        }
    }

    /// Write down that nothing is left. After a kill at this moment it is written twice.
    async fn tell(&self, id: &TenantId, tenant: &Tenant) -> Result<(), AuditError> {
        let Some(home) = &tenant.deleted_by else {
            tracing::warn!(tenant.id = %id, "nobody knows who deleted the tenant, so no audit log tells of its end");
            return Ok(());
        };
        let entry = Entry::of_bridge(home.clone(), Kind::End, (ACTOR, "removal of deleted tenants"));
        let entry = Entry { in_tenant: Some(id.clone()), object: Some(id.to_string()), ..entry };
        self.audit.append(entry).await.map(drop)
    }
}

/// One that cannot be read may be under a legal hold.
fn all_readable(count: u64, readable: u64) -> Result<(), RemovalError> {
    match count.saturating_sub(readable) {
        0 => Ok(()),
        hidden => Err(RemovalError::Unreadable(hidden)),
    }
}
