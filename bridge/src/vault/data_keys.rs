//! Data keys: one at a time for each tenant seals, those before it still open. Kept wrapped in the store, and unwrapped in memory
//! once they were used.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use tokio::sync::Notify;
use vox_shared::sealing::KEY_BYTES;

use super::aead::Key;
use super::envelope::{self, Place, bound};
use super::file::{self, FileKey, Head};
use super::master::{MasterKeys, MasterSource};
use super::places::Secrets;
use crate::store::engine::{Collection, Document, Engine, EngineError, Which};

/// Wrapped data keys; the id is `<tenant>~<generation>`, without a tenant for what belongs to the deployment.
pub static DATA_KEYS: Collection = Collection { name: "data_keys", indexes: &[], fields: &[], steps: &[] };

/// What belongs to no tenant.
const DEPLOYMENT: &str = "";
/// How long another bridge's new data key may be overlooked by this one. Whoever rotates keys waits longer before it looks whether
/// anything is left under the old ones.
pub const OVERLOOKED: Duration = Duration::from_secs(5);
/// A sealed text that does not open is put under this name, so that no type takes it for a secret, and nothing is lost when its
/// document is written back.
const UNOPENED: &str = "sealed:";
/// Says what a wrapped key is bound to.
const DOMAIN: &str = "vox data key 1";

/// A data key in memory.
pub struct DataKey {
    pub id: String,
    pub(super) scope: String,
    pub(super) generation: u64,
    key: Key,
}

/// What is under the id of a data key.
enum Looked {
    Found(Arc<DataKey>),
    /// It does not unwrap.
    Damaged,
    Absent,
}

fn damaged(id: &str, error: &str) -> Looked {
    tracing::error!(data_key = id, error, "a data key does not unwrap");
    Looked::Damaged
}

struct Active {
    key: Arc<DataKey>,
    looked: Instant,
}

/// The data keys of a deployment, under its master keys.
pub struct Vault {
    pub(super) engine: Arc<dyn Engine>,
    source: MasterSource,
    masters: OnceLock<MasterKeys>,
    known: RwLock<HashMap<String, Arc<DataKey>>>,
    active: RwLock<HashMap<String, Active>>,
    /// Somebody here asks for a rotation.
    pub(super) wake: Notify,
}

impl Vault {
    /// Over the engine that keeps the deployment's documents. Nothing is read yet.
    pub fn new(engine: Arc<dyn Engine>, source: MasterSource) -> Self {
        let (known, active) = (RwLock::default(), RwLock::default());
        Self { engine, source, masters: OnceLock::new(), known, active, wake: Notify::new() }
    }

    /// Read the master keys and see that they are those of this store, before anything else is written to it; in a store without a
    /// data key, make the first one. May be repeated.
    ///
    /// # Errors
    ///
    /// [`EngineError::Locked`] with what to do, when there is no master key, or not the one that the data keys are under.
    pub async fn unlock(&self) -> Result<(), EngineError> {
        if self.masters.get().is_some() {
            return Ok(());
        }
        self.engine.prepare(&[&DATA_KEYS]).await?;
        let kept = self.all().await?;
        let masters = match self.source.read().map_err(locked)? {
            Some(masters) => masters,
            None if kept.is_empty() => self.source.make().map_err(locked)?,
            None => return Err(self.lost()),
        };
        see_that_all_open(&masters, &kept)?;
        let masters = self.masters.get_or_init(|| masters);
        tracing::info!(keys = masters.ids(), "secrets are under the first of these master keys");
        match kept.is_empty() {
            // By it the next start knows its master key again, though no tenant has a secret yet.
            true => self.active(DEPLOYMENT).await.map(drop),
            false => Ok(()),
        }
    }

    /// Whether the master keys were read, and are those of the store.
    pub fn is_open(&self) -> bool {
        self.masters.get().is_some()
    }

    /// Whether the master keys open the data keys of a store, which may be another one. Nothing is written, and no key is made.
    pub async fn check(&self, store: &dyn Engine) -> Result<(), EngineError> {
        store.prepare(&[&DATA_KEYS]).await?;
        let kept = all(store).await?;
        match self.source.read().map_err(locked)? {
            Some(masters) => see_that_all_open(&masters, &kept),
            None if kept.is_empty() => Ok(()),
            None => Err(self.lost()),
        }
    }

    fn lost(&self) -> EngineError {
        let what = match &self.source {
            MasterSource::File(path) => format!("the master key '{}' is missing", path.display()),
            MasterSource::Given(_) => "VOX_MASTER_KEY is missing".to_owned(),
        };
        EngineError::Locked(format!(
            "{what}, and the store has secrets that nothing else opens: put the file back from a backup, or name the key in VOX_MASTER_KEY; see docs/secrets.md"
        ))
    }

    /// All wrapped data keys.
    pub(super) async fn all(&self) -> Result<Vec<Document>, EngineError> {
        all(&*self.engine).await
    }

    /// Seal every secret of a body. One that stands there sealed and did not open when it was read goes back as it was.
    pub async fn seal(
        &self,
        secrets: &Secrets,
        record: &str,
        body: &mut Map<String, Value>,
    ) -> Result<(), EngineError> {
        let mut any = false;
        secrets.visit(body, &mut |_, value| any |= is_secret(value) || unopened(value).is_some());
        if !any {
            return Ok(());
        }
        let scope = scope(body);
        let active = self.active(&scope).await?;
        secrets.visit(body, &mut |field, value| {
            if let Some(text) = unopened(value) {
                *value = text.into();
                return;
            }
            let Some(clear) = value.as_str().filter(|text| !text.is_empty()) else { return };
            let place = Place { scope: &scope, collection: secrets.collection, record, field };
            *value = envelope::seal((&active.id, &active.key), &place, clear).into();
        });
        Ok(())
    }

    /// Open every secret of a body. What does not open is told in the log, and whoever reads the body as a typed document finds it
    /// damaged.
    pub async fn open(
        &self,
        secrets: &Secrets,
        record: &str,
        body: &mut Map<String, Value>,
    ) -> Result<(), EngineError> {
        let mut keys: BTreeMap<String, Option<Arc<DataKey>>> = BTreeMap::new();
        secrets.visit(body, &mut |_, value| {
            if let Some(id) = value.as_str().and_then(envelope::key_id) {
                keys.insert(id.to_owned(), None);
            }
        });
        for (id, key) in &mut keys {
            *key = self.find(id).await?;
        }
        let scope = scope(body);
        secrets.visit(body, &mut |field, value| {
            let Some(text) = value.as_str().filter(|text| !text.is_empty()) else { return };
            let key = envelope::key_id(text).and_then(|id| keys.get(id)?.as_ref());
            let place = Place { scope: &scope, collection: secrets.collection, record, field };
            let opened =
                key.filter(|key| key.scope == scope).and_then(|k| envelope::open(&k.key, &place, text).ok());
            *value = opened.map_or_else(|| marked(&place, text), Value::from);
        });
        Ok(())
    }

    /// The head and the key of a new file of this tenant (empty: the deployment's) at this place.
    pub async fn new_file(&self, scope: &str, place: &str) -> Result<(Head, FileKey), EngineError> {
        let active = self.active(scope).await?;
        let too_long = || EngineError::Malformed(format!("the data key '{}' has too long an id", active.id));
        let head = file::head(&active.id).ok_or_else(too_long)?;
        let key = file::key_of(&active.key, &head, place);
        Ok((head, key))
    }

    /// A head for a new file of this scope, whose key is asked for when it is used.
    pub async fn new_head(&self, scope: &str) -> Result<Head, EngineError> {
        let active = self.active(scope).await?;
        let too_long = || EngineError::Malformed(format!("the data key '{}' has too long an id", active.id));
        file::head(&active.id).ok_or_else(too_long)
    }

    /// The key of the one file with this head, for who seals it elsewhere; `None` as for [`Vault::file_key`].
    pub async fn key_to_hand_out(
        &self,
        scope: &str,
        place: &str,
        head: &Head,
    ) -> Result<Option<[u8; KEY_BYTES]>, EngineError> {
        let Some(id) = file::key_id(head) else { return Ok(None) };
        let known = self.find(id).await?.filter(|key| key.scope == scope);
        Ok(known.map(|key| file::key_bytes(&key.key, head, place)))
    }

    /// The key of the file with this head; `None` when it is no head, or names a key that is not there, or another tenant's.
    pub async fn file_key(
        &self,
        scope: &str,
        place: &str,
        head: &Head,
    ) -> Result<Option<FileKey>, EngineError> {
        let Some(id) = file::key_id(head) else { return Ok(None) };
        let known = self.find(id).await?;
        // What was uploaded before its call was known is the deployment's.
        let known = known.filter(|key| key.scope == scope || key.scope == DEPLOYMENT);
        Ok(known.map(|key| file::key_of(&key.key, head, place)))
    }

    /// Whether a secret of a body is under another data key than the one that seals now.
    pub(super) async fn is_behind(
        &self,
        secrets: &Secrets,
        body: &mut Map<String, Value>,
    ) -> Result<bool, EngineError> {
        let mut ids = Vec::new();
        secrets.visit(body, &mut |_, value| {
            ids.extend(value.as_str().and_then(envelope::key_id).map(str::to_owned));
        });
        if ids.is_empty() {
            return Ok(false);
        }
        let active = self.active(&scope(body)).await?;
        Ok(ids.iter().any(|id| *id != active.id))
    }

    /// Whether a secret of a body that was to be opened did not.
    pub(super) fn has_unopened(secrets: &Secrets, body: &mut Map<String, Value>) -> bool {
        let mut any = false;
        secrets.visit(body, &mut |_, value| any |= unopened(value).is_some());
        any
    }

    /// Forget which keys seal, so that newer ones are found at once.
    pub(super) fn look_anew(&self) {
        self.active.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// A data key by its id; `None` when there is none or it does not unwrap.
    async fn find(&self, id: &str) -> Result<Option<Arc<DataKey>>, EngineError> {
        match self.look(id).await? {
            Looked::Found(key) => Ok(Some(key)),
            Looked::Damaged | Looked::Absent => Ok(None),
        }
    }

    /// A data key by its id, from memory if it was used before.
    async fn look(&self, id: &str) -> Result<Looked, EngineError> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned();
        if let Some(known) = known {
            return Ok(Looked::Found(known));
        }
        let document = match self.engine.get(&DATA_KEYS, id.to_owned()).await {
            Ok(Some(document)) => document,
            Ok(None) => return Ok(Looked::Absent),
            Err(EngineError::Malformed(error)) => return Ok(damaged(id, &error)),
            Err(error) => return Err(error),
        };
        match unwrap(self.masters()?, &document) {
            Ok(key) => {
                let key = Arc::new(key);
                self.remember(&key);
                Ok(Looked::Found(key))
            }
            Err(error) => Ok(damaged(id, &error.to_string())),
        }
    }

    fn remember(&self, key: &Arc<DataKey>) {
        self.known.write().unwrap_or_else(PoisonError::into_inner).insert(key.id.clone(), key.clone());
    }

    /// The data key that seals for a tenant, made when there is none.
    pub(super) async fn active(&self, scope: &str) -> Result<Arc<DataKey>, EngineError> {
        let mut last = None;
        if let Some(active) = self.active.read().unwrap_or_else(PoisonError::into_inner).get(scope) {
            if active.looked.elapsed() < OVERLOOKED {
                return Ok(active.key.clone());
            }
            last = Some(active.key.clone());
        }
        let looked = Instant::now();
        let mut next = last.as_ref().map_or(1, |key| key.generation + 1);
        loop {
            match (self.look(&id_of(scope, next)).await?, last.take()) {
                (Looked::Found(newer), _) => last = Some(newer),
                // There may be one behind it.
                (Looked::Damaged, known) => last = known,
                (Looked::Absent, Some(key)) => return Ok(self.now_active(key, looked)),
                (Looked::Absent, None) => last = Some(self.make(scope, next, 0).await?),
            }
            next += 1;
        }
    }

    fn now_active(&self, key: Arc<DataKey>, looked: Instant) -> Arc<DataKey> {
        let mut active = self.active.write().unwrap_or_else(PoisonError::into_inner);
        active.insert(key.scope.clone(), Active { key: key.clone(), looked });
        key
    }

    /// Make the data key of a generation, for a rotation or (0) for a tenant without one, or find the one that another bridge made
    /// meanwhile.
    pub(super) async fn make(
        &self,
        scope: &str,
        generation: u64,
        rotation: u64,
    ) -> Result<Arc<DataKey>, EngineError> {
        let id = id_of(scope, generation);
        let made = DataKey { id: id.clone(), scope: scope.to_owned(), generation, key: Key::generate() };
        match self.engine.insert(&DATA_KEYS, id.clone(), wrap(self.masters()?, &made, rotation)).await {
            Ok(()) => {
                let made = Arc::new(made);
                self.remember(&made);
                Ok(made)
            }
            Err(EngineError::Duplicate) => {
                let unusable = || EngineError::Malformed(format!("the data key '{id}' does not unwrap"));
                self.find(&id).await?.ok_or_else(unusable)
            }
            Err(error) => Err(error),
        }
    }

    pub(super) fn masters(&self) -> Result<&MasterKeys, EngineError> {
        let early =
            || EngineError::Locked("the store was not prepared, so its secrets are locked".to_owned());
        self.masters.get().ok_or_else(early)
    }
}

async fn all(store: &dyn Engine) -> Result<Vec<Document>, EngineError> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = store.list_by_id(&DATA_KEYS, Which::All, after.take()).await?;
        let Some(last) = page.last() else { return Ok(all) };
        after = Some(last.document.id.clone());
        all.extend(page.into_iter().map(|kept| kept.document));
    }
}

fn locked(error: super::master::MasterKeyError) -> EngineError {
    use std::error::Error as _;
    let source = error.source().map(|source| format!(": {source}")).unwrap_or_default();
    EngineError::Locked(format!("{error}{source}"))
}

/// A master key that is not there is the operator's to mend, before anything is written. A data key that its own master key does
/// not unwrap is damage, and keeps nothing from starting but what is under it.
fn see_that_all_open(masters: &MasterKeys, kept: &[Document]) -> Result<(), EngineError> {
    // What the engine cannot read it has told; it opens nothing.
    for document in kept.iter().filter(|document| document.version > 0) {
        let master = text(document, "master");
        if masters.find(master).is_none() {
            return Err(EngineError::Locked(format!(
                "the data key '{}' is under the master key {master}, and VOX_MASTER_KEY or the key file has {}: name the right one; while master keys change the old one stays behind the new one; see docs/secrets.md",
                document.id,
                masters.ids()
            )));
        }
        if let Err(error) = unwrap(masters, document) {
            tracing::error!(data_key = document.id, %error, "a data key is damaged: what is under it does not open");
        }
    }
    Ok(())
}

fn text<'a>(document: &'a Document, name: &str) -> &'a str {
    document.body.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn id_of(scope: &str, generation: u64) -> String {
    format!("{scope}~{generation}")
}

/// Whose data key an id is of, and which.
pub(super) fn named(id: &str) -> Option<(&str, u64)> {
    let (scope, generation) = id.rsplit_once('~')?;
    Some((scope, generation.parse().ok()?))
}

/// A data key as it is kept, under the first master key.
pub(super) fn wrap(masters: &MasterKeys, key: &DataKey, rotation: u64) -> Map<String, Value> {
    let master = masters.first();
    let wrapped = master.key.seal(&bound([DOMAIN, &master.id, &key.id]), key.key.bytes());
    let wrapped = URL_SAFE_NO_PAD.encode(wrapped);
    let body =
        json!({ "tenant_id": key.scope, "master": master.id, "wrapped": wrapped, "rotation": rotation });
    let Value::Object(body) = body else { unreachable!("it is written as an object") };
    body
}

/// A data key as it was kept.
pub(super) fn unwrap(masters: &MasterKeys, document: &Document) -> Result<DataKey, EngineError> {
    let damaged = |what: &str| EngineError::Malformed(format!("the data key '{}': {what}", document.id));
    let master =
        masters.find(text(document, "master")).ok_or_else(|| damaged("its master key is not known"))?;
    let wrapped =
        URL_SAFE_NO_PAD.decode(text(document, "wrapped")).map_err(|_| damaged("it is no base64"))?;
    let bytes = master.key.open(&bound([DOMAIN, &master.id, &document.id]), &wrapped);
    let key = bytes.ok().and_then(|bytes| Key::of(&bytes)).ok_or_else(|| damaged("it does not unwrap"))?;
    let (scope, generation) = named(&document.id).ok_or_else(|| damaged("its id is none"))?;
    Ok(DataKey { id: document.id.clone(), scope: scope.to_owned(), generation, key })
}

/// Whose data key a body is under.
fn scope(body: &Map<String, Value>) -> String {
    body.get("tenant_id").and_then(Value::as_str).unwrap_or(DEPLOYMENT).to_owned()
}

fn is_secret(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}

fn unopened(value: &Value) -> Option<String> {
    let marked = value.as_object().filter(|object| object.len() == 1)?;
    marked.get(UNOPENED)?.as_str().map(str::to_owned)
}

fn marked(place: &Place<'_>, text: &str) -> Value {
    let field = place.field.join(".");
    tracing::error!(collection = place.collection, record = place.record, field, "a secret does not open");
    json!({ UNOPENED: text })
}
