//! What the ways to ask for a call have in common.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use serde_json::{Map, Value, json};
use vox_shared::ids::BotId;

use crate::auth::allowed::Allowed;
use crate::auth::permission::PlaceCalls;
use crate::billing::budget::BudgetError;
use crate::billing::gate::GateError;
use crate::dialout::order::{Order, event_faults, number};
use crate::dialout::{Dialler, DialoutError};
use crate::edge::idempotency;
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;

/// When a call may be asked for again whose vendors all were full, seconds.
const VENDORS_FULL_SECONDS: u64 = 10;

/// A call as it was asked for. Each value stands beside the name that its field has there.
pub struct Asked {
    pub bot: BotId,
    pub to: (&'static str, String),
    pub from: (&'static str, Option<String>),
    pub event: (&'static str, Map<String, Value>),
}

/// Check it, place it, and answer the call's id.
pub async fn place(
    who: &Allowed<PlaceCalls>,
    (dialler, request): (&Dialler, &HttpRequest),
    asked: Asked,
) -> ApiResult<String> {
    let mut faults = event_faults(asked.event.0, &asked.event.1);
    let mut read =
        |path: &'static str, text: &str| number(path, text).map_err(|fault| faults.push(fault)).ok();
    let to = read(asked.to.0, &asked.to.1);
    let from = asked.from.1.as_deref().and_then(|text| read(asked.from.0, text));
    let (Some(to), []) = (to, faults.as_slice()) else { return Err(ApiError::invalid(faults)) };
    let bot = dialler.stores.bots(who.reach()).get_bot(&asked.bot).await?;
    let what = json!({"bot_id": asked.bot, "to": to, "from": from, "event": asked.event.1});
    let order = Order {
        tenant: who.reach().tenant().clone(),
        sender: who.id().to_owned(),
        creation: idempotency::creation(request.headers(), who.id(), &what)?,
        bot: asked.bot,
        to,
        from,
        event: asked.event.1,
    };
    Ok(dialler.dial(order, &bot.value).await?)
}

/// Of two fields that mean the same, one at most.
pub fn only_one(names: (&str, &str)) -> ApiError {
    let message = format!("send `{}` or `{}`, not both", names.0, names.1);
    ApiError::invalid(vec![FieldError::new(names.0, message.clone()), FieldError::new(names.1, message)])
}

impl From<DialoutError> for ApiError {
    fn from(error: DialoutError) -> Self {
        let told = error.to_string();
        let (status, code) = match error {
            DialoutError::UnknownBot => (StatusCode::NOT_FOUND, "unknown_bot"),
            DialoutError::Suspended => (StatusCode::PAYMENT_REQUIRED, "tenant_suspended"),
            DialoutError::Gate(GateError::Spent(spent)) => return spent.into(),
            DialoutError::Gate(GateError::Store(error)) => return error.into(),
            DialoutError::Budget(BudgetError::Over(over)) => return over.into(),
            DialoutError::Budget(BudgetError::Store(error)) => return error.into(),
            DialoutError::OutsideHours(_) => (StatusCode::SERVICE_UNAVAILABLE, "outside_active_hours"),
            DialoutError::DoNotCall => (StatusCode::FORBIDDEN, "do_not_call"),
            DialoutError::TooMany { wait_seconds } => {
                return Self::busy(StatusCode::TOO_MANY_REQUESTS, "too_many_dialouts", wait_seconds);
            }
            DialoutError::VendorsFull(_) => {
                let full = Self::new(StatusCode::SERVICE_UNAVAILABLE, "vendors_full", told);
                return Self { retry_after_seconds: Some(VENDORS_FULL_SECONDS), ..full };
            }
            DialoutError::KeyReused => (StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused"),
            DialoutError::UnderWay => {
                let under_way = Self::new(StatusCode::CONFLICT, "dialout_under_way", told);
                return Self { retry_after_seconds: Some(1), ..under_way };
            }
            DialoutError::NoSlot(error) => return error.into(),
            DialoutError::NotReached => (StatusCode::SERVICE_UNAVAILABLE, "worker_unreachable"),
            DialoutError::NotBuilt => (StatusCode::SERVICE_UNAVAILABLE, "dialout_not_supported"),
            DialoutError::Refused { status, .. } => (passed_on(status), "worker_refused"),
            DialoutError::Unclear { status, .. } => (passed_on(status), "call_outcome_unknown"),
            DialoutError::BrokenOff => return Self::internal("place a call", &error),
            DialoutError::Store(error) => return error.into(),
        };
        Self::new(status, code, told)
    }
}

fn passed_on(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY)
}
