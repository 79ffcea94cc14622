//! `POST /api/v1/talk/tickets`

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::clock::Clock;
use vox_shared::ids::{BotId, TenantId};

use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::TalkToBots;
use crate::auth::secret_token;
use crate::edge::body::Checked;
use crate::error::{ApiError, ApiResult};
use crate::store::tickets::Ticket;
use crate::store::{Stamp, Stored, Stores, bots::Bot};

/// Time to open the socket.
const LIFE: SignedDuration = SignedDuration::from_secs(60);

/// For which bot.
#[derive(Debug, Deserialize, ToSchema)]
pub struct TicketRequest {
    #[schema(value_type = String)]
    pub bot_id: BotId,
}

/// Opens one socket, once.
#[derive(Debug, Serialize, ToSchema)]
pub struct TicketView {
    pub ticket: String,
    /// RFC 3339, UTC.
    pub expires_at: String,
    /// Where to connect on a worker; the ticket goes into its query.
    #[schema(example = "/talk/faq")]
    pub path: String,
}

/// A ticket to talk to one of the tenant's bots.
#[instrument(name = "talk.issue", skip_all, fields(bot.id = %body.0.bot_id))]
pub async fn issue(
    who: Allowed<TalkToBots>,
    trail: Trail,
    stores: Data<Stores>,
    clock: Data<Clock>,
    body: Checked<TicketRequest>,
) -> ApiResult<(Json<TicketView>, StatusCode)> {
    trail.concerns(body.0.bot_id.as_str());
    let bot = stores.bots(who.reach()).get_bot(&body.0.bot_id).await?;
    ticket((&stores, &clock), who.reach().tenant(), &bot).await
}

/// Make and store a ticket for an enabled bot.
pub async fn ticket(
    (stores, clock): (&Stores, &Clock),
    tenant: &TenantId,
    bot: &Stored<Bot>,
) -> ApiResult<(Json<TicketView>, StatusCode)> {
    if !bot.value.settings.enabled {
        return Err(ApiError::conflict("bot_disabled", "the bot is disabled; enable it first"));
    }
    let bot_id: BotId = bot.id.parse().expect("bots are stored under bot ids");
    let text = secret_token::generate();
    let expires_at = Stamp(clock.now().saturating_add(LIFE).unwrap_or(Timestamp::MAX));
    let path = format!("/talk/{bot_id}");
    let ticket = Ticket { tenant_id: tenant.clone(), bot_id, expires_at, spent_by: None, of_page: None };
    stores.tickets().insert_ticket(&secret_token::hash(&text), &ticket).await?;
    Ok((Json(TicketView { ticket: text, expires_at: expires_at.to_string(), path }), StatusCode::CREATED))
}
