//! The rows, in a file for each resource.

mod alias;
mod analytics;
mod api_key;
mod audit;
mod auth;
mod bot;
mod bot_version;
mod call;
mod campaign;
mod carrier;
mod core;
mod crm;
mod custody;
mod demo;
mod dialler;
mod dialout;
mod dnc;
mod event;
mod fleet;
mod integration;
mod internal;
mod invitation;
mod job;
mod livekit;
mod plan;
mod price;
mod recording;
mod report;
mod settings;
mod sound;
mod system;
mod talk;
mod tenant;
mod usage;
mod user;
mod vendor;
mod voice;
mod webhook;
mod widget;

use super::Route;

/// Every route.
pub fn table() -> Vec<Route> {
    [
        auth::routes(),
        user::routes(),
        invitation::routes(),
        tenant::routes(),
        api_key::routes(),
        bot::routes(),
        bot_version::routes(),
        call::routes(),
        analytics::routes(),
        custody::routes(),
        crm::routes(),
        recording::routes(),
        report::routes(),
        core::routes(),
        fleet::routes(),
        campaign::routes(),
        dialler::routes(),
        dialout::routes(),
        dnc::routes(),
        carrier::routes(),
        integration::routes(),
        alias::routes(),
        talk::routes(),
        widget::routes(),
        livekit::routes(),
        internal::routes(),
        plan::routes(),
        price::routes(),
        usage::routes(),
        vendor::routes(),
        voice::routes(),
        sound::routes(),
        settings::routes(),
        audit::routes(),
        event::routes(),
        job::routes(),
        webhook::routes(),
        system::routes(),
        demo::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
