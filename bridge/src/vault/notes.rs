//! What is noted of recordings and clips: that none is left in clear, or that some may be. Each writing of it has a number, so that whoever
//! looked through all of them sees whether one was stored in clear meanwhile.

use serde_json::{Map, Value};

use super::data_keys::Vault;
use super::sealed::STATE;
use crate::store::engine::{Document, EngineError};

const SEALED: &str = "recordings_and_clips_sealed";
/// Noted by versions that looked at no clips.
const WITHOUT_CLIPS: &str = "recordings_sealed";
/// Set in a note that says the contrary.
const IN_CLEAR: &str = "in_clear";
/// Tries against others that write the note.
const MAX_TRIES: usize = 16;

/// What is noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    /// All recordings and clips were found sealed, or were sealed, and new ones have been since.
    pub are_sealed: bool,
    /// Of this writing; 0 before the first.
    number: u64,
}

impl Vault {
    pub async fn note_of_recordings(&self) -> Result<Note, EngineError> {
        Ok(self.read_note().await?.0)
    }

    /// None is in clear any more, unless something was noted since this was read. Whether it is noted.
    pub async fn note_sealed(&self, since: Note) -> Result<bool, EngineError> {
        let (now, document) = self.read_note().await?;
        // Or another bridge, which looked too, was faster.
        if now.are_sealed || now.number != since.number {
            return Ok(now.are_sealed);
        }
        self.write_note(document, Map::new()).await
    }

    /// One was stored in clear, or may be from now on.
    pub async fn note_in_clear(&self) -> Result<(), EngineError> {
        if let Some(note) = self.engine.get(&STATE, WITHOUT_CLIPS.into()).await? {
            self.engine.delete(&STATE, note.id, note.version).await?;
        }
        let mut first = None;
        for _ in 0..MAX_TRIES {
            let (now, document) = self.read_note().await?;
            // Somebody else said it since: that is as good.
            if !now.are_sealed && *first.get_or_insert(now.number) < now.number {
                return Ok(());
            }
            let in_clear = Map::from_iter([(IN_CLEAR.to_owned(), Value::Bool(true))]);
            if self.write_note(document, in_clear).await? {
                return Ok(());
            }
        }
        Err(EngineError::Unavailable("others write the note of recordings all the time".into()))
    }

    async fn read_note(&self) -> Result<(Note, Option<Document>), EngineError> {
        let document = self.engine.get(&STATE, SEALED.into()).await?;
        let are_sealed = document.as_ref().is_some_and(|note| !note.body.contains_key(IN_CLEAR));
        let number = document.as_ref().map_or(0, |note| note.version);
        Ok((Note { are_sealed, number }, document))
    }

    /// In the place of what was read; `false` when somebody else wrote it.
    async fn write_note(
        &self,
        over: Option<Document>,
        body: Map<String, Value>,
    ) -> Result<bool, EngineError> {
        let written = match over {
            Some(note) => self.engine.compare_and_set(&STATE, Document { body, ..note }).await.map(drop),
            None => self.engine.insert(&STATE, SEALED.into(), body).await,
        };
        match written {
            Ok(()) => Ok(true),
            Err(EngineError::Stale | EngineError::Duplicate) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
