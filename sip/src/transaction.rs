//! Requests and their answers over lines that lose them: what is sent again and when it is given up (RFC 3261, 17; RFC 6026). It is told
//! what comes and what time it is, and tells what goes and what is new.

mod client;
mod server;
mod timers;

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use crate::message::{Message, Method, Request, Response, Via, cseq, note_source};
use crate::transport::Flow;
use client::Client;
use server::Server;
pub(crate) use timers::Timers;

/// Times of RFC 3261, 17.1.1.1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// An estimate of a way there and back.
    pub t1: Duration,
    /// Longest time between two of the same.
    pub t2: Duration,
    /// How long a message may be under way.
    pub t4: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self { t1: Duration::from_millis(500), t2: Duration::from_secs(4), t4: Duration::from_secs(5) }
    }
}

impl Times {
    /// When a request is given up: 32 s.
    pub(crate) fn given_up(&self) -> Duration {
        64 * self.t1
    }
}

/// A request of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ClientId(u64);

/// A request of somebody else.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ServerKey(String);

/// What is new.
#[derive(Debug)]
pub(crate) enum Happened {
    /// Somebody asks for something: for the first time.
    Asked { key: ServerKey, request: Box<Request>, flow: Flow },
    /// Our 2xx is acknowledged, perhaps not for the first time.
    Acknowledged { request: Box<Request> },
    /// Our request is answered. More answers may follow: provisional ones, and repetitions of 2xx to `INVITE`.
    Answered { id: ClientId, response: Box<Response> },
    /// It will not be answered any more.
    GivenUp { id: ClientId },
    /// It was answered, and is forgotten now.
    Done { id: ClientId },
    /// A final answer of ours to an `INVITE` was never acknowledged.
    Unacknowledged { key: ServerKey },
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Whose {
    Client(ClientId),
    Server(ServerKey),
}

pub(crate) struct Transactions {
    times: Times,
    clients: HashMap<ClientId, Client>,
    /// By branch and method.
    branches: HashMap<(String, Method), ClientId>,
    servers: HashMap<ServerKey, Server>,
    timers: Timers<Whose>,
    next: u64,
    out: VecDeque<(Flow, Vec<u8>)>,
    news: VecDeque<Happened>,
}

impl Transactions {
    pub(crate) fn new(times: Times) -> Self {
        Self {
            times,
            clients: HashMap::new(),
            branches: HashMap::new(),
            servers: HashMap::new(),
            timers: Timers::default(),
            next: 0,
            out: VecDeque::new(),
            news: VecDeque::new(),
        }
    }

    /// How many are under way.
    pub(crate) fn len(&self) -> usize {
        self.clients.len() + self.servers.len()
    }

    pub(crate) fn poll_out(&mut self) -> Option<(Flow, Vec<u8>)> {
        self.out.pop_front()
    }

    pub(crate) fn poll_news(&mut self) -> Option<Happened> {
        self.news.pop_front()
    }

    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// Send something that no transaction is about: an acknowledgement of a 2xx, an answer to what is refused unheard.
    pub(crate) fn send(&mut self, flow: Flow, bytes: Vec<u8>) {
        self.out.push_back((flow, bytes));
    }

    /// Ask for something. The uppermost `Via` with its branch must be there.
    pub(crate) fn ask(&mut self, now: Instant, request: Request, flow: Flow) -> ClientId {
        let id = ClientId(self.next);
        self.next += 1;
        let branch = Via::top(&request.headers).and_then(|via| via.branch().map(str::to_owned));
        self.branches.insert((branch.unwrap_or_default(), request.method.clone()), id);
        self.out.push_back((flow, request.to_bytes()));
        let client = Client::new(now, request, flow, &self.times);
        self.timers.set(client.due(), Whose::Client(id));
        self.clients.insert(id, client);
        id
    }

    /// Answer a request. Nothing happens if it is over.
    pub(crate) fn answer(&mut self, now: Instant, key: &ServerKey, response: &Response) {
        let Some(server) = self.servers.get_mut(key) else { return };
        let bytes = response.to_bytes();
        self.out.push_back((server.flow, bytes.clone()));
        server.answered(now, response.status, bytes, &self.times);
        self.timers.set(server.due(), Whose::Server(key.clone()));
    }

    /// A 2xx of ours came through: it is not sent again.
    pub(crate) fn acknowledged(&mut self, now: Instant, key: &ServerKey) {
        if let Some(server) = self.servers.get_mut(key) {
            server.acknowledged(now, &self.times);
            self.timers.set(server.due(), Whose::Server(key.clone()));
        }
    }

    /// The `INVITE` that a `CANCEL` is about, if its answer is still open.
    pub(crate) fn cancelled(&self, cancel: &Request, flow: Flow) -> Option<ServerKey> {
        let key = server_key(cancel, flow, &Method::Invite)?;
        self.servers.get(&key).filter(|server| server.is_open()).map(|_| key)
    }

    /// A request could not be handed to the network.
    pub(crate) fn flow_failed(&mut self, flow: Flow) {
        let failed = self.clients.iter().filter(|(_, client)| client.flow == flow && client.is_open());
        for id in failed.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.forget(id);
            self.news.push_back(Happened::GivenUp { id });
        }
    }

    /// A message came.
    pub(crate) fn receive(&mut self, now: Instant, flow: Flow, message: Message) {
        match message {
            Message::Request(request) => self.receive_request(now, flow, request),
            Message::Response(response) => self.receive_response(now, response),
        }
    }

    /// Whether a request is known: then it costs nothing to take it.
    pub(crate) fn knows(&self, request: &Request, flow: Flow) -> bool {
        let method = if request.method == Method::Ack { &Method::Invite } else { &request.method };
        server_key(request, flow, method).is_some_and(|key| self.servers.contains_key(&key))
    }

    fn receive_request(&mut self, now: Instant, flow: Flow, mut request: Request) {
        let method = if request.method == Method::Ack { Method::Invite } else { request.method.clone() };
        let Some(key) = server_key(&request, flow, &method) else { return };
        if request.method == Method::Ack {
            match self.servers.get_mut(&key).filter(|server| server.is_refusal()) {
                Some(server) => {
                    server.acknowledged(now, &self.times);
                    self.timers.set(server.due(), Whose::Server(key));
                }
                None => self.news.push_back(Happened::Acknowledged { request: Box::new(request) }),
            }
            return;
        }
        if let Some(server) = self.servers.get_mut(&key) {
            if let Some(again) = server.asked_again() {
                self.out.push_back((server.flow, again));
            }
            return;
        }
        let back = way_back(&request, flow);
        note_source(&mut request.headers, flow.peer);
        self.servers.insert(key.clone(), Server::new(back, method == Method::Invite));
        self.news.push_back(Happened::Asked { key, request: Box::new(request), flow });
    }

    fn receive_response(&mut self, now: Instant, response: Response) {
        let Some(branch) = Via::top(&response.headers).and_then(|via| via.branch().map(str::to_owned)) else {
            return;
        };
        let Some((_, method)) = cseq(&response.headers) else { return };
        let Some(&id) = self.branches.get(&(branch, method)) else { return };
        let Some(client) = self.clients.get_mut(&id) else { return };
        let (send, is_news) = client.answered(now, &response, &self.times);
        let flow = client.flow;
        self.timers.set(client.due(), Whose::Client(id));
        self.out.extend(send.map(|bytes| (flow, bytes)));
        if is_news {
            self.news.push_back(Happened::Answered { id, response: Box::new(response) });
        }
    }

    /// Time has gone on.
    pub(crate) fn tick(&mut self, now: Instant) {
        while let Some(whose) = self.timers.pop(now) {
            match whose {
                Whose::Client(id) => self.tick_client(now, id),
                Whose::Server(key) => self.tick_server(now, key),
            }
        }
    }

    fn tick_client(&mut self, now: Instant, id: ClientId) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        if client.is_over(now) {
            let given_up = client.is_open();
            self.forget(id);
            self.news.push_back(if given_up { Happened::GivenUp { id } } else { Happened::Done { id } });
            return;
        }
        if let Some(again) = client.again(now, &self.times) {
            self.out.push_back((client.flow, again));
        }
        self.timers.set(client.due(), Whose::Client(id));
    }

    fn tick_server(&mut self, now: Instant, key: ServerKey) {
        let Some(server) = self.servers.get_mut(&key) else { return };
        if server.is_over(now) {
            let lost = server.is_unacknowledged();
            self.servers.remove(&key);
            if lost {
                self.news.push_back(Happened::Unacknowledged { key });
            }
            return;
        }
        if let Some(again) = server.again(now, &self.times) {
            self.out.push_back((server.flow, again));
        }
        self.timers.set(server.due(), Whose::Server(key));
    }

    /// Forget a request of ours, whatever may still come.
    pub(crate) fn forget(&mut self, id: ClientId) {
        if let Some(client) = self.clients.remove(&id) {
            let branch = Via::top(&client.request.headers).and_then(|via| via.branch().map(str::to_owned));
            self.branches.remove(&(branch.unwrap_or_default(), client.request.method));
        }
    }
}

/// What tells one request from another (RFC 3261, 17.2.3). Branches without the magic word are of the time before it, when everything
/// together was compared.
fn server_key(request: &Request, flow: Flow, method: &Method) -> Option<ServerKey> {
    let via = Via::top(&request.headers)?;
    let branch = via.branch().filter(|branch| branch.starts_with("z9hG4bK"));
    let what = match branch {
        Some(branch) => branch.to_owned(),
        None => {
            let get = |name| request.headers.get(name).unwrap_or_default();
            let (number, _) = cseq(&request.headers)?;
            format!("{}|{number}|{}|{}", get("Call-ID"), get("From"), request.uri)
        }
    };
    let port = via.port.unwrap_or_default();
    Some(ServerKey(format!("{what}|{}:{port}|{}|{}", via.host, flow.transport.name(), method.as_str())))
}

/// Where answers go: back to where the request came from; to the port that `Via` names unless it asks for the one it came from
/// (RFC 3261, 18.2.2; RFC 3581).
pub(crate) fn way_back(request: &Request, flow: Flow) -> Flow {
    let Some(via) = Via::top(&request.headers) else { return flow };
    if !flow.transport.is_lossy() || via.wants_rport() {
        return flow;
    }
    let mut back = flow;
    back.peer.set_port(via.port.unwrap_or(5060));
    back
}

#[cfg(test)]
mod tests;
