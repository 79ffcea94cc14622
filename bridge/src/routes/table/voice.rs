//! Voices, under our words and those of other programs.

use actix_web::http::Method;

use crate::api::voices;
use crate::auth::permission as may;
use crate::routes::doc::Doc;
use crate::routes::row::row;
use crate::routes::{Access, Route};

pub(super) fn routes() -> Vec<Route> {
    let (see, edit) = (Access::with::<may::ReadBots>(), Access::with::<may::EditVoices>());
    let mut routes = Vec::new();
    for (tag, all, one) in [
        ("voices", "/api/v1/voices", "/api/v1/voices/{voice_id}"),
        ("aliases", "/v1/voices", "/v1/voices/{voice_id}"),
    ] {
        routes.extend([
            row(
                (Method::GET, all),
                see,
                voices::list::list,
                Doc::new(tag, "List voices of vendors and of the tenant")
                    .answers::<voices::list::VoiceCatalogue>("200", "All of them"),
            ),
            row(
                (Method::POST, all),
                edit,
                voices::create::create,
                Doc::new(tag, "Make a voice from a clip")
                    .header("Idempotency-Key", "A repeat finds the voice that the first request began")
                    .body::<crate::voice::wish::NewVoice>()
                    .answers::<voices::view::VoiceView>("202", "The vendor is being asked")
                    .refuses("409", "The tenant has as many voices as it may"),
            ),
            row(
                (Method::GET, one),
                see,
                voices::read::read,
                Doc::new(tag, "Read a voice").answers::<voices::view::VoiceView>("200", "The voice"),
            ),
            row(
                (Method::DELETE, one),
                edit,
                voices::delete::delete,
                Doc::new(tag, "Delete a voice")
                    .answers::<voices::view::VoiceView>("202", "The vendor is being asked")
                    .refuses("409", "A bot names it, or it is just being made"),
            ),
        ]);
    }
    routes.push(row(
        (Method::GET, "/api/v1/voices/{voice_id}/clip"),
        edit,
        voices::clip::clip,
        Doc::new("voices", "Clip of a voice").answers_with(
            "200",
            "audio/wav",
            "The clip as it was sent: WAV, MP3 or Ogg",
        ),
    ));
    routes
}
