//! Objects with the heavy parts of archived calls: each is sealed for its tenant, whether or not recordings are, under a name that says
//! nothing.

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use vox_shared::ids::TenantId;

use crate::auth::secret_token::hex;
use crate::objects::archive::{Archive, Sealing};
use crate::objects::{Expected, Key, ObjectError};

/// Random part of a name, bytes.
const NAME_BYTES: usize = 16;

/// See the module.
pub struct Depot(Archive);

impl Depot {
    pub fn new(archive: Archive) -> Self {
        Self(Archive { sealing: Sealing::On, ..archive })
    }

    /// A name that nothing has yet.
    pub fn new_name() -> String {
        let mut random = [0_u8; NAME_BYTES];
        rand::fill(&mut random);
        hex(&random)
    }

    pub async fn put(&self, tenant: &TenantId, name: &str, content: Vec<u8>) -> Result<(), ObjectError> {
        let expected = Expected { max_bytes: content.len() as u64, sha256: None };
        let content = stream::once(std::future::ready(Ok(Bytes::from(content)))).boxed();
        self.0.put(Some(tenant), Key::of_call(name)?, content, expected).await.map(drop)
    }

    /// `None` when there is none.
    pub async fn get(&self, tenant: &TenantId, name: &str) -> Result<Option<Vec<u8>>, ObjectError> {
        let Some(found) = self.0.find(Some(tenant), Key::of_call(name)?).await? else { return Ok(None) };
        // What is there in clear was put there by somebody else.
        if !found.is_sealed() {
            return Err(ObjectError::Unopened);
        }
        let Some(mut content) = self.0.get(&found, 0..found.size_bytes).await? else { return Ok(None) };
        let mut all = Vec::new();
        let cut = |source| ObjectError::Unavailable { doing: "read an object", source };
        while let Some(piece) = content.try_next().await.map_err(cut)? {
            all.extend_from_slice(&piece);
        }
        Ok(Some(all))
    }

    /// Whether there is one, whatever is in it.
    pub async fn has(&self, name: &str) -> Result<bool, ObjectError> {
        Ok(self.0.objects.head(Key::of_call(name)?).await?.is_some())
    }

    /// Whether there was one.
    pub async fn delete(&self, name: &str) -> Result<bool, ObjectError> {
        self.0.objects.delete(Key::of_call(name)?).await
    }
}
