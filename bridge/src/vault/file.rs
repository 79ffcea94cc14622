//! Files at rest: the keys of sealed files (`vox_shared::sealing` has the pieces). Each file has a key of its own, made by
//! HKDF-SHA256 (RFC 5869) of the tenant's data key, 32 random bytes and the place that the file is at, so that a number is good once
//! under a key and a file opens at its place only.

use ring::hkdf::{HKDF_SHA256, Salt};
use vox_shared::sealing::KEY_BYTES;

use super::aead::Key;
use super::envelope::bound;

pub use vox_shared::sealing::{FileKey, HEAD_BYTES, PIECE_BYTES, Piece, TAG_BYTES};

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

/// The key of the file with this head at this place.
pub fn key_bytes(key: &Key, head: &Head, place: &str) -> [u8; KEY_BYTES] {
    let secret = Salt::new(HKDF_SHA256, &head[SALT_AT..LENGTH_AT]).extract(key.bytes());
    let (about, head) = (bound([DOMAIN, place]), head.as_slice());
    let mut made = [0; KEY_BYTES];
    let filled = secret.expand(&[about.as_slice(), head], HKDF_SHA256).and_then(|okm| okm.fill(&mut made));
    filled.expect("a key is as long as what the function gives");
    made
}

/// The same, to be used.
pub fn key_of(key: &Key, head: &Head, place: &str) -> FileKey {
    FileKey::new(&key_bytes(key, head, place))
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
        let own = key_of(&key, &head, "default/recordings/a.wav");
        let content = sealed(&own, FIRST);
        assert!(opens(&own, FIRST, content.clone()));
        assert!(!opens(&own, Piece { number: 1, is_last: false }, content.clone()));
        assert!(!opens(&own, Piece { number: 0, is_last: true }, content.clone()));
        let elsewhere = key_of(&key, &head, "default/recordings/b.wav");
        assert!(!opens(&elsewhere, FIRST, content.clone()));
        assert!(!opens(&key_of(&Key::generate(), &head, "default/recordings/a.wav"), FIRST, content.clone()));
        for at in 0..HEAD_BYTES {
            let mut other = head;
            other[at] ^= 1;
            assert!(
                !opens(&key_of(&key, &other, "default/recordings/a.wav"), FIRST, content.clone()),
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
