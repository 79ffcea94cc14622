//! What the bridge knows of an upload under way. It keeps none of it: the worker holds it, signed, and shows it again.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use vox_shared::ids::TenantId;
use vox_shared::wire::upload::Plan;

use crate::api::recordings::serve::Recordings;
use crate::error::{ApiError, ApiResult};
use crate::objects::direct::{Part, Place};
use crate::objects::{Key, ObjectError};

/// Who reads one.
const AUDIENCE: &str = "vox-upload";
/// How long an upload may be gone on with, seconds: an hour less than its parts are kept.
const LIFE_SECONDS: i64 = 23 * 60 * 60;

/// An upload under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// The recording's name.
    #[serde(rename = "sub")]
    pub name: String,
    /// Whose keys seal it; without one the deployment's.
    pub tenant: Option<TenantId>,
    /// The store's name for it.
    pub id: String,
    /// Tells its object from every other of the name.
    pub mark: String,
    /// Of the clear file.
    pub size_bytes: u64,
    /// Of the clear file, lower-case hex.
    pub sha256: String,
    /// Base64 of the sealed file's head; none: it goes in clear.
    pub head: Option<String>,
}

impl Ticket {
    /// For the worker to hold.
    pub fn signed(&self, with: &Recordings) -> ApiResult<String> {
        let signed = with.tokens.sign(self, AUDIENCE, (with.clock.now(), LIFE_SECONDS));
        signed.map_err(|error| ApiError::internal("sign an upload", &error))
    }

    /// One that is ours, has not expired, and is of this recording.
    pub fn read(with: &Recordings, text: &str, name: &str) -> Option<Self> {
        with.tokens.open::<Self>(text, AUDIENCE, with.clock.now()).filter(|ticket| ticket.name == name)
    }

    pub fn plan(&self) -> Plan {
        Plan::new(self.size_bytes, self.head.is_some())
    }

    pub fn place(&self) -> Result<Place, ObjectError> {
        Ok(Place { key: self.key()?, id: self.id.clone() })
    }

    pub fn key(&self) -> Result<Key, ObjectError> {
        Key::of_recording(&self.name)
    }
}

/// The upload has to begin anew.
pub fn gone() -> ApiError {
    let detail = "this upload was given up, has expired or is another recording's, or another recording of the name is there by now; begin it anew";
    ApiError::new(StatusCode::CONFLICT, "upload_gone", detail)
}

/// Of the parts that a store lists, those that are as they should be, by number. A server may list a part twice that was cut off once
/// and sent again, the cut one too (SeaweedFS does).
pub(super) fn whole(plan: Plan, listed: Vec<Part>) -> BTreeMap<u32, Part> {
    let is_whole =
        |part: &Part| plan.parts().contains(&part.number) && plan.bytes_of(part.number) == part.size_bytes;
    listed.into_iter().filter(is_whole).map(|part| (part.number, part)).collect()
}
