//! Links that somebody with an account makes for somebody else: an invitation, or a new password for who has lost theirs.
//! Nothing is mailed; whoever made the link passes it on.

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use vox_shared::ids::{InvitationId, TenantId, UserId};

use super::others::{RankError, may_change, may_give};
use super::people::{NewPerson, People, PersonError, id_of};
use super::permission::{InviteUsers, Permission};
use super::role::Role;
use super::secret_token::{self, hash};
use super::standing::{self, standing};
use crate::store::invitations::{Invitation, Reset};
use crate::store::users::{User, UserFilter};
use crate::store::{Stamp, StoreError, Stored};

/// How long a link is good.
const LIFE: SignedDuration = SignedDuration::from_hours(24 * 7);
/// What uses of links are counted under. No address is like it.
const ACCOUNT: &str = "a link";

/// Why a link is not made, or leads nowhere.
#[derive(Debug, thiserror::Error)]
pub enum InvitationError {
    /// Unknown, used, revoked, expired, or made by somebody who could not make it any more: told alike.
    #[error("the link is good for nothing")]
    Over,
    #[error("it was used, or revoked")]
    Closed,
    #[error("a link to set a password cannot be sent again")]
    NotAnInvitation,
    #[error(transparent)]
    Rank(#[from] RankError),
    #[error(transparent)]
    Person(#[from] PersonError),
    #[error(transparent)]
    Tenant(#[from] standing::Refused),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A link with its secret, which is never seen again.
#[derive(Debug)]
pub struct Made {
    pub token: String,
    pub invitation: Stored<Invitation>,
}

/// What somebody makes of their invitation.
#[derive(Debug)]
pub struct Acceptance {
    pub name: Option<String>,
    pub password: SecretString,
}

/// Who makes a link, and where.
#[derive(Clone, Copy, Debug)]
pub struct Maker<'a> {
    pub id: &'a UserId,
    pub user: &'a User,
    /// That they act in.
    pub tenant: &'a TenantId,
}

impl People {
    /// Invite somebody. Whether another tenant has the address is not told.
    pub async fn invite(&self, by: Maker<'_>, email: String, role: Role) -> Result<Made, InvitationError> {
        may_give(by.user, role, by.tenant)?;
        let known = UserFilter { email: Some(email.clone()), ..UserFilter::default() };
        if !self.stores.users(by.tenant).list_users(&known, 1, None).await?.items.is_empty() {
            return Err(PersonError::EmailTaken.into());
        }
        self.make_link(by, (email, role), None).await
    }

    /// A link with which somebody of a lower rank sets a new password. One before is good for nothing when a password was set.
    pub async fn make_reset(&self, by: Maker<'_>, whom: Stored<User>) -> Result<Made, InvitationError> {
        may_change(by.user, &whom.value)?;
        let reset = Reset { user_id: id_of(&whom), under: whom.value.tokens_valid_from };
        self.make_link(by, (whom.value.email, whom.value.role), Some(reset)).await
    }

    async fn make_link(
        &self,
        by: Maker<'_>,
        (email, role): (String, Role),
        reset: Option<Reset>,
    ) -> Result<Made, InvitationError> {
        let (now, token) = (self.clock.now(), secret_token::generate());
        let invitation = Invitation {
            tenant_id: by.tenant.clone(),
            email,
            role,
            secret_hash: hash(&token),
            reset,
            created_at: Stamp(now),
            created_by: by.id.clone(),
            expires_at: expiry(now),
            used_at: None,
            revoked_at: None,
        };
        let id = InvitationId::generate();
        self.stores.invitations(by.tenant).insert_invitation(&id, &invitation).await?;
        Ok(Made { token, invitation: Stored { id: id.to_string(), version: 1, value: invitation } })
    }

    /// Another link for an invitation whose own was lost or has expired; the one before is good for nothing.
    pub async fn invite_again(&self, by: Maker<'_>, id: &InvitationId) -> Result<Made, InvitationError> {
        let invitations = self.stores.invitations(by.tenant);
        let found = invitations.get_invitation(id).await?.value;
        if found.reset.is_some() {
            return Err(InvitationError::NotAnInvitation);
        }
        may_give(by.user, found.role, by.tenant)?;
        let token = secret_token::generate();
        let renewed = invitations.renew(id, (&hash(&token), by.id), expiry(self.clock.now())).await?;
        Ok(Made { token, invitation: renewed.ok_or(InvitationError::Closed)? })
    }

    /// Take a link back. One that was taken back stays so.
    pub async fn revoke_invitation(&self, by: Maker<'_>, id: &InvitationId) -> Result<(), InvitationError> {
        let invitations = self.stores.invitations(by.tenant);
        may_give(by.user, invitations.get_invitation(id).await?.value.role, by.tenant)?;
        match invitations.revoke(id, Stamp(self.clock.now())).await? {
            true => Ok(()),
            false => Err(InvitationError::Closed),
        }
    }

    /// The link that this is the secret of, if it may still be used. Guesses are limited as those of passwords are.
    pub async fn find_link(
        &self,
        client: IpAddr,
        token: &str,
    ) -> Result<Stored<Invitation>, InvitationError> {
        self.attempt(client, ACCOUNT).await?;
        if token.len() > secret_token::MAX_TOKEN_BYTES {
            return Err(InvitationError::Over);
        }
        let found = self.stores.all_invitations().find_by_secret(&hash(token)).await?;
        let found = found.ok_or(InvitationError::Over)?;
        self.throttle.succeeded(client, ACCOUNT).await;
        let Invitation { used_at, revoked_at, expires_at, .. } = &found.value;
        if used_at.is_some() || revoked_at.is_some() || expires_at.0 <= self.clock.now() {
            return Err(InvitationError::Over);
        }
        standing(&self.stores, &found.value.tenant_id).await?;
        Ok(found)
    }

    /// Use a link up: make the person, or set the password of one. If that fails the link may be used still.
    pub async fn accept(
        &self,
        link: Stored<Invitation>,
        with: Acceptance,
    ) -> Result<Stored<User>, InvitationError> {
        let (links, now) = (self.stores.all_invitations(), Stamp(self.clock.now()));
        if !self.is_backed(&link.value).await? {
            return Err(InvitationError::Over);
        }
        if !links.spend(&link, now).await? {
            return Err(InvitationError::Over);
        }
        let done = match &link.value.reset {
            None => self.join(&link.value, with).await,
            Some(reset) => self.set_password(&link.value, reset, with.password).await,
        };
        if done.is_err()
            && let Err(error) = links.give_back(&link.id, now).await
        {
            tracing::warn!(%error, invitation.id = link.id, "a link that led to nothing is used up all the same");
        }
        done
    }

    /// Whether whoever made a link, or sent it again, is there and could make it now: what somebody may do ends with their account.
    async fn is_backed(&self, link: &Invitation) -> Result<bool, InvitationError> {
        let Some(maker) = self.stores.all_users().find_user(&link.created_by).await? else {
            return Ok(false);
        };
        let maker = maker.value;
        let is_there = maker.tenant_id == link.tenant_id || maker.role == Role::SuperAdmin;
        if !maker.active || !is_there || maker.role < InviteUsers::ROLE {
            return Ok(false);
        }
        // Whoever may invite may change people of lower ranks too.
        let Some(reset) = &link.reset else {
            return Ok(may_give(&maker, link.role, &link.tenant_id).is_ok());
        };
        match self.stores.users(&link.tenant_id).get_user(&reset.user_id).await {
            Err(StoreError::NotFound) => Ok(false),
            found => Ok(may_change(&maker, &found?.value).is_ok()),
        }
    }

    async fn join(&self, invited: &Invitation, with: Acceptance) -> Result<Stored<User>, InvitationError> {
        let new = NewPerson {
            tenant_id: invited.tenant_id.clone(),
            email: invited.email.clone(),
            name: with.name.unwrap_or_else(|| invited.email.chars().take(64).collect()),
            role: invited.role,
            languages: Vec::new(),
            primary_language: None,
            password: with.password,
        };
        let (id, user) = self.register(new).await?;
        Ok(Stored { id: id.to_string(), version: 1, value: user })
    }

    /// Every session of the person ends.
    async fn set_password(
        &self,
        link: &Invitation,
        reset: &Reset,
        password: SecretString,
    ) -> Result<Stored<User>, InvitationError> {
        let users = self.stores.users(&link.tenant_id);
        let mut user = match users.get_user(&reset.user_id).await {
            Err(StoreError::NotFound) => return Err(InvitationError::Over),
            found => found?,
        };
        if !user.value.active || user.value.tokens_valid_from != reset.under {
            return Err(InvitationError::Over);
        }
        user.value.password_hash = self.passwords.hash(password).await.map_err(PersonError::from)?;
        user.value.tokens_valid_from = self.later_than(reset.under);
        let user = users.replace_user(user).await?;
        self.stores.refresh_tokens().revoke_all_of(&reset.user_id).await?;
        Ok(user)
    }

    /// Now, and never the same instant again: what was made under the one before must be over.
    fn later_than(&self, before: Stamp) -> Stamp {
        let next = before.0.saturating_add(SignedDuration::from_micros(1)).unwrap_or(Timestamp::MAX);
        Stamp(self.clock.now().max(next))
    }
}

fn expiry(now: Timestamp) -> Stamp {
    now.saturating_add(LIFE).unwrap_or(Timestamp::MAX).into()
}
