//! Changes of many documents in one command.

use mongodb::bson::{Document as Bytes, doc};

use super::failure::{failed, updated};
use super::{Mongo, change, filter};
use crate::store::engine::{Amendment, Collection, Engine, EngineError, MAX_BATCH};

impl Mongo {
    /// All of them in one command, but those that the server would understand otherwise than as they are meant.
    pub(super) async fn amend(
        &self,
        of: &'static Collection,
        amendments: Vec<Amendment>,
    ) -> Result<usize, EngineError> {
        refuse(of, &amendments)?;
        let (mut updates, mut others) = (Vec::new(), Vec::new());
        for one in amendments {
            match change::native(&one.update, of).filter(|native| native.guards.is_empty()) {
                Some(native) => {
                    let filter = filter::search(&one.query(of))?.filter;
                    updates.push(doc! { "q": filter, "u": native.update });
                }
                None => others.push(one),
            }
        }
        let mut changed = if updates.is_empty() { 0 } else { self.update_all(of, updates).await? };
        for one in others {
            let query = one.query(of);
            changed += usize::from(self.find_one_and_update(query, one.update).await?.is_some());
        }
        Ok(changed)
    }

    /// One by one: nothing makes the server end a command at a document that it does not find.
    pub(super) async fn amend_in_turn(
        &self,
        of: &'static Collection,
        amendments: Vec<Amendment>,
    ) -> Result<usize, EngineError> {
        refuse(of, &amendments)?;
        for (changed, one) in amendments.iter().enumerate() {
            match self.find_one_and_update(one.query(of), one.update.clone()).await {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(changed),
                Err(EngineError::Duplicate | EngineError::Malformed(_)) if changed > 0 => return Ok(changed),
                Err(error) => return Err(error),
            }
        }
        Ok(amendments.len())
    }

    /// A command of our own: what the driver has for this needs a newer server than the bridge does. So it says itself when a write
    /// is answered.
    async fn update_all(&self, of: &Collection, updates: Vec<Bytes>) -> Result<usize, EngineError> {
        let command = doc! {
            "update": of.name,
            "updates": updates,
            "ordered": false,
            "writeConcern": { "w": "majority", "j": true },
        };
        updated(&self.database.run_command(command).await.map_err(failed)?)
    }
}

/// Refuse changes that may not be made.
fn refuse(of: &Collection, amendments: &[Amendment]) -> Result<(), EngineError> {
    of.may_change()?;
    if amendments.len() > MAX_BATCH {
        return Err(EngineError::TooMany { got: amendments.len() });
    }
    amendments.iter().try_for_each(|one| one.update.check(of))
}
