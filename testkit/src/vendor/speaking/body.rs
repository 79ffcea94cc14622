//! Sound as the body of an HTTP answer, through the faults.

use std::{convert::Infallible, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use tokio::{sync::mpsc, time::Instant};
use tokio_stream::wrappers::ReceiverStream;

use super::mouth::{Bit, Mouth, Step};
use crate::vendor::{faults::Cut, host::Record, observe::Ending};

/// Pieces between the mouth and the socket.
const IN_FLIGHT: usize = 1;

/// What is said, and how it is written.
pub(crate) struct Sounding {
    pub(crate) mouth: Mouth,
    pub(crate) content_type: &'static str,
    /// What stands before the first piece.
    pub(crate) head: Vec<u8>,
    pub(crate) write: fn(&Bit) -> Vec<u8>,
}

/// The answer that says all that the mouth was told, as it is spoken.
pub(crate) fn stream(record: Record, sounding: Sounding, text_for_sound: bool) -> Response {
    record.status(200);
    if text_for_sound {
        record.ended(Ending::Answered);
        return axum::Json(json!({"error": {"message": "The model could not speak."}})).into_response();
    }
    let kind = HeaderValue::from_static(sounding.content_type);
    let (pieces, receiver) = mpsc::channel(IN_FLIGHT);
    tokio::spawn(speak(record, sounding, pieces));
    ([(header::CONTENT_TYPE, kind)], Body::from_stream(ReceiverStream::new(receiver))).into_response()
}

/// The head of a WAV file that is written while it is spoken: its sizes say nothing.
pub(crate) fn wav_head(sample_rate: u32) -> Vec<u8> {
    let mut head = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
    head.extend(sample_rate.to_le_bytes());
    head.extend((sample_rate * 2).to_le_bytes());
    head.extend(b"\x02\0\x10\0data\xff\xff\xff\xff");
    head
}

async fn speak(mut record: Record, sounding: Sounding, pieces: mpsc::Sender<Result<Bytes, Infallible>>) {
    if record.faults.half_open {
        record.wire.stop_reading();
    }
    if record.faults.is_mute() {
        return pieces.closed().await;
    }
    let Sounding { mut mouth, mut head, write, .. } = sounding;
    let begin = record.began + first_wait(&record);
    tokio::select! {
        () = tokio::time::sleep_until(begin) => {}
        () = pieces.closed() => return,
    }
    let mut sent = 0;
    while let Some(due) = mouth.due() {
        let jitter = record.jitter();
        tokio::select! {
            () = tokio::time::sleep_until(due + jitter) => {}
            () = pieces.closed() => return,
        }
        if is_cut(&record, sent) {
            record.ended(Ending::Cut);
            record.wire.reset();
            return;
        }
        let Some(Step::Sound(bit)) = mouth.step(Instant::now()) else { continue };
        let mut piece = std::mem::take(&mut head);
        piece.extend(write(&bit));
        sent += 1;
        record.edit(|exchange| {
            exchange.audio_bytes += piece.len() as u64;
            exchange.audio_samples += bit.samples.len() as u64;
            exchange.sent_messages += 1;
        });
        if pieces.send(Ok(piece.into())).await.is_err() {
            return;
        }
    }
    record.ended(Ending::Answered);
}

/// Until the first byte, or the cut that comes before it.
fn first_wait(record: &Record) -> Duration {
    let wait_ms = record.faults.accept_delay_ms + record.faults.first_byte_delay_ms;
    match record.faults.cut_after {
        Some(Cut::Ms(ms)) => Duration::from_millis(wait_ms.min(ms)),
        _ => Duration::from_millis(wait_ms),
    }
}

fn is_cut(record: &Record, sent: u32) -> bool {
    match record.faults.cut_after {
        Some(Cut::Messages(most)) => sent >= most,
        Some(Cut::Ms(ms)) => record.began.elapsed() >= Duration::from_millis(ms),
        Some(Cut::Bytes(_)) => false,
        // HTTP has no close code: the connection is reset.
        None => record.faults.close_code.is_some(),
    }
}
