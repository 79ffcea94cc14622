//! The scripted vendors and the chaos proxy, driven from outside by plain clients.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking; the lint spares only the test functions themselves"
)]

mod a_carrier_is_simulated;
mod anthropic_answers;
mod chaos_breaks_connections;
mod clients;
mod deepgram_hears;
mod deepgram_refuses;
mod elevenlabs_refuses;
mod elevenlabs_speaks;
mod faults_strike;
mod gemini_answers;
mod openai_answers;
mod recognisers_refuse;
mod served_from_the_command_line;
