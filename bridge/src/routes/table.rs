//! The rows, in a file for each resource.

mod api_key;
mod audit;
mod auth;
mod bot;
mod call;
mod core;
mod fleet;
mod internal;
mod invitation;
mod recording;
mod system;
mod talk;
mod tenant;
mod user;
mod vendor;

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
        call::routes(),
        recording::routes(),
        core::routes(),
        fleet::routes(),
        talk::routes(),
        internal::routes(),
        vendor::routes(),
        audit::routes(),
        system::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
