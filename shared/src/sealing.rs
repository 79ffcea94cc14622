//! Files sealed in pieces: AES-256-GCM in pieces, each of which opens alone, so that a part of a file is read without the rest. As in
//! STREAM (Hoang, Reyhanitabar, Rogaway, Vizár: Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance, 2015) the nonce
//! of a piece is its number and whether it is the last: none can be left out, cut off, repeated or moved. A key is for one file and
//! one content of it.
//!
//! A sealed file is a head of [`HEAD_BYTES`], which says which key opens it, and behind it pieces of [`PIECE_BYTES`] with [`TAG_BYTES`]
//! each; the last has what is left, and an empty file has one empty piece. Who makes the keys: `bridge/src/vault/file.rs`.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

/// The head of a file, bytes.
pub const HEAD_BYTES: usize = 320;
/// Clear bytes of a piece: a second of a telephone's stereo recording has 32,000.
pub const PIECE_BYTES: usize = 64 * 1024;
/// What a piece is longer by when it is sealed.
pub const TAG_BYTES: usize = 16;
/// Length of a file's key, bytes.
pub const KEY_BYTES: usize = 32;

/// Another key, another place, or a changed byte: which, the cipher cannot tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it does not open: its key, its place or its bytes are not those that it was sealed with")]
pub struct Unopenable;

/// Where a piece stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// From 0.
    pub number: u32,
    pub is_last: bool,
}

/// The key of one file.
pub struct FileKey(LessSafeKey);

impl FileKey {
    pub fn new(bytes: &[u8; KEY_BYTES]) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, bytes).expect("it has as many bytes as the cipher wants");
        Self(LessSafeKey::new(key))
    }

    /// Seal a piece in place. No two contents of a piece are sealed under a file's key.
    pub fn seal(&self, piece: Piece, content: &mut Vec<u8>) {
        let sealed = self.0.seal_in_place_append_tag(nonce(piece), Aad::empty(), content);
        sealed.expect("a piece is far below the 64 GiB that the cipher allows");
    }

    /// Open a piece in place.
    pub fn open(&self, piece: Piece, content: &mut Vec<u8>) -> Result<(), Unopenable> {
        let opened = self.0.open_in_place(nonce(piece), Aad::empty(), content).map_err(|_| Unopenable)?.len();
        content.truncate(opened);
        Ok(())
    }
}

fn nonce(piece: Piece) -> Nonce {
    let mut nonce = [0; NONCE_LEN];
    nonce[7..11].copy_from_slice(&piece.number.to_be_bytes());
    nonce[11] = u8::from(piece.is_last);
    Nonce::assume_unique_for_key(nonce)
}
