//! The page that asks: its origin, what it may read, and how it is refused.

use actix_web::HttpRequest;
use actix_web::http::{StatusCode, header};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use vox_shared::ids::BotId;

use crate::billing::budget::BudgetError;
use crate::billing::gate::GateError;
use crate::edge::client::ClientAddress;
use crate::edge::pages::Readable;
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;
use crate::fleet::hand_over::HandOverError;
use crate::widget::{Asked, Page, Visitor, WidgetDesk, WidgetError};

/// Longest name of terms, characters.
const MAX_TERMS: usize = 100;

/// A visitor who wants to speak to a bot.
#[derive(Debug, Deserialize, ToSchema)]
pub struct VisitorRequest {
    #[schema(value_type = String)]
    pub bot_id: BotId,
    /// The bot's widget key, which is public.
    #[serde(default)]
    pub api_key: Option<String>,
    /// What the page tells the bot, `call.*` in its texts: texts, numbers, true and false. 20 at most; names of 40 and texts of 500
    /// characters at most, 4,000 together.
    #[schema(value_type = Option<Object>)]
    #[serde(default)]
    pub variables: Map<String, Value>,
    /// The visitor agreed to the page's terms. It is kept with the call.
    #[serde(default)]
    pub terms_accepted: bool,
    /// Which terms, as the page calls them: 100 characters at most.
    #[serde(default)]
    pub terms_version: Option<String>,
}

impl VisitorRequest {
    /// Let the visitor in. Whatever comes of it, a page that the bot allows may read.
    pub async fn admit(self, desk: &WidgetDesk, request: &HttpRequest) -> ApiResult<Visitor> {
        let origin = origin(request);
        if let Some(origin) = &origin
            && desk.may_read(&self.bot_id, origin).await
        {
            Readable::by(request, origin);
        }
        let too_long = |text: &String| text.chars().count() > MAX_TERMS;
        if self.terms_version.as_ref().is_some_and(too_long) {
            let message = format!("{MAX_TERMS} characters at most");
            return Err(ApiError::invalid(vec![FieldError::new("terms_version", message)]));
        }
        let terms = self.terms_accepted.then_some(self.terms_version);
        let asked = Asked { bot: self.bot_id, key: self.api_key, variables: self.variables, terms };
        let page = Page { origin, client: ClientAddress::of(request).0 };
        Ok(desk.admit(asked, page).await?)
    }
}

/// As the browser tells it.
pub fn origin(request: &HttpRequest) -> Option<String> {
    let told = request.headers().get(header::ORIGIN)?.to_str().ok()?;
    (told.len() <= 300).then(|| told.to_owned())
}

impl WidgetError {
    /// A word for figures.
    pub fn outcome(&self) -> &'static str {
        match self {
            Self::NotConfigured(_) => "not_configured",
            Self::NotHandedOver(_) => "no_worker",
            _ => "refused",
        }
    }
}

impl From<WidgetError> for ApiError {
    fn from(error: WidgetError) -> Self {
        let told = error.to_string();
        let (status, code) = match error {
            WidgetError::UnknownBot => (StatusCode::NOT_FOUND, "unknown_bot"),
            WidgetError::BadKey => (StatusCode::UNAUTHORIZED, "bad_widget_key"),
            WidgetError::Origin(_) => (StatusCode::FORBIDDEN, "origin_not_allowed"),
            WidgetError::TooMany { wait_seconds } => {
                return Self::busy(StatusCode::TOO_MANY_REQUESTS, "too_many_visitors", wait_seconds);
            }
            WidgetError::Variables(faults) => {
                return Self { code: "bad_variables", ..Self::invalid(faults) };
            }
            WidgetError::Suspended => (StatusCode::PAYMENT_REQUIRED, "tenant_suspended"),
            WidgetError::Gate(GateError::Spent(spent)) => return spent.into(),
            WidgetError::Gate(GateError::Store(error)) => return error.into(),
            WidgetError::Budget(BudgetError::Over(over)) => return over.into(),
            WidgetError::Budget(BudgetError::Store(error)) => return error.into(),
            WidgetError::OutsideHours(_) => (StatusCode::SERVICE_UNAVAILABLE, "outside_active_hours"),
            WidgetError::NotConfigured(error) => return error.into(),
            WidgetError::NotHandedOver(HandOverError::NoSlot(error)) => return error.into(),
            // A visitor is told no more of workers than that none is there.
            WidgetError::NotHandedOver(error) => {
                tracing::warn!(%error, "a visitor was not handed over");
                let told = Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "dispatch_failed",
                    "no worker took the visitor; try again",
                );
                return Self { retry_after_seconds: Some(2), ..told };
            }
            WidgetError::BadToken => (StatusCode::UNAUTHORIZED, "bad_feedback_token"),
            WidgetError::NoCall => (StatusCode::NOT_FOUND, "not_found"),
            WidgetError::Signing(error) => return Self::internal("sign a token of a visitor's", &error),
            WidgetError::Store(error) => return error.into(),
        };
        Self::new(status, code, told)
    }
}
