//! The thread of a recording that has to do with the disk.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::mpsc::Receiver;

use vox_audio::wav::{WavError, WavWriter};

use super::Finished;

/// The tone over what is hidden, and its amplitude.
const TONE_HZ: f64 = 1_000.0;
const TONE_PEAK: f64 = 6_000.0;
/// Of the file, before its first frame, and of a frame.
const HEADER_BYTES: u64 = 44;
const FRAME_BYTES: u64 = 4;

/// What the thread is given.
pub(super) enum Work {
    /// Sound, and how many frames before it found no room: silence stands for them, so that all keeps its place.
    Block {
        lost: u64,
        block: Vec<[i16; 2]>,
    },
    /// Frames that were written and are to be hidden after all.
    Cover(Vec<Range<u64>>),
    Finish,
}

/// The tone over what is hidden, at this frame.
pub(super) fn tone(at: u64, rate_hz: u64) -> i16 {
    let turns = at as f64 * TONE_HZ / rate_hz as f64;
    ((turns.fract() * std::f64::consts::TAU).sin() * TONE_PEAK) as i16
}

/// Make the file, or go on with it from its frame `from` on, and write what comes. A recording without a file ends here: what else
/// comes for it is dropped.
pub(super) fn write_file(path: &Path, (rate_hz, from): (u32, u64), work: &Receiver<Work>) -> Finished {
    let begun = match from {
        0 => begin(path, rate_hz),
        from => resume(path, (rate_hz, from)),
    };
    match begun {
        Ok((wav, sync)) => write_blocks((wav, from), (&sync, path, rate_hz), work),
        // What another worker recorded of it is there still.
        Err(error) if from > 0 && path.exists() => {
            tracing::error!(%error, "the rest of a call is not recorded");
            Finished { frames: 1, fault: Some(format!("the recording could not be gone on with: {error}")) }
        }
        Err(error) => {
            tracing::error!(%error, "the call is not recorded");
            Finished { frames: 0, fault: Some(format!("the recording could not be begun: {error}")) }
        }
    }
}

fn begin(path: &Path, rate_hz: u32) -> io::Result<(WavWriter, File)> {
    let file = File::options().write(true).create_new(true).open(path)?;
    let sync = file.try_clone()?;
    let mut wav = WavWriter::over(file, path, rate_hz, 2).map_err(|error| io::Error::other(told(&error)))?;
    wav.checkpoint().map_err(|error| io::Error::other(told(&error)))?;
    Ok((wav, sync))
}

/// What is missing up to `from` is silence.
fn resume(path: &Path, (rate_hz, from): (u32, u64)) -> io::Result<(WavWriter, File)> {
    if !path.try_exists()? {
        drop(begin(path, rate_hz)?);
    }
    let appended = WavWriter::append(path, rate_hz, 2);
    let (mut wav, frames) = appended.map_err(|error| io::Error::other(told(&error)))?;
    let missing = from.checked_sub(frames);
    let missing = missing.ok_or_else(|| io::Error::other("it is longer than the call was"))?;
    append(&mut wav, missing, &[]).map_err(|error| io::Error::other(told(&error)))?;
    Ok((wav, File::options().write(true).open(path)?))
}

fn write_blocks(
    (mut wav, from): (WavWriter, u64),
    (sync, path, rate_hz): (&File, &Path, u32),
    work: &Receiver<Work>,
) -> Finished {
    let mut frames = from;
    let mut fault = None;
    while let Ok(work) = work.recv() {
        match work {
            Work::Finish => break,
            Work::Block { .. } if fault.is_some() => {}
            Work::Block { lost, block } => match append(&mut wav, lost, &block) {
                Ok(()) => frames += lost + block.len() as u64,
                Err(error) => fault = Some(format!("the recording stopped: {}", told(&error))),
            },
            Work::Cover(hidden) => {
                let on_disk = hidden.into_iter().map(|hidden| hidden.start..hidden.end.min(frames));
                let covered = on_disk
                    .filter(|range| !range.is_empty())
                    .try_for_each(|range| cover(sync, range, rate_hz));
                if let Err(error) = covered {
                    return given_up(path, &error);
                }
            }
        }
    }
    if let (None, Err(error)) = (&fault, wav.finish()) {
        fault = Some(format!("the recording stopped: {}", told(&error)));
    }
    if let Err(error) = sync.sync_all() {
        fault.get_or_insert(format!("the recording may not be on disk: {error}"));
    }
    Finished { frames, fault }
}

/// A tone over frames that are on disk.
fn cover(file: &File, frames: Range<u64>, rate_hz: u32) -> io::Result<()> {
    let sound = frames.clone().flat_map(|at| {
        let [low, high] = tone(at, rate_hz.into()).to_le_bytes();
        [low, high, low, high]
    });
    file.write_all_at(&sound.collect::<Vec<u8>>(), HEADER_BYTES + frames.start * FRAME_BYTES)
}

/// What must not be heard could not be written over: there is no recording then.
fn given_up(path: &Path, error: &io::Error) -> Finished {
    let fault = match std::fs::remove_file(path) {
        Ok(()) => {
            format!("the recording was given up: what is hidden in it could not be overwritten: {error}")
        }
        Err(other) => format!("the recording could neither be overwritten ({error}) nor removed ({other})"),
    };
    tracing::error!(fault, "a call has no recording");
    Finished { frames: 0, fault: Some(fault) }
}

/// Sound first, then the header that says how much: a cut in between leaves a valid, shorter file.
fn append(wav: &mut WavWriter, lost: u64, block: &[[i16; 2]]) -> Result<(), WavError> {
    for _ in 0..lost {
        wav.write([0, 0])?;
    }
    wav.write(block.iter().copied().flatten())?;
    wav.checkpoint()
}

/// What the disk said; the path is the reader's own.
fn told(error: &WavError) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}
