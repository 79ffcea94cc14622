//! One packet (RFC 3550, 5.1).

/// A packet's parts. The payload is what is left when padding and extensions are taken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    pub marker: bool,
    pub payload_type: u8,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
    pub payload: &'a [u8],
}

/// Why bytes are no packet of sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PacketError {
    #[error("the packet is shorter than its header says")]
    Short,
    #[error("the version is another than 2")]
    Version,
    #[error("the padding is longer than the packet")]
    Padding,
    #[error("it is a packet of RTCP")]
    Control,
}

impl<'a> Packet<'a> {
    /// Read one.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, PacketError> {
        let header = bytes.first_chunk::<12>().ok_or(PacketError::Short)?;
        if header[0] >> 6 != 2 {
            return Err(PacketError::Version);
        }
        // RTCP shares the port with some; its types are 192 to 223 (RFC 5761, 4).
        if (192..=223).contains(&header[1]) {
            return Err(PacketError::Control);
        }
        let mut begin = 12 + 4 * usize::from(header[0] & 0x0f);
        if header[0] & 0x10 != 0 {
            let extension = bytes.get(begin..begin + 4).ok_or(PacketError::Short)?;
            begin += 4 + 4 * usize::from(u16::from_be_bytes([extension[2], extension[3]]));
        }
        let mut end = bytes.len();
        if begin > end {
            return Err(PacketError::Short);
        }
        if header[0] & 0x20 != 0 {
            let padding = usize::from(*bytes.last().ok_or(PacketError::Short)?);
            if padding == 0 || padding > end - begin {
                return Err(PacketError::Padding);
            }
            end -= padding;
        }
        Ok(Self {
            marker: header[1] & 0x80 != 0,
            payload_type: header[1] & 0x7f,
            sequence: u16::from_be_bytes([header[2], header[3]]),
            timestamp: u32::from_be_bytes([header[4], header[5], header[6], header[7]]),
            ssrc: u32::from_be_bytes([header[8], header[9], header[10], header[11]]),
            payload: bytes.get(begin..end).ok_or(PacketError::Short)?,
        })
    }

    /// Its bytes, without extensions or padding.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(12 + self.payload.len());
        bytes.push(0x80);
        bytes.push(u8::from(self.marker) << 7 | self.payload_type & 0x7f);
        bytes.extend_from_slice(&self.sequence.to_be_bytes());
        bytes.extend_from_slice(&self.timestamp.to_be_bytes());
        bytes.extend_from_slice(&self.ssrc.to_be_bytes());
        bytes.extend_from_slice(self.payload);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn extensions_sources_and_padding_are_taken_off() {
        let mut bytes = vec![0xb1, 0x80, 0, 9, 0, 0, 0, 8, 0, 0, 0, 7];
        bytes.extend([1, 1, 1, 1]);
        bytes.extend([0xbe, 0xde, 0, 1, 2, 2, 2, 2]);
        bytes.extend([5, 6, 0, 2]);
        let packet = Packet::parse(&bytes).unwrap();
        assert_eq!((packet.payload, packet.sequence, packet.timestamp), ([5, 6].as_slice(), 9, 8));
        assert!(packet.marker);
        assert_eq!(Packet::parse(&bytes[..20]), Err(PacketError::Short));
        *bytes.last_mut().unwrap() = 200;
        assert_eq!(Packet::parse(&bytes), Err(PacketError::Padding));
        assert_eq!(Packet::parse(&[0x80; 11]), Err(PacketError::Short));
        assert_eq!(Packet::parse(&[0x40; 12]), Err(PacketError::Version));
        assert_eq!(Packet::parse(&[0x80, 200, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]), Err(PacketError::Control));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(sequence: u16, timestamp: u32, payload in proptest::collection::vec(any::<u8>(), 0..200)) {
            let packet = Packet { marker: false, payload_type: 8, sequence, timestamp, ssrc: 1, payload: &payload };
            let bytes = packet.to_bytes();
            prop_assert_eq!(Packet::parse(&bytes), Ok(packet));
        }

        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _nothing = Packet::parse(&bytes);
        }
    }
}
