//! The running calls of a tenant.

pub mod events;
pub mod list;

use crate::edge::sse::Streams;
use crate::live::Live;
use crate::store::Stores;

/// What running calls are watched with.
#[derive(Clone)]
pub struct Watch {
    pub live: Live,
    pub stores: Stores,
    pub streams: Streams,
}
