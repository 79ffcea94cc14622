//! What requests about bots have in common.

use serde::Deserialize;
use utoipa::ToSchema;
use vox_shared::ids::BotId;

use crate::auth::allowed::Allowed;
use crate::bot::catalogue::Edit;
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;

/// Longest note of a version, characters.
const MAX_NOTE: usize = 500;

/// Why a version is published.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Noted {
    /// Up to 500 characters.
    note: String,
}

impl Noted {
    pub fn note(self) -> ApiResult<String> {
        match self.note.chars().count() <= MAX_NOTE {
            true => Ok(self.note),
            false => Err(ApiError::invalid(vec![FieldError::new(
                "note",
                format!("at most {MAX_NOTE} characters"),
            )])),
        }
    }
}

/// A body that says nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// The change of a bot by whoever sends the request.
pub fn edit<'a, P>(who: &'a Allowed<P>, bot: &'a BotId, expected: Option<u64>) -> Edit<'a> {
    Edit { reach: who.reach(), bot, expected, author: who.id() }
}
