//! What an error within the stream means. Its text is not passed on: it may quote the conversation.

use super::event::StreamError;
use crate::provider::Failure;
use crate::provider::egress::Refusal;
use crate::provider::egress::chat::{NO_CREDIT_WAIT, class, is_out_of_credit};

/// The failure that an error within the stream is.
pub(super) fn stream_error(vendor: &str, error: &StreamError) -> Failure {
    let word = error.word.as_deref();
    let status = error.status.filter(|status| (400..600).contains(status));
    let by_status =
        Refusal { status: status.unwrap_or(500), headers: http::HeaderMap::new(), body: String::new() };
    let class = class(&by_status, word);
    let detail = format!("{vendor}: the stream broke off with an error: {}", word.unwrap_or("no code"));
    Failure { class, detail, retry_after: is_out_of_credit(word).then_some(NO_CREDIT_WAIT) }
}
