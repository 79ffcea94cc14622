//! The tones of telephones: which of them sounds, in what rhythm.

pub mod fax;
pub mod progress;
pub mod sit;
pub mod steady;

pub use sit::SitKind;
