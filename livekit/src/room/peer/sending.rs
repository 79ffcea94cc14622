//! What goes out through a peer connection: our voice, and data.

use std::time::Instant;

use str0m::format::Codec;
use str0m::rtp::{ExtensionValues, RedEncoder, RedundantBlock, RtpWrite};

use super::Peer;
use crate::media::microphone::Packet;

impl Peer {
    /// Whether a voice can be sent. An offer that is under way changes nothing of what was agreed on: it goes on meanwhile.
    pub(crate) fn can_speak(&self) -> bool {
        self.is_connected && self.voice.is_some_and(|mid| self.rtc.media(mid).is_some())
    }

    /// Send a packet of our voice.
    pub(crate) fn speak(&mut self, now: Instant, packet: Packet) {
        let Some(mid) = self.voice.filter(|_| self.can_speak()) else { return };
        let Some(codec) = self.rtc.codec_config().find(|codec| codec.spec().codec == Codec::Opus) else {
            return;
        };
        let (plain, redundant) = (codec.pt(), codec.red());
        let (pt, payload) = match (packet.before, redundant) {
            (Some(before), Some(redundant)) => {
                let copy = before.map(|(timestamp_offset, payload)| RedundantBlock {
                    pt: *plain,
                    timestamp_offset,
                    payload,
                });
                (redundant, RedEncoder::encode(*plain, &packet.payload, copy.as_slice()))
            }
            _ => (plain, packet.payload),
        };
        let mut direct = self.rtc.direct_api();
        let Some(stream) = direct.stream_tx_by_mid(mid, None) else { return };
        let extensions = ExtensionValues {
            audio_level: Some(packet.level),
            voice_activity: Some(packet.is_voice),
            ..ExtensionValues::default()
        };
        // Sent at once: 20 ms of voice are no burst that needs spreading.
        stream.set_unpaced(true);
        let write = RtpWrite::new(pt, packet.number.into(), packet.time as u32, now, payload)
            .marker(packet.marker)
            .ext_vals(extensions);
        stream.write_rtp(write);
        self.drain();
        self.timeout(now);
    }

    /// Whether the channel with this name is open.
    pub(crate) fn is_open(&mut self, label: &str) -> bool {
        self.channel(label).is_some_and(|id| self.rtc.channel(id).is_some())
    }

    /// Send through a channel; whether it took it.
    pub(crate) fn send(&mut self, label: &str, payload: &[u8]) -> bool {
        let Some(id) = self.channel(label) else { return false };
        let Some(mut channel) = self.rtc.channel(id) else { return false };
        let taken = channel.write(true, payload).unwrap_or(false);
        self.drain();
        taken
    }
}
