//! LINEAR16, little endian, as bytes.

/// Bytes to samples. `None` for an odd length: half a sample.
pub fn from_bytes(bytes: &[u8]) -> Option<Vec<i16>> {
    let (pairs, odd) = bytes.as_chunks::<2>();
    odd.is_empty().then(|| pairs.iter().map(|pair| i16::from_le_bytes(*pair)).collect())
}

/// Samples to bytes.
pub fn to_bytes(pcm: &[i16]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(pcm.len() * 2);
    append_bytes(pcm.iter().copied(), &mut bytes);
    bytes
}

/// Samples as bytes behind what is there.
pub fn append_bytes(samples: impl IntoIterator<Item = i16>, bytes: &mut Vec<u8>) {
    for sample in samples {
        bytes.extend_from_slice(&sample.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_survive_the_round_trip() {
        let pcm = [0, 1, -1, i16::MAX, i16::MIN];
        assert_eq!(from_bytes(&to_bytes(&pcm)).unwrap(), pcm);
        assert_eq!(from_bytes(&[1, 2, 3]), None);
    }
}
