//! Signing in through a provider: `GET /api/v1/auth/oidc`, `…/login`, `…/callback` and `POST …/session`.

pub mod begin;
pub mod finish;
pub mod options;
pub mod session;

use actix_web::HttpRequest;
use actix_web::http::{StatusCode, header};

use crate::auth::oidc::flow::{BROWSER_SECONDS, SignInError};
use crate::error::ApiError;

/// What a browser keeps from the first redirect to the session.
const COOKIE: &str = "vox_sign_in";
/// The cookie is for these routes only.
const PATH: &str = "/api/v1/auth/oidc";

/// The cookie as the browser sent it.
fn kept(request: &HttpRequest) -> Option<String> {
    let lines = request.headers().get_all(header::COOKIE).filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find_map(|(name, value)| (name == COOKIE).then(|| value.to_owned()))
}

/// The cookie of a sign-in that begins (RFC 6265). No script reads it, and other sites send it with a plain link only, which is how a
/// provider sends the browser back.
fn set(value: &str, base_url: &str) -> String {
    let secure = if base_url.starts_with("https://") { "; Secure" } else { "" };
    format!("{COOKIE}={value}; Path={PATH}; Max-Age={BROWSER_SECONDS}; HttpOnly; SameSite=Lax{secure}")
}

impl From<SignInError> for ApiError {
    fn from(error: SignInError) -> Self {
        let told = error.to_string();
        let (status, code) = match error {
            SignInError::NoProvider => (StatusCode::NOT_FOUND, "no_sign_in_provider"),
            SignInError::NotBegun => (StatusCode::UNAUTHORIZED, "sign_in_not_begun"),
            SignInError::Denied(_) => (StatusCode::UNAUTHORIZED, "sign_in_denied"),
            SignInError::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "provider_unavailable"),
            SignInError::Untrusted => (StatusCode::UNAUTHORIZED, "sign_in_untrusted"),
            SignInError::EmailUnverified => (StatusCode::FORBIDDEN, "email_unverified"),
            SignInError::Unknown => (StatusCode::FORBIDDEN, "nobody_known"),
            SignInError::NotAllowed => (StatusCode::FORBIDDEN, "sign_in_not_allowed"),
            SignInError::LinkedElsewhere => (StatusCode::FORBIDDEN, "linked_elsewhere"),
            SignInError::Tenant(error) => return error.into(),
            SignInError::Person(error) => return (*error).into(),
            SignInError::Signing(error) => return Self::internal("sign a sign-in", &error),
            SignInError::Store(error) => return error.into(),
        };
        Self::new(status, code, told)
    }
}
