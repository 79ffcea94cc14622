//! The stores of one deployment, as its settings name them.

use std::path::Path;
use std::sync::Arc;

use vox_shared::private;

use crate::config::Storage;
use crate::objects::{self, ObjectError, Objects};
use crate::store::engine::sqlite::Sqlite;
use crate::store::engine::{Engine, EngineError};
use crate::vault::master::{MASTER_KEY_FILE, MasterSource};
use crate::vault::{Sealed, Vault};

/// The document file below the data directory.
const DOCUMENT_FILE: &str = "vox.sqlite";

/// Documents and objects. Everything else that a deployment keeps can be made anew.
#[derive(Clone)]
pub struct Deployment {
    /// The documents as they are kept, with their secrets sealed.
    pub engine: Arc<dyn Engine>,
    pub objects: Arc<dyn Objects>,
    /// What seals and opens them.
    pub vault: Arc<Vault>,
}

/// Why a deployment cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("cannot create the data directory '{path}'")]
    DataDir {
        path: String,
        #[source]
        source: std::io::Error,
    },
    #[error("cannot open the document store")]
    Documents(#[from] EngineError),
    #[error("cannot open the object store")]
    Objects(#[from] ObjectError),
    #[error(
        "VOX_MONGODB_URI is set, and this program was built without MongoDB: build it with the default features"
    )]
    NotBuilt,
    #[error(
        "VOX_MASTER_KEY is not set, and documents in MongoDB need one: make it with `openssl rand -base64 32`, keep a copy of it, and give it to every bridge of this deployment"
    )]
    NoMasterKey,
}

impl Deployment {
    /// Open, or create where nothing is yet. The embedded engines block for the time of opening.
    ///
    /// # Errors
    ///
    /// When a store cannot be reached or is of a newer version, or another bridge uses the data directory.
    pub async fn open(storage: &Storage) -> Result<Self, OpenError> {
        let data_dir = &storage.data_dir;
        let refused = |source| OpenError::DataDir { path: data_dir.display().to_string(), source };
        let source = match (&storage.master_keys, &storage.mongodb_uri) {
            (Some(keys), _) => MasterSource::Given(keys.clone()),
            (None, None) => MasterSource::File(data_dir.join(MASTER_KEY_FILE)),
            (None, Some(_)) => return Err(OpenError::NoMasterKey),
        };
        private::make_directory(data_dir).map_err(refused)?;
        // First, because it finds out whether another bridge uses the data directory.
        let objects = objects::open(storage).await?;
        let engine = match &storage.mongodb_uri {
            None => embedded(data_dir)?,
            Some(uri) => mongodb(uri).await?,
        };
        let vault = Arc::new(Vault::new(engine.clone(), source));
        Ok(Self { engine, objects, vault })
    }

    /// The documents with their secrets open, for the stores above.
    pub fn documents(&self) -> Arc<dyn Engine> {
        Arc::new(Sealed::new(self.engine.clone(), self.vault.clone()))
    }

    /// Let go of both, at the end of the process.
    pub async fn close(&self) {
        if let Err(error) = self.engine.close().await {
            tracing::warn!(%error, "the document store was not closed in good order");
        }
    }

    /// Whether there is an embedded deployment in this directory.
    pub fn is_embedded_in(data_dir: &Path) -> bool {
        data_dir.join(DOCUMENT_FILE).is_file()
    }
}

fn embedded(data_dir: &Path) -> Result<Arc<dyn Engine>, OpenError> {
    let engine = Sqlite::open(&data_dir.join(DOCUMENT_FILE))?;
    // A version that left the mode to its mask may have made them, and the store holds every vendor key.
    for file in ["", "-wal", "-shm"].map(|end| data_dir.join(format!("{DOCUMENT_FILE}{end}"))) {
        private::close_to_others(&file)
            .map_err(|source| OpenError::DataDir { path: file.display().to_string(), source })?;
    }
    Ok(Arc::new(engine))
}

#[cfg(feature = "mongodb")]
async fn mongodb(uri: &secrecy::SecretString) -> Result<Arc<dyn Engine>, OpenError> {
    use secrecy::ExposeSecret;
    Ok(Arc::new(crate::store::engine::mongo::Mongo::open(uri.expose_secret()).await?))
}

#[cfg(not(feature = "mongodb"))]
async fn mongodb(_: &secrecy::SecretString) -> Result<Arc<dyn Engine>, OpenError> {
    Err(OpenError::NotBuilt)
}
