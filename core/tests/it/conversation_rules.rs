//! The rules of the conversation, one test each: a scripted call in virtual time, without network, sound or sleep.

mod agent;
mod answering;
mod consulting;
mod ending;
mod guarding;
mod interrupting;
mod keying;
mod languages;
mod late_words;
mod limits;
mod listening;
mod machines;
mod never_dead;
mod noise;
mod orders;
mod recap;
mod replay;
mod scene;
mod speech_model;
mod stalls;
mod successor;
mod supervising;
mod thinking;
mod tools;
mod typing;
mod wording;
