//! What both the signalling and the data channels speak of.

use std::collections::BTreeMap;

/// `livekit.Room`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Room {
    #[prost(string, tag = "1")]
    pub sid: String,
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(string, tag = "8")]
    pub metadata: String,
}

/// `livekit.ParticipantInfo`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ParticipantInfo {
    #[prost(string, tag = "1")]
    pub sid: String,
    #[prost(string, tag = "2")]
    pub identity: String,
    #[prost(enumeration = "ParticipantState", tag = "3")]
    pub state: i32,
    #[prost(message, repeated, tag = "4")]
    pub tracks: Vec<TrackInfo>,
    #[prost(string, tag = "5")]
    pub metadata: String,
    #[prost(string, tag = "9")]
    pub name: String,
    /// Grows with every change: an update with a lower one is old.
    #[prost(uint32, tag = "10")]
    pub version: u32,
    #[prost(enumeration = "Kind", tag = "14")]
    pub kind: i32,
    #[prost(btree_map = "string, string", tag = "15")]
    pub attributes: BTreeMap<String, String>,
    #[prost(int32, tag = "16")]
    pub disconnect_reason: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum ParticipantState {
    Joining = 0,
    Joined = 1,
    Active = 2,
    Disconnected = 3,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum Kind {
    Standard = 0,
    Ingress = 1,
    Egress = 2,
    Sip = 3,
    Agent = 4,
    Connector = 7,
    Bridge = 8,
}

/// `livekit.TrackInfo`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct TrackInfo {
    #[prost(string, tag = "1")]
    pub sid: String,
    #[prost(enumeration = "TrackType", tag = "2")]
    pub r#type: i32,
    #[prost(string, tag = "3")]
    pub name: String,
    #[prost(bool, tag = "4")]
    pub muted: bool,
    #[prost(enumeration = "TrackSource", tag = "9")]
    pub source: i32,
    #[prost(string, tag = "11")]
    pub mime_type: String,
    #[prost(string, tag = "12")]
    pub mid: String,
    #[prost(bool, tag = "15")]
    pub disable_red: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum TrackType {
    Audio = 0,
    Video = 1,
    Data = 2,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum TrackSource {
    Unknown = 0,
    Camera = 1,
    Microphone = 2,
    ScreenShare = 3,
    ScreenShareAudio = 4,
}

/// `livekit.SpeakerInfo`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SpeakerInfo {
    #[prost(string, tag = "1")]
    pub sid: String,
    #[prost(float, tag = "2")]
    pub level: f32,
    #[prost(bool, tag = "3")]
    pub active: bool,
}

/// `livekit.ClientInfo`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ClientInfo {
    /// 8 is Rust.
    #[prost(int32, tag = "1")]
    pub sdk: i32,
    #[prost(string, tag = "2")]
    pub version: String,
    #[prost(int32, tag = "3")]
    pub protocol: i32,
    #[prost(string, tag = "4")]
    pub os: String,
}

/// `livekit.ServerInfo`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ServerInfo {
    #[prost(string, tag = "2")]
    pub version: String,
    #[prost(int32, tag = "3")]
    pub protocol: i32,
}

/// `livekit.ClientConfiguration`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ClientConfiguration {
    /// 2 where media may only go through a relay.
    #[prost(int32, tag = "5")]
    pub force_relay: i32,
}

/// `AudioTrackFeature` TF_NO_DTX: the encoder never falls silent.
pub(crate) const FEATURE_NO_DTX: i32 = 1;
