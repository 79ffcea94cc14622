//! The messages, with their field numbers (psrpc's `internal.proto`; LiveKit's `rpc/sip.proto`, `rpc/io.proto`, `livekit_sip.proto`). Fields
//! that are not used are not listed: they are passed over.

use std::collections::BTreeMap;

/// `internal.Msg`: what is in a channel's message.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Envelope {
    #[prost(string, tag = "1")]
    pub type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    pub value: Vec<u8>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Any {
    #[prost(string, tag = "1")]
    pub type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    pub value: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Request {
    #[prost(string, tag = "1")]
    pub request_id: String,
    #[prost(string, tag = "2")]
    pub client_id: String,
    /// Nanoseconds since 1970, as the next.
    #[prost(int64, tag = "3")]
    pub sent_at: i64,
    #[prost(int64, tag = "4")]
    pub expiry: i64,
    #[prost(bool, tag = "5")]
    pub multi: bool,
    #[prost(bytes = "vec", tag = "8")]
    pub raw_request: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Response {
    #[prost(string, tag = "1")]
    pub request_id: String,
    #[prost(string, tag = "2")]
    pub server_id: String,
    #[prost(int64, tag = "3")]
    pub sent_at: i64,
    #[prost(string, tag = "5")]
    pub error: String,
    #[prost(string, tag = "6")]
    pub code: String,
    #[prost(bytes = "vec", tag = "7")]
    pub raw_response: Vec<u8>,
    #[prost(message, repeated, tag = "8")]
    pub error_details: Vec<Any>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ClaimRequest {
    #[prost(string, tag = "1")]
    pub request_id: String,
    #[prost(string, tag = "2")]
    pub server_id: String,
    /// 0 to 1.
    #[prost(float, tag = "3")]
    pub affinity: f32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ClaimResponse {
    #[prost(string, tag = "1")]
    pub request_id: String,
    #[prost(string, tag = "2")]
    pub server_id: String,
}

/// A message and its name among those of an [`Envelope`].
pub(crate) trait Named: prost::Message + Default {
    const NAME: &'static str;
}

impl Named for Request {
    const NAME: &'static str = "internal.Request";
}
impl Named for Response {
    const NAME: &'static str = "internal.Response";
}
impl Named for ClaimRequest {
    const NAME: &'static str = "internal.ClaimRequest";
}
impl Named for ClaimResponse {
    const NAME: &'static str = "internal.ClaimResponse";
}

/// `google.protobuf.Duration`.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct Span {
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

impl Span {
    /// `None` for nothing, and for less than nothing.
    pub(crate) fn positive(span: Option<Self>) -> Option<std::time::Duration> {
        let Self { seconds, nanos } = span?;
        let span = std::time::Duration::new(seconds.try_into().ok()?, nanos.try_into().ok()?);
        (!span.is_zero()).then_some(span)
    }
}

/// `livekit.SIPStatus`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SipStatus {
    #[prost(int32, tag = "1")]
    pub code: i32,
    #[prost(string, tag = "2")]
    pub status: String,
}

/// `livekit.SIPUri`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SipUri {
    #[prost(string, tag = "1")]
    pub user: String,
    #[prost(string, tag = "2")]
    pub host: String,
}

/// `livekit.SIPHeaderOptions`: which headers become attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum IncludeHeaders {
    None = 0,
    Own = 1,
    All = 2,
}

/// `livekit.SIPTransport`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum SipTransport {
    Auto = 0,
    Udp = 1,
    Tcp = 2,
    Tls = 3,
}

/// `rpc.InternalCreateSIPParticipantRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CreateRequest {
    #[prost(string, tag = "2")]
    pub address: String,
    #[prost(string, tag = "3")]
    pub number: String,
    #[prost(string, tag = "4")]
    pub call_to: String,
    #[prost(string, tag = "5")]
    pub username: String,
    #[prost(string, tag = "6")]
    pub password: String,
    #[prost(string, tag = "7")]
    pub room_name: String,
    #[prost(string, tag = "8")]
    pub participant_identity: String,
    #[prost(string, tag = "9")]
    pub token: String,
    #[prost(string, tag = "11")]
    pub dtmf: String,
    #[prost(bool, tag = "12")]
    pub play_dialtone: bool,
    #[prost(string, tag = "13")]
    pub sip_call_id: String,
    #[prost(string, tag = "14")]
    pub participant_name: String,
    #[prost(string, tag = "15")]
    pub participant_metadata: String,
    #[prost(enumeration = "SipTransport", tag = "16")]
    pub transport: i32,
    #[prost(btree_map = "string, string", tag = "17")]
    pub participant_attributes: BTreeMap<String, String>,
    #[prost(string, tag = "20")]
    pub hostname: String,
    #[prost(btree_map = "string, string", tag = "21")]
    pub headers: BTreeMap<String, String>,
    #[prost(btree_map = "string, string", tag = "22")]
    pub headers_to_attributes: BTreeMap<String, String>,
    #[prost(message, optional, tag = "23")]
    pub ringing_timeout: Option<Span>,
    #[prost(message, optional, tag = "24")]
    pub max_call_duration: Option<Span>,
    #[prost(btree_map = "string, string", tag = "26")]
    pub attributes_to_headers: BTreeMap<String, String>,
    #[prost(enumeration = "IncludeHeaders", tag = "27")]
    pub include_headers: i32,
    #[prost(bool, tag = "29")]
    pub wait_until_answered: bool,
    #[prost(string, optional, tag = "31")]
    pub display_name: Option<String>,
}

/// `rpc.InternalCreateSIPParticipantResponse`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CreateResponse {
    #[prost(string, tag = "1")]
    pub participant_id: String,
    #[prost(string, tag = "2")]
    pub participant_identity: String,
    #[prost(string, tag = "3")]
    pub sip_call_id: String,
}

/// `rpc.InternalTransferSIPParticipantRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct TransferRequest {
    #[prost(string, tag = "1")]
    pub sip_call_id: String,
    #[prost(string, tag = "2")]
    pub transfer_to: String,
    #[prost(btree_map = "string, string", tag = "4")]
    pub headers: BTreeMap<String, String>,
}

/// `rpc.SIPCall`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SipCall {
    #[prost(string, tag = "1")]
    pub lk_call_id: String,
    #[prost(string, tag = "2")]
    pub source_ip: String,
    #[prost(message, optional, tag = "3")]
    pub address: Option<SipUri>,
    #[prost(message, optional, tag = "4")]
    pub from: Option<SipUri>,
    #[prost(message, optional, tag = "5")]
    pub to: Option<SipUri>,
    #[prost(string, tag = "7")]
    pub sip_call_id: String,
}

/// `rpc.GetSIPTrunkAuthenticationRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct AuthenticationRequest {
    #[prost(string, tag = "2")]
    pub from: String,
    #[prost(string, tag = "3")]
    pub to: String,
    #[prost(string, tag = "4")]
    pub src_address: String,
    #[prost(string, tag = "5")]
    pub to_host: String,
    #[prost(string, tag = "6")]
    pub sip_call_id: String,
    #[prost(string, tag = "7")]
    pub from_host: String,
    #[prost(message, optional, tag = "8")]
    pub call: Option<SipCall>,
}

/// `rpc.GetSIPTrunkAuthenticationResponse`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct AuthenticationResponse {
    #[prost(string, tag = "1")]
    pub username: String,
    #[prost(string, tag = "2")]
    pub password: String,
    #[prost(bool, tag = "3")]
    pub drop: bool,
    #[prost(string, tag = "4")]
    pub sip_trunk_id: String,
    /// 0: there is a trunk.
    #[prost(int32, tag = "7")]
    pub error_code: i32,
}

/// `rpc.EvaluateSIPDispatchRulesRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct DispatchRequest {
    #[prost(string, tag = "2")]
    pub calling_number: String,
    #[prost(string, tag = "3")]
    pub called_number: String,
    #[prost(string, tag = "4")]
    pub src_address: String,
    #[prost(string, tag = "5")]
    pub pin: String,
    #[prost(bool, tag = "6")]
    pub no_pin: bool,
    #[prost(string, tag = "7")]
    pub called_host: String,
    #[prost(string, tag = "8")]
    pub sip_call_id: String,
    #[prost(string, tag = "10")]
    pub sip_trunk_id: String,
    #[prost(string, tag = "11")]
    pub calling_host: String,
    #[prost(message, optional, tag = "12")]
    pub call: Option<SipCall>,
}

/// `rpc.SIPDispatchResult`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum DispatchResult {
    LegacyAcceptOrPin = 0,
    Accept = 1,
    RequestPin = 2,
    Reject = 3,
    Drop = 4,
}

/// `rpc.EvaluateSIPDispatchRulesResponse`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct DispatchResponse {
    #[prost(string, tag = "1")]
    pub room_name: String,
    #[prost(string, tag = "2")]
    pub participant_identity: String,
    #[prost(string, tag = "4")]
    pub token: String,
    #[prost(enumeration = "DispatchResult", tag = "6")]
    pub result: i32,
    #[prost(string, tag = "7")]
    pub participant_name: String,
    #[prost(string, tag = "8")]
    pub participant_metadata: String,
    #[prost(btree_map = "string, string", tag = "11")]
    pub participant_attributes: BTreeMap<String, String>,
    #[prost(btree_map = "string, string", tag = "13")]
    pub headers: BTreeMap<String, String>,
    #[prost(btree_map = "string, string", tag = "14")]
    pub headers_to_attributes: BTreeMap<String, String>,
    #[prost(message, optional, tag = "16")]
    pub ringing_timeout: Option<Span>,
    #[prost(message, optional, tag = "17")]
    pub max_call_duration: Option<Span>,
    #[prost(btree_map = "string, string", tag = "18")]
    pub attributes_to_headers: BTreeMap<String, String>,
    #[prost(enumeration = "IncludeHeaders", tag = "19")]
    pub include_headers: i32,
}
