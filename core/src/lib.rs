//! The media runtime: one process, one call. Transports at one edge, vendors at the other, between them a pure session
//! machine that decides and an actor that carries out.

pub mod access;
pub mod admission;
pub mod app;
pub mod bridge;
pub mod call;
pub mod carrier;
pub mod config;
pub mod courier;
pub mod handover;
pub mod journal;
pub mod media;
pub mod metrics;
pub mod provider;
pub mod registration;
pub mod routes;
pub mod server;
pub mod session;
pub mod slot;
pub mod transport;
pub mod wreck;
