//! The second factor of people: an app that makes codes, and recovery codes for who has lost it.

use std::net::IpAddr;

use data_encoding::BASE32_NOPAD;
use secrecy::SecretString;
use vox_shared::ids::{TenantId, UserId};

use super::others::RankError;
use super::people::{People, PersonError, id_of};
use super::secret_token::hash;
use super::session::SessionError;
use super::totp;
use crate::audit::Actor;
use crate::store::users::{SecondFactor, User};
use crate::store::{Stamp, StoreError, Stored};

/// Recovery codes of a person; each is good once.
const RECOVERY_CODES: usize = 10;
/// Random part of each, bytes: 16 characters of base32.
const RECOVERY_BYTES: usize = 10;
/// Characters of a recovery code between two hyphens.
const GROUP: usize = 4;

/// What an app is given, once.
#[derive(Debug)]
pub struct Enrolment {
    pub secret: String,
    /// The same as an app reads it from a QR code.
    pub address: String,
}

impl People {
    /// Counted before the code is looked at.
    async fn attempt_code(&self, client: IpAddr, account: &str) -> Result<(), PersonError> {
        let counted = self.throttle.attempt_code(client, account).await;
        counted.map_err(|wait_seconds| PersonError::TooManyAttempts { wait_seconds })
    }

    /// What the right password of a person with a second factor earns.
    pub fn challenge(&self, person: &Stored<User>) -> Result<String, PersonError> {
        Ok(self.tokens.challenge(person, self.clock.now()).map_err(SessionError::from)?)
    }

    /// Whose challenge and code these are.
    pub async fn recognise_by_code(
        &self,
        client: IpAddr,
        challenge: &str,
        code: &str,
    ) -> Result<Stored<User>, PersonError> {
        let claims = self.tokens.read_challenge(challenge, self.clock.now());
        let claims = claims.ok_or(PersonError::ChallengeOver)?;
        let found = self.stores.all_users().find_by_email(&claims.sub).await?;
        let person = found.filter(|person| {
            person.id == claims.user_id
                && person.value.active
                && person.value.has_second_factor()
                && person.value.tokens_valid_from.to_string() == claims.under
        });
        self.spend_code(client, person.ok_or(PersonError::ChallengeOver)?, code).await
    }

    /// Make a secret for an app. It counts when a code has confirmed it.
    pub async fn enrol(
        &self,
        client: IpAddr,
        mut person: Stored<User>,
        password: SecretString,
    ) -> Result<Enrolment, PersonError> {
        if person.value.has_second_factor() {
            return Err(PersonError::HasSecondFactor);
        }
        self.prove(client, &person.value, password).await?;
        let secret = totp::generate();
        let address = totp::address(&secret, &person.value.email);
        person.value.second_factor = Some(SecondFactor {
            secret: secret.clone(),
            confirmed_at: None,
            last_step: 0,
            recovery_hashes: Vec::new(),
        });
        self.stores.users(&person.value.tenant_id.clone()).replace_user(person).await?;
        Ok(Enrolment { secret, address })
    }

    /// The app has the secret; answers the recovery codes.
    pub async fn confirm_enrolment(
        &self,
        client: IpAddr,
        mut person: Stored<User>,
        code: &str,
    ) -> Result<Vec<String>, PersonError> {
        if person.value.has_second_factor() {
            return Err(PersonError::HasSecondFactor);
        }
        let now = self.clock.now();
        let factor = person.value.second_factor.as_mut().ok_or(PersonError::NoSecondFactor)?;
        let account = account_of(&person.value.email_folded);
        self.attempt(client, &account).await?;
        let step = totp::find_step(&factor.secret, code, factor.last_step, now);
        factor.last_step = step.ok_or(PersonError::WrongCode { account: None })?;
        self.throttle.succeeded(client, &account).await;
        let codes: Vec<String> = (0..RECOVERY_CODES).map(|_| recovery_code()).collect();
        factor.confirmed_at = Some(Stamp(now));
        factor.recovery_hashes = codes.iter().map(|code| hash(&bare(code))).collect();
        self.stores.users(&person.value.tenant_id.clone()).replace_user(person).await?;
        Ok(codes)
    }

    /// Do without, by password and code.
    pub async fn disable_second_factor(
        &self,
        client: IpAddr,
        person: Stored<User>,
        (password, code): (SecretString, &str),
    ) -> Result<(), PersonError> {
        if !person.value.has_second_factor() {
            return Err(PersonError::NoSecondFactor);
        }
        self.prove(client, &person.value, password).await?;
        let mut person = self.spend_code(client, person, code).await?;
        person.value.second_factor = None;
        self.stores.users(&person.value.tenant_id.clone()).replace_user(person).await?;
        Ok(())
    }

    /// Take the second factor of somebody else away who has lost it. Their sessions end.
    pub async fn reset_second_factor(
        &self,
        by: &User,
        tenant: &TenantId,
        id: &UserId,
    ) -> Result<(), RankError> {
        let users = self.stores.users(tenant);
        let mut person = users.get_user(id).await?;
        if person.value.email_folded == by.email_folded {
            return Err(RankError::OwnAccount);
        }
        person.value.second_factor = None;
        person.value.tokens_valid_from = Stamp(self.clock.now());
        let person = users.replace_user(person).await?;
        Ok(self.stores.refresh_tokens().revoke_all_of(&id_of(&person)).await?)
    }

    /// Forget whom a provider of sign-ins knows somebody else as. Their sessions end: they may have come by it. Where the provider knows
    /// nobody as them, nothing happens: [`StoreError::NotFound`].
    pub async fn unlink_identity(
        &self,
        by: &User,
        tenant: &TenantId,
        (id, issuer): (&UserId, &str),
    ) -> Result<(), RankError> {
        let users = self.stores.users(tenant);
        let mut person = users.get_user(id).await?;
        if person.value.email_folded == by.email_folded {
            return Err(RankError::OwnAccount);
        }
        let known = self.stores.identities().find_at(id, issuer).await?.ok_or(StoreError::NotFound)?;
        // Before it is forgotten: if the rest fails, it is asked for again, and nobody is in who got in by what was forgotten.
        person.value.tokens_valid_from = Stamp(self.clock.now());
        let person = users.replace_user(person).await?;
        self.stores.refresh_tokens().revoke_all_of(&id_of(&person)).await?;
        Ok(self.stores.identities().forget(&known).await?)
    }

    /// Use a code of the app, or a recovery code, up. Guesses are limited for the client and the account, and for the account over
    /// all clients: who gets here has the password. Of two who send the same code at once one is too late.
    async fn spend_code(
        &self,
        client: IpAddr,
        mut person: Stored<User>,
        code: &str,
    ) -> Result<Stored<User>, PersonError> {
        let account = account_of(&person.value.email_folded);
        self.attempt_code(client, &account).await?;
        let wrong = PersonError::WrongCode { account: Some(Actor::person(&person)) };
        let factor = person.value.second_factor.as_mut().ok_or(PersonError::NoSecondFactor)?;
        let recovery = hash(&bare(code));
        if let Some(step) = totp::find_step(&factor.secret, code.trim(), factor.last_step, self.clock.now()) {
            factor.last_step = step;
        } else if let Some(at) = factor.recovery_hashes.iter().position(|known| *known == recovery) {
            factor.recovery_hashes.remove(at);
        } else {
            return Err(wrong);
        }
        match self.stores.users(&person.value.tenant_id.clone()).replace_user(person).await {
            Err(StoreError::Conflict) => Err(wrong),
            spent => {
                self.throttle.succeeded_with_code(client, &account).await;
                Ok(spent?)
            }
        }
    }
}

/// What guesses of codes are counted under. No address is like it.
fn account_of(email_folded: &str) -> String {
    format!("the code of {email_folded}")
}

/// Letters and digits in groups, to be written down.
fn recovery_code() -> String {
    let mut random = [0u8; RECOVERY_BYTES];
    rand::fill(&mut random);
    let text = BASE32_NOPAD.encode(&random).to_lowercase();
    let groups: Vec<&str> = (0..text.len()).step_by(GROUP).map(|at| &text[at..at + GROUP]).collect();
    groups.join("-")
}

/// A recovery code as it is compared: however it was typed.
fn bare(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).take(64).collect::<String>().to_lowercase()
}
