//! `POST /api/v1/bots/{bot_id}/crm/test`

use actix_web::web::{Data, Json};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::egress::HostRules;
use vox_shared::ids::{BotId, SessionId};

use crate::auth::allowed::Allowed;
use crate::auth::permission::{EditBots, ReadCalls};
use crate::bot::hours;
use crate::bot::template::{self, Variables};
use crate::crm::Crm;
use crate::crm::exchange::{Answer, Filled, fill, send};
use crate::crm::prefetch::{deadline, fields};
use crate::crm::settings::{Exchange, Method, Which};
use crate::delivery::exchange::{DEADLINE, new_attempt};
use crate::edge::body::Checked;
use crate::edge::params::InPath;
use crate::error::{ApiError, ApiResult};
use crate::fields::{FieldError, typed};
use crate::store::Stamp;
use crate::store::bots::Bot;
use crate::store::deliveries::Attempt;

/// What is tried.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CrmTest {
    which: Which,
    /// An ended call of this bot, whose values are taken. Who names one must be allowed to read calls.
    #[schema(value_type = Option<String>)]
    session_id: Option<SessionId>,
    /// Without a call: what `{{call.…}}` is.
    #[serde(default)]
    #[schema(value_type = Object)]
    call: Map<String, Value>,
    /// Without a call: what `{{crm.…}}` is.
    #[serde(default)]
    #[schema(value_type = Object)]
    crm: Map<String, Value>,
    /// Without a call: what `{{result.…}}` is.
    #[serde(default)]
    #[schema(value_type = Object)]
    result: Map<String, Value>,
}

/// What was sent and what came back.
#[derive(Debug, Serialize, ToSchema)]
pub struct CrmTested {
    /// Null when this call's values make no request.
    request: Option<SentRequest>,
    /// Its `error` is null when all went well.
    attempt: Attempt,
    /// Of a pre-fetch: what `crm.*` would be.
    #[schema(value_type = Option<Object>)]
    fields: Option<Map<String, Value>>,
}

/// A request as it was sent, without the values of its headers.
#[derive(Debug, Serialize, ToSchema)]
pub struct SentRequest {
    method: Method,
    url: String,
    headers: Vec<String>,
    body: Option<Value>,
}

/// Try a bot's CRM now, enabled or not. What came of it is the answer, and nothing is stored.
#[instrument(name = "bots.crm.test", skip_all, fields(bot.id = %bot.0))]
pub async fn test(
    who: Allowed<EditBots>,
    bot: InPath<BotId>,
    crm: Data<Crm>,
    body: Checked<Value>,
) -> ApiResult<Json<CrmTested>> {
    let found = crm.stores.bots(who.reach()).get_bot(&bot.0).await?;
    let asked: CrmTest = typed(body.0).map_err(|fault| ApiError::invalid(vec![fault]))?;
    let settings = crm.stores.crm(who.reach().tenant()).get_integration(&bot.0).await?.value.settings;
    let exchange = match asked.which {
        Which::Prefetch => settings.prefetch,
        Which::Push => settings.push,
    };
    let exchange = exchange.ok_or_else(|| unset(asked.which))?;
    let variables = match &asked.session_id {
        None => example(&crm, &found.value, &asked),
        Some(_) if !who.may::<ReadCalls>() => {
            return Err(not_of_bot());
        }
        Some(session) => {
            let call = crm.stores.calls(who.reach()).get_call(session).await?;
            if call.value.bot_id != bot.0 {
                return Err(not_of_bot());
            }
            crm.variables(&call).await?
        }
    };
    let rules = crm.stores.tenants().egress_rules(who.reach().tenant()).await?;
    Ok(Json(tried((&crm, &rules), asked.which, &exchange, &variables).await))
}

fn unset(which: Which) -> ApiError {
    let message = format!("the bot has no {}; set it with PUT …/crm", which.as_str());
    ApiError::invalid(vec![FieldError::new("which", message)])
}

fn not_of_bot() -> ApiError {
    ApiError::invalid(vec![FieldError::new("session_id", "must be a call of this bot that you may read")])
}

fn example(crm: &Crm, bot: &Bot, asked: &CrmTest) -> Variables {
    let zone = &bot.settings.timezone;
    Variables {
        call: asked.call.clone(),
        crm: asked.crm.clone(),
        result: asked.result.clone(),
        system: template::system(crm.clock.now(), &hours::zone(zone), zone),
        bot: bot.settings.variables.clone(),
        ..Variables::default()
    }
}

async fn tried(
    (crm, rules): (&Crm, &HostRules),
    which: Which,
    exchange: &Exchange,
    variables: &Variables,
) -> CrmTested {
    let now = Stamp(crm.clock.now());
    let filled = match fill(exchange, variables) {
        Ok(filled) => filled,
        Err(failure) => {
            let attempt = Attempt { error: Some(failure.detail), ..new_attempt(now) };
            return CrmTested { request: None, attempt, fields: None };
        }
    };
    let (id, within) = match which {
        Which::Prefetch => (None, deadline(exchange)),
        Which::Push => (Some("test"), DEADLINE),
    };
    let mut answer = send((&crm.egress, rules), (exchange, &filled), id, (now, within)).await;
    let fields = match which {
        Which::Prefetch => told(&mut answer),
        Which::Push => None,
    };
    CrmTested { request: Some(shown(exchange, filled)), attempt: answer.attempt, fields }
}

/// The fields, or in the attempt why there are none.
fn told(answer: &mut Answer) -> Option<Map<String, Value>> {
    match fields(answer) {
        Ok(fields) => Some(fields),
        Err(fault) => {
            answer.attempt.error = Some(fault);
            None
        }
    }
}

fn shown(exchange: &Exchange, filled: Filled) -> SentRequest {
    SentRequest {
        method: exchange.method,
        url: filled.url.to_string(),
        headers: exchange.headers.iter().map(|header| header.name.clone()).collect(),
        body: filled.body,
    }
}
