//! The sound card: the microphone is the caller, the loudspeaker the bot.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use cpal::traits::{DeviceTrait as _, HostTrait as _, StreamTrait as _};
use cpal::{BufferSize, Stream, StreamConfig};
use tokio::sync::mpsc;
use vox_caller::{Call, Clip};

use super::CallError;

/// Pieces of the microphone that wait for the line; some hundred milliseconds.
const MAX_PIECES: usize = 32;
/// What may wait for the loudspeaker. More is dropped from the front: late sound is worse than lost sound.
const MAX_WAITING_SECONDS: usize = 1;

type Waiting = Arc<Mutex<VecDeque<i16>>>;

/// Talk until the call is over. Use headphones: there is no echo cancellation.
pub async fn talk(call: &Call, mut loudspeaker: mpsc::Receiver<Arc<[i16]>>) -> Result<(), CallError> {
    let rate_hz = call.rate_hz();
    let (to_line, mut pieces) = mpsc::channel(MAX_PIECES);
    let waiting = Waiting::default();
    // Both run until they are dropped.
    let _streams = (record(rate_hz, to_line)?, play(rate_hz, Arc::clone(&waiting))?);
    let mut ended = call.state();
    loop {
        tokio::select! {
            piece = pieces.recv() => {
                let Some(piece) = piece else { return Ok(()) };
                if call.play(&Clip::new(piece, rate_hz)?).await.is_err() {
                    return Ok(());
                }
            }
            Some(samples) = loudspeaker.recv() => queue(&waiting, &samples, rate_hz),
            _ = ended.wait_for(|state| state.is_ended) => return Ok(()),
        }
    }
}

fn record(rate_hz: u32, to_line: mpsc::Sender<Vec<i16>>) -> Result<Stream, CallError> {
    let device = cpal::default_host().default_input_device();
    let device = device.ok_or_else(|| CallError::SoundCard("there is no microphone".to_owned()))?;
    let heard = move |samples: &[i16], _: &_| {
        if !samples.is_empty() {
            // A line that does not keep up loses a piece rather than lag behind.
            let _ = to_line.try_send(samples.to_vec());
        }
    };
    let stream = device.build_input_stream(mono(rate_hz), heard, |_| (), None).map_err(unusable)?;
    stream.play().map_err(unusable)?;
    Ok(stream)
}

fn play(rate_hz: u32, waiting: Waiting) -> Result<Stream, CallError> {
    let device = cpal::default_host().default_output_device();
    let device = device.ok_or_else(|| CallError::SoundCard("there is no loudspeaker".to_owned()))?;
    let speak = move |samples: &mut [i16], _: &_| {
        let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        samples.iter_mut().for_each(|sample| *sample = waiting.pop_front().unwrap_or(0));
    };
    let stream = device.build_output_stream(mono(rate_hz), speak, |_| (), None).map_err(unusable)?;
    stream.play().map_err(unusable)?;
    Ok(stream)
}

/// The line's own format: sound servers and ALSA's default device convert it to the card's.
fn mono(rate_hz: u32) -> StreamConfig {
    StreamConfig { channels: 1, sample_rate: rate_hz, buffer_size: BufferSize::Default }
}

fn queue(waiting: &Waiting, samples: &[i16], rate_hz: u32) {
    let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
    waiting.extend(samples);
    let excess = waiting.len().saturating_sub(rate_hz as usize * MAX_WAITING_SECONDS);
    waiting.drain(..excess);
}

fn unusable(error: cpal::Error) -> CallError {
    CallError::SoundCard(error.to_string())
}
