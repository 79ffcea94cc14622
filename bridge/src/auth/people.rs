//! What people do with their accounts: log in, change their password, make others.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use vox_shared::clock::Clock;
use vox_shared::ids::{TenantId, UserId};

use super::password::{MAX_PASSWORD_BYTES, PasswordError, Passwords};
use super::role::Role;
use super::rules::MAX_EMAIL_BYTES;
use super::session::{Session, SessionError, Sessions};
use super::standing::{Refused, standing};
use super::throttle::Throttle;
use super::token::Tokens;
use crate::audit::Actor;
use crate::first_start::{ADMIN_ID, forget_first_password};
use crate::store::users::{User, fold_email};
use crate::store::{Stamp, StoreError, Stored, Stores};

/// Why a person does not get what they want.
#[derive(Debug, thiserror::Error)]
pub enum PersonError {
    /// An unknown address, a wrong password and an inactive person look and last the same.
    #[error("wrong address or password")]
    WrongLogin {
        /// Whose account it is, for the audit log and for nobody else.
        account: Option<Actor>,
    },
    #[error("the current password is wrong")]
    WrongPassword,
    #[error("the code is wrong, or was used before")]
    WrongCode {
        /// Whose account it is, for the audit log.
        account: Option<Actor>,
    },
    #[error("there is a second factor already")]
    HasSecondFactor,
    #[error("there is no second factor")]
    NoSecondFactor,
    #[error("the challenge is over")]
    ChallengeOver,
    #[error("too many attempts; the next one may come in {wait_seconds} s")]
    TooManyAttempts { wait_seconds: u64 },
    #[error("a user with this address exists")]
    EmailTaken,
    #[error(transparent)]
    Tenant(#[from] Refused),
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A person to be.
#[derive(Debug)]
pub struct NewPerson {
    pub tenant_id: TenantId,
    pub email: String,
    pub name: String,
    pub role: Role,
    pub languages: Vec<String>,
    pub primary_language: Option<String>,
    pub password: SecretString,
}

/// The accounts of people.
pub struct People {
    pub stores: Stores,
    pub clock: Clock,
    pub passwords: Arc<Passwords>,
    pub sessions: Sessions,
    pub throttle: Throttle,
    pub tokens: Arc<Tokens>,
    /// Where the first password is written down until it is changed.
    pub data_dir: PathBuf,
}

impl People {
    /// Whose address and password these are.
    pub async fn recognise(
        &self,
        client: IpAddr,
        email: &str,
        password: SecretString,
    ) -> Result<Stored<User>, PersonError> {
        // Never a part of a longer address: what is cut off here would have to be cut off in the look-up too, or one account
        // had many names for the throttle. Addresses that nobody can have share one name.
        let account = Some(fold_email(email)).filter(|a| a.len() <= MAX_EMAIL_BYTES).unwrap_or_default();
        self.attempt(client, &account).await?;
        if account.is_empty() || password.expose_secret().len() > MAX_PASSWORD_BYTES {
            return Err(PersonError::WrongLogin { account: None });
        }
        let user = self.stores.all_users().find_by_email(&account).await?;
        let stored = user.as_ref().map(|u| u.value.password_hash.clone());
        let right = self.passwords.verify(password, stored).await?;
        match user {
            Some(user) if right && user.value.active => {
                self.throttle.succeeded(client, &account).await;
                // Told to those only who have the password.
                standing(&self.stores, &user.value.tenant_id).await?;
                Ok(user)
            }
            other => Err(PersonError::WrongLogin { account: other.as_ref().map(Actor::person) }),
        }
    }

    /// Begin a session of a person who was recognised.
    pub async fn begin_session(&self, person: &Stored<User>) -> Result<Session, PersonError> {
        Ok(self.sessions.begin(&id_of(person), &person.value).await?)
    }

    /// Change a password. Every session of the person ends; the answer is a new one. A stolen access token does not get
    /// to guess the password: attempts are limited as at the login.
    pub async fn change_password(
        &self,
        client: IpAddr,
        mut person: Stored<User>,
        current: SecretString,
        new: SecretString,
    ) -> Result<Session, PersonError> {
        let id = id_of(&person);
        self.prove(client, &person.value, current).await?;
        person.value.password_hash = self.passwords.hash(new).await?;
        person.value.tokens_valid_from = Stamp(self.clock.now());
        let users = self.stores.users(&person.value.tenant_id);
        let person = users.replace_user(person).await?;
        self.stores.refresh_tokens().revoke_all_of(&id).await?;
        if person.id == ADMIN_ID {
            forget_first_password(&self.data_dir);
        }
        Ok(self.sessions.begin(&id, &person.value).await?)
    }

    /// Change one's own address, under which one logs in. Every session ends; the answer is a new one.
    pub async fn change_email(
        &self,
        client: IpAddr,
        mut person: Stored<User>,
        password: SecretString,
        email: String,
    ) -> Result<Session, PersonError> {
        let id = id_of(&person);
        self.prove(client, &person.value, password).await?;
        person.value.email_folded = fold_email(&email);
        person.value.email = email;
        person.value.tokens_valid_from = Stamp(self.clock.now());
        let replaced = self.stores.users(&person.value.tenant_id).replace_user(person).await;
        let person = replaced.map_err(or_email_taken)?;
        self.stores.refresh_tokens().revoke_all_of(&id).await?;
        Ok(self.sessions.begin(&id, &person.value).await?)
    }

    /// Somebody who is logged in shows that they know the password too. Limited as the login is.
    pub(super) async fn prove(
        &self,
        client: IpAddr,
        person: &User,
        password: SecretString,
    ) -> Result<(), PersonError> {
        self.attempt(client, &person.email_folded).await?;
        if !self.passwords.verify(password, Some(person.password_hash.clone())).await? {
            return Err(PersonError::WrongPassword);
        }
        self.throttle.succeeded(client, &person.email_folded).await;
        Ok(())
    }

    /// Make a person.
    pub async fn register(&self, new: NewPerson) -> Result<(UserId, User), PersonError> {
        let (id, now) = (UserId::generate(), Stamp(self.clock.now()));
        let user = User {
            tenant_id: new.tenant_id,
            email_folded: fold_email(&new.email),
            email: new.email,
            name: new.name,
            role: new.role,
            active: true,
            languages: new.languages,
            primary_language: new.primary_language,
            password_hash: self.passwords.hash(new.password).await?,
            tokens_valid_from: now,
            created_at: now,
            leaving_since: None,
            second_factor: None,
        };
        self.stores.users(&user.tenant_id).insert_user(&id, &user).await.map_err(or_email_taken)?;
        Ok((id, user))
    }

    /// Counted before the password is looked at.
    pub(super) async fn attempt(&self, client: IpAddr, account: &str) -> Result<(), PersonError> {
        let counted = self.throttle.attempt(client, account).await;
        counted.map_err(|wait_seconds| PersonError::TooManyAttempts { wait_seconds })
    }
}

/// An address is the only key of a person beside the id.
pub(super) fn or_email_taken(error: StoreError) -> PersonError {
    match error {
        StoreError::Duplicate => PersonError::EmailTaken,
        other => other.into(),
    }
}

pub(super) fn id_of(user: &Stored<User>) -> UserId {
    user.id.parse().expect("users are stored under user ids")
}
