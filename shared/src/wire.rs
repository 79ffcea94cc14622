//! Messages between bridge, core and command line. Each carries a version; a newer reader accepts the golden files of
//! the version before.

pub mod answered;
pub mod answers;
pub mod config;
pub mod dialler;
pub mod fleet;
pub mod handover;
pub mod journal;
pub mod limits;
pub mod live;
pub mod order;
pub mod permit;
pub mod proof;
pub mod refusal;
pub mod result;
pub mod seat;
pub mod supervision;
pub mod upload;

/// The header that carries the deployment's internal secret.
pub const SECRET_HEADER: &str = "x-voxcore-secret";
/// The header that carries the outbox's number of a delivered result: the body is delivered as it was written.
pub const SEQ_HEADER: &str = "x-vox-seq";
/// The header that announces the SHA-256 of an uploaded recording, hex. It is stored only if that is what arrived.
pub const HASH_HEADER: &str = "x-content-sha256";
/// Version of the messages written by this build.
pub const WIRE_VERSION: u32 = 1;

fn wire_version() -> u32 {
    WIRE_VERSION
}
