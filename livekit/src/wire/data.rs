//! What goes through the data channels.

use std::collections::BTreeMap;

/// `livekit.DataPacket`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct DataPacket {
    /// 0 reliable, 1 lossy: old servers look at it.
    #[prost(int32, tag = "1")]
    pub kind: i32,
    #[prost(string, tag = "4")]
    pub participant_identity: String,
    /// Empty: everybody.
    #[prost(string, repeated, tag = "5")]
    pub destination_identities: Vec<String>,
    /// Counts reliable packets of one sender from 1.
    #[prost(uint32, tag = "16")]
    pub sequence: u32,
    #[prost(string, tag = "17")]
    pub participant_sid: String,
    #[prost(oneof = "Value", tags = "2, 6, 9, 10, 11, 12, 13, 14, 15")]
    pub value: Option<Value>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum Value {
    #[prost(message, tag = "2")]
    User(UserPacket),
    #[prost(message, tag = "6")]
    SipDtmf(SipDtmf),
    #[prost(message, tag = "9")]
    Chat(ChatMessage),
    #[prost(message, tag = "10")]
    RpcRequest(RpcRequest),
    #[prost(message, tag = "11")]
    RpcAck(RpcAck),
    #[prost(message, tag = "12")]
    RpcResponse(RpcResponse),
    #[prost(message, tag = "13")]
    StreamHeader(StreamHeader),
    #[prost(message, tag = "14")]
    StreamChunk(StreamChunk),
    #[prost(message, tag = "15")]
    StreamTrailer(StreamTrailer),
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct UserPacket {
    #[prost(bytes = "vec", tag = "2")]
    pub payload: Vec<u8>,
    #[prost(string, optional, tag = "4")]
    pub topic: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SipDtmf {
    /// RFC 4733 event.
    #[prost(uint32, tag = "3")]
    pub code: u32,
    #[prost(string, tag = "4")]
    pub digit: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ChatMessage {
    #[prost(string, tag = "1")]
    pub id: String,
    #[prost(int64, tag = "2")]
    pub timestamp: i64,
    #[prost(string, tag = "4")]
    pub message: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct RpcRequest {
    #[prost(string, tag = "1")]
    pub id: String,
    #[prost(string, tag = "2")]
    pub method: String,
    #[prost(string, tag = "3")]
    pub payload: String,
    #[prost(uint32, tag = "4")]
    pub response_timeout_ms: u32,
    #[prost(uint32, tag = "5")]
    pub version: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct RpcAck {
    #[prost(string, tag = "1")]
    pub request_id: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct RpcResponse {
    #[prost(string, tag = "1")]
    pub request_id: String,
    #[prost(oneof = "RpcOutcome", tags = "2, 3")]
    pub value: Option<RpcOutcome>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum RpcOutcome {
    #[prost(string, tag = "2")]
    Payload(String),
    #[prost(message, tag = "3")]
    Error(RpcFault),
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct RpcFault {
    #[prost(uint32, tag = "1")]
    pub code: u32,
    #[prost(string, tag = "2")]
    pub message: String,
    #[prost(string, tag = "3")]
    pub data: String,
}

/// `livekit.DataStream.Header`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct StreamHeader {
    #[prost(string, tag = "1")]
    pub stream_id: String,
    /// Milliseconds since 1970.
    #[prost(int64, tag = "2")]
    pub timestamp: i64,
    #[prost(string, tag = "3")]
    pub topic: String,
    #[prost(string, tag = "4")]
    pub mime_type: String,
    #[prost(uint64, optional, tag = "5")]
    pub total_length: Option<u64>,
    #[prost(btree_map = "string, string", tag = "8")]
    pub attributes: BTreeMap<String, String>,
    #[prost(oneof = "Content", tags = "9, 10")]
    pub content: Option<Content>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum Content {
    #[prost(message, tag = "9")]
    Text(TextHeader),
    #[prost(message, tag = "10")]
    Bytes(BytesHeader),
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct TextHeader {
    #[prost(int32, tag = "1")]
    pub operation_type: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct BytesHeader {
    #[prost(string, tag = "1")]
    pub name: String,
}

/// `livekit.DataStream.Chunk`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct StreamChunk {
    #[prost(string, tag = "1")]
    pub stream_id: String,
    /// From 0.
    #[prost(uint64, tag = "2")]
    pub chunk_index: u64,
    #[prost(bytes = "vec", tag = "3")]
    pub content: Vec<u8>,
}

/// `livekit.DataStream.Trailer`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct StreamTrailer {
    #[prost(string, tag = "1")]
    pub stream_id: String,
    /// Empty: the stream is complete.
    #[prost(string, tag = "2")]
    pub reason: String,
    #[prost(btree_map = "string, string", tag = "3")]
    pub attributes: BTreeMap<String, String>,
}
