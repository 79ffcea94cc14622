//! A sign-in from the first redirect to the session (OpenID Connect Core 1.0, section 3.1; PKCE, RFC 7636; RFC 9207).

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::SignedDuration;
use reqwest::Method;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};
use vox_shared::clock::Clock;
use vox_shared::ids::UserId;
use vox_shared::typed::trimmed;

use super::discovery::{Discovery, Metadata, ProviderError, ask};
use super::id_token::{BadToken, Claims, Expected, read};
use crate::auth::people::{NewPerson, People, PersonError};
use crate::auth::rules::Checks;
use crate::auth::secret_token;
use crate::auth::standing::{Refused, standing};
use crate::auth::token::{SIGN_IN_SECONDS, SigningFailed, Tokens, Travelling};
use crate::error::with_source;
use crate::store::settings::Owner;
use crate::store::sign_in::{Identity, Provider, SignIn};
use crate::store::users::{User, fold_email};
use crate::store::{Stamp, StoreError, Stored, Stores};

/// Time between the provider's word and the session.
const CODE_LIFE: SignedDuration = SignedDuration::from_secs(60);
/// What is asked of a provider.
const SCOPE: &str = "openid email profile";
/// Longest code of a provider, bytes.
const MAX_CODE_BYTES: usize = 4096;

/// Where providers send browsers back to.
pub const CALLBACK: &str = "/api/v1/auth/oidc/callback";

/// Why nobody is signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    #[error("nobody signs in through a provider here; log in with a password")]
    NoProvider,
    #[error("this sign-in was begun elsewhere, or too long ago; begin again")]
    NotBegun,
    /// What the provider said in its redirect, if it is one of the words of the protocol.
    #[error("the provider did not sign you in ({0})")]
    Denied(String),
    #[error("the provider cannot be asked just now; try again")]
    Unavailable,
    /// The reason is in the log.
    #[error(
        "what the provider said cannot be trusted; begin again, and tell whoever runs this deployment if that does not help"
    )]
    Untrusted,
    #[error("the provider has not verified your e-mail address")]
    EmailUnverified,
    #[error("nobody with your e-mail address is known here; ask an administrator for an invitation")]
    Unknown,
    #[error("your account here cannot be reached through this provider")]
    NotAllowed,
    #[error(
        "your account here belongs to another person of this provider; ask an administrator to take that link away"
    )]
    LinkedElsewhere,
    #[error(transparent)]
    Tenant(#[from] Refused),
    #[error("the person could not be made")]
    Person(#[source] Box<PersonError>),
    #[error("the sign-in could not be signed")]
    Signing(#[from] SigningFailed),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Signs people in by the word of providers. Cheap to share.
pub struct SignInDesk {
    pub stores: Stores,
    pub clock: Clock,
    pub tokens: Arc<Tokens>,
    pub people: Arc<People>,
    pub discovery: Discovery,
    /// How people reach this bridge, without a '/' at the end.
    pub base_url: String,
}

/// Where the browser goes, and what it keeps until it comes back.
#[derive(Debug)]
pub struct Begun {
    pub to: Url,
    /// For a cookie.
    pub kept: String,
}

/// How the browser came back.
#[derive(Debug, Default, Deserialize)]
pub struct Returned {
    #[serde(default)]
    pub code: Option<String>,
    #[serde(default)]
    pub state: Option<String>,
    #[serde(default)]
    pub iss: Option<String>,
    #[serde(default)]
    pub error: Option<String>,
}

/// Whom a provider has vouched for.
#[derive(Debug)]
pub struct Vouched {
    /// Begins the session, once.
    pub code: String,
    /// Where the page wants to go on.
    pub return_to: Option<String>,
}

#[derive(Deserialize)]
struct TokenAnswer {
    id_token: String,
}

impl SignInDesk {
    /// The provider of a tenant, by its slug, or of the deployment.
    pub async fn provider(&self, slug: Option<&str>) -> Result<(Owner, Provider), SignInError> {
        if let Some(slug) = slug
            && let Some(tenant) = self.stores.tenants().find_by_slug(slug).await?
            && let Ok(id) = tenant.id.parse()
            && let Some(own) = self.of(&Owner::Tenant(id)).await?
        {
            return Ok(own);
        }
        self.of(&Owner::Deployment).await?.ok_or(SignInError::NoProvider)
    }

    async fn of(&self, owner: &Owner) -> Result<Option<(Owner, Provider)>, StoreError> {
        let found = self.stores.sign_in_providers().find_provider(owner).await?;
        Ok(found.filter(|found| found.value.enabled).map(|found| (owner.clone(), found.value)))
    }

    /// Send a browser to the provider.
    pub async fn begin(&self, slug: Option<&str>, return_to: Option<String>) -> Result<Begun, SignInError> {
        let (owner, provider) = self.provider(slug).await?;
        let metadata = self.discovery.metadata(&provider.issuer).await.map_err(|e| away(&provider, &e))?;
        let travelling = Travelling {
            state: secret_token::generate(),
            nonce: secret_token::generate(),
            verifier: secret_token::random::<32>(),
            tenant: owner.tenant().cloned(),
            return_to,
        };
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(travelling.verifier.as_bytes()));
        let mut to = metadata.authorization_endpoint;
        to.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &provider.client_id)
            .append_pair("redirect_uri", &self.redirect_uri())
            .append_pair("scope", SCOPE)
            .append_pair("state", &travelling.state)
            .append_pair("nonce", &travelling.nonce)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        Ok(Begun { to, kept: self.tokens.travelling(&travelling, self.clock.now())? })
    }

    /// What is registered with providers.
    pub fn redirect_uri(&self) -> String {
        format!("{}{CALLBACK}", self.base_url)
    }

    /// The browser is back: ask the provider who it is. `kept` is what the browser held meanwhile.
    pub async fn finish(&self, kept: Option<&str>, returned: Returned) -> Result<Vouched, SignInError> {
        let travelling = kept.and_then(|kept| self.tokens.read_travelling(kept, self.clock.now()));
        let travelling = travelling.ok_or(SignInError::NotBegun)?;
        let state = returned.state.as_deref().unwrap_or_default();
        if !bool::from(state.as_bytes().ct_eq(travelling.state.as_bytes())) {
            return Err(SignInError::NotBegun);
        }
        let owner = travelling.tenant.clone().map_or(Owner::Deployment, Owner::Tenant);
        let (_, provider) = self.of(&owner).await?.ok_or(SignInError::NoProvider)?;
        if returned.iss.as_ref().is_some_and(|issuer| *issuer != provider.issuer) {
            tracing::warn!(issuer = provider.issuer, "a sign-in came back from another issuer");
            return Err(SignInError::Untrusted);
        }
        if let Some(error) = returned.error {
            return Err(SignInError::Denied(word(&error)));
        }
        let code = returned.code.filter(|code| code.len() <= MAX_CODE_BYTES).ok_or(SignInError::NotBegun)?;
        let claims = self.claims(&provider, &travelling, &code).await?;
        let person = self.person(&owner, &provider, &claims).await?;
        standing(&self.stores, &person.value.tenant_id).await?;
        let code = secret_token::generate();
        let sign_in = SignIn {
            tenant_id: person.value.tenant_id.clone(),
            user_id: id_of(&person)?,
            browser: secret_token::hash(&travelling.state),
            asks_second_factor: !provider.trusts_second_factor,
            expires_at: Stamp(self.clock.now()) + CODE_LIFE,
        };
        self.stores.sign_ins().insert_sign_in(&code, &sign_in).await?;
        Ok(Vouched { code, return_to: travelling.return_to })
    }

    /// Who has this code, once, in the browser that began the sign-in; and whether a second factor is asked for.
    pub async fn redeem(&self, code: &str, kept: Option<&str>) -> Result<(Stored<User>, bool), SignInError> {
        if code.len() > secret_token::MAX_TOKEN_BYTES {
            return Err(SignInError::NotBegun);
        }
        let travelling = kept.and_then(|kept| self.tokens.read_travelling(kept, self.clock.now()));
        let browser = secret_token::hash(&travelling.ok_or(SignInError::NotBegun)?.state);
        let taken = self.stores.sign_ins().take(code).await?.ok_or(SignInError::NotBegun)?;
        if taken.expires_at.0 <= self.clock.now() || taken.browser != browser {
            return Err(SignInError::NotBegun);
        }
        let person = match self.stores.users(&taken.tenant_id).get_user(&taken.user_id).await {
            Err(StoreError::NotFound) => return Err(SignInError::Unknown),
            found => found?,
        };
        if !person.value.active {
            return Err(SignInError::NotAllowed);
        }
        standing(&self.stores, &person.value.tenant_id).await?;
        let asks = taken.asks_second_factor && person.value.has_second_factor();
        Ok((person, asks))
    }

    /// What the provider says of whoever has the code.
    async fn claims(
        &self,
        provider: &Provider,
        travelling: &Travelling,
        code: &str,
    ) -> Result<Claims, SignInError> {
        let away = |error: &ProviderError| away(provider, error);
        let metadata = self.discovery.metadata(&provider.issuer).await.map_err(|e| away(&e))?;
        let answer = self.exchange(provider, &metadata, (&travelling.verifier, code)).await;
        let token = answer.map_err(|error| match error {
            // The code was used, is another client's, or the verifier is not ours.
            ProviderError::Refused(_) if !error.is_away() => untrusted(provider, &error),
            other => away(&other),
        })?;
        let expected = Expected {
            issuer: &provider.issuer,
            client_id: &provider.client_id,
            nonce: &travelling.nonce,
            now: self.clock.now(),
        };
        let keys = self.discovery.keys(&provider.issuer).await.map_err(|e| away(&e))?;
        let claims = match read(&token.id_token, &keys, expected) {
            Err(BadToken::UnknownKey) => {
                let keys = self.discovery.newer_keys(&provider.issuer).await.map_err(|e| away(&e))?;
                read(&token.id_token, &keys, expected)
            }
            read => read,
        };
        claims.map_err(|error| untrusted(provider, &error))
    }

    async fn exchange(
        &self,
        provider: &Provider,
        metadata: &Metadata,
        (verifier, code): (&str, &str),
    ) -> Result<TokenAnswer, ProviderError> {
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", &self.redirect_uri())
            .append_pair("code_verifier", verifier);
        let (id, secret) = (&provider.client_id, provider.client_secret.expose());
        let mut request = self.discovery.request(Method::POST, metadata.token_endpoint.clone())?;
        if !secret.is_empty() && metadata.takes_basic() {
            // RFC 6749, section 2.3.1: both are form-encoded first.
            let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
            let pair = STANDARD.encode(format!("{}:{}", encoded(id), encoded(secret)));
            let value = vox_egress::secret_header("the provider", &format!("Basic {pair}"));
            let value = value.map_err(|failure| ProviderError::Unreachable(failure.detail))?;
            request = request.header("authorization", value);
        } else {
            form.append_pair("client_id", id);
            if !secret.is_empty() {
                form.append_pair("client_secret", secret);
            }
        }
        let request = request.header("accept", "application/json");
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        ask(request.body(form.finish())).await
    }

    /// The person: known by the provider's name for them, else by the address that it has verified.
    async fn person(
        &self,
        owner: &Owner,
        provider: &Provider,
        claims: &Claims,
    ) -> Result<Stored<User>, SignInError> {
        let (identities, issuer) = (self.stores.identities(), &provider.issuer);
        if let Some(known) = identities.find_identity(issuer, &claims.sub).await? {
            match self.stores.users(&known.value.tenant_id).get_user(&known.value.user_id).await {
                // Whoever it was is gone, and the identity was left behind.
                Err(StoreError::NotFound) => identities.forget(&known).await?,
                found => return admitted(found?, owner, provider),
            }
        }
        let email = claims.verified_email().ok_or(SignInError::EmailUnverified)?;
        if !is_of_domains(email, &provider.email_domains) {
            return Err(SignInError::NotAllowed);
        }
        let found = match self.stores.all_users().find_by_email(&fold_email(email)).await? {
            Some(found) => found,
            None => self.newcomer(provider, claims, email).await?,
        };
        let person = admitted(found, owner, provider)?;
        let identity = Identity {
            tenant_id: person.value.tenant_id.clone(),
            user_id: id_of(&person)?,
            issuer: issuer.clone(),
            linked_at: Stamp(self.clock.now()),
        };
        match identities.insert_identity(&claims.sub, &identity).await {
            Ok(()) => Ok(person),
            // Of two sign-ins at once both are this person's; anything else is another one.
            Err(StoreError::Duplicate) => {
                let known = identities.find_identity(issuer, &claims.sub).await?;
                let is_theirs = known.is_some_and(|known| known.value.user_id.as_str() == person.id);
                if is_theirs { Ok(person) } else { Err(SignInError::LinkedElsewhere) }
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn newcomer(
        &self,
        provider: &Provider,
        claims: &Claims,
        email: &str,
    ) -> Result<Stored<User>, SignInError> {
        let newcomers = provider.newcomers.as_ref().ok_or(SignInError::Unknown)?;
        // Nobody has this password; an administrator can have another one set.
        let password = secret_token::random::<32>();
        let name = claims.name.as_deref().filter(|name| Checks::default().name(name).finish().is_ok());
        let email = trimmed(email).to_owned();
        if Checks::default().email(&email).finish().is_err() {
            return Err(SignInError::Unknown);
        }
        let new = NewPerson {
            tenant_id: newcomers.tenant_id.clone(),
            name: name.map_or_else(|| email.chars().take(120).collect(), |name| trimmed(name).to_owned()),
            email: email.clone(),
            role: newcomers.role,
            languages: Vec::new(),
            primary_language: None,
            password: password.into(),
        };
        // It must be there: nobody is made in a tenant that begins nothing.
        standing(&self.stores, &newcomers.tenant_id).await?;
        match self.people.register(new).await {
            // Of two sign-ins at once one makes the person.
            Ok(_) | Err(PersonError::EmailTaken) => {}
            Err(error) => return Err(SignInError::Person(Box::new(error))),
        }
        self.stores.all_users().find_by_email(&fold_email(&email)).await?.ok_or(SignInError::Unknown)
    }
}

/// Never beyond what the provider's word is good for.
fn admitted(person: Stored<User>, owner: &Owner, provider: &Provider) -> Result<Stored<User>, SignInError> {
    let is_of_owner = owner.tenant().is_none_or(|tenant| person.value.tenant_id == *tenant);
    if !is_of_owner || person.value.role > provider.max_role || !person.value.active {
        return Err(SignInError::NotAllowed);
    }
    Ok(person)
}

fn is_of_domains(email: &str, domains: &[String]) -> bool {
    let domain = email.rsplit_once('@').map(|(_, domain)| domain.to_lowercase());
    domains.is_empty() || domain.is_some_and(|domain| domains.iter().any(|own| own.to_lowercase() == domain))
}

fn id_of(user: &Stored<User>) -> Result<UserId, SignInError> {
    user.id.parse().map_err(|_| SignInError::Unknown)
}

/// A provider's word for what went wrong, if it is a word.
fn word(error: &str) -> String {
    let is_word = error.len() <= 64 && error.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if is_word { error.to_owned() } else { "error".to_owned() }
}

fn away(provider: &Provider, error: &ProviderError) -> SignInError {
    tracing::warn!(
        issuer = provider.issuer,
        error = with_source(error),
        "a provider of sign-ins cannot be asked"
    );
    SignInError::Unavailable
}

fn untrusted(provider: &Provider, error: &dyn std::error::Error) -> SignInError {
    tracing::warn!(issuer = provider.issuer, error = with_source(error), "a provider's word is not taken");
    SignInError::Untrusted
}

/// How long the browser may take, for its cookie.
pub const BROWSER_SECONDS: i64 = SIGN_IN_SECONDS;
