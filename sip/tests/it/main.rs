//! The agent and telephones that are not ours: SIPp, with the scenarios beside this file.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod harness;

mod answers_calls;
mod makes_calls;
mod refuses_nonsense;
mod transfers_calls;
