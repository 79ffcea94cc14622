//! Behaviour tests of the dialler: its engine in this process, the real bridge, and the simulated carrier with its workers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod calls_go_on_without_their_dialler;
mod campaigns_run_to_their_end;
mod first_calls_that_all_fail_stop_the_campaign;
mod harness;
mod previews_wait_for_a_person;
mod refusals_of_the_bridge_are_understood;
mod results_are_those_of_the_reference;
mod rooms_that_are_left_are_found;
mod rooms_that_make_themselves_stop_campaigns;
