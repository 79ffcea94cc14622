//! Behaviour tests of the crate, one file per behaviour.

mod silero;
