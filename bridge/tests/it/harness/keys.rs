//! Keys of the API, made directly in the store.

use reqwest::{RequestBuilder, StatusCode};
use serde_json::Value;
use vox_bridge::auth::scope::Scope;
use vox_bridge::auth::secret_token::{hash, random};
use vox_bridge::store::Stamp;
use vox_bridge::store::api_keys::Key;
use vox_shared::ids::{ApiKeyId, TenantId, UserId};

use super::{TestBridge, json};

/// A key with its secret.
pub struct TestKey {
    pub id: ApiKeyId,
    pub token: String,
}

impl TestBridge {
    /// A key of these scopes, and changed before it is stored. It holds no place among the tenant's live ones.
    pub async fn insert_key(
        &self,
        tenant: &TenantId,
        scopes: &[Scope],
        change: impl FnOnce(&mut Key),
    ) -> TestKey {
        let token = format!("vx_{}", random::<24>());
        let mut key = Key {
            tenant_id: tenant.clone(),
            name: "Test".into(),
            prefix: token[..7].into(),
            secret_hash: hash(&token),
            scopes: scopes.iter().copied().collect(),
            bots: None,
            created_at: Stamp(self.now()),
            created_by: UserId::generate(),
            expires_at: None,
            last_used_at: None,
            revoked_at: None,
            place: None,
        };
        change(&mut key);
        let id = ApiKeyId::generate();
        self.app.stores.api_keys(tenant).insert_key(&id, &key).await.unwrap();
        TestKey { id, token }
    }

    /// A key of the default tenant.
    pub async fn key(&self, scopes: &[Scope]) -> TestKey {
        self.insert_key(&self.tenant(), scopes, |_| {}).await
    }
}

impl TestKey {
    pub fn sign(&self, request: RequestBuilder) -> RequestBuilder {
        request.bearer_auth(&self.token)
    }

    /// What this key reads at a path.
    pub async fn reads(&self, bridge: &TestBridge, path: &str) -> Value {
        json(self.sign(bridge.get(path)).send().await.unwrap(), StatusCode::OK).await
    }

    /// How this key is answered at a path.
    pub async fn status(&self, bridge: &TestBridge, path: &str) -> StatusCode {
        self.sign(bridge.get(path)).send().await.unwrap().status()
    }
}
