//! `POST /api/v1/integrations/exotel/test-call`

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::ids::DidId;

use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditCarriers;
use crate::bot::line;
use crate::dialout::Dialler;
use crate::dialout::once::{Came, Elsewhere};
use crate::dialout::order::{Order, number};
use crate::edge::body::Checked;
use crate::edge::idempotency;
use crate::error::{ApiError, ApiResult};
use crate::exotel::Exotel;
use crate::exotel::connect::{Connect, Connected, MAX_STREAM_URL_BYTES, Way};
use crate::fields::FieldError;
use crate::store::bots::Bot;
use crate::store::deliveries::Attempt;
use crate::store::dids::Did;
use crate::store::{StoreError, Stored};

/// Who is called, and from which of the account's numbers.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TestCallRequest {
    #[schema(value_type = String)]
    did_id: DidId,
    /// `+`, country code and number.
    #[schema(example = "+919876543210")]
    to_number: String,
}

/// What Exotel made of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct TestCallView {
    /// Exotel took the call.
    placed: bool,
    /// Exotel's own id of the call: `external_call_id` of ours, once the bot has answered.
    call_sid: Option<String>,
    /// As Exotel says it: `queued`, `in-progress`, …
    status: Option<String>,
    from_number: String,
    to_number: String,
    /// The request to Exotel; its `error` is null when all went well. Null when an earlier request with the same `Idempotency-Key` placed
    /// the call.
    attempt: Option<Attempt>,
}

/// Have Exotel call somebody, to hear the bot of one of the account's numbers; with an `Idempotency-Key` once. What refuses a dialout
/// refuses this call too; what Exotel says is the answer.
#[instrument(name = "exotel.test_call", skip_all)]
pub async fn test_call(
    who: Allowed<EditCarriers>,
    trail: Trail,
    exotel: Data<Exotel>,
    dialler: Data<Dialler>,
    (request, body): (HttpRequest, Checked<TestCallRequest>),
) -> ApiResult<Json<TestCallView>> {
    let TestCallRequest { did_id, to_number } = body.0;
    trail.concerns(did_id.as_str());
    let (stores, tenant) = (&exotel.stores, who.tenant());
    let account = stores.exotel(tenant).get_account().await?.value;
    let to = number("to_number", &to_number).map_err(|fault| ApiError::invalid(vec![fault]))?;
    let did = stores.dids(tenant).get_did(&account.carrier_id, &did_id).await.map_err(unknown)?.value;
    let bot_id = did.bot_id.clone().ok_or_else(unanswered)?;
    let bot = match stores.bots(tenant).get_bot(&bot_id).await {
        Err(StoreError::NotFound) => return Err(unanswered()),
        found => found?,
    };
    let way = way(&exotel, &did, &bot)?;
    let what = json!({"did_id": did_id, "to_number": to});
    let order = Order {
        tenant: tenant.clone(),
        sender: who.id().to_owned(),
        bot: bot_id,
        to: to.clone(),
        from: Some(did.number.clone()),
        event: Map::new(),
        creation: idempotency::creation(request.headers(), who.id(), &what)?,
    };
    let rules = stores.tenants().egress_rules(tenant).await?;
    let connect =
        Connect { to, caller_id: did.number, way, seconds: bot.value.settings.max_call_duration_seconds };
    let (from_number, to_number) = (connect.caller_id.to_string(), connect.to.to_string());
    let exotel = exotel.get_ref().clone();
    let placing = async move {
        let connected = exotel.connect(&account.settings, &rules, &connect).await;
        let came = came(&connected);
        (connected, came)
    };
    let (call_sid, status, attempt) = match dialler.dial_elsewhere(order, &bot.value, placing).await? {
        Elsewhere::Now(Connected { call_sid, status, attempt }) => (call_sid, status, Some(attempt)),
        Elsewhere::Before { call_sid, status } => (call_sid, status, None),
    };
    let placed = call_sid.is_some();
    Ok(Json(TestCallView { placed, call_sid, status, from_number, to_number, attempt }))
}

/// What Exotel refused it may be asked again.
fn came(connected: &Connected) -> Came {
    let Connected { call_sid, status, attempt } = connected;
    match (&attempt.error, attempt.status) {
        (None, _) => Came::Placed { call_sid: call_sid.clone(), status: status.clone() },
        (Some(_), Some(300..=499)) => Came::Refused,
        (Some(error), _) => Came::Unclear(format!("Exotel: {error}")),
    }
}

/// The number's flow, else the bot's own stream.
fn way(exotel: &Exotel, did: &Did, bot: &Stored<Bot>) -> ApiResult<Way> {
    if let Some(flow) = &did.flow_url {
        return Ok(Way::Flow(flow.clone()));
    }
    let bot_id = bot.id.parse().map_err(|_| unanswered())?;
    // Exotel writes down what it is told: it gets a token of this call, and not the bot's own.
    let token = match bot.value.settings.line_access.is_guarded() {
        true => line::token_of_call(&exotel.tokens, &bot_id, exotel.clock.now())
            .map_err(|error| ApiError::internal("sign a token for a line", &error))?,
        false => String::new(),
    };
    let url = exotel.guarded_url(&bot_id, &token);
    let is_good = |url: &url::Url| url.scheme() == "wss" && url.as_str().len() <= MAX_STREAM_URL_BYTES;
    url.filter(is_good).map(Way::Stream).ok_or_else(|| {
        let detail = "Exotel calls wss:// addresses only: set VOX_MEDIA_URL to where carriers reach the workers, or give the number a flow_url";
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "media_url_not_public", detail)
    })
}

fn unknown(error: StoreError) -> ApiError {
    match error {
        StoreError::NotFound => at_number("the account has no such number"),
        other => other.into(),
    }
}

fn unanswered() -> ApiError {
    at_number("no bot answers the number; assign one")
}

fn at_number(message: &str) -> ApiError {
    ApiError::invalid(vec![FieldError::new("did_id", message)])
}
