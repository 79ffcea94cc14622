//! Behaviour tests of the crate, one file per behaviour.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod harness;

mod api_keys_are_made_and_end;
mod api_keys_may_be_limited_to_bots;
mod audit_chains_are_checked;
mod audit_costs_one_write_an_entry;
mod bots_are_copied_and_restored;
mod bots_are_validated_and_versioned;
mod bots_have_tools;
mod bots_have_versions;
#[cfg(all(feature = "mongodb", feature = "redis"))]
mod bridges_share_their_jobs;
mod bridges_share_their_limits;
mod budgets_are_kept;
mod calls_are_added_up;
mod calls_are_analysed;
mod calls_are_charged;
mod calls_are_deleted;
mod calls_are_found_by_their_words;
mod calls_are_judged_by_rule;
mod calls_are_listed_and_exported;
mod calls_are_routed;
mod calls_are_summed_up;
mod calls_cool;
mod carriers_and_their_numbers;
mod carriers_are_known_to_livekit;
mod carriers_sign_their_lines;
mod claims_are_held_to_what_was_said;
mod clients_that_never_read_are_cut;
mod config_is_handed_out;
mod config_requests_are_logged;
mod connections_keep_to_the_protocol;
mod coordination_conformance;
mod crm_is_asked_and_told;
mod cross_origin_pages_may_ask;
mod damage_is_told_from_absence;
mod deployments_are_moved;
mod dialout_places_calls;
mod engine_conformance;
mod events_are_told_in_their_order;
#[cfg(feature = "redis")]
mod events_are_told_on_channels;
mod exotel_is_integrated;
mod expired_documents_are_swept;
mod first_start_fills_an_empty_store;
mod forged_tokens_are_refused;
mod hosts_are_polled;
mod invitations_are_good_once;
mod jobs_are_done_once;
mod jobs_come_by_the_calendar;
mod keys_are_rotated;
mod kill_safety;
mod lines_may_be_guarded;
mod livekit_brings_calls;
mod logins_are_limited;
mod lost_calls_are_closed;
mod metrics_of_calls;
mod mongodb_may_go_away;
mod names_server;
mod names_that_lie;
mod numbers_may_be_barred;
mod object_conformance;
mod old_stores_are_brought_up_to_date;
mod oversized_bodies_are_answered;
mod people_are_erased;
mod people_of_lower_ranks_are_managed;
mod providers_sign_people_in;
mod quotas_are_kept;
mod readiness_is_told;
mod recordings_are_sealed;
mod recordings_are_stored_and_served;
#[cfg(feature = "s3")]
mod recordings_go_straight_to_the_bucket;
#[cfg(feature = "redis")]
mod redis_may_go_away;
mod requests_are_limited;
mod results_are_recorded_once;
mod results_are_settled_together;
mod route_table;
mod running_calls_are_followed;
#[cfg(feature = "s3")]
mod s3_is_away;
#[cfg(feature = "s3")]
mod s3_is_checked;
#[cfg(feature = "s3")]
mod s3_server;
mod second_factors_are_asked_for;
mod secrets_are_sealed;
mod services_for_developers;
mod sessions_rotate;
mod settings_are_kept;
mod slots_are_reserved;
mod streams_of_events;
mod supervisors_ask_for_seats;
mod telemetry_is_told;
mod tenants_are_apart;
mod tenants_are_removed;
mod tenants_come_and_go;
mod tenants_have_egress_rules;
mod the_last_slot_is_taken_once;
mod tickets_are_single_use;
mod tokens_of_calls;
mod usage_is_as_new_as_the_ledger;
mod users_have_ranks;
mod vendors_are_tried;
mod visitors_of_pages;
mod voices_are_made_from_clips;
mod voices_meet_others;
mod webhooks_are_delivered;
mod what_follows_is_moved;
mod what_follows_is_traced;
mod what_is_hidden_is_not_stored;
mod widgets_are_shown;
mod workers_register;
mod writes_are_audited;
