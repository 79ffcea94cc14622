//! New data keys for everybody, and every secret sealed anew under them, while the bridge serves. How far it came is in the store, so
//! a bridge that was killed goes on, and another one takes over from one that is gone.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;
use vox_shared::clock::Clock;

use super::data_keys::{DATA_KEYS, OVERLOOKED, Vault, named, unwrap, wrap};
use super::places::Secrets;
use super::sealed::STATE;
use crate::store::engine::{Collection, Document, EngineError, Kept, Which};

/// The note of the last rotation.
const ROTATION: &str = "rotation";
/// Documents on their way at once: they share a commit.
const AT_ONCE: usize = 32;
/// Tries of a document that others change meanwhile.
const MAX_TRIES: usize = 16;
/// After this long no bridge seals under an old key any more: each has looked for a newer one, and what it had begun is answered.
pub const SETTLED: Duration = Duration::from_secs(OVERLOOKED.as_secs() + 10);
/// A rotation that was not noted for so long has lost its bridge.
const LOST: jiff::SignedDuration = jiff::SignedDuration::from_secs(60);

/// How far a rotation is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    /// 1 for the first of the deployment.
    pub number: u64,
    pub status: RotationStatus,
    pub started_at: Timestamp,
    /// The last time that its bridge noted something.
    pub noted_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    /// Data keys that were wrapped by another master key than the first.
    pub rewrapped: u64,
    /// Data keys that were made.
    pub new_keys: u64,
    /// Documents that were looked at, again after the keys have settled.
    pub looked_at: u64,
    /// Documents whose secrets were sealed anew.
    pub sealed_anew: u64,
    /// Documents with a secret that does not open, which stay as they are.
    pub unopened: u64,
    /// Where it is: the collection, and the last id that is done.
    #[serde(default)]
    place: Option<(String, Option<String>)>,
    #[serde(default)]
    has_settled: bool,
}

/// Whether a rotation has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RotationStatus {
    Running,
    Done,
}

/// What a rotation works on.
pub struct Rotating<'a> {
    pub vault: &'a Vault,
    /// All of the deployment; those without secrets are passed over.
    pub collections: &'a [&'static Collection],
    pub clock: &'a Clock,
    /// How long other bridges may seal under old keys: [`SETTLED`] when there may be any.
    pub settled: Duration,
    pub stop: &'a CancellationToken,
}

impl Vault {
    /// The last rotation, if there was one.
    pub async fn last_rotation(&self) -> Result<Option<Rotation>, EngineError> {
        Ok(self.noted().await?.map(|noted| noted.rotation))
    }

    /// Note that keys are to be rotated; one that is running already is answered as it is.
    pub async fn begin_rotation(&self, now: Timestamp) -> Result<Rotation, EngineError> {
        for _ in 0..MAX_TRIES {
            let noted = self.noted().await?;
            if let Some(Noted { rotation, .. }) = &noted
                && rotation.status == RotationStatus::Running
            {
                return Ok(rotation.clone());
            }
            let begun = Rotation::begun(noted.as_ref().map_or(1, |last| last.rotation.number + 1), now);
            let written = match noted {
                None => self.engine.insert(&STATE, ROTATION.into(), body(&begun)).await,
                Some(last) => self.note(&last, &begun).await.map(drop),
            };
            match written {
                Ok(()) => {
                    self.wake.notify_one();
                    return Ok(begun);
                }
                Err(EngineError::Duplicate | EngineError::Stale) => {}
                Err(error) => return Err(error),
            }
        }
        Err(EngineError::Stale)
    }

    /// Wait until somebody here asks for a rotation.
    pub async fn rotation_asked(&self) {
        self.wake.notified().await;
    }

    async fn noted(&self) -> Result<Option<Noted>, EngineError> {
        let Some(document) = self.engine.get(&STATE, ROTATION.into()).await? else { return Ok(None) };
        let rotation = serde_json::from_value(Value::Object(document.body))
            .map_err(|error| EngineError::Malformed(format!("the note of the rotation: {error}")))?;
        Ok(Some(Noted { version: document.version, rotation }))
    }

    async fn note(&self, last: &Noted, rotation: &Rotation) -> Result<Noted, EngineError> {
        let document = Document { id: ROTATION.into(), version: last.version, body: body(rotation) };
        let version = self.engine.compare_and_set(&STATE, document).await?;
        Ok(Noted { version, rotation: rotation.clone() })
    }
}

struct Noted {
    version: u64,
    rotation: Rotation,
}

fn body(rotation: &Rotation) -> Map<String, Value> {
    match serde_json::to_value(rotation) {
        Ok(Value::Object(body)) => body,
        _ => unreachable!("a struct of plain values is an object"),
    }
}

impl Rotation {
    fn begun(number: u64, now: Timestamp) -> Self {
        Self {
            number,
            status: RotationStatus::Running,
            started_at: now,
            noted_at: now,
            ended_at: None,
            rewrapped: 0,
            new_keys: 0,
            looked_at: 0,
            sealed_anew: 0,
            unopened: 0,
            place: None,
            has_settled: false,
        }
    }

    /// Whether no bridge works on it any more, as far as one can tell.
    pub fn is_left(&self, now: Timestamp) -> bool {
        self.status == RotationStatus::Running && now.duration_since(self.noted_at) > LOST
    }
}

/// Carry the running rotation on to its end; answers it as it is then. Without one that runs nothing is done. May be repeated, and
/// two bridges that do it at once do the same.
///
/// # Errors
///
/// When the store fails. What was done is noted.
pub async fn rotate(with: &Rotating<'_>) -> Result<Option<Rotation>, EngineError> {
    let Some(mut noted) = with.vault.noted().await? else { return Ok(None) };
    if noted.rotation.status == RotationStatus::Done {
        return Ok(Some(noted.rotation));
    }
    noted = new_keys(with, noted).await?;
    loop {
        noted = match every_document(with, noted).await? {
            Some(noted) => noted,
            None => return with.vault.last_rotation().await,
        };
        let mut next = noted.rotation.clone();
        if next.has_settled {
            (next.status, next.ended_at) = (RotationStatus::Done, Some(with.clock.now()));
            let ended = with.vault.note(&noted, &next).await?.rotation;
            tracing::info!(
                rotation = ended.number,
                sealed_anew = ended.sealed_anew,
                unopened = ended.unopened,
                "the keys are rotated"
            );
            return Ok(Some(ended));
        }
        tokio::select! {
            () = tokio::time::sleep(with.settled) => {}
            () = with.stop.cancelled() => return Ok(Some(next)),
        }
        // Once more: somebody may have sealed under an old key until now. What did not open is counted once.
        (next.has_settled, next.place, next.unopened) = (true, None, 0);
        noted = with.vault.note(&noted, &next).await?;
    }
}

/// Wrap every data key by the first master key, and make a new one for each tenant. A data key carries the number of the rotation
/// that made it, so a repeat makes no other.
async fn new_keys(with: &Rotating<'_>, noted: Noted) -> Result<Noted, EngineError> {
    let (vault, mut next) = (with.vault, noted.rotation.clone());
    let masters = vault.masters()?;
    let mut newest: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for kept in vault.all().await? {
        let made_by = kept.body.get("rotation").and_then(Value::as_u64).unwrap_or(0);
        if let Some((scope, generation)) = named(&kept.id) {
            // Of a damaged one too: its place is taken.
            let newest = newest.entry(scope.to_owned()).or_default();
            newest.0 = newest.0.max(generation);
        }
        let Ok(key) = unwrap(masters, &kept) else {
            // Told at the start. What is under it does not open.
            continue;
        };
        if kept.body.get("master").and_then(Value::as_str) != Some(masters.first().id.as_str()) {
            let document = Document { body: wrap(masters, &key, made_by), ..kept };
            match vault.engine.compare_and_set(&DATA_KEYS, document).await {
                Ok(_) => next.rewrapped += 1,
                // By another bridge, and just so.
                Err(EngineError::Stale) => {}
                Err(error) => return Err(error),
            }
        }
        let newest = newest.entry(key.scope.clone()).or_default();
        newest.1 = newest.1.max(made_by);
    }
    for (scope, (generation, made_by)) in newest {
        if made_by < next.number {
            vault.make(&scope, generation + 1, next.number).await?;
            next.new_keys += 1;
        }
    }
    vault.look_anew();
    next.noted_at = with.clock.now();
    vault.note(&noted, &next).await
}

/// From the noted place on; `None` when it was told to stop.
async fn every_document(with: &Rotating<'_>, mut noted: Noted) -> Result<Option<Noted>, EngineError> {
    let secret = |c: &&'static Collection| Some((*c, Secrets::of(c)?));
    let mut collections: Vec<_> = with.collections.iter().filter_map(secret).collect();
    // In an order that the noted place means something in.
    collections.sort_by_key(|(collection, _)| collection.name);
    for (collection, secrets) in collections {
        let mut after = match &noted.rotation.place {
            Some((name, _)) if name.as_str() > collection.name => continue,
            Some((name, after)) if name == collection.name => after.clone(),
            _ => None,
        };
        loop {
            if with.stop.is_cancelled() {
                return Ok(None);
            }
            let page = with.vault.engine.list_by_id(collection, Which::All, after.take()).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.document.id.clone());
            let mut next = noted.rotation.clone();
            for some in page.chunks(AT_ONCE) {
                let done =
                    join_all(some.iter().map(|kept| one(with.vault, (collection, secrets), kept.clone())))
                        .await;
                for outcome in done {
                    next.looked_at += 1;
                    match outcome? {
                        Outcome::UpToDate => {}
                        Outcome::SealedAnew => next.sealed_anew += 1,
                        Outcome::Unopened => next.unopened += 1,
                    }
                }
            }
            (next.place, next.noted_at) =
                (Some((collection.name.to_owned(), after.clone())), with.clock.now());
            noted = with.vault.note(&noted, &next).await?;
        }
    }
    Ok(Some(noted))
}

enum Outcome {
    UpToDate,
    SealedAnew,
    Unopened,
}

/// Seal what of a document is under an older key. Its version goes up, as with every write.
async fn one(
    vault: &Vault,
    (collection, secrets): (&'static Collection, &'static Secrets),
    kept: Kept,
) -> Result<Outcome, EngineError> {
    if kept.is_damaged() {
        return Ok(Outcome::Unopened);
    }
    let mut document = kept.document;
    for _ in 0..MAX_TRIES {
        if !vault.is_behind(secrets, &mut document.body).await? {
            return Ok(Outcome::UpToDate);
        }
        vault.open(secrets, &document.id, &mut document.body).await?;
        if Vault::has_unopened(secrets, &mut document.body) {
            return Ok(Outcome::Unopened);
        }
        vault.seal(secrets, &document.id, &mut document.body).await?;
        let id = document.id.clone();
        match vault.engine.compare_and_set(collection, document).await {
            Ok(_) => return Ok(Outcome::SealedAnew),
            Err(EngineError::Stale) => {}
            // It would not be taken today, so it stays as it is, under the key that it has.
            Err(error @ EngineError::Malformed(_)) => {
                tracing::error!(collection = collection.name, id, %error, "a document cannot be sealed anew");
                return Ok(Outcome::Unopened);
            }
            Err(error) => return Err(error),
        }
        match vault.engine.get(collection, id).await? {
            Some(newer) => document = newer,
            None => return Ok(Outcome::UpToDate),
        }
    }
    // Somebody changes it again and again, and so under the new key; the second look finds out.
    Ok(Outcome::UpToDate)
}
