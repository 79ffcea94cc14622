//! Whether a chain of entries is as it was written.
//!
//! A changed, removed, added or swapped entry is found, as long as whoever did it did not write all later ones anew. Entries that
//! were cut off at the end, and a chain that was made anew as a whole, are found only by somebody who noted a number with its hash
//! elsewhere: every check tells the last one, and the bridge's log has each.

use std::collections::BTreeSet;

use crate::store::audit::{Entry, Kind, Link};

/// The first thing that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("entry {0} is missing, or makes no sense")]
    Missing(i64),
    #[error("entry {0} is there twice, or not in its place")]
    Misplaced(i64),
    #[error("entry {0} was changed")]
    Changed(i64),
    #[error("entry {0} does not follow the one before it: one of the two was replaced")]
    Unlinked(i64),
    #[error("entry {0} is another one than the one that was noted")]
    NotAsNoted(i64),
    #[error("the log ends with entry {last}, and entry {noted} was noted: the end was cut off")]
    CutOff { last: i64, noted: i64 },
}

impl Fault {
    /// The number of the entry.
    pub fn seq(&self) -> i64 {
        match self {
            Self::Missing(seq)
            | Self::Misplaced(seq)
            | Self::Changed(seq)
            | Self::Unlinked(seq)
            | Self::NotAsNoted(seq)
            | Self::CutOff { noted: seq, .. } => *seq,
        }
    }
}

/// An entry's number and hash, noted outside the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    pub seq: i64,
    pub hash: String,
}

/// An entry of a chain, as far as the chain goes.
#[derive(Debug)]
pub struct Written<'a> {
    pub link: Link,
    /// The hash that its content makes.
    pub digest: String,
    pub prev_hash: &'a str,
}

/// Looks at the entries of one tenant in their order.
#[derive(Debug)]
pub struct Checker {
    last: Link,
    noted: Option<Noted>,
    unfinished: BTreeSet<i64>,
    pub entries: u64,
}

impl Checker {
    /// Behind this link, which counts as sound.
    pub fn after(link: Link, noted: Option<Noted>) -> Self {
        Self { last: link, noted, unfinished: BTreeSet::new(), entries: 0 }
    }

    /// Look at the next entry.
    ///
    /// # Errors
    ///
    /// With what is wrong. What follows cannot be judged then.
    pub fn look(&mut self, entry: &Entry) -> Result<(), Fault> {
        let (link, digest) = (entry.link(), entry.digest());
        self.follow(Written { link, digest, prev_hash: &entry.prev_hash })?;
        match (entry.kind, entry.begin) {
            (Kind::Begin, _) => {
                self.unfinished.insert(entry.seq);
            }
            (Kind::End, Some(begin)) => {
                self.unfinished.remove(&begin);
            }
            _ => {}
        }
        Ok(())
    }

    /// Look at the next entry of any chain of this kind.
    ///
    /// # Errors
    ///
    /// As [`Self::look`].
    pub fn follow(&mut self, written: Written<'_>) -> Result<(), Fault> {
        let (seq, due) = (written.link.seq, self.last.seq + 1);
        if seq != due {
            return Err(if seq > due { Fault::Missing(due) } else { Fault::Misplaced(seq) });
        }
        if written.digest != written.link.hash() {
            return Err(Fault::Changed(seq));
        }
        if written.prev_hash != self.last.hash() {
            return Err(Fault::Unlinked(seq));
        }
        if self.noted.as_ref().is_some_and(|noted| noted.seq == seq && noted.hash != written.link.hash()) {
            return Err(Fault::NotAsNoted(seq));
        }
        self.last = written.link;
        self.entries += 1;
        Ok(())
    }

    /// The last sound entry.
    pub fn last(&self) -> &Link {
        &self.last
    }

    /// Begins whose end was not among the entries: it runs still, or the process was killed.
    pub fn unfinished(&self) -> &BTreeSet<i64> {
        &self.unfinished
    }

    /// There are no more entries.
    ///
    /// # Errors
    ///
    /// When one that was noted was not among them.
    pub fn end(&self) -> Result<(), Fault> {
        match &self.noted {
            Some(noted) if noted.seq > self.last.seq => {
                Err(Fault::CutOff { last: self.last.seq, noted: noted.seq })
            }
            _ => Ok(()),
        }
    }
}
