//! The control plane of Vox: the HTTP API, authentication, bots, runtime config, results, calls, recordings, and the
//! registry of workers. All durable state is here; no audio is.

pub mod api;
pub mod app;
pub mod audit;
pub mod auth;
pub mod billing;
pub mod bot;
pub mod canonical;
pub mod carrier;
pub mod commands;
pub mod config;
pub mod coordination;
pub mod copy;
pub mod crm;
pub mod custody;
pub mod delivery;
pub mod deployment;
pub mod dialout;
pub mod edge;
pub mod error;
pub mod fields;
pub mod first_start;
pub mod fleet;
pub mod jobs;
pub mod live;
pub mod metrics;
pub mod objects;
pub mod readiness;
pub mod ready;
pub mod routes;
pub mod runtime;
pub mod serve;
pub mod store;
pub mod vault;
