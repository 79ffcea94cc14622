//! What a worker proves itself with when it delivers something of a call: the token that the bridge handed out with the call's
//! config and, where there is none or it is not taken any more, the deployment's secret together with what the worker made up for
//! this call before it asked. Decision 0051.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The header that carries a call's token.
pub const CALL_TOKEN_HEADER: &str = "x-vox-call-token";
/// The header that carries a worker's claim to a call, beside the deployment's secret.
pub const CLAIM_HEADER: &str = "x-vox-claim";
/// The code of a refusal of a token that has expired or was signed with another key: the claim goes on without it.
pub const CALL_TOKEN_REFUSED: &str = "call_token_refused";

/// The proof for one call, and to whom it is shown. In clear on the wire and in the outbox, shown nowhere.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Proof {
    /// Handed out by the bridge. Characters of a JWT.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call_token: Option<String>,
    /// Made by the worker, URL-safe characters; the bridge keeps its hash.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
    /// The bridge that the call belongs to, where it is not the worker's own: whoever ordered the call said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bridge_url: Option<String>,
}

impl Proof {
    /// Whether there is nothing: the call was begun by a worker from before there were proofs.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Without the token.
    pub fn claim_only(&self) -> Self {
        Self { call_token: None, ..self.clone() }
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proof")
            .field("has_token", &self.call_token.is_some())
            .field("has_claim", &self.claim.is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_shows_nothing_and_an_empty_one_is_not_written() {
        let proof: Proof = serde_json::from_str(r#"{"call_token":"tk-1","claim":"cl-1"}"#).unwrap();
        let shown = format!("{proof:?}");
        assert!(!shown.contains("tk-1") && !shown.contains("cl-1"), "{shown}");
        assert!(!proof.is_empty() && proof.claim_only().call_token.is_none());
        assert_eq!(serde_json::to_string(&Proof::default()).unwrap(), "{}");
    }
}
