//! The media runtime: one process, one call. Transports at one edge, vendors at the other, between them a pure session
//! machine that decides and an actor that carries out.

pub mod media;
pub mod provider;
pub mod session;
pub mod transport;
