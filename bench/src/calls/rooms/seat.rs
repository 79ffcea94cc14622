//! A visitor's seat in a room. On its other side it speaks `/talk` as a server does, so that a caller of `vox-caller` can talk and measure
//! there as on every other line.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::json;
use tokio::{
    io::DuplexStream,
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, interval, timeout},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        protocol::{CloseFrame, Role, frame::coding::CloseCode},
    },
};
use vox_audio::pcm;
use vox_livekit::{
    Counts, Disconnect, Event, Events, Kind, Microphone, Options, Publish, Rate, Room, Sound, VoiceStats,
};

const RATE: Rate = Rate::Hz16000;
/// Media of the visitor stands by then, and the bot's voice.
const PATIENCE: Duration = Duration::from_secs(15);
/// Between caller and seat: some seconds of sound.
const WIRE_BYTES: usize = 256 * 1024;
/// Frames that wait for the microphone, besides those in its own queue. What is more is old.
const MOUTH_FRAMES: usize = 4;
const QUEUE_FRAMES: usize = 4;
/// Between two looks at what the room counts: a room that was lost tells nothing any more.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Somebody with a browser, whose media is up.
pub(super) struct Visitor {
    room: Room,
    events: Events,
    sound: Sound,
    microphone: Microphone,
    seen: Seen,
}

/// What was seen of the bot so far; one that comes by itself may be there first.
#[derive(Default)]
struct Seen {
    joined: Option<Instant>,
    voice: Option<Instant>,
}

impl Seen {
    fn notes(&mut self, event: &Event) {
        match event {
            Event::Joined(who) if who.kind == Kind::Agent => {
                self.joined.get_or_insert_with(Instant::now);
            }
            Event::Subscribed { .. } => {
                self.voice.get_or_insert_with(Instant::now);
            }
            _ => {}
        }
    }
}

/// When the bot was seen, and when its voice could be heard.
pub(super) struct Met {
    pub(super) joined: Instant,
    pub(super) voice: Instant,
}

/// Somebody who sits in a room while a call lasts.
pub(crate) struct Seated(JoinHandle<Stay>);

/// What was noted in the room.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stay {
    /// Of the bot's voice.
    pub(crate) counts: Counts,
    pub(crate) unheard: u64,
    /// Times that the visitor's connection was lost, and had back in the same session and in a new one.
    pub(crate) lost: u32,
    pub(crate) resumed: u32,
    pub(crate) rejoined: u32,
    /// Times that the bot was seen to go while the call went on.
    pub(crate) bot_left: u32,
    /// Why the room ended, if it did so by itself.
    pub(crate) ended: Option<String>,
}

impl Visitor {
    /// Join, and open the microphone.
    pub(super) async fn join(url: &str, token: &str) -> Result<Self, String> {
        let options = Options { hear: RATE, ..Options::default() };
        let joined = Room::join(url, token, options).await;
        let (room, mut events) = joined.map_err(|error| format!("visitor_not_joined: {error}"))?;
        let sound = events.sound().expect("it is taken once");
        let mut seen = Seen::default();
        let connected = async {
            while let Some(event) = events.next().await {
                seen.notes(&event);
                if event == Event::Connected {
                    return true;
                }
            }
            false
        };
        if !timeout(PATIENCE, connected).await.unwrap_or(false) {
            return Err("visitor_without_media".to_owned());
        }
        let publish = Publish { rate: RATE, queue_frames: QUEUE_FRAMES, ..Publish::default() };
        let published = timeout(PATIENCE, room.publish(publish)).await;
        let microphone =
            published.ok().and_then(Result::ok).ok_or_else(|| "visitor_without_a_track".to_owned())?;
        Ok(Self { room, events, sound, microphone, seen })
    }

    /// Wait for the bot and its voice.
    pub(super) async fn meets(&mut self) -> Result<Met, String> {
        let Self { events, sound, seen, .. } = self;
        let wait = async {
            while seen.voice.is_none() {
                tokio::select! {
                    // What is heard before the call begins is silence.
                    Some(_silence) = sound.next() => {}
                    event = events.next() => seen.notes(&event?),
                }
            }
            seen.voice
        };
        match timeout(PATIENCE, wait).await {
            Ok(Some(voice)) => Ok(Met { joined: seen.joined.unwrap_or(voice), voice }),
            Ok(None) => Err("sent_away_before_the_bot_spoke".to_owned()),
            Err(_) if seen.joined.is_none() => Err("no_bot_came".to_owned()),
            Err(_) => Err("bot_without_a_voice".to_owned()),
        }
    }

    /// Carry a call: the end that the caller gets, and the seat.
    pub(super) fn sits_down(self) -> (DuplexStream, Seated) {
        let (near, far) = tokio::io::duplex(WIRE_BYTES);
        (near, Seated(tokio::spawn(self.carry(far))))
    }

    async fn carry(self, far: DuplexStream) -> Stay {
        let Self { room, mut events, mut sound, microphone, .. } = self;
        let mut caller = WebSocketStream::from_raw_socket(far, Role::Server, None).await;
        let microphone = Arc::new(microphone);
        let mouth = mouth(microphone.clone());
        let (mut stay, mut books, mut look) = (Stay::default(), Books::default(), interval(LOOK_EVERY));
        let ready =
            json!({"type": "ready", "session_id": room.name(), "sample_rate": RATE.hz(), "frame_ms": 20});
        let mut goes_on = caller.send(Message::text(ready.to_string())).await.is_ok();
        while goes_on {
            tokio::select! {
                said = caller.next() => match said {
                    Some(Ok(Message::Binary(bytes))) => {
                        // A frame that finds no place is lost, as in any microphone that is not read.
                        let _lost = pcm::from_bytes(&bytes).map(|frame| mouth.try_send(frame));
                    }
                    // `hangup` is all that a caller of this line writes.
                    Some(Ok(Message::Text(_) | Message::Close(_)) | Err(_)) | None => goes_on = false,
                    Some(Ok(_)) => {}
                },
                Some(heard) = sound.next() => {
                    goes_on = caller.send(Message::binary(pcm::to_bytes(&heard.mix))).await.is_ok();
                }
                event = events.next() => goes_on = stay.notes(event, &microphone).await,
                _ = look.tick() => books.look(&room).await,
            }
        }
        books.look(&room).await;
        books.close(&mut stay);
        room.leave().await;
        farewell(&mut caller, stay.ended.as_deref()).await;
        stay
    }
}

impl Seated {
    /// Wait until the seat is empty.
    pub(crate) async fn gets_up(self) -> Stay {
        // A seat that panicked has noted nothing.
        self.0.await.unwrap_or_default()
    }
}

impl Stay {
    /// Something happened in the room; whether the call goes on.
    async fn notes(&mut self, event: Option<Event>, microphone: &Microphone) -> bool {
        match event {
            Some(Event::Recovering) => self.lost += 1,
            // What waited meanwhile is old.
            Some(Event::Recovered { .. }) => _ = microphone.clear().await,
            Some(Event::Left { participant, .. }) if participant.kind == Kind::Agent => self.bot_left += 1,
            Some(Event::Disconnected(why)) => {
                self.ended = Some(match why {
                    Disconnect::SentAway(reason) => format!("sent away: {reason:?}"),
                    other => format!("{other:?}"),
                });
                return false;
            }
            Some(_) => {}
            None => return false,
        }
        true
    }
}

/// What the room counted when it was last asked, each voice by its track: after all began anew the bot's is another one.
#[derive(Default)]
struct Books {
    voices: BTreeMap<String, VoiceStats>,
    unheard: u64,
    resumed: u32,
    rejoined: u32,
}

impl Books {
    async fn look(&mut self, room: &Room) {
        let stats = room.stats().await;
        self.voices.extend(stats.voices);
        // A room that has ended counts from nothing.
        self.unheard = self.unheard.max(stats.unheard);
        self.resumed = self.resumed.max(stats.resumed);
        self.rejoined = self.rejoined.max(stats.rejoined);
    }

    fn close(self, stay: &mut Stay) {
        stay.counts = self.voices.values().fold(Counts::default(), |sum, voice| add(sum, voice.counts));
        (stay.unheard, stay.resumed, stay.rejoined) = (self.unheard, self.resumed, self.rejoined);
    }
}

/// A microphone's writer: its queue takes a frame every 20 ms, and none while media does not flow.
fn mouth(microphone: Arc<Microphone>) -> mpsc::Sender<Vec<i16>> {
    let (mouth, mut frames) = mpsc::channel::<Vec<i16>>(MOUTH_FRAMES);
    tokio::spawn(async move {
        // One frame ahead: the two clocks tick at the same pace and not at the same moment.
        let mut frame = Some(vec![0; RATE.frame()]);
        while let Some(next) = frame {
            if microphone.write(next).await.is_err() {
                return;
            }
            frame = frames.recv().await;
        }
    });
    mouth
}

/// The end of the caller's line, as `/talk` has it: a bot that sent the visitor away has hung up, a room that was lost is an error.
async fn farewell(caller: &mut WebSocketStream<DuplexStream>, ended: Option<&str>) {
    let is_lost = ended.is_some_and(|why| !why.starts_with("sent away"));
    let by = if ended.is_some() { "bot" } else { "customer" };
    let (word, code) = match ended {
        Some(why) if is_lost => {
            (json!({"type": "error", "code": "room_lost", "detail": why}), CloseCode::Error)
        }
        _ => (json!({"type": "hangup", "disconnected_by": by}), CloseCode::Normal),
    };
    // A caller that is gone needs no goodbye.
    let _gone = caller.send(Message::text(word.to_string())).await;
    let _gone = caller.close(Some(CloseFrame { code, reason: "".into() })).await;
}

fn add(a: Counts, b: Counts) -> Counts {
    Counts {
        received: a.received + b.received,
        late: a.late + b.late,
        lost: a.lost + b.lost,
        repaired: a.repaired + b.repaired,
        redundant: a.redundant + b.redundant,
        invented: a.invented + b.invented,
        skipped: a.skipped + b.skipped,
    }
}
