//! Objects as files of one directory. A put writes a temporary file, makes it durable and renames it into place.

use std::io::SeekFrom;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use futures_util::StreamExt;
use tokio::fs::{self, File};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use tokio_util::io::ReaderStream;
use vox_shared::private;

use super::incoming::Incoming;
use super::{Answer, ByteStream, Expected, Head, Key, ObjectError, Objects, Written};
use crate::auth::secret_token;

/// Half-written files live here; no key begins with a dot.
const PARTS: &str = ".parts";
/// Bytes read at a time.
const READ_CHUNK: usize = 64 * 1024;

/// Held by the process that uses the directory.
const LOCK: &str = ".lock";

/// Keeps other processes out of a directory; the kernel lets go of it when this one ends, however it ends.
pub struct Lock(#[expect(dead_code, reason = "held, not used")] std::fs::File);

impl Lock {
    /// Create the directory if it is missing, and take it.
    pub fn take(root: &Path) -> Result<Self, ObjectError> {
        private::directory(root).map_err(failed("create the object directory"))?;
        let lock = std::fs::File::create(root.join(LOCK)).map_err(failed("create the lock file"))?;
        lock.try_lock().map_err(|_| ObjectError::InUse(root.display().to_string()))?;
        Ok(Self(lock))
    }
}

/// Objects below a root directory.
pub struct Directory {
    root: PathBuf,
    _lock: Lock,
}

impl Directory {
    /// Open or create the directory, for this process alone. What a killed process left half-written is removed.
    pub fn open(root: &Path) -> Result<Self, ObjectError> {
        let lock = Lock::take(root)?;
        let parts = root.join(PARTS);
        if parts.exists() {
            std::fs::remove_dir_all(&parts).map_err(failed("remove unfinished objects"))?;
        }
        std::fs::create_dir_all(&parts).map_err(failed("create the object directory"))?;
        Ok(Self { root: root.to_owned(), _lock: lock })
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.root.join(key.as_str())
    }

    async fn receive(
        &self,
        part: &Path,
        content: ByteStream,
        expected: Expected,
    ) -> Result<Written, ObjectError> {
        let mut file = File::create_new(part).await.map_err(failed("create a file"))?;
        let mut incoming = Incoming::new(content, expected);
        while let Some(piece) = incoming.next().await? {
            file.write_all(&piece).await.map_err(failed("write a file"))?;
        }
        let written = incoming.finish()?;
        file.flush().await.map_err(failed("write a file"))?;
        file.sync_all().await.map_err(failed("make a file durable"))?;
        Ok(written)
    }

    async fn place(&self, part: &Path, key: &Key) -> Result<(), ObjectError> {
        let path = self.path(key);
        let folder = path.parent().unwrap_or(&self.root).to_owned();
        fs::create_dir_all(&folder).await.map_err(failed("create a folder"))?;
        fs::rename(part, &path).await.map_err(failed("put a file in place"))?;
        // The rename itself must survive a power cut: each folder up to the root holds an entry that may be new.
        for folder in folder.ancestors().take_while(|f| f.starts_with(&self.root)) {
            let folder = File::open(folder).await.map_err(failed("open a folder"))?;
            folder.sync_all().await.map_err(failed("make a folder durable"))?;
        }
        Ok(())
    }
}

fn failed(doing: &'static str) -> impl Fn(std::io::Error) -> ObjectError {
    move |source| ObjectError::Failed { doing, source }
}

impl Objects for Directory {
    fn name(&self) -> &'static str {
        "directory"
    }

    fn put(&self, key: Key, content: ByteStream, expected: Expected) -> Answer<'_, Written> {
        Box::pin(async move {
            let part = RemovedOnDrop(self.root.join(PARTS).join(secret_token::generate()));
            let written = self.receive(&part.0, content, expected).await?;
            self.place(&part.0, &key).await?;
            Ok(written)
        })
    }

    fn head(&self, key: Key) -> Answer<'_, Option<Head>> {
        Box::pin(async move {
            let found = match fs::metadata(self.path(&key)).await {
                Ok(found) if found.is_file() => found,
                Ok(_) => return Ok(None),
                Err(error) if absent(&error) => return Ok(None),
                Err(error) => return Err(failed("look at a file")(error)),
            };
            let changed = found.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok());
            let etag = format!("\"{:x}-{:x}\"", found.len(), changed.unwrap_or_default().as_nanos());
            Ok(Some(Head { size_bytes: found.len(), etag }))
        })
    }

    fn get(&self, key: Key, range: Range<u64>) -> Answer<'_, Option<ByteStream>> {
        Box::pin(async move {
            let mut file = match File::open(self.path(&key)).await {
                Ok(file) => file,
                Err(error) if absent(&error) => return Ok(None),
                Err(error) => return Err(failed("open a file")(error)),
            };
            file.seek(SeekFrom::Start(range.start)).await.map_err(failed("read a file"))?;
            let part = file.take(range.end.saturating_sub(range.start));
            Ok(Some(ReaderStream::with_capacity(part, READ_CHUNK).boxed()))
        })
    }

    fn delete(&self, key: Key) -> Answer<'_, bool> {
        Box::pin(async move {
            match fs::remove_file(self.path(&key)).await {
                Ok(()) => Ok(true),
                Err(error) if absent(&error) => Ok(false),
                Err(error) => Err(failed("delete a file")(error)),
            }
        })
    }

    fn check(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            fs::metadata(self.root.join(PARTS)).await.map(drop).map_err(failed("look at its folder"))
        })
    }

    fn link(&self, _: Key, _: Duration) -> Answer<'_, Option<String>> {
        Box::pin(std::future::ready(Ok(None)))
    }
}

fn absent(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{IsADirectory, NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory | IsADirectory)
}

/// An unfinished file goes away even when the upload is cancelled. After the rename there is nothing to remove.
struct RemovedOnDrop(PathBuf);

impl Drop for RemovedOnDrop {
    fn drop(&mut self) {
        // Most often it was renamed away; a file that cannot be removed is swept at the next start.
        let _ = std::fs::remove_file(&self.0);
    }
}
