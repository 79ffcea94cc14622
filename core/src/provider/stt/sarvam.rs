//! Sarvam's recognisers of Indian languages: [`streaming`] tells an utterance when it is over, [`realtime`] while it is spoken. Both
//! take the same key.

mod error;
mod language;
pub mod realtime;
pub mod streaming;

use serde_json::json;

use crate::provider::extra::Extra;
use crate::provider::{Failure, FailureClass};

/// The header that holds the key.
const HEADER: &str = "api-subscription-key";
/// Rates that both take, Hz.
const RATES: [u32; 2] = [8_000, 16_000];
/// Audio in one message, milliseconds: 50 are typical.
const PIECE_MS: (u32, u32) = (50, 500);

/// Names and terms to expect, as both take them in the query; `None` where there are none.
///
/// # Errors
/// `Refused` where the model takes none.
fn terms(vendor: &str, model: &str, extra: &Extra<'_>) -> Result<Option<String>, Failure> {
    let terms = extra.texts("keyterms");
    if terms.is_empty() {
        return Ok(None);
    }
    if model.ends_with("v4") {
        return Ok(Some(json!(terms).to_string()));
    }
    let detail = format!("{vendor}: extra.keyterms is for saaras:v4, not for {model}");
    Err(Failure::new(FailureClass::Refused, detail))
}
