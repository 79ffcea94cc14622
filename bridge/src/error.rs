//! The one error of the HTTP edge. A 5xx tells the client only `internal` and the request id; the reason is logged here,
//! once.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::edge::request_id;
use crate::fields::FieldError;
use crate::store::StoreError;
use crate::store::engine::EngineError;

/// What a handler answers.
pub type ApiResult<T> = Result<T, ApiError>;

/// A refusal, with all that the client may know.
#[derive(Debug, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct ApiError {
    pub status: StatusCode,
    /// A word of the documented list, for programs.
    pub code: &'static str,
    /// A sentence that says what to do, for people.
    pub detail: Cow<'static, str>,
    pub fields: Vec<FieldError>,
    pub retry_after_seconds: Option<u64>,
    /// What is used up, of a 402.
    pub spent: Option<Box<SpentPart>>,
}

/// What is used up, and when it begins anew. Minutes are whole ones, money is in millionths of the currency.
#[derive(Clone, Debug)]
pub struct SpentPart {
    pub resource: &'static str,
    pub used: i64,
    pub limit: i64,
    /// RFC 3339, UTC.
    pub resets_at: String,
}

/// The body of every refusal.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody {
    error: ErrorPart,
    /// The detail again, where clients of this kind of bridge look for it.
    detail: String,
    /// Of a 402 that says what is used up: as in `error`, again where such clients look for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    used: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<i64>,
    /// RFC 3339, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    resets_at: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ErrorPart {
    code: String,
    detail: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<FieldError>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// Of a 402 that says what is used up: what that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<&'static str>,
    /// How much of it was used.
    #[serde(skip_serializing_if = "Option::is_none")]
    used: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<i64>,
    /// When it begins anew: RFC 3339, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    resets_at: Option<String>,
}

impl ApiError {
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            fields: Vec::new(),
            retry_after_seconds: None,
            spent: None,
        }
    }

    pub fn bad_request(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    pub fn unauthorized(detail: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
    }

    pub fn forbidden(detail: &'static str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    pub fn not_found(what: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("there is no such {what}"))
    }

    pub fn conflict(code: &'static str, detail: &'static str) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// All that is wrong with a request's fields, at once.
    pub fn invalid(fields: Vec<FieldError>) -> Self {
        let detail = match fields.as_slice() {
            [one] => format!("{}: {}", one.path, one.message),
            many => format!("{} fields are not acceptable; see `fields`", many.len()),
        };
        Self { fields, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail) }
    }

    /// Nothing is left of something that is limited.
    pub fn spent(code: &'static str, detail: String, spent: SpentPart) -> Self {
        Self { spent: Some(Box::new(spent)), ..Self::new(StatusCode::PAYMENT_REQUIRED, code, detail) }
    }

    /// Come back later.
    pub fn busy(status: StatusCode, code: &'static str, wait_seconds: u64) -> Self {
        let detail = format!("too much at once; try again in {wait_seconds} s");
        Self { retry_after_seconds: Some(wait_seconds), ..Self::new(status, code, detail) }
    }

    /// A fault of ours. `what` was being done and goes to the log only.
    pub fn internal(what: &str, error: &dyn std::error::Error) -> Self {
        tracing::error!(what, error = with_source(error), "a request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "internal")
    }

    /// A store is missing for the moment; the request may be repeated.
    pub fn unavailable(error: &dyn std::error::Error) -> Self {
        const DETAIL: &str = "the store does not answer or takes no write; repeat the request";
        tracing::error!(error = with_source(error), "a store is not there");
        let told = Self::new(StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", DETAIL);
        Self { retry_after_seconds: Some(1), ..told }
    }
}

/// An error and what it came from, for the log.
pub fn with_source(error: &dyn std::error::Error) -> String {
    let source = error.source().map(|s| format!(": {s}")).unwrap_or_default();
    format!("{error}{source}")
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::not_found("object"),
            StoreError::Conflict => Self::conflict(
                "conflict",
                "it was changed in the meantime; read it again and repeat the change",
            ),
            StoreError::Duplicate => Self::conflict("duplicate", "it exists already"),
            StoreError::BadCursor => {
                Self::bad_request("bad_cursor", "the cursor does not belong to this list; begin without one")
            }
            StoreError::Engine(EngineError::Unavailable(_)) => Self::unavailable(&error),
            // Damage or a fault of ours: trying again does not help.
            StoreError::Engine(_) => Self::internal("use the store", &error),
        }
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let request_id = self.status.is_server_error().then(request_id::current).flatten();
        let part = ErrorPart {
            code: self.code.into(),
            detail: self.detail.clone().into_owned(),
            fields: self.fields.clone(),
            request_id,
            resource: self.spent.as_ref().map(|spent| spent.resource),
            used: self.spent.as_ref().map(|spent| spent.used),
            limit: self.spent.as_ref().map(|spent| spent.limit),
            resets_at: self.spent.as_ref().map(|spent| spent.resets_at.clone()),
        };
        let mut response = HttpResponse::build(self.status);
        if self.status == StatusCode::UNAUTHORIZED {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        if let Some(seconds) = self.retry_after_seconds {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        response.json(ErrorBody {
            detail: self.detail.clone().into_owned(),
            resource: part.resource,
            used: part.used,
            limit: part.limit,
            resets_at: part.resets_at.clone(),
            error: part,
        })
    }
}
