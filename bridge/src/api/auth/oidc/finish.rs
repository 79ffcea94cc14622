//! `GET /api/v1/auth/oidc/callback`

use actix_web::http::header::{CACHE_CONTROL, LOCATION, REFERRER_POLICY};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use tracing::instrument;
use utoipa::{IntoParams, ToSchema};

use super::kept;
use crate::auth::oidc::flow::{Returned, SignInDesk};
use crate::edge::params::InQuery;
use crate::error::ApiResult;

/// What a provider adds to the address. More than this is ignored.
#[derive(Debug, Deserialize, IntoParams)]
pub struct CallbackQuery {
    code: Option<String>,
    state: Option<String>,
    /// The issuer, where the provider says it (RFC 9207).
    iss: Option<String>,
    /// In place of a code.
    error: Option<String>,
}

/// What begins the session.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignInView {
    /// Good once, within 60 s, in this browser: `POST /api/v1/auth/oidc/session`.
    pub sign_in: String,
}

/// The browser is back from the provider.
#[instrument(name = "auth.oidc.finish", skip_all)]
pub async fn finish(
    request: HttpRequest,
    query: InQuery<CallbackQuery>,
    desk: Data<SignInDesk>,
) -> ApiResult<HttpResponse> {
    let CallbackQuery { code, state, iss, error } = query.0;
    let returned = Returned { code, state, iss, error };
    let vouched = desk.finish(kept(&request).as_deref(), returned).await?;
    let mut answer = match &vouched.return_to {
        Some(path) => {
            let mut answer = HttpResponse::Found();
            // Behind the '#' it is in no log and no Referer.
            answer.insert_header((LOCATION, format!("{path}#sign_in={}", vouched.code)));
            answer
        }
        None => HttpResponse::Ok(),
    };
    answer.insert_header((CACHE_CONTROL, "no-store")).insert_header((REFERRER_POLICY, "no-referrer"));
    Ok(match vouched.return_to {
        Some(_) => answer.finish(),
        None => answer.json(SignInView { sign_in: vouched.code }),
    })
}
