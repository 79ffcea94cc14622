//! What people do with the accounts of others, and what their ranks allow.

use jiff::SignedDuration;
use vox_shared::ids::{TenantId, UserId};

use super::people::{People, PersonError, id_of, or_email_taken};
use super::role::Role;
use crate::store::users::{User, fold_email};
use crate::store::{Stamp, StoreError, Stored};

/// How long somebody who is about to be deleted is not counted among those who stay: longer than any request lives.
const LEAVING_FOR: SignedDuration = SignedDuration::from_mins(5);
/// Super_admins looked at when one is deleted.
const MAX_STAYING: usize = 100;

/// Why somebody else's account is not made, changed or deleted.
#[derive(Debug, thiserror::Error)]
pub enum RankError {
    #[error("a role above your own cannot be given")]
    RoleTooHigh,
    #[error("your role must be above theirs")]
    RankTooLow,
    #[error("people change their own account elsewhere")]
    OwnAccount,
    #[error("super_admins belong to the tenant of those who make them")]
    SuperAdminElsewhere,
    #[error("no other super_admin stays")]
    LastSuperAdmin,
    #[error(transparent)]
    Person(#[from] PersonError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Changes of somebody's account; what is `None` stays.
#[derive(Debug, Default)]
pub struct Change {
    pub email: Option<String>,
    pub name: Option<String>,
    pub role: Option<Role>,
    pub active: Option<bool>,
    pub languages: Option<Vec<String>>,
    /// `Some(None)` takes it away.
    pub primary_language: Option<Option<String>>,
}

impl Change {
    /// The person as the change leaves them.
    pub fn applied(&self, to: &User) -> User {
        let mut user = to.clone();
        if let Some(email) = &self.email {
            user.email_folded = fold_email(email);
            user.email.clone_from(email);
        }
        user.name = self.name.clone().unwrap_or(user.name);
        user.role = self.role.unwrap_or(user.role);
        user.active = self.active.unwrap_or(user.active);
        if let Some(languages) = &self.languages {
            // A primary language that is no longer among them goes with them.
            user.primary_language = user.primary_language.filter(|primary| languages.contains(primary));
            user.languages.clone_from(languages);
        }
        user.primary_language = self.primary_language.clone().unwrap_or(user.primary_language);
        user
    }
}

/// Whether somebody may give this role in this tenant. The tenant of the super_admins is the one that is never suspended, so
/// all of them are there.
pub fn may_give(by: &User, role: Role, tenant: &TenantId) -> Result<(), RankError> {
    if !by.role.may_assign(role) {
        return Err(RankError::RoleTooHigh);
    }
    if role == Role::SuperAdmin && by.tenant_id != *tenant {
        return Err(RankError::SuperAdminElsewhere);
    }
    Ok(())
}

/// Whether somebody may change another's account.
pub fn may_change(by: &User, other: &User) -> Result<(), RankError> {
    if by.email_folded == other.email_folded {
        return Err(RankError::OwnAccount);
    }
    if by.role > other.role { Ok(()) } else { Err(RankError::RankTooLow) }
}

impl People {
    /// Change somebody's account. Who is disabled, or gets another address, is out at once.
    pub async fn change(
        &self,
        by: &User,
        found: Stored<User>,
        change: &Change,
    ) -> Result<Stored<User>, RankError> {
        may_change(by, &found.value)?;
        if let Some(role) = change.role {
            may_give(by, role, &found.value.tenant_id)?;
        }
        let mut changed = change.applied(&found.value);
        let is_out =
            found.value.active && !changed.active || found.value.email_folded != changed.email_folded;
        if is_out {
            changed.tokens_valid_from = Stamp(self.clock.now());
        }
        let users = self.stores.users(&found.value.tenant_id);
        let changed = users.replace_user(Stored { value: changed, ..found }).await.map_err(or_email_taken)?;
        if is_out {
            self.stores.refresh_tokens().revoke_all_of(&id_of(&changed)).await?;
        }
        Ok(changed)
    }

    /// Delete somebody's account, end their sessions, and forget by whose word they signed in.
    pub async fn remove(&self, tenant: &TenantId, id: &UserId) -> Result<(), RankError> {
        let users = self.stores.users(tenant);
        let mut found = users.get_user(id).await?;
        if found.value.role == Role::SuperAdmin {
            found = self.let_go(found).await?;
        }
        users.delete_user(&found).await?;
        self.stores.refresh_tokens().revoke_all_of(id).await?;
        Ok(self.stores.identities().forget_all_of(id).await?)
    }

    /// Mark a super_admin as leaving, if another one stays. The mark is written before the others are counted, so of two who
    /// are deleted at once at least one sees the other's: one document is changed at a time, and never is nobody left.
    async fn let_go(&self, mut found: Stored<User>) -> Result<Stored<User>, RankError> {
        let (now, users) = (self.clock.now(), self.stores.users(&found.value.tenant_id));
        found.value.leaving_since = Some(Stamp(now));
        let mut leaving = users.replace_user(found).await?;
        let stays = |other: &Stored<User>| {
            let marked = other.value.leaving_since;
            other.id != leaving.id && marked.is_none_or(|at| now.duration_since(at.0) >= LEAVING_FOR)
        };
        let all = self.stores.all_users().list_active(Role::SuperAdmin, MAX_STAYING).await?;
        if all.iter().any(stays) {
            return Ok(leaving);
        }
        leaving.value.leaving_since = None;
        users.replace_user(leaving).await?;
        Err(RankError::LastSuperAdmin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(role: Role, email: &str) -> User {
        serde_json::from_value(serde_json::json!({
            "tenant_id": "home", "email": email, "email_folded": email, "name": "N", "role": role, "active": true,
            "languages": ["hi"], "primary_language": "hi", "password_hash": "", "tokens_valid_from": "2026-11-20T10:00:00Z",
            "created_at": "2026-11-20T10:00:00Z"
        }))
        .unwrap()
    }

    #[test]
    fn only_a_higher_rank_changes_another() {
        let roles = [Role::Agent, Role::Supervisor, Role::Admin, Role::SuperAdmin];
        for by in roles {
            for other in roles {
                let allowed = may_change(&user(by, "a@x"), &user(other, "b@x")).is_ok();
                assert_eq!(allowed, by > other, "{by:?} {other:?}");
            }
        }
        let own = may_change(&user(Role::SuperAdmin, "a@x"), &user(Role::Agent, "a@x"));
        assert!(matches!(own, Err(RankError::OwnAccount)));
    }

    #[test]
    fn super_admins_are_made_where_their_makers_are() {
        let (home, other) = ("home".parse().unwrap(), "other".parse().unwrap());
        let by = user(Role::SuperAdmin, "a@x");
        assert!(may_give(&by, Role::SuperAdmin, &home).is_ok() && may_give(&by, Role::Admin, &other).is_ok());
        assert!(matches!(may_give(&by, Role::SuperAdmin, &other), Err(RankError::SuperAdminElsewhere)));
        let admin = user(Role::Admin, "a@x");
        assert!(matches!(may_give(&admin, Role::SuperAdmin, &home), Err(RankError::RoleTooHigh)));
    }

    #[test]
    fn what_is_left_out_stays() {
        let before = user(Role::Agent, "a@x");
        let after = Change { languages: Some(vec!["en".into()]), ..Change::default() }.applied(&before);
        assert_eq!((after.primary_language, after.name, after.role), (None, "N".into(), Role::Agent));
        let after = Change { primary_language: Some(None), ..Change::default() }.applied(&before);
        assert_eq!((after.primary_language, after.languages), (None, vec!["hi".to_owned()]));
    }
}
