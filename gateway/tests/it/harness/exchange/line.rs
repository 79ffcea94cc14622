//! The sound of a telephone: RTP as far as a telephone in a test needs it (RFC 3550, 3551), and keys in it (RFC 4733).

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};
use vox_audio::g711::{alaw_to_linear, linear_to_alaw, linear_to_ulaw, ulaw_to_linear};

use crate::harness::PATIENCE;

/// Samples of 20 ms.
const FRAME: usize = 160;
const EVERY: Duration = Duration::from_millis(20);
const HEADER_BYTES: usize = 12;
const PCMU: u8 = 0;
const PCMA: u8 = 8;
/// As the scenarios offer it.
const KEYS: u8 = 96;
/// Packets of one key: 160 ms, the last three of which say that it is over.
const KEY_PACKETS: u16 = 8;
const AFTER_A_KEY: usize = 5;
/// Above this a frame can be heard, RMS of 16-bit samples.
const AUDIBLE_RMS: f64 = 150.0;
/// This many frames on end are a voice, and no click.
const A_VOICE: usize = 5;
/// Nobody has spoken for so long: they are done.
const DONE_AFTER: usize = 50;
/// Frames that wait to be listened to.
const UNHEARD: usize = 4_096;

/// What is sent next.
enum Next {
    Silence,
    /// As many samples as a frame has.
    Sound(Vec<i16>),
    Key {
        payload: [u8; 4],
        is_first: bool,
    },
}

/// An open line. It sends silence while nothing is said and no key is pressed, to wherever sound comes from, in the law that it is spoken to in.
pub struct Line {
    pub port: u16,
    heard: mpsc::Receiver<Vec<i16>>,
    say: mpsc::Sender<Vec<Next>>,
    task: JoinHandle<()>,
}

impl Line {
    pub async fn open() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let port = socket.local_addr().unwrap().port();
        let (hear, heard) = mpsc::channel(UNHEARD);
        let (say, said) = mpsc::channel(8);
        Self { port, heard, say, task: tokio::spawn(carry(socket, hear, said)) }
    }

    /// Press these keys, one after another.
    pub async fn presses(&self, keys: &str) {
        let mut next = Vec::new();
        for key in keys.chars() {
            let event = "0123456789*#".find(key).expect("a telephone has this key");
            for n in 1..=KEY_PACKETS {
                let [high, low] = (n.min(KEY_PACKETS - 2) * FRAME as u16).to_be_bytes();
                let volume = 10 | if n > KEY_PACKETS - 3 { 0x80 } else { 0 };
                next.push(Next::Key { payload: [event as u8, volume, high, low], is_first: n == 1 });
            }
            next.extend((0..AFTER_A_KEY).map(|_| Next::Silence));
        }
        self.say.send(next).await.unwrap();
    }

    /// Say this, 8 kHz, 16-bit.
    pub async fn says(&self, pcm: &[i16]) {
        let frame = |piece: &[i16]| {
            let mut frame = piece.to_vec();
            frame.resize(FRAME, 0);
            Next::Sound(frame)
        };
        self.say.send(pcm.chunks(FRAME).map(frame).collect()).await.unwrap();
    }

    /// Listen until somebody speaks, and until they are done.
    pub async fn hears_reply(&mut self) {
        self.listens_until("speech", A_VOICE, true).await;
        self.listens_until("silence", DONE_AFTER, false).await;
    }

    async fn listens_until(&mut self, what: &str, frames: usize, audible: bool) {
        let (mut in_a_row, mut heard) = (0, 0_usize);
        let listen = async {
            while in_a_row < frames {
                let frame = self.heard.recv().await.expect("the line is open");
                in_a_row = if (rms(&frame) > AUDIBLE_RMS) == audible { in_a_row + 1 } else { 0 };
                heard += 1;
            }
        };
        let late = timeout(PATIENCE, listen).await.is_err();
        assert!(!late, "the telephone hears no {what} in {heard} frames");
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What of a stream goes on from packet to packet.
#[derive(Default)]
struct Stream {
    far: Option<SocketAddr>,
    codec: u8,
    sequence: u16,
    timestamp: u32,
    key_began: u32,
}

async fn carry(socket: UdpSocket, hear: mpsc::Sender<Vec<i16>>, mut said: mpsc::Receiver<Vec<Next>>) {
    let mut stream = Stream::default();
    let mut waiting = VecDeque::new();
    let mut bytes = [0; 2_048];
    let mut tick = interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    loop {
        tokio::select! {
            _ = tick.tick() => {
                let Some(far) = stream.far else { continue };
                let next = waiting.pop_front().unwrap_or(Next::Silence);
                // A far end that has hung up takes nothing more.
                let _gone = socket.send_to(&stream.packet(next), far).await;
            }
            received = socket.recv_from(&mut bytes) => {
                let Ok((length, from)) = received else { continue };
                if let Some(frame) = stream.heard(&bytes[..length], from) {
                    // Nobody listens any more.
                    let _full = hear.try_send(frame);
                }
            }
            Some(next) = said.recv() => waiting.extend(next),
        }
    }
}

impl Stream {
    fn packet(&mut self, next: Next) -> Vec<u8> {
        let (kind, mark, timestamp, payload) = match next {
            Next::Silence => (self.codec, false, self.timestamp, self.coded(&[0; FRAME])),
            Next::Sound(frame) => (self.codec, false, self.timestamp, self.coded(&frame)),
            Next::Key { payload, is_first } => {
                if is_first {
                    self.key_began = self.timestamp;
                }
                (KEYS, is_first, self.key_began, payload.to_vec())
            }
        };
        let mut packet = vec![0x80, kind | if mark { 0x80 } else { 0 }];
        packet.extend(self.sequence.to_be_bytes());
        packet.extend(timestamp.to_be_bytes());
        packet.extend(0x1A2B_3C4D_u32.to_be_bytes());
        packet.extend(payload);
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(FRAME as u32);
        packet
    }

    fn coded(&self, frame: &[i16]) -> Vec<u8> {
        let law = if self.codec == PCMA { linear_to_alaw } else { linear_to_ulaw };
        frame.iter().copied().map(law).collect()
    }

    fn heard(&mut self, packet: &[u8], from: SocketAddr) -> Option<Vec<i16>> {
        let kind = packet.get(1)? & 0x7F;
        let decode = match kind {
            PCMU => ulaw_to_linear,
            PCMA => alaw_to_linear,
            _ => return None,
        };
        (self.far, self.codec) = (Some(from), kind);
        Some(packet.get(HEADER_BYTES..)?.iter().copied().map(decode).collect())
    }
}

fn rms(samples: &[i16]) -> f64 {
    let sum: f64 = samples.iter().map(|s| f64::from(*s).powi(2)).sum();
    (sum / samples.len().max(1) as f64).sqrt()
}
