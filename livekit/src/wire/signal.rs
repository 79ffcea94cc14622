//! The signalling: one of these in each binary WebSocket message.

use std::collections::BTreeMap;

use super::model::{
    ClientConfiguration, ClientInfo, ParticipantInfo, Room, ServerInfo, SpeakerInfo, TrackInfo, TrackSource,
    TrackType,
};

/// `livekit.SignalRequest`: what a client says.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SignalRequest {
    #[prost(oneof = "Request", tags = "1, 2, 3, 4, 5, 6, 8, 12, 13, 15, 16")]
    pub message: Option<Request>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum Request {
    #[prost(message, tag = "1")]
    Offer(SessionDescription),
    #[prost(message, tag = "2")]
    Answer(SessionDescription),
    #[prost(message, tag = "3")]
    Trickle(Trickle),
    #[prost(message, tag = "4")]
    AddTrack(AddTrack),
    #[prost(message, tag = "5")]
    Mute(MuteTrack),
    #[prost(message, tag = "6")]
    Subscription(UpdateSubscription),
    #[prost(message, tag = "8")]
    Leave(Leave),
    #[prost(message, tag = "12")]
    SyncState(SyncState),
    #[prost(message, tag = "13")]
    Simulate(Simulate),
    #[prost(message, tag = "15")]
    UpdateMetadata(UpdateMetadata),
    #[prost(message, tag = "16")]
    Ping(Ping),
}

/// `livekit.SignalResponse`: what the server says. What is not listed here is read as nothing.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SignalResponse {
    #[prost(oneof = "Response", tags = "1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 16, 17, 19, 20, 21, 22, 23, 24, 25")]
    pub message: Option<Response>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum Response {
    #[prost(message, tag = "1")]
    Join(Join),
    #[prost(message, tag = "2")]
    Answer(SessionDescription),
    #[prost(message, tag = "3")]
    Offer(SessionDescription),
    #[prost(message, tag = "4")]
    Trickle(Trickle),
    #[prost(message, tag = "5")]
    Update(ParticipantUpdate),
    #[prost(message, tag = "6")]
    TrackPublished(TrackPublished),
    #[prost(message, tag = "8")]
    Leave(Leave),
    #[prost(message, tag = "9")]
    Mute(MuteTrack),
    #[prost(message, tag = "10")]
    SpeakersChanged(SpeakersChanged),
    #[prost(message, tag = "11")]
    RoomUpdate(RoomUpdate),
    #[prost(string, tag = "16")]
    RefreshToken(String),
    #[prost(message, tag = "17")]
    TrackUnpublished(TrackUnpublished),
    #[prost(message, tag = "19")]
    Reconnect(Reconnect),
    #[prost(message, tag = "20")]
    Pong(Pong),
    #[prost(message, tag = "21")]
    Subscription(SubscriptionResponse),
    #[prost(message, tag = "22")]
    Request(RequestResponse),
    #[prost(message, tag = "23")]
    TrackSubscribed(TrackSubscribed),
    #[prost(message, tag = "24")]
    RoomMoved(RoomMoved),
    #[prost(message, tag = "25")]
    MediaSections(MediaSections),
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SessionDescription {
    /// `offer` or `answer`.
    #[prost(string, tag = "1")]
    pub r#type: String,
    #[prost(string, tag = "2")]
    pub sdp: String,
    /// An answer has that of its offer.
    #[prost(uint32, tag = "3")]
    pub id: u32,
    /// Section to track, in answers with one connection.
    #[prost(btree_map = "string, string", tag = "4")]
    pub mid_to_track_id: BTreeMap<String, String>,
}

/// Which connection something is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum Target {
    Publisher = 0,
    Subscriber = 1,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Trickle {
    /// JSON: `{candidate, sdpMid, sdpMLineIndex}`.
    #[prost(string, tag = "1")]
    pub candidate_init: String,
    #[prost(enumeration = "Target", tag = "2")]
    pub target: i32,
    #[prost(bool, tag = "3")]
    pub r#final: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct AddTrack {
    #[prost(string, tag = "1")]
    pub cid: String,
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(enumeration = "TrackType", tag = "3")]
    pub r#type: i32,
    #[prost(bool, tag = "6")]
    pub muted: bool,
    #[prost(enumeration = "TrackSource", tag = "8")]
    pub source: i32,
    #[prost(bool, tag = "13")]
    pub disable_red: bool,
    #[prost(int32, repeated, tag = "17")]
    pub audio_features: Vec<i32>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct MuteTrack {
    #[prost(string, tag = "1")]
    pub sid: String,
    #[prost(bool, tag = "2")]
    pub muted: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct UpdateSubscription {
    #[prost(string, repeated, tag = "1")]
    pub track_sids: Vec<String>,
    #[prost(bool, tag = "2")]
    pub subscribe: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Leave {
    #[prost(bool, tag = "1")]
    pub can_reconnect: bool,
    #[prost(int32, tag = "2")]
    pub reason: i32,
    #[prost(enumeration = "LeaveAction", tag = "3")]
    pub action: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum LeaveAction {
    Disconnect = 0,
    Resume = 1,
    Reconnect = 2,
}

/// What a client that resumes had.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SyncState {
    #[prost(message, optional, tag = "1")]
    pub answer: Option<SessionDescription>,
    #[prost(message, optional, tag = "2")]
    pub subscription: Option<UpdateSubscription>,
    #[prost(message, repeated, tag = "3")]
    pub publish_tracks: Vec<TrackPublished>,
    #[prost(message, repeated, tag = "4")]
    pub data_channels: Vec<DataChannelInfo>,
    #[prost(message, optional, tag = "5")]
    pub offer: Option<SessionDescription>,
    #[prost(message, repeated, tag = "7")]
    pub datachannel_receive_states: Vec<DataChannelReceiveState>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct DataChannelInfo {
    #[prost(string, tag = "1")]
    pub label: String,
    #[prost(uint32, tag = "2")]
    pub id: u32,
    #[prost(enumeration = "Target", tag = "3")]
    pub target: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct DataChannelReceiveState {
    #[prost(string, tag = "1")]
    pub publisher_sid: String,
    #[prost(uint32, tag = "2")]
    pub last_seq: u32,
}

/// `livekit.SimulateScenario`, for tests: what the server is asked to do to us.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Simulate {
    #[prost(oneof = "Scenario", tags = "2, 4")]
    pub scenario: Option<Scenario>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum Scenario {
    #[prost(bool, tag = "2")]
    NodeFailure(bool),
    #[prost(bool, tag = "4")]
    ServerLeave(bool),
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct UpdateMetadata {
    #[prost(string, tag = "1")]
    pub metadata: String,
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(btree_map = "string, string", tag = "3")]
    pub attributes: BTreeMap<String, String>,
    #[prost(uint32, tag = "4")]
    pub request_id: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Ping {
    #[prost(int64, tag = "1")]
    pub timestamp: i64,
    #[prost(int64, tag = "2")]
    pub rtt: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Pong {
    #[prost(int64, tag = "1")]
    pub last_ping_timestamp: i64,
    #[prost(int64, tag = "2")]
    pub timestamp: i64,
}

/// `livekit.ICEServer`: a server of STUN or TURN, and what opens it.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct IceServer {
    #[prost(string, repeated, tag = "1")]
    pub urls: Vec<String>,
    #[prost(string, tag = "2")]
    pub username: String,
    #[prost(string, tag = "3")]
    pub credential: String,
}

/// `livekit.JoinResponse`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Join {
    #[prost(message, optional, tag = "1")]
    pub room: Option<Room>,
    #[prost(message, optional, tag = "2")]
    pub participant: Option<ParticipantInfo>,
    #[prost(message, repeated, tag = "3")]
    pub other_participants: Vec<ParticipantInfo>,
    #[prost(message, repeated, tag = "5")]
    pub ice_servers: Vec<IceServer>,
    #[prost(message, optional, tag = "8")]
    pub client_configuration: Option<ClientConfiguration>,
    /// Seconds; 0 means that no pings are asked for.
    #[prost(int32, tag = "10")]
    pub ping_timeout: i32,
    #[prost(int32, tag = "11")]
    pub ping_interval: i32,
    #[prost(message, optional, tag = "12")]
    pub server_info: Option<ServerInfo>,
}

/// `livekit.ReconnectResponse`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Reconnect {
    #[prost(message, repeated, tag = "1")]
    pub ice_servers: Vec<IceServer>,
    #[prost(message, optional, tag = "2")]
    pub client_configuration: Option<ClientConfiguration>,
    /// The last of our reliable messages that the server has.
    #[prost(uint32, tag = "4")]
    pub last_message_seq: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ParticipantUpdate {
    #[prost(message, repeated, tag = "1")]
    pub participants: Vec<ParticipantInfo>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct TrackPublished {
    #[prost(string, tag = "1")]
    pub cid: String,
    #[prost(message, optional, tag = "2")]
    pub track: Option<TrackInfo>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct TrackUnpublished {
    #[prost(string, tag = "1")]
    pub track_sid: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SpeakersChanged {
    #[prost(message, repeated, tag = "1")]
    pub speakers: Vec<SpeakerInfo>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct RoomUpdate {
    #[prost(message, optional, tag = "1")]
    pub room: Option<Room>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SubscriptionResponse {
    #[prost(string, tag = "1")]
    pub track_sid: String,
    /// 0 unknown, 1 codec, 2 not found.
    #[prost(int32, tag = "2")]
    pub err: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct RequestResponse {
    #[prost(uint32, tag = "1")]
    pub request_id: u32,
    /// 0 is well.
    #[prost(int32, tag = "2")]
    pub reason: i32,
    #[prost(string, tag = "3")]
    pub message: String,
    /// Whose request it was, where it was for a track.
    #[prost(message, optional, tag = "5")]
    pub add_track: Option<AddTrack>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct TrackSubscribed {
    #[prost(string, tag = "1")]
    pub track_sid: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct RoomMoved {
    #[prost(message, optional, tag = "1")]
    pub room: Option<Room>,
    #[prost(string, tag = "2")]
    pub token: String,
    #[prost(message, optional, tag = "3")]
    pub participant: Option<ParticipantInfo>,
    #[prost(message, repeated, tag = "4")]
    pub other_participants: Vec<ParticipantInfo>,
}

/// How many sections more the server needs; zeros ask for an offer with those that are there.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct MediaSections {
    #[prost(uint32, tag = "1")]
    pub num_audios: u32,
    #[prost(uint32, tag = "2")]
    pub num_videos: u32,
}

/// `livekit.JoinRequest`, in the address with one connection.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct JoinRequest {
    #[prost(message, optional, tag = "1")]
    pub client_info: Option<ClientInfo>,
    #[prost(message, optional, tag = "2")]
    pub connection_settings: Option<ConnectionSettings>,
    #[prost(message, optional, tag = "6")]
    pub publisher_offer: Option<SessionDescription>,
    #[prost(bool, tag = "7")]
    pub reconnect: bool,
    #[prost(int32, tag = "8")]
    pub reconnect_reason: i32,
    #[prost(string, tag = "9")]
    pub participant_sid: String,
    #[prost(message, optional, tag = "10")]
    pub sync_state: Option<SyncState>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ConnectionSettings {
    #[prost(bool, tag = "1")]
    pub auto_subscribe: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct WrappedJoinRequest {
    /// 0: none.
    #[prost(int32, tag = "1")]
    pub compression: i32,
    #[prost(bytes = "vec", tag = "2")]
    pub join_request: Vec<u8>,
}
