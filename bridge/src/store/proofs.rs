//! What a regulator asks of campaigns, one entry after the other, each with the hash of the one before. Entries are only ever added: nothing
//! here changes or deletes one, and none of them names a person. The id is made of tenant and number, so of two bridges that add at the same
//! moment one gets the number.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vox_shared::ids::TenantId;

use super::audit::Link;
use super::documents::{Documents, Listed, OfTenant, Scoped, StoreError, TENANT};
use super::engine::{Collection, Cursor, Engine, Field, Index, Integer, Order, Text};
use super::stamp::Stamp;
use crate::canonical;
use crate::field;

const BY_SEQ: &str = "by_seq";
const BY_SUBJECT: &str = "by_subject";

const SEQ: Field<Integer> = field!(Proof => seq: Integer);
const SUBJECT: Field<Text> = field!(Proof => subject: Text);

/// Says what is hashed, and how.
const FORM: &str = "vox campaign proof, form 1";
/// Tries of an entry against other bridges that add.
const MAX_TRIES: usize = 16;

/// A step would change what was hashed: this collection never gets one. A new field is optional and left out where it is absent.
pub static CAMPAIGN_PROOFS: Collection = Collection {
    name: "campaign_proofs",
    indexes: &[
        Index::ordered(BY_SEQ, &[TENANT.place(), SEQ.place()]),
        Index::unique(BY_SUBJECT, &[TENANT.place(), SUBJECT.place()]),
    ],
    fields: &[],
    steps: &[],
};

/// What an entry proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CampaignProofKind)]
pub enum ProofKind {
    /// An attempt that was dialled: when, by which rules in which local time, with whose consent, and what came of it.
    Attempt,
    /// Somebody said in a call that they wish not to be called, and how soon that acted.
    OptOut,
}

impl ProofKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Attempt => "attempt",
            Self::OptOut => "opt_out",
        }
    }
}

/// What is to be written down, once.
#[derive(Clone, Debug)]
pub struct NewProof {
    pub kind: ProofKind,
    /// What it is of: with the kind it is there once.
    pub of: String,
    pub fact: Map<String, Value>,
}

impl NewProof {
    fn subject(&self) -> String {
        format!("{}/{}", self.kind.as_str(), self.of)
    }
}

/// An entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    pub tenant_id: TenantId,
    /// 1, 2, 3, … without gaps.
    pub seq: i64,
    /// When it was written down.
    pub at: Stamp,
    pub kind: ProofKind,
    /// Kind and id of what it is of; each is there once.
    pub subject: String,
    pub fact: Map<String, Value>,
    pub prev_hash: String,
    /// SHA-256 over all of the above, hex.
    pub hash: String,
}

impl OfTenant for Proof {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

impl Proof {
    fn linked(tenant: &TenantId, new: &NewProof, (after, now): (&Link, Stamp)) -> Self {
        let mut proof = Self {
            tenant_id: tenant.clone(),
            seq: after.seq + 1,
            at: now,
            kind: new.kind,
            subject: new.subject(),
            fact: new.fact.clone(),
            prev_hash: after.hash().to_owned(),
            hash: String::new(),
        };
        proof.hash = proof.digest();
        proof
    }

    /// The hash that its content makes.
    pub fn digest(&self) -> String {
        canonical::digest(FORM, self)
    }

    /// What the next one follows.
    pub fn link(&self) -> Link {
        Link::of(self.tenant_id.clone(), self.seq, &self.hash)
    }

    /// Under what it is stored. In the order of these ids the entries of a tenant stand together and in their order.
    fn id(&self) -> String {
        format!("{}/{:019}", self.tenant_id, self.seq)
    }
}

/// The entries of one tenant.
pub struct Proofs {
    all: Scoped<Proof>,
    links: Scoped<Link>,
    tenant: TenantId,
}

impl Proofs {
    pub(super) fn open(engine: Arc<dyn Engine>, tenant: TenantId) -> Self {
        let links = Scoped::new(Documents::new(engine.clone(), &CAMPAIGN_PROOFS), tenant.clone());
        let all = Scoped::new(Documents::new(engine, &CAMPAIGN_PROOFS), tenant.clone());
        Self { all, links, tenant }
    }

    /// Write something down as the last of the chain, if it is not there yet. `head` is the end of the chain as far as it is known here, and
    /// is kept by whoever adds several. [`StoreError::Conflict`] when other bridges took every number that was tried.
    pub async fn append(
        &self,
        head: &mut Option<Link>,
        new: &NewProof,
        now: Stamp,
    ) -> Result<(), StoreError> {
        for _ in 0..MAX_TRIES {
            // Taken out: whatever ends this early, the next one reads anew.
            let last = match head.take() {
                Some(known) => known,
                None => self.head().await?,
            };
            let proof = Proof::linked(&self.tenant, new, (&last, now));
            match self.all.insert(&proof.id(), &proof).await {
                Ok(()) => {
                    *head = Some(proof.link());
                    return Ok(());
                }
                Err(StoreError::Duplicate) if self.has(&proof.subject).await? => return Ok(()),
                Err(StoreError::Duplicate) => {}
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Conflict)
    }

    async fn has(&self, subject: &str) -> Result<bool, StoreError> {
        Ok(self.links.first(self.links.query(BY_SUBJECT).equals(SUBJECT, subject)).await?.is_some())
    }

    /// The last link of the chain, or where it begins.
    pub async fn head(&self) -> Result<Link, StoreError> {
        let found = self.links.first(self.links.query(BY_SEQ).order(Order::Descending)).await?;
        Ok(found.map_or_else(|| Link::start(self.tenant.clone()), |stored| stored.value))
    }

    /// The link of that number.
    pub async fn find_link(&self, seq: i64) -> Result<Option<Link>, StoreError> {
        let found = self.links.first(self.links.query(BY_SEQ).equals(SEQ, seq)).await?;
        Ok(found.map(|stored| stored.value))
    }

    /// In their order, from this number on.
    pub async fn list_from(&self, seq: i64, after: Option<Cursor>) -> Result<Listed<Proof>, StoreError> {
        self.all.list(self.all.query(BY_SEQ).from(SEQ, seq).after(after)).await
    }
}
