//! What an S3 server's answers mean.

use std::error::Error;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use crate::objects::ObjectError;

/// Longest reason kept, characters.
const MAX_REASON: usize = 300;

/// A failed request, as what the caller can do about it.
pub(super) fn fault<E>(doing: &'static str) -> impl Fn(SdkError<E, HttpResponse>) -> ObjectError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    move |error| {
        let status = error.raw_response().map_or(0, |response| response.status().as_u16());
        let (code, reason) = (error.code().unwrap_or_default().to_owned(), reason(&error));
        match (status, code.as_str()) {
            (_, "NoSuchBucket") => ObjectError::NoBucket,
            (301 | 307 | 401 | 403 | 405, _)
            | (400, "AuthorizationHeaderMalformed" | "InvalidBucketName") => {
                ObjectError::Refused { doing, reason }
            }
            _ => ObjectError::Unavailable { doing, source: std::io::Error::other(reason) },
        }
    }
}

/// Whether the answer was that there is no such thing.
pub(super) fn is_absent<E>(error: &SdkError<E, HttpResponse>) -> bool
where
    E: ProvideErrorMetadata,
{
    error.raw_response().is_some_and(|response| response.status().as_u16() == 404)
        && error.code() != Some("NoSuchBucket")
}

/// The server's word and sentence, or the innermost cause; never a header, an address or a key.
fn reason<E>(error: &SdkError<E, HttpResponse>) -> String
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let text = match (error.code(), error.message(), error.raw_response()) {
        (Some(code), message, _) => format!("{code}: {}", message.unwrap_or("no reason is given")),
        (None, _, Some(response)) => format!("status {}", response.status().as_u16()),
        (None, _, None) => {
            let causes = std::iter::successors(Some(error as &dyn Error), |cause| (*cause).source());
            causes.last().map(ToString::to_string).unwrap_or_default()
        }
    };
    text.chars().take(MAX_REASON).collect()
}
