//! How settings and a rotation of keys are shown.

use std::collections::BTreeMap;

use secrecy::ExposeSecret;
use serde::Serialize;
use utoipa::ToSchema;
use vox_shared::livekit::LiveKitSettings;

use super::fleet::PolledHosts;
use super::vendor_rows::{VendorLimitRow, VendorTargetRow};
use crate::bot::keys::mask;
use crate::campaign::calendar::{Holiday, QuietHours};
use crate::store::settings::{Settings, VendorKey};
use crate::vault::rotation::{Rotation, RotationStatus};

/// The settings of a tenant and of the deployment.
#[derive(Debug, Serialize, ToSchema)]
pub struct SettingsView {
    pub tenant: DocumentView,
    /// What counts where the tenant's say nothing.
    pub deployment: DocumentView,
    /// Of the deployment.
    pub fleet: PolledHosts,
    /// Of the deployment, as the processes were started; null where there is none.
    pub livekit: Option<LiveKitView>,
}

/// The LiveKit server of the deployment. It is set where the processes are started (`LIVEKIT_URL` and what goes with it), for workers too.
#[derive(Debug, Serialize, ToSchema)]
pub struct LiveKitView {
    pub url: String,
    /// As browsers reach it.
    pub public_url: String,
    /// Masked: `first4…last4`.
    pub api_key: String,
    pub api_secret: String,
}

impl From<&LiveKitSettings> for LiveKitView {
    fn from(settings: &LiveKitSettings) -> Self {
        Self {
            url: settings.url.to_string(),
            public_url: settings.public_url.to_string(),
            api_key: mask(&settings.key),
            api_secret: mask(settings.secret.expose_secret()),
        }
    }
}

/// One document of settings.
#[derive(Debug, Serialize, ToSchema)]
pub struct DocumentView {
    /// Vendor keys by the vendor's name, masked: `first4…last4`.
    pub api_keys: BTreeMap<String, String>,
    /// IANA name; null when it was not set.
    pub display_timezone: Option<String>,
    /// Days after which links to recordings end; null when it was not set.
    pub recording_links_expire_after_days: Option<u32>,
    /// Days after which calls are deleted; null when they are not. Of a tenant only.
    pub calls_deleted_after_days: Option<u32>,
    /// Days after which recordings are deleted; null when they are not. Of a tenant only.
    pub recordings_deleted_after_days: Option<u32>,
    /// Days after which calls are compressed; null when they are not. Of a tenant only.
    pub calls_warm_after_days: Option<u32>,
    /// Days after which calls are in the object store; null when they are not. Of a tenant only.
    pub calls_archived_after_days: Option<u32>,
    /// How long recogniser, model and voice may take together; null when no routing is set.
    pub routing_budget_ms: Option<u32>,
    pub routing_min_samples: Option<u32>,
    /// What vendors do at once for one key, where that was stated.
    pub vendor_limits: Vec<VendorLimitRow>,
    /// What is expected of vendors, where that was set.
    pub vendor_targets: Vec<VendorTargetRow>,
    /// Hours at which campaigns call nobody, by the clock of whoever is called. Of a tenant only.
    pub quiet_hours: Vec<QuietHours>,
    /// Days on which they do not. Of a tenant only.
    pub holidays: Vec<Holiday>,
}

impl From<&Settings> for DocumentView {
    fn from(settings: &Settings) -> Self {
        let masked = |key: &VendorKey| (key.provider.clone(), mask(key.api_key.expose()));
        Self {
            api_keys: settings.vendor_keys.iter().map(masked).collect(),
            display_timezone: settings.display_timezone.clone(),
            recording_links_expire_after_days: settings.recording_link_days,
            calls_deleted_after_days: settings.retention.and_then(|retention| retention.calls_days),
            recordings_deleted_after_days: settings.retention.and_then(|retention| retention.recordings_days),
            calls_warm_after_days: settings.retention.and_then(|retention| retention.calls_warm_days),
            calls_archived_after_days: settings.retention.and_then(|retention| retention.calls_archive_days),
            routing_budget_ms: settings.routing.map(|routing| routing.budget_ms),
            routing_min_samples: settings.routing.map(|routing| routing.min_samples),
            vendor_limits: settings.vendor_limits.iter().map(Into::into).collect(),
            vendor_targets: settings.vendor_targets.iter().map(Into::into).collect(),
            quiet_hours: settings.quiet_hours.clone(),
            holidays: settings.holidays.clone(),
        }
    }
}

/// A rotation of the data keys.
#[derive(Debug, Serialize, ToSchema)]
pub struct RotationView {
    /// 1 for the first of the deployment.
    pub number: u64,
    /// `running` or `done`.
    pub status: &'static str,
    /// RFC 3339, UTC.
    pub started_at: String,
    /// The last time that it got on; one that has not for a minute is taken over by another bridge.
    pub noted_at: String,
    pub ended_at: Option<String>,
    /// Data keys that are wrapped by the first master key now and were by another.
    pub rewrapped: u64,
    /// Data keys that were made, one for each tenant with secrets and one of the deployment.
    pub new_keys: u64,
    /// Documents that were looked at. All are looked at twice.
    pub looked_at: u64,
    /// Documents whose secrets were encrypted anew.
    pub sealed_anew: u64,
    /// Documents with a secret that does not open; they were left as they are.
    pub unopened: u64,
}

impl From<Rotation> for RotationView {
    fn from(rotation: Rotation) -> Self {
        Self {
            number: rotation.number,
            status: match rotation.status {
                RotationStatus::Running => "running",
                RotationStatus::Done => "done",
            },
            started_at: rotation.started_at.to_string(),
            noted_at: rotation.noted_at.to_string(),
            ended_at: rotation.ended_at.map(|at| at.to_string()),
            rewrapped: rotation.rewrapped,
            new_keys: rotation.new_keys,
            looked_at: rotation.looked_at,
            sealed_anew: rotation.sealed_anew,
            unopened: rotation.unopened,
        }
    }
}
