//! `POST /api/v1/widget/feedback`

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;

use super::page::origin;
use crate::edge::body::Checked;
use crate::edge::pages::Readable;
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;
use crate::store::calls::visit::Rating;
use crate::widget::WidgetDesk;

/// Longest comment, characters.
const MAX_COMMENT: usize = 1_000;

/// What a visitor thought of a call.
#[derive(Debug, Deserialize, ToSchema)]
pub struct FeedbackRequest {
    /// Came with the way to the bot.
    pub feedback_token: String,
    pub rating: Rating,
    /// 1,000 characters at most.
    #[serde(default)]
    pub comment: Option<String>,
}

/// Keep it with the call. Of two words the later one stays.
#[instrument(name = "widget.feedback", skip_all)]
pub async fn feedback(
    request: HttpRequest,
    desk: Data<WidgetDesk>,
    body: Checked<FeedbackRequest>,
) -> ApiResult<HttpResponse> {
    let FeedbackRequest { feedback_token, rating, comment } = body.0;
    let origin = origin(&request);
    if origin.is_some() && desk.origin_of(&feedback_token) == origin {
        origin.iter().for_each(|origin| Readable::by(&request, origin));
    }
    if comment.as_ref().is_some_and(|text| text.chars().count() > MAX_COMMENT) {
        let message = format!("{MAX_COMMENT} characters at most");
        return Err(ApiError::invalid(vec![FieldError::new("comment", message)]));
    }
    desk.keep((&feedback_token, origin.as_deref()), rating, comment.as_deref()).await?;
    Ok(HttpResponse::NoContent().finish())
}
