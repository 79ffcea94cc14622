//! For tests: the servers that they need. Each is a fresh one that a script of this repository runs on loopback, on ports and in a
//! folder of its own, and it ends with its value: also when the test fails or is killed. A server that is not installed fails the test,
//! with the command that installs it. Beside them what tests of sound share: free ports for telephones, tones.
//!
//! Starting a server blocks. A test whose runtime has other work to do meanwhile starts it on a thread for what blocks.

mod livekit;
mod ports;
mod redis;
mod script;
mod tone;

pub use livekit::LiveKitServer;
pub use ports::free_address;
pub use redis::RedisServer;
pub use script::Script;
pub use tone::{power, tone};
