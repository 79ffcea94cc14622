//! Limits and targets of vendors, as they are set and shown.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vox_shared::catalogue::Kind;
use vox_shared::wire::answers::Service;

use crate::store::settings::{VendorLimit, VendorTarget};

/// What a vendor does for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VendorService {
    Stt,
    Llm,
    Tts,
}

impl VendorService {
    /// As it is kept.
    pub fn kept(self) -> Service {
        match self {
            Self::Stt => Service::Stt,
            Self::Llm => Service::Llm,
            Self::Tts => Service::Tts,
        }
    }

    fn kind(self) -> Kind {
        match self {
            Self::Stt => Kind::Recogniser,
            Self::Llm => Kind::LanguageModel,
            Self::Tts => Kind::Voice,
        }
    }

    /// What is wrong with a vendor's name for this service.
    pub fn fault(self, provider: &str) -> Option<String> {
        let kind = self.kind();
        let known = kind.find(provider).is_some_and(|vendor| !vendor.is_local());
        (!known).then(|| format!("must be a {} that is asked over the network: {}", kind.noun(), names(kind)))
    }
}

impl From<Service> for VendorService {
    fn from(service: Service) -> Self {
        match service {
            Service::Stt => Self::Stt,
            Service::Llm => Self::Llm,
            Service::Tts => Self::Tts,
        }
    }
}

fn names(kind: Kind) -> String {
    let remote = kind.vendors().iter().filter(|vendor| !vendor.is_local());
    remote.map(|vendor| vendor.name).collect::<Vec<_>>().join(", ")
}

/// What a vendor does at once for one key of one service. Numbers are 1 to 1000000; null is no limit.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VendorLimitRow {
    pub service: VendorService,
    /// Two vendors of one company that take the same key are one: `deepgram_flux` counts as `deepgram`.
    pub provider: String,
    /// Connections; a call has one.
    #[serde(default)]
    pub streams: Option<u32>,
    #[serde(default)]
    pub requests_per_minute: Option<u32>,
    /// Those of them that one call may make; 20.
    #[serde(default)]
    pub requests_per_call: Option<u32>,
}

/// What is expected of a vendor of one service; null is nothing.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VendorTargetRow {
    pub service: VendorService,
    /// Null: all vendors of the service that have no row of their own.
    #[serde(default)]
    pub provider: Option<String>,
    /// Of a hundred requests so many are answered, 50 to 100.
    #[serde(default)]
    pub availability_percent: Option<f64>,
    /// Nineteen of twenty answers come within so long, 50 to 10000.
    #[serde(default)]
    pub p95_ms: Option<u32>,
}

impl From<&VendorLimit> for VendorLimitRow {
    fn from(limit: &VendorLimit) -> Self {
        Self {
            service: limit.service.into(),
            provider: limit.provider.clone(),
            streams: limit.streams,
            requests_per_minute: limit.requests_per_minute,
            requests_per_call: limit.requests_per_call,
        }
    }
}

impl From<&VendorTarget> for VendorTargetRow {
    fn from(target: &VendorTarget) -> Self {
        Self {
            service: target.service.into(),
            provider: target.provider.clone(),
            availability_percent: target.availability_percent,
            p95_ms: target.p95_ms,
        }
    }
}
