//! What a peer connection has to say.

use str0m::format::Codec;
use str0m::media::Mid;
use str0m::net::Transmit;
use str0m::rtp::RtpPacket;
use str0m::{Event as RtcEvent, IceConnectionState};

use super::Peer;

/// What a connection has to say.
#[derive(Debug)]
pub(crate) enum Said {
    Transmit(Transmit),
    Connected,
    /// No way to the other side, or one again.
    Reachable(bool),
    Sound {
        mid: Mid,
        packet: Box<RtpPacket>,
        is_redundant: bool,
    },
    /// The channel with this name takes data.
    Open,
    Data {
        label: String,
        payload: Vec<u8>,
    },
    /// The part of our packets that the other side missed.
    Loss(f32),
    Closed,
}

impl Peer {
    pub(super) fn event(&mut self, event: RtcEvent) {
        let said = match event {
            RtcEvent::Connected => {
                self.is_connected = true;
                Said::Connected
            }
            RtcEvent::IceConnectionStateChange(IceConnectionState::Disconnected) => {
                self.is_reached = false;
                Said::Reachable(false)
            }
            RtcEvent::IceConnectionStateChange(
                IceConnectionState::Connected | IceConnectionState::Completed,
            ) => {
                self.is_reached = true;
                Said::Reachable(true)
            }
            RtcEvent::RtpPacket(packet) => {
                let pt = packet.header.payload_type;
                let opus = self.rtc.codec_config().find(|codec| codec.spec().codec == Codec::Opus);
                let Some((plain, redundant)) = opus.map(|codec| (codec.pt(), codec.red())) else { return };
                let is_redundant = redundant == Some(pt);
                if pt != plain && !is_redundant {
                    return;
                }
                let mut direct = self.rtc.direct_api();
                let Some(stream) = direct.stream_rx(&packet.header.ssrc) else { return };
                // Without a retransmission stream the stack asks for nothing by itself; the server sends it again in this one. Where
                // copies come along anyway, it would only come late.
                stream.suppress_nack(is_redundant);
                let mid = stream.mid();
                Said::Sound { mid, packet: Box::new(packet), is_redundant }
            }
            RtcEvent::ChannelOpen(id, label) => {
                // The other side's channels have names of its own choice; of ours we know the number.
                let known = self.channels.iter().position(|(name, _)| *name == label);
                match known {
                    Some(at) => self.channels[at].1 = Some(id),
                    None if self.channels.len() < 16 => self.channels.push((label.clone(), Some(id))),
                    None => return,
                }
                Said::Open
            }
            RtcEvent::ChannelData(data) => {
                let label =
                    self.channels.iter().find(|(_, id)| *id == Some(data.id)).map(|(name, _)| name.clone());
                Said::Data { label: label.unwrap_or_default(), payload: data.data }
            }
            RtcEvent::MediaEgressStats(stats) => match stats.loss {
                Some(loss) => Said::Loss(loss),
                None => return,
            },
            RtcEvent::Closed => Said::Closed,
            _ => return,
        };
        self.said.push_back(said);
    }
}
