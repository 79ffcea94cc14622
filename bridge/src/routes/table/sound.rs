//! Sounds of bots.

use actix_web::http::Method;

use crate::api::sounds;
use crate::auth::permission as may;
use crate::routes::doc::Doc;
use crate::routes::row::row;
use crate::routes::{Access, Route};

pub(super) fn routes() -> Vec<Route> {
    const ALL: &str = "/api/v1/sounds";
    let (see, edit) = (Access::with::<may::ReadBots>(), Access::with::<may::EditBots>());
    vec![
        row(
            (Method::GET, ALL),
            see,
            sounds::list::list,
            Doc::new("sounds", "List sounds").answers::<sounds::list::SoundList>("200", "All of them"),
        ),
        row(
            (Method::POST, ALL),
            edit,
            sounds::create::create,
            Doc::new("sounds", "Keep a sound for bots")
                .body::<sounds::create::NewSound>()
                .answers::<sounds::view::SoundView>("201", "It is kept")
                .refuses("409", "The tenant has as many sounds as it may"),
        ),
        row(
            (Method::DELETE, "/api/v1/sounds/{sound_id}"),
            edit,
            sounds::delete::delete,
            Doc::new("sounds", "Delete a sound")
                .answers_empty("204", "It is gone")
                .refuses("409", "A bot names it"),
        ),
        row(
            (Method::GET, "/api/v1/sounds/{sound_id}/wav"),
            see,
            sounds::wav::wav,
            Doc::new("sounds", "Hear a sound").answers_with("200", "audio/wav", "16 kHz, mono, 16 bit"),
        ),
        row(
            (Method::GET, "/api/v1/internal/calls/{session_id}/sounds/{sound_id}"),
            Access::OfCall,
            sounds::wav::wav_of_call,
            Doc::new("core", "A sound of a call's bot").answers_with(
                "200",
                "audio/wav",
                "16 kHz, mono, 16 bit",
            ),
        ),
    ]
}
