use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;
use vox_core::media::silero::{Error, Fault, Weights};

use super::{weights, weights_path};

const HEADER_BYTES: usize = 64;
const TABLE_BYTES: usize = 26 * 32;

/// A weight file to be damaged.
struct Copy {
    bytes: Vec<u8>,
    path: PathBuf,
    _directory: TempDir,
}

impl Copy {
    fn new() -> Self {
        weights();
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("weights.bin");
        Self {
            bytes: fs::read(weights_path()).expect("weights that were just opened"),
            path,
            _directory: directory,
        }
    }

    /// Open what `bytes` holds now; the file is a new one each time, as it is mapped.
    fn open(&self) -> Result<Weights, Error> {
        fs::remove_file(&self.path).ok();
        fs::write(&self.path, &self.bytes).expect("a temporary file");
        Weights::open(&self.path)
    }

    fn fault(&self) -> Fault {
        let error = self.open().expect_err("a damaged file was taken");
        assert!(error.to_string().contains("run scripts/fetch-models.sh"), "{error}");
        match error {
            Error::Unusable { fault, path } => {
                assert_eq!(path, self.path);
                fault
            }
            other => panic!("not about the content: {other}"),
        }
    }

    /// Change four bytes and make the checksum right again.
    fn forge(&mut self, at: usize, value: u32) {
        self.bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        let checksum = crc32c::crc32c(&self.bytes[16..]);
        self.bytes[12..16].copy_from_slice(&checksum.to_le_bytes());
    }
}

#[test]
fn a_whole_copy_opens() {
    Copy::new().open().unwrap();
}

#[test]
fn a_missing_file_says_how_to_get_it() {
    let error = Weights::open("no/such/weights.bin").unwrap_err();
    assert!(matches!(error, Error::Open { .. }));
    assert!(error.to_string().contains("run scripts/fetch-models.sh"), "{error}");
}

#[test]
fn a_directory_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    assert!(matches!(Weights::open(directory.path()), Err(Error::Open { .. } | Error::Map { .. })));
}

#[test]
fn a_truncated_file_is_refused() {
    let whole = Copy::new();
    let length = whole.bytes.len();
    for kept in
        [0, 1, 7, 8, 63, 64, 65, HEADER_BYTES + TABLE_BYTES, 4096, length / 2, length - 64, length - 1]
    {
        let mut copy = Copy::new();
        copy.bytes.truncate(kept);
        match copy.fault() {
            Fault::Short => assert!(kept < HEADER_BYTES, "{kept} bytes hold a header"),
            Fault::Length { found, expected } => assert_eq!((found, expected), (kept as u64, length as u64)),
            other => panic!("{kept} bytes: {other}"),
        }
    }
}

#[test]
fn a_longer_file_is_refused() {
    let mut copy = Copy::new();
    copy.bytes.push(0);
    assert!(matches!(copy.fault(), Fault::Length { .. }));
}

#[test]
fn every_flipped_byte_is_noticed() {
    let mut copy = Copy::new();
    let length = copy.bytes.len();
    let data = HEADER_BYTES + TABLE_BYTES;
    let places =
        (0..HEADER_BYTES).chain((HEADER_BYTES..data).step_by(13)).chain((data..length).step_by(length / 97));
    for place in places.chain([length - 1]) {
        copy.bytes[place] ^= 0x10;
        let fault = copy.fault();
        copy.bytes[place] ^= 0x10;
        match place {
            0..8 => assert_eq!(fault, Fault::Magic, "byte {place}"),
            8..12 => assert!(matches!(fault, Fault::Version { .. }), "byte {place}: {fault}"),
            16..24 => assert!(matches!(fault, Fault::Length { .. }), "byte {place}: {fault}"),
            _ => assert_eq!(fault, Fault::Checksum, "byte {place}"),
        }
    }
}

#[test]
fn another_kind_of_file_is_refused() {
    let mut copy = Copy::new();
    copy.bytes = b"this is no weight file".repeat(10);
    assert_eq!(copy.fault(), Fault::Magic);
}

#[test]
fn a_version_of_the_future_is_named() {
    let mut copy = Copy::new();
    copy.forge(8, 2);
    assert_eq!(copy.fault(), Fault::Version { found: 2 });
}

/// A table that points outside, off alignment, at too little or nowhere, under a right checksum.
#[test]
fn a_table_that_lies_is_refused() {
    let entry = HEADER_BYTES + 2 * 32;
    let offset = u32::from_le_bytes(*Copy::new().bytes[entry + 16..].first_chunk().unwrap());
    let first_of_8000 = Fault::Tensor { hertz: 8000, tensor: 0 };
    let third_of_8000 = Fault::Tensor { hertz: 8000, tensor: 2 };
    let cases = [
        (24, 0, first_of_8000),
        (24, u32::MAX, first_of_8000),
        (entry, 44_100, third_of_8000),
        (entry + 4, 77, third_of_8000),
        (entry + 8, 127, third_of_8000),
        (entry + 16, offset + 4, third_of_8000),
        (entry + 16, 0, third_of_8000),
        (entry + 16, u32::MAX - 63, third_of_8000),
        (entry + 20, u32::MAX, third_of_8000),
    ];
    for (at, value, fault) in cases {
        let mut copy = Copy::new();
        copy.forge(at, value);
        assert_eq!(copy.fault(), fault, "{value} at {at}");
    }
}
