//! Files at rest: AES-256-GCM in pieces, each of which opens alone, so that a part of a file is read without the rest. As in STREAM
//! (Hoang, Reyhanitabar, Rogaway, Vizár: Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance, 2015) the nonce
//! of a piece is its number and whether it is the last: none can be left out, cut off, repeated or moved. Each file has a key of
//! its own, made by HKDF-SHA256 (RFC 5869) of the tenant's data key, 32 random bytes and the place that the file is at, so that a
//! number is good once under a key and a file opens at its place only.
//!
//! A sealed file is a head of [`HEAD_BYTES`], and behind it pieces of [`PIECE_BYTES`] with [`TAG_BYTES`] each; the last has what is
//! left, and an empty file has one empty piece.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};

use super::aead::{Key, Unopenable};
use super::envelope::bound;

/// The head of a file, bytes.
pub const HEAD_BYTES: usize = 320;
/// Clear bytes of a piece: a second of a telephone's stereo recording has 32,000.
pub const PIECE_BYTES: usize = 64 * 1024;
/// What a piece is longer by when it is sealed.
pub const TAG_BYTES: usize = 16;
/// How a sealed file begins. A WAV begins otherwise.
pub const MAGIC: &[u8; 8] = b"VOXSEAL1";

const SALT_BYTES: usize = 32;
/// Where the salt, the length of the data key's id and the id are in the head. The rest is zero.
const SALT_AT: usize = MAGIC.len();
const LENGTH_AT: usize = SALT_AT + SALT_BYTES;
const ID_AT: usize = LENGTH_AT + 1;
/// Says what the bytes that are bound are of.
const DOMAIN: &str = "vox file 1";

/// The head of a file.
pub type Head = [u8; HEAD_BYTES];

/// Where a piece stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// From 0.
    pub number: u32,
    pub is_last: bool,
}

/// The key of one file.
pub struct FileKey(LessSafeKey);

/// A new head for a file under this data key; `None` when the id is too long for one.
pub fn head(data_key: &str) -> Option<Head> {
    let mut head = [0; HEAD_BYTES];
    head[..MAGIC.len()].copy_from_slice(MAGIC);
    rand::fill(&mut head[SALT_AT..LENGTH_AT]);
    head[LENGTH_AT] = u8::try_from(data_key.len()).ok()?;
    head[ID_AT..].get_mut(..data_key.len())?.copy_from_slice(data_key.as_bytes());
    Some(head)
}

/// The data key that a head names; `None` when it is none.
pub fn key_id(head: &Head) -> Option<&str> {
    let length = usize::from(head[LENGTH_AT]);
    head.starts_with(MAGIC).then(|| std::str::from_utf8(head.get(ID_AT..ID_AT + length)?).ok())?
}

impl FileKey {
    /// The key of the file with this head at this place.
    pub fn derive(key: &Key, head: &Head, place: &str) -> Self {
        let secret = Salt::new(HKDF_SHA256, &head[SALT_AT..LENGTH_AT]).extract(key.bytes());
        let (about, head) = (bound([DOMAIN, place]), head.as_slice());
        let info = [about.as_slice(), head];
        let made = secret.expand(&info, &AES_256_GCM).expect("a key is shorter than what the function gives");
        Self(LessSafeKey::new(UnboundKey::from(made)))
    }

    /// Seal a piece in place. No piece is sealed twice under a file's key.
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

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Piece = Piece { number: 0, is_last: false };

    fn sealed(key: &FileKey, piece: Piece) -> Vec<u8> {
        let mut content = b"what was said".to_vec();
        key.seal(piece, &mut content);
        content
    }

    fn opens(key: &FileKey, piece: Piece, mut content: Vec<u8>) -> bool {
        key.open(piece, &mut content).is_ok_and(|()| content == b"what was said")
    }

    #[test]
    fn a_piece_opens_in_its_place_only() {
        let (key, head) = (Key::generate(), head("default~1").unwrap());
        assert_eq!(key_id(&head), Some("default~1"));
        let own = FileKey::derive(&key, &head, "default/recordings/a.wav");
        let content = sealed(&own, FIRST);
        assert!(opens(&own, FIRST, content.clone()));
        assert!(!opens(&own, Piece { number: 1, is_last: false }, content.clone()));
        assert!(!opens(&own, Piece { number: 0, is_last: true }, content.clone()));
        let elsewhere = FileKey::derive(&key, &head, "default/recordings/b.wav");
        assert!(!opens(&elsewhere, FIRST, content.clone()));
        assert!(!opens(
            &FileKey::derive(&Key::generate(), &head, "default/recordings/a.wav"),
            FIRST,
            content.clone()
        ));
        for at in 0..HEAD_BYTES {
            let mut other = head;
            other[at] ^= 1;
            assert!(
                !opens(&FileKey::derive(&key, &other, "default/recordings/a.wav"), FIRST, content.clone()),
                "{at}"
            );
        }
        for at in 0..content.len() {
            let mut other = content.clone();
            other[at] ^= 1;
            assert!(!opens(&own, FIRST, other), "{at}");
            assert!(!opens(&own, FIRST, content[..at].to_vec()));
        }
    }

    #[test]
    fn a_head_is_one_or_none() {
        assert!(head(&"x".repeat(256)).is_none());
        let mut head = head(&"x".repeat(200)).unwrap();
        head[0] = b'R';
        assert_eq!(key_id(&head), None);
    }
}
