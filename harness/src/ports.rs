//! Ports for programs that have to be told theirs.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

/// What no other process is given while this one lives.
static HELD: Mutex<Vec<File>> = Mutex::new(Vec::new());

/// [`vox_shared::ports::free_address`], and no other test is given the same one while this process lives: it may take seconds until its
/// program has bound it.
///
/// # Panics
/// When the machine gives none.
pub fn free_address() -> SocketAddr {
    let place = std::env::temp_dir().join(format!("vox-test-ports-{}", rustix::process::getuid().as_raw()));
    fs::create_dir_all(&place).expect("a folder for the ports that are given");
    loop {
        let address = vox_shared::ports::free_address().expect("loopback has a free port");
        let claim = File::create(place.join(address.port().to_string())).expect("a file for a port");
        if claim.try_lock().is_ok() {
            HELD.lock().unwrap_or_else(PoisonError::into_inner).push(claim);
            return address;
        }
    }
}
