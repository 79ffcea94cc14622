//! A tenant's account with Exotel, its numbers, and a call to try it.

pub mod dids;
pub mod read;
pub mod remove;
pub mod replace;
pub mod test_call;
pub mod view;
