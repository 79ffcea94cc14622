//! Recordings.

use actix_web::http::Method;

use crate::api::recordings;
use crate::auth::permission as may;
use crate::edge::UPLOAD_DEADLINE;
use crate::routes::doc::Doc;
use crate::routes::row::{row, slow_row};
use crate::routes::{Access, Route};

pub(super) fn routes() -> Vec<Route> {
    let audio = |doc: Doc| {
        doc.header("Range", "One range of bytes")
            .answers_with("200", "audio/wav", "The recording: caller left, bot right")
            .answers_with("206", "audio/wav", "A part of it")
            .refuses("404", "No such recording")
            .refuses("416", "The range lies outside")
    };
    vec![
        row(
            (Method::GET, "/api/v1/recordings/{session_id}"),
            Access::with::<may::ListenToRecordings>(),
            recordings::by_session::by_session,
            audio(Doc::new("recordings", "Recording of a call")),
        ),
        row(
            (Method::GET, "/api/v1/recordings/{session_id}/check"),
            Access::with::<may::CheckRecordings>(),
            recordings::check::check,
            Doc::new("recordings", "Why a recording does not play")
                .answers::<recordings::check::RecordingCheck>("200", "What was tried, each with its result")
                .refuses("503", "`too_many_readings`: others are just being checked"),
        ),
        row(
            (Method::GET, "/api/v1/public/recordings/{token}"),
            Access::Public,
            recordings::by_token::by_token,
            audio(Doc::new("recordings", "Recording by its link")).answers_with(
                "307",
                "text/plain",
                "It is at the store's own address, for 24 hours",
            ),
        ),
        slow_row(
            (Method::PUT, "/api/v1/internal/recordings/{key}"),
            Access::OfCall,
            (recordings::upload::upload, UPLOAD_DEADLINE),
            Doc::new("recordings", "Upload a recording")
                .header("x-content-sha256", "Hex; the upload is refused if it does not match")
                .bytes_body("audio/wav")
                .answers::<recordings::upload::Uploaded>("200", "It is durable"),
        ),
        row(
            (Method::POST, "/api/v1/internal/recordings/{key}/direct"),
            Access::OfCall,
            recordings::direct::begin::begin,
            Doc::new("recordings", "Where a recording is to be put")
                .json_body("The upload request, version 1")
                .answers_with(
                    "200",
                    "application/json",
                    "`how` is `bridge`, or `direct` with the parts that are there and addresses for others",
                ),
        ),
        slow_row(
            (Method::POST, "/api/v1/internal/recordings/{key}/direct/complete"),
            Access::OfCall,
            (recordings::direct::complete::complete, UPLOAD_DEADLINE),
            Doc::new("recordings", "Put a recording together")
                .json_body("The complete request, version 1")
                .answers::<recordings::upload::Uploaded>("200", "It is durable, and what was announced")
                .refuses("409", "`parts_missing`, or `upload_gone`: begin it anew")
                .refuses("422", "`wrong_hash`: it does not open as what was announced, and is not kept")
                .refuses("503", "`too_many_readings`: others are just read back; ask again"),
        ),
    ]
}
