//! The weight file: checked once, then used in place.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use memmap2::Mmap;

use super::Rate;
use super::network::{CHANNELS, HIDDEN, Layer, Network};
use super::vector::{Block, LANES};

// The format is written down, and written, by scripts/export-silero.py.
const MAGIC: &[u8; 8] = b"VOXVAD6\0";
const VERSION: u32 = 1;
const VERSION_AT: usize = 8;
const CHECKSUM_AT: usize = 12;
const CHECKED_FROM: usize = 16;
const LENGTH_AT: usize = 16;
const ENTRIES_AT: usize = 24;
const HEADER_BYTES: usize = 64;
const ENTRY_BYTES: usize = 32;
const ALIGNMENT: usize = 64;

const TENSORS: usize = 13;
const _: () = assert!(cfg!(target_endian = "little"), "the weight file is little-endian and used in place");

/// Why the weights cannot be used. Every message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot open the speech detector's weights {path}: run scripts/fetch-models.sh")]
    Open { path: PathBuf, source: io::Error },
    #[error(
        "cannot map the speech detector's weights {path} into memory: is it a file, and is memory limited?"
    )]
    Map { path: PathBuf, source: io::Error },
    #[error(
        "the speech detector's weights {path} are unusable ({fault}): run scripts/fetch-models.sh to replace them"
    )]
    Unusable { path: PathBuf, fault: Fault },
}

/// What is wrong with the content of a weight file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("shorter than a header")]
    Short,
    #[error("not a weight file")]
    Magic,
    #[error("format version {found}, this build reads {VERSION}")]
    Version { found: u32 },
    #[error("{found} bytes long instead of {expected}")]
    Length { found: u64, expected: u64 },
    #[error("its checksum does not match")]
    Checksum,
    #[error("tensor {tensor} of {hertz} Hz is missing or misplaced")]
    Tensor { hertz: u32, tensor: usize },
}

/// The weights of both rates, mapped read-only: processes that map the same file share its pages.
pub struct Weights {
    map: Mmap,
    tensors: [[Range<usize>; TENSORS]; Rate::ALL.len()],
}

impl Weights {
    /// Map and check a file written by `scripts/fetch-models.sh`.
    ///
    /// # Errors
    /// When it cannot be opened or mapped, or is not whole. Nothing of a damaged file is ever used.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|source| Error::Open { path: path.into(), source })?;
        let map = map(&file).map_err(|source| Error::Map { path: path.into(), source })?;
        let tensors = check(&map).map_err(|fault| Error::Unusable { path: path.into(), fault })?;
        Ok(Self { map, tensors })
    }

    /// The layers of one rate, as the kernels want them.
    pub(super) fn network(&self, rate: Rate) -> Network<'_> {
        let floats = self.tensors[rate as usize].each_ref().map(|range| self.floats(range.clone()));
        let [window, w1, b1, w2, b2, w3, b3, w4, b4, lstm, lstm_bias, head, head_bias] = floats;
        Network {
            samples: rate.window_samples() + rate.context_samples(),
            window,
            convolutions: [layer(w1, b1), layer(w2, b2), layer(w3, b3), layer(w4, b4)],
            lstm: layer(lstm, lstm_bias),
            head: blocks(head),
            head_bias: head_bias[0],
        }
    }

    #[expect(unsafe_code, reason = "the weights are read where they are mapped instead of being copied")]
    fn floats(&self, range: Range<usize>) -> &[f32] {
        let bytes = &self.map[range];
        // SAFETY: the slice lies in the map, which lives as long as `self`; `check` saw that it starts on a multiple of
        // 64 bytes of a page-aligned map, and any bits are a valid f32.
        unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast(), bytes.len() / size_of::<f32>()) }
    }
}

impl std::fmt::Debug for Weights {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Weights").field("bytes", &self.map.len()).finish_non_exhaustive()
    }
}

fn layer<'w>(weights: &'w [f32], bias: &'w [f32]) -> Layer<'w> {
    Layer { weights: blocks(weights), bias: blocks(bias) }
}

fn blocks(values: &[f32]) -> &[Block] {
    values.as_chunks::<LANES>().0
}

#[expect(unsafe_code, reason = "mapping a file is unsafe because another process may change it")]
fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: the file is only ever replaced by renaming a new one over it (scripts/export-silero.py), never written in
    // place, so the bytes behind this map stay as they are.
    unsafe { Mmap::map(file) }
}

/// Elements of each tensor of one rate, in the order of the file.
fn elements(rate: Rate) -> [usize; TENSORS] {
    let fft = rate.fft_samples();
    let [one, two, three, four] = CHANNELS;
    let gates = 4 * HIDDEN;
    let bins = fft / 2 + 1;
    [
        fft,
        bins * 3 * one,
        one,
        one * 3 * two,
        two,
        two * 2 * three,
        three,
        three * four,
        four,
        2 * HIDDEN * gates,
        gates,
        HIDDEN,
        1,
    ]
}

fn check(bytes: &[u8]) -> Result<[[Range<usize>; TENSORS]; Rate::ALL.len()], Fault> {
    if bytes.len() < HEADER_BYTES {
        return Err(Fault::Short);
    }
    if !bytes.starts_with(MAGIC) {
        return Err(Fault::Magic);
    }
    let found = u32_at(bytes, VERSION_AT);
    if found != VERSION {
        return Err(Fault::Version { found });
    }
    let (found, expected) = (bytes.len() as u64, u64_at(bytes, LENGTH_AT));
    if found != expected {
        return Err(Fault::Length { found, expected });
    }
    if crc32c::crc32c(&bytes[CHECKED_FROM..]) != u32_at(bytes, CHECKSUM_AT) {
        return Err(Fault::Checksum);
    }
    let mut tensors = [const { [const { 0..0 }; TENSORS] }; Rate::ALL.len()];
    for rate in Rate::ALL {
        for (tensor, elements) in elements(rate).into_iter().enumerate() {
            tensors[rate as usize][tensor] =
                find(bytes, rate, tensor, elements).ok_or(Fault::Tensor { hertz: rate.hertz(), tensor })?;
        }
    }
    Ok(tensors)
}

/// Where a tensor lies, if the table has it with this many elements, aligned and within the file.
fn find(bytes: &[u8], rate: Rate, tensor: usize, elements: usize) -> Option<Range<usize>> {
    let count = usize::try_from(u32_at(bytes, ENTRIES_AT)).ok()?;
    let table = bytes.get(HEADER_BYTES..HEADER_BYTES.checked_add(count.checked_mul(ENTRY_BYTES)?)?)?;
    let entry = table
        .chunks_exact(ENTRY_BYTES)
        .find(|entry| u32_at(entry, 0) == rate.hertz() && u32_at(entry, 4) as usize == tensor)?;
    if u64_at(entry, 8) != elements as u64 {
        return None;
    }
    let start = usize::try_from(u64_at(entry, 16)).ok()?;
    let end = start.checked_add(elements * size_of::<f32>())?;
    (start % ALIGNMENT == 0 && start >= HEADER_BYTES + table.len() && end <= bytes.len())
        .then_some(start..end)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(*bytes[at..].first_chunk().expect("within a checked header or entry"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(*bytes[at..].first_chunk().expect("within a checked header or entry"))
}
