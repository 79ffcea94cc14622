//! Offers and answers.

use std::net::SocketAddr;

use super::{Audio, Description, Direction, Origin, SdpError, Written};
use crate::codec::Codec;

/// The payload type under which keys are offered.
const EVENTS: u8 = 101;

/// What both sides said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// Where the other side wants its sound.
    pub remote: SocketAddr,
    pub codec: Codec,
    /// The codec's payload type.
    pub payload_type: u8,
    /// The payload type of keys, if the other side takes them.
    pub events: Option<u8>,
    /// Who sends, seen from us.
    pub direction: Direction,
}

/// Why there is no call between two descriptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAgreement {
    #[error("the description cannot be read: {0}")]
    Unreadable(#[from] SdpError),
    #[error("no stream of sound is described, or only an encrypted one")]
    NoAudio,
    #[error("common audio codec not found")]
    NoCodec,
}

/// An offer of ours, and later its answer.
#[derive(Clone, Debug)]
pub struct Offer {
    pub origin: Origin,
    pub address: SocketAddr,
    /// The dearest first.
    pub codecs: Vec<Codec>,
    pub direction: Direction,
}

impl Offer {
    /// As text.
    pub fn to_text(&self) -> String {
        let codecs: Vec<_> = self.codecs.iter().map(|codec| (*codec, codec.payload_type())).collect();
        Written {
            origin: &self.origin,
            address: self.address,
            codecs: &codecs,
            events: Some(EVENTS),
            direction: self.direction,
            lines: None,
        }
        .to_text()
    }

    /// What an answer to it makes of it: of several codecs the first one counts.
    pub fn answered(&self, answer: &[u8]) -> Result<Agreed, NoAgreement> {
        let audio = Description::parse(answer)?.audio.ok_or(NoAgreement::NoAudio)?;
        let offered = |codec: &Codec| self.codecs.contains(codec);
        let found = audio.formats.iter().find_map(|format| Some((format.codec().filter(offered)?, format)));
        let (codec, format) = found.ok_or(NoAgreement::NoCodec)?;
        Ok(Agreed {
            remote: audio.address,
            codec,
            payload_type: format.payload_type,
            events: audio.formats.iter().find(|format| format.is_events()).map(|format| format.payload_type),
            direction: meet(self.direction, audio.direction),
        })
    }
}

/// Answer an offer: the text, and what is agreed by it. Of the codecs in it the one is taken that comes first in `preferred`, whatever the
/// offer's own order is. `wanted` is what we would like to do; less is agreed where the offer allows less.
pub fn accept(
    offer: &[u8],
    preferred: &[Codec],
    origin: &Origin,
    address: SocketAddr,
    wanted: Direction,
) -> Result<(String, Agreed), NoAgreement> {
    let description = Description::parse(offer)?;
    let audio = description.audio.as_ref().ok_or(NoAgreement::NoAudio)?;
    let (codec, payload_type) = choose(audio, preferred).ok_or(NoAgreement::NoCodec)?;
    let events = audio.formats.iter().find(|format| format.is_events()).map(|format| format.payload_type);
    let direction = meet(wanted, audio.direction);
    let text = Written {
        origin,
        address,
        codecs: &[(codec, payload_type)],
        events,
        direction,
        lines: Some((&description.media, audio.line)),
    }
    .to_text();
    Ok((text, Agreed { remote: audio.address, codec, payload_type, events, direction }))
}

fn choose(audio: &Audio, preferred: &[Codec]) -> Option<(Codec, u8)> {
    preferred.iter().find_map(|codec| {
        let format = audio.formats.iter().find(|format| format.codec() == Some(*codec))?;
        Some((*codec, format.payload_type))
    })
}

/// What is left of what we want by what the other side describes.
fn meet(wanted: Direction, theirs: Direction) -> Direction {
    let (send, receive) = (wanted.sends() && theirs.receives(), wanted.receives() && theirs.sends());
    match (send, receive) {
        (true, true) => Direction::Both,
        (true, false) => Direction::SendOnly,
        (false, true) => Direction::ReceiveOnly,
        (false, false) => Direction::Inactive,
    }
}
