//! What the vendors of a call cost, handed out with its config when the call has a budget: by that the worker holds it to the budget.

use vox_shared::model::bot::BotSettings;
use vox_shared::price::Rate;

use super::memory::Memory;
use crate::billing::cost::PriceList;
use crate::bot::keys::Keyed;
use crate::store::{Stamp, StoreError};

/// The rates of a bot's vendors, fallbacks too, for a call that began at this instant; none for a call without a budget.
pub async fn of(memory: &Memory, settings: &BotSettings, at: Stamp) -> Result<Vec<Rate>, StoreError> {
    match settings.limits.max_cost_micros {
        Some(_) => of_vendors(memory, settings, at).await,
        None => Ok(Vec::new()),
    }
}

/// The same whether there is a budget or not: of a call that is handed over, which may have one from before.
pub async fn of_vendors(memory: &Memory, settings: &BotSettings, at: Stamp) -> Result<Vec<Rate>, StoreError> {
    let mut used: Vec<(&str, &str, &str)> = Vec::new();
    name("stt", &settings.stt, &mut used);
    name("llm", &settings.llm, &mut used);
    name("tts", &settings.tts, &mut used);
    used.sort_unstable();
    used.dedup();
    let mut vendors: Vec<&str> = used.iter().map(|(_, vendor, _)| *vendor).collect();
    vendors.sort_unstable();
    vendors.dedup();
    let prices = PriceList::read(memory, vendors.into_iter(), at).await?;
    Ok(used.into_iter().flat_map(|of| prices.rates(of)).collect())
}

fn name<'a, T: Keyed>(service: &'a str, entry: &'a T, used: &mut Vec<(&'a str, &'a str, &'a str)>) {
    used.push((service, entry.provider(), entry.model()));
    entry.fallbacks().iter().for_each(|fallback| name(service, fallback, used));
}
