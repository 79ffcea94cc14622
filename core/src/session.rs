//! The conversation as a pure state machine.
