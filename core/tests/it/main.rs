//! Behaviour tests of the crate, one file per behaviour.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod a_bot_has_tools_a_server_and_people;
mod a_call_over_every_line;
mod a_goodbye_is_spoken_to_its_end;
mod bad_input_is_refused;
mod barge_in_stops_speech;
mod breakers_spare_the_next_call;
mod calls_go_on_when_their_worker_dies;
mod calls_outlive_their_control_plane;
mod conformance;
mod conversation_rules;
mod crm_walkthrough;
mod failing_vendors_leave_no_dead_line;
mod full_disks_do_not_end_calls;
mod greetings_are_kept;
mod guarded_lines_ask_for_proof;
mod harness;
mod health_is_a_contract;
mod hosts_are_reached_from_outside;
mod local_engines_talk;
mod long_first_messages_are_taken;
mod mcp_servers_are_asked;
mod metrics_are_as_documented;
#[path = "../../../bridge/tests/it/names_server.rs"]
mod names_server;
mod nginx_stands_before_the_workers;
mod orders_reach_the_running_call;
mod phones_talk_in_livekit_rooms;
mod recordings_reach_the_bucket;
#[expect(dead_code, reason = "most of it is for the tests of the bridge, whose it is")]
#[path = "../../../bridge/tests/it/s3_server.rs"]
mod s3_server;
mod scripted_demo_bots;
mod silent_callers_are_let_go;
mod silero;
mod socket_carriers;
mod stopping_lets_calls_end;
mod supervisors_follow_and_steer_calls;
mod supervisors_sit_in_calls;
mod the_service_manager_is_told;
mod timing;
mod tools_are_called;
mod tools_meet_names_that_lie;
mod traces_hang_together;
mod turns_are_counted_once;
mod unanswered_calls_say_why;
mod untidy_carriers_keep_their_calls;
mod vendor_anthropic;
mod vendor_assemblyai;
mod vendor_aura;
mod vendor_cartesia;
mod vendor_chatterbox;
mod vendor_deepgram;
mod vendor_elevenlabs;
mod vendor_elevenlabs_http;
mod vendor_flux;
mod vendor_flux_voices;
mod vendor_gemini;
mod vendor_gemini_keeps_prompts;
mod vendor_openai;
mod vendor_resemble;
mod vendor_responses;
mod vendor_sarvam;
mod vendor_sarvam_voices;
mod vendor_soniox;
mod vendor_soniox_voices;
mod vendor_speech;
mod vendor_transcription;
mod vendor_vertex;
mod virtual_time;
mod visitors_talk_in_livekit_rooms;
mod warm_transfers_in_livekit_rooms;
mod what_is_hidden_is_in_no_store;
mod words_stand_where_they_are_heard;
