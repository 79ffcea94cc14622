//! What a dialler is answered when something cannot be done.

use actix_web::http::StatusCode;
use vox_shared::wire::dialler::codes;

use super::CallError;
use crate::error::ApiError;
use crate::fields::FieldError;

impl From<CallError> for ApiError {
    fn from(error: CallError) -> Self {
        let conflict = |code, error: CallError| Self::new(StatusCode::CONFLICT, code, error.to_string());
        match error {
            CallError::UnknownCampaign => Self::not_found("campaign"),
            CallError::UnknownAttempt => Self::not_found("attempt"),
            CallError::Fenced => conflict(codes::FENCED, error),
            CallError::Paused => conflict(codes::PAUSED, error),
            CallError::Barred => conflict(codes::BARRED, error),
            CallError::LeaseTaken => conflict(codes::LEASE_TAKEN, error),
            CallError::NoPartition(_) => Self::invalid(vec![FieldError::new("partition", error.to_string())]),
            CallError::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::ResponseError as _;
    use actix_web::body::to_bytes;
    use serde_json::Value;

    use super::*;

    /// The same file is what the dialler's client is tested with.
    #[tokio::test]
    async fn a_refusal_is_written_as_diallers_read_it() {
        let response = ApiError::from(CallError::Fenced).error_response();
        assert_eq!(response.status(), StatusCode::CONFLICT);
        let body = to_bytes(response.into_body()).await.unwrap();
        let golden = include_bytes!("../../../../shared/src/wire/refusal_v1.golden.json");
        let read = |text: &[u8]| serde_json::from_slice::<Value>(text).unwrap();
        assert_eq!(read(&body), read(golden));
    }
}
