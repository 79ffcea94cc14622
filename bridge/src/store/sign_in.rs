//! Signing in by somebody else's word: the providers that are trusted, who is known to them under which name, and sign-ins that a
//! provider has vouched for and whose session is still to begin.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vox_shared::ids::{TenantId, UserId};
use vox_shared::model::bot::ApiKey;

use super::SWEPT;
use super::documents::{Documents, StoreError, Stored};
use super::engine::{Collection, Engine, Field, Index, Query, Text};
use super::settings::Owner;
use super::stamp::Stamp;
use crate::auth::role::Role;
use crate::auth::secret_token::hash;
use crate::field;

const BY_USER: &str = "by_user";
const OF_USER: &str = "of_user";
const BY_EXPIRY: &str = "by_expiry";

const USER_ID: Field<Text> = field!(Identity => user_id: Text);
const ISSUER: Field<Text> = field!(Identity => issuer: Text);
const EXPIRES_AT: Field<Text> = field!(SignIn => expires_at: Text);

/// One for the deployment and one for each tenant at most, under their owner's id.
pub static PROVIDERS: Collection =
    Collection { name: "sign_in_providers", indexes: &[], fields: &[], steps: &[] };

/// Under a hash of issuer and subject.
pub static IDENTITIES: Collection = Collection {
    name: "identities",
    indexes: &[
        // A person has one name at each issuer.
        Index::unique(BY_USER, &[USER_ID.place(), ISSUER.place()]),
        // A unique index is searched whole.
        Index::ordered(OF_USER, &[USER_ID.place()]),
    ],
    fields: &[],
    steps: &[],
};

/// Under the hash of what begins the session.
pub static SIGN_INS: Collection = Collection {
    name: "sign_ins",
    indexes: &[Index::ordered(BY_EXPIRY, &[EXPIRES_AT.place()])],
    fields: &[],
    steps: &[],
};

/// An `OpenID` provider, and how far its word goes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Provider {
    /// None: the deployment's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<TenantId>,
    pub enabled: bool,
    /// What people see on the button.
    pub name: String,
    /// Exactly as the provider calls itself.
    pub issuer: String,
    pub client_id: String,
    /// Sealed in the store; empty for a client without one.
    pub client_secret: ApiKey,
    /// The highest rank that it lets in.
    pub max_role: Role,
    /// Domains that addresses must be of; empty for any.
    pub email_domains: Vec<String>,
    /// Whether who comes from there needs no second factor here.
    pub trusts_second_factor: bool,
    /// Where strangers are made users; none for nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newcomers: Option<Newcomers>,
    pub updated_at: Stamp,
}

/// What becomes of people whom nobody knows here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Newcomers {
    pub tenant_id: TenantId,
    pub role: Role,
}

/// A person as an issuer knows them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Identity {
    pub tenant_id: TenantId,
    pub user_id: UserId,
    pub issuer: String,
    pub linked_at: Stamp,
}

/// Somebody for whom a provider has vouched.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SignIn {
    pub tenant_id: TenantId,
    pub user_id: UserId,
    /// SHA-256 of what the browser that began it holds.
    pub browser: String,
    /// Whether a second factor is still asked for, if the person has one.
    pub asks_second_factor: bool,
    pub expires_at: Stamp,
}

/// The providers of everybody.
pub struct Providers(Documents<Provider>);

impl Providers {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(Documents::new(engine, &PROVIDERS))
    }

    pub async fn find_provider(&self, of: &Owner) -> Result<Option<Stored<Provider>>, StoreError> {
        self.0.find(of.id()).await
    }

    pub async fn insert_provider(&self, of: &Owner, provider: &Provider) -> Result<(), StoreError> {
        self.0.insert(of.id(), provider).await
    }

    pub async fn replace_provider(&self, provider: Stored<Provider>) -> Result<Stored<Provider>, StoreError> {
        self.0.replace(provider).await
    }

    pub async fn delete_provider(&self, provider: &Stored<Provider>) -> Result<(), StoreError> {
        self.0.delete(&provider.id, provider.version).await
    }
}

/// Who is known to which issuer.
pub struct Identities(Documents<Identity>);

impl Identities {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(Documents::new(engine, &IDENTITIES))
    }

    fn id(issuer: &str, subject: &str) -> String {
        // No issuer has a line break.
        hash(&format!("{issuer}\n{subject}"))
    }

    pub async fn find_identity(
        &self,
        issuer: &str,
        subject: &str,
    ) -> Result<Option<Stored<Identity>>, StoreError> {
        self.0.find(&Self::id(issuer, subject)).await
    }

    /// [`StoreError::Duplicate`] when the subject is somebody else's, or the person has another one there.
    pub async fn insert_identity(&self, subject: &str, identity: &Identity) -> Result<(), StoreError> {
        self.0.insert(&Self::id(&identity.issuer, subject), identity).await
    }

    /// Forget as whom issuers know a person, [`SWEPT`] of them at most. One that is left is forgotten when somebody signs in by it.
    pub async fn forget_all_of(&self, user: &UserId) -> Result<(), StoreError> {
        let query = Query::by_index(&IDENTITIES, OF_USER).equals(USER_ID, user);
        self.0.delete_many(query.limit(SWEPT)).await.map(drop)
    }

    /// As whom an issuer knows a person.
    pub async fn find_at(&self, user: &UserId, issuer: &str) -> Result<Option<Stored<Identity>>, StoreError> {
        self.0.first(Query::by_index(&IDENTITIES, BY_USER).equals(USER_ID, user).equals(ISSUER, issuer)).await
    }

    pub async fn forget(&self, identity: &Stored<Identity>) -> Result<(), StoreError> {
        match self.0.delete(&identity.id, identity.version).await {
            // Somebody else did.
            Err(StoreError::Conflict) => Ok(()),
            other => other,
        }
    }
}

/// Sign-ins on their way to a session.
pub struct SignIns(Documents<SignIn>);

impl SignIns {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(Documents::new(engine, &SIGN_INS))
    }

    pub async fn insert_sign_in(&self, code: &str, sign_in: &SignIn) -> Result<(), StoreError> {
        self.0.insert(&hash(code), sign_in).await
    }

    /// Take it: of two who have the same code one gets it.
    pub async fn take(&self, code: &str) -> Result<Option<SignIn>, StoreError> {
        let Some(found) = self.0.find(&hash(code)).await? else { return Ok(None) };
        match self.0.delete(&found.id, found.version).await {
            Ok(()) => Ok(Some(found.value)),
            Err(StoreError::Conflict) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Forget what expired; answers how many, [`SWEPT`] at most.
    pub async fn sweep(&self, now: Stamp) -> Result<usize, StoreError> {
        self.0.delete_many(Query::by_index(&SIGN_INS, BY_EXPIRY).below(EXPIRES_AT, now).limit(SWEPT)).await
    }
}
