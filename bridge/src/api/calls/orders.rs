//! Orders for a running call: `POST /api/v1/calls/{session_id}/say|steer|hold|resume|transfer|end`.

pub mod end;
pub mod hold;
pub mod resume;
pub mod say;
pub mod steer;
pub mod transfer;

use actix_web::http::StatusCode;
use actix_web::web::Json;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vox_shared::ids::SessionId;
use vox_shared::wire::order::{LONGEST_ORDER_CHARS, Order, OrderFault};

use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;
use crate::live::orders::{NotTaken, Operator};
use crate::store::Reach;

/// Largest body of an order, bytes: the longest text with every character escaped.
pub const MAX_ORDER_BYTES: usize = 64 * 1024;

/// What is to be said, or known.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// 1 to 4,000 characters.
    #[serde(default)]
    #[schema(required = true)]
    text: String,
}

/// The session has taken the order.
#[derive(Debug, Serialize, ToSchema)]
pub struct Taken {
    pub session_id: String,
    /// `say`, `steer`, `hold`, `resume`, `transfer` or `end`.
    pub taken: &'static str,
}

/// Have a call within reach take an order.
async fn place(
    operator: &Operator,
    (reach, call): (&Reach, SessionId),
    order: Order,
) -> ApiResult<Json<Taken>> {
    let known = operator.call(reach, &call).await?;
    order.check().map_err(|fault| ApiError::invalid(vec![wrong(&order, fault)]))?;
    let taken = name(&order);
    operator.place(&call, &known, order).await?;
    Ok(Json(Taken { session_id: call.to_string(), taken }))
}

/// As the route calls it.
fn name(order: &Order) -> &'static str {
    match order {
        Order::GoOn => "resume",
        other => other.name(),
    }
}

fn wrong(order: &Order, fault: OrderFault) -> FieldError {
    let field = match order {
        Order::Transfer { .. } => "to",
        Order::End { .. } => "goodbye",
        _ => "text",
    };
    match fault {
        OrderFault::Empty => FieldError::new(field, "is needed"),
        OrderFault::TooLong => {
            FieldError::new(field, format!("must be {LONGEST_ORDER_CHARS} characters at most"))
        }
    }
}

impl From<NotTaken> for ApiError {
    fn from(error: NotTaken) -> Self {
        let (status, code, wait) = match error {
            NotTaken::Store(error) => return error.into(),
            NotTaken::Refused(_) => (StatusCode::CONFLICT, "order_refused", None),
            NotTaken::Ended => (StatusCode::CONFLICT, "call_ended", None),
            NotTaken::NoWorker => (StatusCode::CONFLICT, "no_worker", None),
            NotTaken::NoOrders => (StatusCode::CONFLICT, "orders_not_supported", None),
            NotTaken::NoSeats => (StatusCode::CONFLICT, "supervision_not_supported", None),
            NotTaken::Busy => (StatusCode::SERVICE_UNAVAILABLE, "call_busy", Some(1)),
            NotTaken::Silent => (StatusCode::SERVICE_UNAVAILABLE, "worker_silent", None),
        };
        Self { retry_after_seconds: wait, ..Self::new(status, code, error.to_string()) }
    }
}
