//! The agent's rules: what it answers, and what its calls are by what came. It has neither a socket nor a clock: it is told what comes and
//! what time it is, and asked what goes.

mod call;
mod dialing;
mod invited;
mod limits;
mod outside;
mod session;
mod within;

use std::collections::{HashMap, VecDeque};
use std::hash::RandomState;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

pub(crate) use call::{Call, CallKey};
pub(crate) use dialing::Dial;
pub(crate) use invited::Ring;

use crate::dialog::Dialog;
use crate::digest::{Challenger, Credentials};
use crate::event::{Ending, Event};
use crate::message::{Headers, Message, Method, NameAddr, Request, Response, Uri, parse, phrase};
use crate::sdp::Agreed;
use crate::settings::Settings;
use crate::transaction::{ClientId, Happened, ServerKey, Timers, Times, Transactions};
use crate::transport::{Flow, Transport};
use limits::Limits;
use outside::unknown_extensions;

/// Most requests under way, ours and others': no call begins beyond it.
const MOST_TRANSACTIONS: usize = 20_000;
/// What we can be asked for.
const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, NOTIFY, INFO, UPDATE";

/// What the rules want done.
#[derive(Debug)]
pub(crate) enum Output {
    Send(Flow, Vec<u8>),
    /// Somebody calls.
    Called(CallKey, Box<Called>),
    Tell(CallKey, Event),
    /// Sound flows so from now on.
    Sound(CallKey, Agreed),
    /// Nothing more comes of this call.
    Over(CallKey),
}

/// A call to us.
#[derive(Clone, Debug)]
pub(crate) struct Called {
    pub invite: Request,
    pub flow: Flow,
    /// Our tag.
    pub tag: String,
}

/// A request of ours that is under way.
struct Asked {
    call: CallKey,
    why: Why,
    request: Request,
    flow: Flow,
    /// A password was given already.
    proved: bool,
    /// Of a `BYE`, whose call is not there any more.
    credentials: Option<Credentials>,
    /// What a repeated 2xx is answered with: first that of whom we talk to.
    acks: Vec<Ack>,
}

/// The acknowledgement of a 2xx.
struct Ack {
    /// Whose, of several that may answer.
    tag: Option<String>,
    flow: Flow,
    bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    Invite,
    /// To say that we are still there.
    Refresh,
    Cancel,
    Bye,
    Refer,
}

/// What is counted over the agent's life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Datagrams and messages that could not be read.
    pub malformed: u64,
    /// Calls that were refused because there were too many.
    pub refused: u64,
}

pub(crate) struct Core {
    settings: Settings,
    /// What others are told to reach us by.
    ours: SocketAddr,
    start: Instant,
    /// What time it is said to be.
    now: Instant,
    transactions: Transactions,
    times: Times,
    calls: HashMap<CallKey, Call>,
    /// By `Call-ID` and our tag.
    dialogs: HashMap<(String, String), CallKey>,
    asked: HashMap<ClientId, Asked>,
    timers: Timers<CallKey>,
    /// [`MOST_TRANSACTIONS`], but in a test.
    most_transactions: usize,
    limits: Limits,
    /// Answers to what belongs to no call.
    unheard: Limits,
    /// Makes tags of what belongs to no call.
    tags: RandomState,
    challenger: Challenger,
    next: u64,
    out: VecDeque<Output>,
    counts: Counts,
}

impl Core {
    pub(crate) fn new(now: Instant, settings: Settings, ours: SocketAddr) -> Self {
        let times = Times::default();
        Self {
            challenger: Challenger::new(&settings.realm),
            most_transactions: MOST_TRANSACTIONS,
            limits: Limits::new(settings.calls_per_second),
            unheard: Limits::new(settings.calls_per_second.saturating_mul(outside::UNHEARD_PER_CALL)),
            tags: RandomState::new(),
            settings,
            ours,
            start: now,
            now,
            transactions: Transactions::new(times),
            times,
            calls: HashMap::new(),
            dialogs: HashMap::new(),
            asked: HashMap::new(),
            timers: Timers::default(),
            next: 0,
            out: VecDeque::new(),
            counts: Counts::default(),
        }
    }

    /// It is this time now: said before anything else is.
    pub(crate) fn at(&mut self, now: Instant) -> &mut Self {
        self.now = now;
        self
    }

    /// Bytes came: a datagram, or a message of a connection.
    pub(crate) fn receive(&mut self, flow: Flow, bytes: &[u8]) {
        match parse(bytes) {
            Ok(message) => {
                if let Message::Request(request) = &message
                    && !self.admits(request, flow)
                {
                    return;
                }
                self.transactions.receive(self.now, flow, message);
                self.work();
            }
            // Two line breaks are how clients keep a way open.
            Err(_) if bytes.iter().all(|byte| b"\r\n".contains(byte)) => {}
            Err(_) => self.counts.malformed += 1,
        }
    }

    /// The network has no way there.
    pub(crate) fn flow_failed(&mut self, flow: Flow) {
        self.transactions.flow_failed(flow);
        self.work();
    }

    /// Time has gone on.
    pub(crate) fn tick(&mut self) {
        self.transactions.tick(self.now);
        self.work();
        while let Some(key) = self.timers.pop(self.now) {
            self.call_is_due(key);
            self.work();
        }
    }

    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        [self.transactions.next_timeout(), self.timers.next()].into_iter().flatten().min()
    }

    pub(crate) fn poll(&mut self) -> Option<Output> {
        if let Some((flow, bytes)) = self.transactions.poll_out() {
            return Some(Output::Send(flow, bytes));
        }
        self.out.pop_front()
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.len()
    }

    /// A call's `Call-ID` and our tag.
    pub(crate) fn id(&self, key: CallKey) -> Option<(String, String)> {
        self.calls.get(&key).map(Call::id)
    }

    /// The machine that a call's messages come from, as far as that is known.
    pub(crate) fn signalled_from(&self, key: CallKey) -> Option<IpAddr> {
        self.calls.get(&key).map(|call| call.dialog.flow.peer.ip())
    }

    /// Time since the beginning.
    fn age(&self) -> Duration {
        self.now - self.start
    }

    /// See to everything that is new.
    fn work(&mut self) {
        while let Some(news) = self.transactions.poll_news() {
            match news {
                Happened::Asked { key, request, flow } => self.is_asked(key, *request, flow),
                Happened::Acknowledged { request } => self.is_acknowledged(&request),
                Happened::Answered { id, response } => self.is_answered(id, *response),
                Happened::GivenUp { id } => self.is_given_up(id),
                Happened::Done { id } => {
                    self.asked.remove(&id);
                }
                Happened::Unacknowledged { key } => self.is_unacknowledged(&key),
            }
        }
    }

    /// Something that is taken is asked for the first time: a call, its cancelling, or something within one.
    fn is_asked(&mut self, key: ServerKey, request: Request, flow: Flow) {
        if request.method == Method::Cancel {
            return self.is_cancelled(&key, &request, flow);
        }
        let unknown = unknown_extensions(&request);
        if !unknown.is_empty() {
            let mut response = Response::to(&request, 420, phrase(420), &self.tag());
            for tag in unknown {
                response.headers.push("Unsupported", tag);
            }
            return self.transactions.answer(self.now, &key, &response);
        }
        if let Some(tag) = tag_of(&request, "To") {
            let call_id = request.headers.get("Call-ID").unwrap_or_default().to_owned();
            return match self.dialogs.get(&(call_id, tag)).copied() {
                Some(call) => self.is_asked_within(call, key, request),
                None => self.reply(&key, &request, 481, phrase(481)),
            };
        }
        match request.method {
            Method::Invite => self.is_invited(key, request, flow),
            _ => self.reply(&key, &request, 405, phrase(405)),
        }
    }

    /// Answer without more than the words.
    fn reply(&mut self, key: &ServerKey, request: &Request, status: u16, reason: &str) {
        let tag = if tag_of(request, "To").is_some() { String::new() } else { self.tag() };
        let mut response = Response::to(request, status, reason, &tag);
        if status == 405 || status == 501 {
            response.headers.push("Allow", ALLOW);
        }
        self.transactions.answer(self.now, key, &response);
    }

    /// Send a request with what each has: its way back, who we are, where we are.
    fn ask(&mut self, call: CallKey, mut request: Request, way: Way) -> ClientId {
        if request.headers.get("Via").is_none() {
            let branch = format!("z9hG4bK{}", word(16));
            let name = way.flow.transport.name();
            request.headers.push_front("Via", format!("SIP/2.0/{name} {};branch={branch};rport", self.ours));
        }
        if request.headers.get("User-Agent").is_none() {
            request.headers.push("User-Agent", &self.settings.user_agent);
        }
        let takes_contact = matches!(request.method, Method::Invite | Method::Refer | Method::Update);
        if takes_contact && request.headers.get("Contact").is_none() {
            request.headers.push("Contact", self.contact(way.flow.transport));
        }
        let id = self.transactions.ask(self.now, request.clone(), way.flow);
        let asked = Asked {
            call,
            why: way.why,
            request,
            flow: way.flow,
            proved: way.proved,
            credentials: None,
            acks: Vec::new(),
        };
        self.asked.insert(id, asked);
        id
    }

    /// Our address, for requests within calls.
    fn contact(&self, transport: Transport) -> String {
        let mut uri = Uri::sip(Some(&self.settings.user), &host(self.ours.ip()), Some(self.ours.port()));
        if transport == Transport::Tcp {
            uri.params.push(("transport".to_owned(), Some("tcp".to_owned())));
        }
        NameAddr::new(uri).to_string()
    }

    /// A new tag.
    fn tag(&self) -> String {
        format!("{}{}", self.settings.tag_prefix, word(12))
    }

    fn tell(&mut self, key: CallKey, event: Event) {
        self.out.push_back(Output::Tell(key, event));
    }

    /// Keep a call on, and wake up when it wants to.
    fn keep(&mut self, key: CallKey, call: Call) {
        self.timers.set(call.due(), key);
        self.calls.insert(key, call);
    }

    /// A call that was taken out is over.
    fn finish(&mut self, key: CallKey, call: &Call, event: Option<Event>) {
        self.timers.set(None, key);
        self.dialogs.remove(&call.id());
        if let Some(event) = event.filter(|_| !call.told) {
            self.tell(key, event);
        }
        self.out.push_back(Output::Over(key));
    }

    /// End a call that is up, and say so to the other side.
    fn end(&mut self, key: CallKey, mut call: Call, ending: Ending) {
        let credentials = call.credentials.take();
        self.ask_to_end(key, &mut call.dialog, credentials);
        self.finish(key, &call, Some(Event::Ended(ending)));
    }

    /// Send a `BYE`.
    fn ask_to_end(&mut self, key: CallKey, dialog: &mut Dialog, credentials: Option<Credentials>) {
        let bye = dialog.request(Method::Bye, None);
        let id = self.ask(key, bye, Way { flow: dialog.way(), why: Why::Bye, proved: false });
        if let Some(asked) = self.asked.get_mut(&id) {
            asked.credentials = credentials;
        }
    }
}

/// How and why a request is sent.
#[derive(Clone, Copy)]
struct Way {
    flow: Flow,
    why: Why,
    proved: bool,
}

fn tag_of(request: &Request, name: &str) -> Option<String> {
    tag_in(&request.headers, name)
}

fn tag_in(headers: &Headers, name: &str) -> Option<String> {
    let value: NameAddr = headers.get(name)?.parse().ok()?;
    value.tag().map(str::to_owned)
}

fn host(ip: std::net::IpAddr) -> String {
    match ip {
        std::net::IpAddr::V4(ip) => ip.to_string(),
        std::net::IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

/// Random letters and digits.
fn word(length: usize) -> String {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    (0..length).map(|_| char::from(LETTERS[rand::random_range(0..LETTERS.len())])).collect()
}

#[cfg(test)]
mod tests;
