//! Who delivers something of a call: whoever has the call's token, for that call and no other. Where no token came, or it is not
//! taken any more, the workers' secret and the claim with which the call's config was asked for; for calls of workers from before
//! there were tokens the secret alone, until a setting ends that. Decision 0051.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpRequest};
use vox_shared::ids::{BotId, SessionId};
use vox_shared::wire::SECRET_HEADER;
use vox_shared::wire::proof::{CALL_TOKEN_HEADER, CALL_TOKEN_REFUSED, CLAIM_HEADER};

use super::call_token::OneCall;
use super::proof::{Inside, Proofs};
use super::secret_token;
use crate::config::Tokenless;
use crate::edge::part::part;
use crate::error::{ApiError, ApiResult};
use crate::store::calls::Call;
use crate::store::{Stored, Stores};

/// Shortest claim that is taken, characters: 24 random bytes.
pub const MIN_CLAIM_CHARS: usize = 32;

/// Proof that the request comes from somebody who may speak for a call. For which one is checked when the call is known: a handler
/// asks [`OfCall::may_speak_for`].
#[derive(Clone, Debug)]
pub struct OfCall {
    sender: Sender,
    tokenless: Tokenless,
}

/// What was seen of a call while it was looked at who may speak for it.
#[derive(Debug, Default)]
pub enum Seen {
    /// Nobody looked.
    #[default]
    Not,
    /// It is so now; `None` when there is none.
    Just(Option<Box<Stored<Call>>>),
}

#[derive(Clone, Debug)]
enum Sender {
    Call(OneCall),
    /// With the hash of its claim.
    Worker(Option<String>),
    Tools,
}

impl FromRequest for OfCall {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let proofs = part::<Proofs>(request);
        let tokenless = proofs.tokenless();
        ready(sender(request, proofs).map(|sender| Self { sender, tokenless }))
    }
}

fn sender(request: &HttpRequest, proofs: &Proofs) -> ApiResult<Sender> {
    let header = |name: &str| request.headers().get(name);
    if let Some(token) = header(CALL_TOKEN_HEADER) {
        let call = token.to_str().ok().and_then(|token| proofs.call(token));
        return call.map(Sender::Call).ok_or_else(|| {
            let detail = "the call's token has expired, or was signed with another key; show the workers' secret and the claim";
            ApiError::new(StatusCode::FORBIDDEN, CALL_TOKEN_REFUSED, detail)
        });
    }
    let secret = header(SECRET_HEADER).map_or(&b""[..], |value| value.as_bytes());
    match proofs.inside(secret) {
        Some(Inside::Tools) => Ok(Sender::Tools),
        Some(Inside::Worker) => {
            let claim = header(CLAIM_HEADER).and_then(|claim| claim.to_str().ok());
            Ok(Sender::Worker(claim.and_then(hash_of_claim)))
        }
        None => Err(ApiError::forbidden("the call's token, or the internal secret, is missing or wrong")),
    }
}

/// What is stored of a claim; `None` when it is none.
pub fn hash_of_claim(claim: &str) -> Option<String> {
    let is_claim = (MIN_CLAIM_CHARS..=secret_token::MAX_TOKEN_BYTES).contains(&claim.len())
        && claim.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    is_claim.then(|| secret_token::hash(claim))
}

impl OfCall {
    /// Refuse whoever may not speak for this call. Only a token settles that without a look at the store.
    pub async fn may_speak_for(&self, stores: &Stores, call: &SessionId) -> ApiResult<Seen> {
        match &self.sender {
            Sender::Tools => Ok(Seen::Not),
            Sender::Call(own) if own.session == *call => Ok(Seen::Not),
            Sender::Call(_) => Err(wrong_call()),
            Sender::Worker(claim) => {
                let known = stores.all_calls().find_with_deleted(call).await?;
                self.claims(claim.as_deref(), known.as_ref().map(|known| &known.value))?;
                Ok(Seen::Just(known.map(Box::new)))
            }
        }
    }

    /// The same for something that names no call.
    pub fn may_speak_for_none(&self) -> ApiResult<()> {
        match &self.sender {
            Sender::Tools => Ok(()),
            Sender::Call(_) => Err(wrong_call()),
            Sender::Worker(claim) => self.claims(claim.as_deref(), None),
        }
    }

    /// Refuse a token of a call with another bot than this.
    pub fn may_name(&self, bot: Option<&BotId>) -> ApiResult<()> {
        match (&self.sender, bot) {
            (Sender::Call(own), Some(bot)) if own.bot != *bot => Err(wrong_call()),
            _ => Ok(()),
        }
    }

    /// With a claim that came in another way, where none came with the request: a worker of an older version delivers the outbox of a
    /// newer one as it is.
    pub fn or_claim(self, claim: Option<&str>) -> Self {
        let sender = match self.sender {
            Sender::Worker(None) => Sender::Worker(claim.and_then(hash_of_claim)),
            known => known,
        };
        Self { sender, ..self }
    }

    /// The hash of the worker's claim, for a call that is not known yet.
    pub fn claim_hash(&self) -> Option<&str> {
        match &self.sender {
            Sender::Worker(claim) => claim.as_deref(),
            Sender::Call(_) | Sender::Tools => None,
        }
    }

    fn claims(&self, claim: Option<&str>, call: Option<&Call>) -> ApiResult<()> {
        let is_taken = match call.and_then(|call| call.claim_hash.as_deref()) {
            // Both are hashes: comparing them tells nothing of the claim.
            Some(own) => claim == Some(own),
            // Whoever may begin calls may also say that one began which is not known here.
            None => self.tokenless == Tokenless::Taken || (call.is_none() && claim.is_some()),
        };
        if is_taken { Ok(()) } else { Err(token_missing()) }
    }
}

fn wrong_call() -> ApiError {
    ApiError::new(StatusCode::FORBIDDEN, "wrong_call", "this token is another call's")
}

fn token_missing() -> ApiError {
    let detail = "the workers' secret alone does not open this call: show its token, or the claim that its config was asked for with";
    ApiError::new(StatusCode::FORBIDDEN, "call_token_missing", detail)
}
