//! What happens in a room.

use std::collections::BTreeMap;

use crate::error::Disconnect;
use crate::leaving::Leaving;

/// One thing that happened. They come in the order in which the server told them.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// Media can flow.
    Connected,
    /// Our track has this id: after publishing, and again, with another one, after all had to begin anew.
    Published { track_sid: String },
    /// The server ended our track: the permission to publish was taken from us. Another may be published.
    Unpublished { track_sid: String },
    /// Somebody receives our track now, the first one: what is written from here on is heard.
    Reached { track_sid: String },
    /// Somebody is there. Those who were there before us come first, right after joining.
    Joined(Participant),
    /// Somebody went.
    Left { participant: Participant, reason: Leaving },
    /// Attributes, metadata or name are not what they were; the names of attributes that changed, those that went included.
    Changed { participant: Participant, attributes: Vec<String> },
    /// Somebody who is here published a voice, whether or not we are subscribed to it. Those of [`Joined`](Self::Joined) are in it.
    Offered { identity: String, track: Track },
    /// It is published no more.
    Withdrawn { identity: String, track: Track },
    /// A voice can be heard.
    Subscribed { identity: String, track: Track },
    /// It cannot any more.
    Unsubscribed { identity: String, track: Track },
    /// A publisher (or the server for it) muted or unmuted a voice.
    Muted { identity: String, track: Track },
    /// The server cannot give us a voice: it is in a codec that we do not have, or gone.
    SubscriptionFailed { track_sid: String },
    /// Who speaks, the loudest first. Empty: nobody.
    Speakers(Vec<Speaker>),
    /// A packet for us or for all.
    Data(Data),
    /// A text stream, whole.
    Text(Text),
    /// Somebody sent bytes as a stream, a file mostly, with this topic: this client does not read them.
    StreamRefused { identity: String, topic: String },
    /// A key that a phone pressed: one of `0123456789*#ABCD`.
    Digit { identity: String, digit: char },
    /// Metadata of the room itself.
    RoomMetadata(String),
    /// The server refused something that was asked for without waiting: attributes, metadata.
    Refused { what: String },
    /// The connection is lost and is tried to be had back. Frames that are written wait meanwhile.
    Recovering,
    /// It is back: the same session, or a new one in which everything was set up again (then others saw us leave and join).
    Recovered { resumed: bool },
    /// The end. Nothing comes after it.
    Disconnected(Disconnect),
}

/// Somebody in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Participant {
    /// `PA_…`, another one after each join.
    pub sid: String,
    pub identity: String,
    pub name: String,
    pub kind: Kind,
    pub metadata: String,
    /// Those of a phone begin with `sip.`: `sip.callStatus`, `sip.phoneNumber`, …
    pub attributes: BTreeMap<String, String>,
    /// What it publishes, video left out.
    pub tracks: Vec<Track>,
}

/// What a participant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A person with a browser or an app.
    Standard,
    Ingress,
    Egress,
    /// A phone.
    Sip,
    Agent,
    Other,
}

/// A published voice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// `TR_…`
    pub sid: String,
    pub name: String,
    pub is_muted: bool,
    /// A microphone, not the sound of a shared screen.
    pub is_microphone: bool,
}

/// Who speaks, and how loud: 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Speaker {
    pub identity: String,
    pub level: f32,
}

/// A packet of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Data {
    /// Whose; empty for one that the server sent.
    pub identity: String,
    pub topic: Option<String>,
    pub payload: Vec<u8>,
    /// It came through the channel that loses nothing.
    pub is_reliable: bool,
}

/// A text that came as a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    pub identity: String,
    /// `lk.chat`, `lk.transcription`, or what the sender likes.
    pub topic: String,
    pub stream_id: String,
    pub attributes: BTreeMap<String, String>,
    pub text: String,
}

/// 20 ms of what is heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// All voices together, mono, [`Rate::frame`](crate::Rate::frame) samples; silence if nobody speaks.
    pub mix: Vec<i16>,
    /// With [`Options::separate`](crate::Options::separate): each voice that speaks, by the id of its track, muted ones and those that are
    /// kept out of the mix included.
    pub voices: Vec<(String, Vec<i16>)>,
}
