//! What is noted of recordings and clips: that none is left in clear.

use serde_json::Map;

use super::data_keys::Vault;
use super::sealed::STATE;
use crate::store::engine::EngineError;

const SEALED: &str = "recordings_and_clips_sealed";
/// Noted by versions that looked at no clips.
const WITHOUT_CLIPS: &str = "recordings_sealed";

impl Vault {
    /// Whether all recordings and clips were found sealed, or were sealed, and new ones have been since.
    pub async fn are_sealed(&self) -> Result<bool, EngineError> {
        Ok(self.engine.get(&STATE, SEALED.into()).await?.is_some())
    }

    /// None is in clear any more.
    pub async fn note_sealed(&self) -> Result<(), EngineError> {
        match self.engine.insert(&STATE, SEALED.into(), Map::new()).await {
            Err(EngineError::Duplicate) => Ok(()),
            noted => noted,
        }
    }

    /// New ones are stored in clear.
    pub async fn forget_sealed(&self) -> Result<(), EngineError> {
        for note in [SEALED, WITHOUT_CLIPS] {
            if let Some(note) = self.engine.get(&STATE, note.into()).await? {
                self.engine.delete(&STATE, note.id, note.version).await?;
            }
        }
        Ok(())
    }
}
