//! For tests: the servers that they need. Each is a fresh one that a script of this repository runs on loopback, on ports and in a
//! folder of its own, and it ends with its value: also when the test fails or is killed. A server that is not installed fails the test,
//! with the command that installs it. Beside them a bridge that answers by a script, and what tests of sound share: free ports for telephones, tones, and chance that can be repeated.
//!
//! Starting a server blocks. A test whose runtime has other work to do meanwhile starts it on a thread for what blocks.

mod kept;
mod livekit;
mod ports;
mod random;
mod redis;
mod script;
mod scripted;
mod tone;

pub use kept::Kept;
pub use livekit::LiveKitServer;
pub use ports::free_address;
pub use random::Random;
pub use redis::RedisServer;
pub use script::{Script, signal_all};
pub use scripted::scripted_bridge;
pub use tone::{power, tone};
