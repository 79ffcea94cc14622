//! Behaviour tests of the crate, one file per behaviour.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod a_call_from_the_command_line;
mod a_campaign_from_the_command_line;
mod a_platform_comes_up;
mod a_stop_waits_for_calls;
mod arguments_are_explained;
mod calls_are_handed_to_free_workers;
mod doctor_finds_what_is_wrong;
mod doctor_knows_livekit;
mod fake_worker;
mod full_and_wrong_requests_are_refused;
mod platform;
mod raw_client;
