//! The HTTP side: handshakes, speech over HTTP, and the key checks.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Extension, Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, Path, WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::{
    clones::{self, Clones},
    format::Format,
    habit::Habit,
    query::{Wanted, check_model},
    refusal::{Trouble, scripted, unprocessable},
    script::Script,
    session::{Endpoint, Opening, Session, Tongue},
    speech::Manner,
    visit::{Visit, admit, offered_key},
};
use crate::vendor::{
    faults::Cut,
    host::{Ask, MAX_CLIENT_BYTES, Record, Shared},
    line::Line,
    observe::Ending,
    speaking::Voice,
};

type App = Arc<Shared<Script>>;

/// The longest text of one HTTP request.
const MAX_TEXT_CHARS: usize = 40_000;
/// Pieces between the voice and the socket.
const IN_FLIGHT: usize = 1;

pub(crate) fn routes(app: App) -> Router {
    Router::new()
        .route("/v1/text-to-speech/{voice}/multi-stream-input", get(multi))
        .route("/v1/text-to-speech/{voice}/stream-input", get(single))
        .route("/v1/text-to-speech/{voice}/stream", post(speak))
        .route("/v1/text-to-speech/{voice}/stream/with-timestamps", post(speak_timed))
        .route("/v1/text-to-speech/{voice}", post(speak))
        .route("/v1/user", get(check))
        .route("/v1/user/subscription", get(check))
        .route("/v1/voices/{voice}", get(check).delete(clones::remove))
        .route("/v1/voices/add", post(clones::add))
        .route("/v2/voices", get(clones::search))
        .layer(Extension(Clones::default()))
        .layer(DefaultBodyLimit::max(MAX_CLIENT_BYTES))
        .with_state(app)
}

async fn multi(
    visit: Visit,
    voice: Path<String>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    open(visit, Endpoint::Multi, voice, upgrade).await
}

async fn single(
    visit: Visit,
    voice: Path<String>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    open(visit, Endpoint::Single, voice, upgrade).await
}

/// Objections to the key, the voice or the query come over the accepted WebSocket, as the key may come in a message.
async fn open(
    visit: Visit,
    endpoint: Endpoint,
    Path(voice): Path<String>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let app = visit.app;
    let ask = Ask::new(&visit.uri, visit.wire);
    let query = ask.query.clone();
    let mut record = app.begin(ask);
    record.before_head().await;
    if let Some(status) = record.faults.status {
        return scripted(status, &record);
    }
    let Ok(upgrade) = upgrade else {
        record.violation("GET without a WebSocket upgrade");
        return Trouble::new("upgrade_required", "This endpoint only accepts WebSocket connections.")
            .respond(426, &record);
    };
    let script = app.script();
    let wanted = check_voice(&script, &voice).and_then(|()| Wanted::parse(&query)).map(|wanted| {
        for name in &wanted.unknown {
            record.violation(format!("unknown query parameter '{name}'"));
        }
        let manner = manner(&script, &voice, wanted.format);
        (wanted, manner)
    });
    let from_query = query.into_iter().find(|(name, _)| name == "authorization").map(|(_, value)| value);
    let opening = Opening { endpoint, wanted, key: offered_key(&visit.headers).or(from_query) };
    record.status(101);
    upgrade.max_message_size(MAX_CLIENT_BYTES).on_upgrade(move |socket| async move {
        let line = Line::new(socket, record, &Tongue);
        Session::run(line, script, opening).await;
    })
}

#[derive(Deserialize)]
struct SpeakBody {
    text: String,
    model_id: Option<String>,
    language_code: Option<String>,
    voice_settings: Option<Map<String, Value>>,
    #[serde(default, rename = "seed")]
    _seed: Option<u32>,
    #[serde(default, rename = "apply_text_normalization")]
    _normalization: Option<String>,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

/// One text over HTTP, streamed as it is spoken.
async fn speak(visit: Visit, Path(voice): Path<String>, sent: Bytes) -> Response {
    answer(visit, voice, sent, Form::Sound).await
}

/// The same as an object a line, with the times of the characters.
async fn speak_timed(visit: Visit, Path(voice): Path<String>, sent: Bytes) -> Response {
    answer(visit, voice, sent, Form::Timed).await
}

/// How the sound of a request is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Sound,
    Timed,
}

async fn answer(visit: Visit, voice: String, sent: Bytes, form: Form) -> Response {
    let app = visit.app;
    let ask = Ask::new(&visit.uri, visit.wire);
    let format = ask.query.iter().find(|(name, _)| name == "output_format").map(|(_, value)| value.clone());
    let mut record = app.begin(ask);
    record.edit(|exchange| exchange.keep_text(&String::from_utf8_lossy(&sent)));
    record.before_head().await;
    let script = app.script();
    if let Some(refusal) = admit(&record, &visit.headers, &script) {
        return refusal;
    }
    let body: SpeakBody = match serde_json::from_slice(&sent) {
        Ok(body) => body,
        Err(error) => return unprocessable(&["body"], &error.to_string(), &record),
    };
    if body.text.trim().is_empty() || body.text.chars().count() > MAX_TEXT_CHARS {
        return unprocessable(&["body", "text"], "the text must have 1 to 40000 characters", &record);
    }
    let format = match Format::parse(format.as_deref()) {
        Ok(format) => format,
        Err(reason) => return unprocessable(&["query", "output_format"], &reason, &record),
    };
    let checked = check_voice(&script, &voice)
        .and_then(|()| check_model(body.model_id.as_deref(), body.language_code.as_deref()));
    if let Err(trouble) = checked {
        record.violation(format!("refused: {}", trouble.message));
        return trouble.respond(400, &record);
    }
    let speed = body.voice_settings.and_then(|settings| settings.get("speed")?.as_f64()).unwrap_or(1.0);
    let manner = manner(&script, &voice, format);
    let manner = Manner { ms_per_char: manner.ms_per_char / speed.clamp(0.7, 1.2), ..manner };
    for name in body.unknown.keys() {
        record.violation(format!("unknown field '{name}'"));
    }
    spoken((record, app.new_id()), (script, manner), form, &body.text)
}

fn spoken(
    (record, id): (Record, String),
    (script, manner): (Arc<Script>, Manner),
    form: Form,
    text: &str,
) -> Response {
    let characters: Vec<char> = text.chars().collect();
    let mut headers = HeaderMap::new();
    let kind = if form == Form::Timed { "application/json" } else { "application/octet-stream" };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert("character-cost", HeaderValue::from(characters.len()));
    headers.insert("current-concurrent-requests", HeaderValue::from(1));
    headers.insert("maximum-concurrent-requests", HeaderValue::from(5));
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert("request-id", id);
    }
    record.status(200);
    let (pieces, receiver) = mpsc::channel::<Result<Bytes, Infallible>>(IN_FLIGHT);
    tokio::spawn(async move { stream_pieces(record, &script, (manner, characters, form), pieces).await });
    (headers, Body::from_stream(ReceiverStream::new(receiver))).into_response()
}

async fn stream_pieces(
    mut record: Record,
    script: &Script,
    (manner, characters, form): (Manner, Vec<char>, Form),
    pieces: mpsc::Sender<Result<Bytes, Infallible>>,
) {
    if record.faults.half_open {
        record.wire.stop_reading();
    }
    if record.faults.is_mute() {
        pieces.closed().await;
        return;
    }
    let mut wait = Duration::from_millis(script.first_audio_ms + record.faults.first_byte_delay_ms);
    let is_mute = script.habits.contains(&Habit::Mute);
    let said = if is_mute { &[][..] } else { &characters[..] };
    let per_piece = manner.chars_per_piece();
    for (index, part) in said.chunks(per_piece).enumerate() {
        if let Some(Cut::Ms(ms)) = record.faults.cut_after {
            let left = Duration::from_millis(ms).saturating_sub(record.began.elapsed());
            wait = wait.min(left);
        }
        tokio::time::sleep(wait + record.jitter()).await;
        let over = match record.faults.cut_after {
            Some(Cut::Messages(most)) => index as u32 >= most,
            Some(Cut::Ms(ms)) => record.began.elapsed() >= Duration::from_millis(ms),
            // HTTP has no close code: the connection is reset.
            None => record.faults.close_code.is_some(),
            Some(Cut::Bytes(_)) => false,
        };
        if over {
            record.ended(Ending::Cut);
            record.wire.reset();
            return;
        }
        let piece = manner.piece(part.to_vec());
        record.edit(|exchange| {
            exchange.audio_bytes += piece.audio.len() as u64;
            exchange.audio_samples += piece.samples;
            exchange.sent_messages += 1;
        });
        wait = if script.realtime_factor > 0.0 {
            Duration::from_secs_f64(piece.duration_ms / script.realtime_factor / 1_000.0)
        } else {
            Duration::ZERO
        };
        let written = match form {
            Form::Sound => Bytes::from(piece.audio),
            Form::Timed => Bytes::from(piece.line(index * per_piece)),
        };
        if pieces.send(Ok(written)).await.is_err() {
            return;
        }
    }
    record.ended(Ending::Answered);
}

/// The account, or a voice: what a client asks to learn whether its key is good.
async fn check(visit: Visit) -> Response {
    let app = visit.app;
    let mut record = app.begin_uncounted(Ask::new(&visit.uri, visit.wire));
    record.before_head().await;
    if record.faults.is_mute() {
        return std::future::pending().await;
    }
    let script = app.script();
    if let Some(refusal) = admit(&record, &visit.headers, &script) {
        return refusal;
    }
    let subscription = json!({
        "tier": "creator", "character_count": 0, "character_limit": 100_000, "status": "active",
        "can_extend_character_limit": false, "allowed_to_extend_character_limit": false,
        "next_character_count_reset_unix": 0, "voice_limit": 30, "can_extend_voice_limit": false,
        "can_use_instant_voice_cloning": true, "can_use_professional_voice_cloning": false
    });
    let body = match visit.uri.path().strip_prefix("/v1/voices/") {
        Some(voice) => match check_voice(&script, voice) {
            Ok(()) => json!({"voice_id": voice, "name": voice, "category": "premade", "labels": {},
                             "available_for_tiers": [], "high_quality_base_model_ids": []}),
            Err(trouble) => return trouble.respond(404, &record),
        },
        None if visit.uri.path().ends_with("/subscription") => subscription,
        None => json!({
            "user_id": "scripted", "subscription": subscription, "is_new_user": false, "can_use_delayed_payment_methods": false,
            "is_onboarding_completed": true, "is_onboarding_checklist_completed": true, "created_at": 0
        }),
    };
    record.status(200);
    record.ended(Ending::Answered);
    axum::Json(body).into_response()
}

fn check_voice(script: &Script, voice: &str) -> Result<(), Trouble> {
    match &script.voices {
        Some(voices) if !voices.iter().any(|known| known == voice) => {
            Err(Trouble::new("voice_not_found", format!("A voice with the voice_id {voice} was not found.")))
        }
        _ => Ok(()),
    }
}

fn manner(script: &Script, voice: &str, format: Format) -> Manner {
    Manner {
        voice: Voice::named(voice),
        format,
        ms_per_char: f64::from(script.ms_per_char.max(1)),
        chunk_ms: script.chunk_ms,
    }
}
