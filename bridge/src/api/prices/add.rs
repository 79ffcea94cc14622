//! `POST /api/v1/prices`

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use jiff::Timestamp;
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::catalogue::{LANGUAGE_MODELS, RECOGNISERS, VOICES, Vendor};
use vox_shared::clock::Clock;
use vox_shared::ids::PriceId;

use super::view::PriceView;
use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditPrices;
use crate::billing::cost::{MAX_PER, MAX_PRICE};
use crate::edge::body::Checked;
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;
use crate::store::prices::{Price, Unit};
use crate::store::{Stamp, Stores};

/// Longest name of a model, characters.
const MAX_MODEL: usize = 64;

/// A price to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceRequest {
    /// `stt`, `llm` or `tts`.
    service: String,
    /// A vendor of that service, as in a bot's settings.
    vendor: String,
    /// As in a bot's settings; left out for models that have no price of their own.
    #[serde(default)]
    model: String,
    unit: Unit,
    /// Millionths of the currency for `per` units: 0 to 1,000,000,000,000.
    money: i64,
    /// 1 to 1,000,000,000: 60 `seconds` for a price per minute, 1,000,000 `tokens_in`.
    per: i64,
    /// RFC 3339; now when left out. For calls that begin then or later.
    effective_from: Option<String>,
}

/// Add a price. It takes the place of older ones of the same service, vendor, model and unit from its instant on.
#[instrument(name = "prices.add", skip_all)]
pub async fn add(
    _: Allowed<EditPrices>,
    trail: Trail,
    stores: Data<Stores>,
    clock: Data<Clock>,
    body: Checked<PriceRequest>,
) -> ApiResult<(Json<PriceView>, StatusCode)> {
    let price = checked(body.0, clock.now()).map_err(ApiError::invalid)?;
    let id = PriceId::generate();
    stores.prices().insert_price(&id, &price).await?;
    trail.concerns(id.as_str());
    Ok((Json(PriceView::of(id.to_string(), price)), StatusCode::CREATED))
}

fn checked(body: PriceRequest, now: Timestamp) -> Result<Price, Vec<FieldError>> {
    let mut faults = Vec::new();
    let mut unless = |good: bool, path: &str, message: String| {
        if !good {
            faults.push(FieldError::new(path, message));
        }
    };
    let vendors = vendors(&body.service);
    unless(vendors.is_some(), "service", "must be stt, llm or tts".into());
    if let Some(vendors) = vendors {
        let names: Vec<&str> = vendors.iter().map(|vendor| vendor.name).collect();
        unless(
            names.contains(&body.vendor.as_str()),
            "vendor",
            format!("must be one of {}", names.join(", ")),
        );
    }
    let is_name = body.model.chars().count() <= MAX_MODEL && !body.model.chars().any(char::is_control);
    unless(is_name, "model", format!("must be at most {MAX_MODEL} characters"));
    unless((0..=MAX_PRICE).contains(&body.money), "money", format!("must be 0 to {MAX_PRICE}"));
    unless((1..=MAX_PER).contains(&body.per), "per", format!("must be 1 to {MAX_PER}"));
    let effective_from = match body.effective_from.as_deref().map(str::parse::<Timestamp>) {
        None => now,
        Some(Ok(at)) => at,
        Some(Err(_)) => {
            unless(false, "effective_from", "must be RFC 3339, like 2027-01-31T00:00:00Z".into());
            now
        }
    };
    let PriceRequest { service, vendor, model, unit, money, per, .. } = body;
    let (effective_from, created_at) = (Stamp(effective_from), Stamp(now));
    let price = Price { service, vendor, model, unit, money, per, effective_from, created_at };
    if faults.is_empty() { Ok(price) } else { Err(faults) }
}

fn vendors(service: &str) -> Option<&'static [&'static Vendor]> {
    match service {
        "stt" => Some(RECOGNISERS),
        "llm" => Some(LANGUAGE_MODELS),
        "tts" => Some(VOICES),
        _ => None,
    }
}
