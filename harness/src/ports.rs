//! Ports for programs that have to be told theirs.

use std::net::SocketAddr;

/// [`vox_shared::ports::free_address`].
///
/// # Panics
/// When the machine gives none.
pub fn free_address() -> SocketAddr {
    vox_shared::ports::free_address().expect("loopback has a free port")
}
