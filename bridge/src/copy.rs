//! Moving a deployment: every document as it is kept, every recording and clip, what was archived of calls, and a look at both sides afterwards. Tenants come last:
//! they are what marks a store as one in use, so a copy that was killed is simply repeated.

use futures_util::TryStreamExt;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::auth::secret_token::hex;
use crate::campaign::intake;
use crate::canonical::{feed, feed_text};
use crate::deployment::Deployment;
use crate::objects::{Expected, Key, ObjectError, Objects};
use crate::sound;
use crate::store::calls::CALLS;
use crate::store::campaign_imports::{CAMPAIGN_IMPORTS, ImportState};
use crate::store::engine::{Collection, Engine, EngineError, Kept, Which};
use crate::store::sounds::SOUNDS;
use crate::store::tenants::TENANTS;
use crate::store::voices::VOICES;
use crate::store::{COLLECTIONS, StoreError, Stores};
use crate::voice::desk::key_of;

/// What was copied, and found to be the same on both sides.
#[derive(Debug, PartialEq, Eq)]
pub struct Copied {
    pub collections: Vec<(&'static str, Digested)>,
    pub recordings: Recordings,
}

/// A collection in brief.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digested {
    pub documents: u64,
    /// Over ids, versions, schemas and bodies in the order of ids; lower-case hex.
    pub sha256: String,
}

/// The recordings in brief, with the objects of archived calls, the clips of voices, the sounds of bots and the files that campaigns are
/// still reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recordings {
    pub copied: u64,
    pub bytes: u64,
    /// Named by a call, a voice, a sound or an import, and not in the source's object store: still on their way, or lost before.
    pub absent: u64,
}

/// Why a deployment was not copied. The source is never changed but for bringing old documents up to date.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    #[error("the target is in use: it has tenants. Copy into an empty one")]
    Occupied,
    #[error("a store cannot be opened or brought up to date")]
    Open(#[from] StoreError),
    /// Secrets are copied as they are kept.
    #[error(
        "the target needs the master key of the source: name it in VOX_MASTER_KEY of the target's settings (of an embedded source it is in the file master.key of the data directory)"
    )]
    MasterKey(#[source] EngineError),
    #[error("the documents of '{collection}' could not be copied; start the copy again when that is mended")]
    Documents {
        collection: &'static str,
        #[source]
        source: EngineError,
    },
    #[error("the recording '{key}' could not be copied; start the copy again when that is mended")]
    Recording {
        key: String,
        #[source]
        source: ObjectError,
    },
    #[error("the recording '{0}' is not the same on both sides")]
    RecordingDiffers(String),
    /// Something wrote to one of the sides, or the target had documents before.
    #[error(
        "'{collection}' is not the same on both sides: {from:?} and {to:?}. Stop whatever uses the stores, empty the target and copy again"
    )]
    Differs { collection: &'static str, from: Digested, to: Digested },
}

/// Copy all of a deployment into an empty one, and compare. Nobody else may use either meanwhile.
///
/// # Errors
///
/// At the first thing that cannot be copied or is not the same on both sides afterwards.
pub async fn copy(from: &Deployment, to: &Deployment) -> Result<Copied, CopyError> {
    Stores::open(from.documents()).await?;
    // Before the target makes a master key of its own, which would be another one.
    to.vault.check(&*from.engine).await.map_err(CopyError::MasterKey)?;
    Stores::open(to.documents()).await?;
    let told = |collection: &'static Collection| {
        move |source| CopyError::Documents { collection: collection.name, source }
    };
    let in_use = to.engine.list_by_id(&TENANTS, Which::All, None).await.map_err(told(&TENANTS))?;
    if !in_use.is_empty() {
        return Err(CopyError::Occupied);
    }
    let others = || COLLECTIONS.iter().copied().filter(|c| c.name != TENANTS.name);
    for collection in others() {
        copy_documents(from, to, collection).await.map_err(told(collection))?;
    }
    let recordings = copy_recordings(from, to).await?;
    let mut collections = Vec::new();
    for collection in others() {
        collections.push((collection.name, compare(from, to, collection).await?));
    }
    copy_documents(from, to, &TENANTS).await.map_err(told(&TENANTS))?;
    collections.push((TENANTS.name, compare(from, to, &TENANTS).await?));
    Ok(Copied { collections, recordings })
}

/// Documents of a collection, a page at a time.
struct Pages<'a> {
    engine: &'a dyn Engine,
    collection: &'static Collection,
    after: Option<String>,
}

impl<'a> Pages<'a> {
    fn of(engine: &'a dyn Engine, collection: &'static Collection) -> Self {
        Self { engine, collection, after: None }
    }

    /// `None` after the last one.
    async fn next(&mut self) -> Result<Option<Vec<Kept>>, EngineError> {
        let page = self.engine.list_by_id(self.collection, Which::All, self.after.take()).await?;
        // It would be lost without a word.
        if let Some(damaged) = page.iter().find(|kept| kept.is_damaged()) {
            return Err(damaged.damage());
        }
        self.after = page.last().map(|kept| kept.document.id.clone());
        Ok(Some(page).filter(|page| !page.is_empty()))
    }
}

async fn copy_documents(
    from: &Deployment,
    to: &Deployment,
    collection: &'static Collection,
) -> Result<(), EngineError> {
    let mut pages = Pages::of(&*from.engine, collection);
    while let Some(page) = pages.next().await? {
        to.engine.restore(collection, page).await?;
    }
    Ok(())
}

/// Collections whose documents name objects.
const NAMING: [(&Collection, Names); 4] =
    [(&CALLS, of_call), (&VOICES, of_voice), (&SOUNDS, of_sound), (&CAMPAIGN_IMPORTS, of_import)];

/// The objects that a document names, each with what it is called and its key, if that is one.
type Names = fn(&Kept) -> Vec<(&str, Option<Key>)>;

async fn copy_recordings(from: &Deployment, to: &Deployment) -> Result<Recordings, CopyError> {
    let mut found = Recordings::default();
    for (collection, names) in NAMING {
        let told = |source| CopyError::Documents { collection: collection.name, source };
        let mut pages = Pages::of(&*from.engine, collection);
        while let Some(page) = pages.next().await.map_err(told)? {
            for (name, key) in page.iter().flat_map(names) {
                copy_file((from, to), name, key, &mut found).await?;
            }
        }
    }
    Ok(found)
}

fn of_call(call: &Kept) -> Vec<(&str, Option<Key>)> {
    let recording = call.document.body.get("recording_key").and_then(Value::as_str);
    // What is no key was never stored under one: a worker's word for where it put a file.
    let recording = recording.map(|name| (name, Key::of_recording(name).ok()));
    let archived = archived(call).map(|name| (name, Key::of_call(name).ok()));
    recording.into_iter().chain(archived).collect()
}

fn of_voice(voice: &Kept) -> Vec<(&str, Option<Key>)> {
    vec![(voice.document.id.as_str(), voice.document.id.parse().ok().and_then(|id| key_of(&id).ok()))]
}

fn of_sound(sound: &Kept) -> Vec<(&str, Option<Key>)> {
    vec![(
        sound.document.id.as_str(),
        sound.document.id.parse().ok().and_then(|id| sound::desk::key_of(&id).ok()),
    )]
}

/// The file of one that has ended is gone.
fn of_import(import: &Kept) -> Vec<(&str, Option<Key>)> {
    let key = || import.document.id.parse().ok().and_then(|id| intake::key_of(&id).ok());
    if is_read(import) { vec![(import.document.id.as_str(), key())] } else { Vec::new() }
}

/// Rows of it are still to come in.
fn is_read(import: &Kept) -> bool {
    let state = import.document.body.get("state").map(ImportState::deserialize);
    matches!(state, Some(Ok(ImportState::Reading)))
}

/// The objects that a call names: what is archived of it, and what may still be there from before.
fn archived(call: &Kept) -> impl Iterator<Item = &str> {
    let objects = call.document.body.get("kept").and_then(|kept| kept.get("objects"));
    objects.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

async fn copy_file(
    (from, to): (&Deployment, &Deployment),
    name: &str,
    key: Option<Key>,
    found: &mut Recordings,
) -> Result<(), CopyError> {
    let refused = |source| CopyError::Recording { key: name.to_owned(), source };
    let outcome = match key {
        Some(key) => copy_object(&*from.objects, &*to.objects, &key).await.map_err(refused)?,
        None => Outcome::Absent,
    };
    match outcome {
        Outcome::Same { bytes } => {
            found.copied += 1;
            found.bytes += bytes;
        }
        Outcome::Absent => found.absent += 1,
        Outcome::Differs => return Err(CopyError::RecordingDiffers(name.to_owned())),
    }
    Ok(())
}

enum Outcome {
    Same { bytes: u64 },
    Absent,
    Differs,
}

/// The target is read back: what a store says it took is not yet what it gives.
async fn copy_object(from: &dyn Objects, to: &dyn Objects, key: &Key) -> Result<Outcome, ObjectError> {
    let Some(head) = from.head(key.clone()).await? else { return Ok(Outcome::Absent) };
    let bytes = head.size_bytes;
    // Read twice: a store keeps the hash of what it is told beforehand, and checks it whenever the whole is read.
    let Some(sha256) = hash_of(from, key, bytes).await? else { return Ok(Outcome::Absent) };
    let Some(content) = from.get(key.clone(), 0..bytes).await? else { return Ok(Outcome::Absent) };
    let expected = Expected { max_bytes: bytes, sha256: Some(sha256.clone()) };
    let written = to.put(key.clone(), content, expected).await?;
    let back = hash_of(to, key, bytes).await?;
    let is_same = written.size_bytes == bytes && back == Some(sha256);
    Ok(if is_same { Outcome::Same { bytes } } else { Outcome::Differs })
}

/// SHA-256 of an object, lower-case hex; `None` when it is not there.
async fn hash_of(objects: &dyn Objects, key: &Key, bytes: u64) -> Result<Option<String>, ObjectError> {
    let Some(mut content) = objects.get(key.clone(), 0..bytes).await? else { return Ok(None) };
    let mut hash = Sha256::new();
    while let Some(chunk) = content.try_next().await.map_err(ObjectError::CutOff)? {
        hash.update(&chunk);
    }
    Ok(Some(hex(&hash.finalize())))
}

async fn compare(
    from: &Deployment,
    to: &Deployment,
    collection: &'static Collection,
) -> Result<Digested, CopyError> {
    let told = |source| CopyError::Documents { collection: collection.name, source };
    let there = digest(&*from.engine, collection).await.map_err(told)?;
    let here = digest(&*to.engine, collection).await.map_err(told)?;
    if there == here {
        return Ok(here);
    }
    Err(CopyError::Differs { collection: collection.name, from: there, to: here })
}

/// A collection in brief, the same on every engine.
///
/// # Errors
///
/// When the engine cannot be read.
pub async fn digest(engine: &dyn Engine, collection: &'static Collection) -> Result<Digested, EngineError> {
    let (mut hash, mut documents) = (Sha256::new(), 0);
    let mut pages = Pages::of(engine, collection);
    while let Some(page) = pages.next().await? {
        for kept in page {
            documents += 1;
            feed_text(&mut hash, &kept.document.id);
            hash.update(kept.document.version.to_be_bytes());
            hash.update(kept.schema.to_be_bytes());
            feed(&mut hash, &Value::Object(kept.document.body));
        }
    }
    Ok(Digested { documents, sha256: hex(&hash.finalize()) })
}
