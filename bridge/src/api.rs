//! The HTTP API: one folder per resource, one file per endpoint. A handler decodes, calls and encodes; rules live in the
//! domain, queries in the stores. `bots/create.rs` is the example to follow.

pub mod analytics;
pub mod api_keys;
pub mod audit;
pub mod auth;
pub mod bots;
pub mod calls;
pub mod carriers;
pub mod config;
pub mod dialout;
pub mod dnc;
pub mod erasures;
pub mod events;
pub mod fleet;
pub mod integrations;
pub mod internal;
pub mod invitations;
pub mod jobs;
pub mod plans;
pub mod prices;
pub mod quota;
pub mod recordings;
pub mod reports;
pub mod results;
pub mod settings;
pub mod sip;
pub mod statements;
pub mod system;
pub mod talk;
pub mod telemetry;
pub mod tenants;
pub mod usage;
pub mod users;
pub mod vendors;
pub mod voices;
pub mod webhooks;
