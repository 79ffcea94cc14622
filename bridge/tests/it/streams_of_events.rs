//! Server-sent events over a raw socket: their form, heartbeats, clients that do not read, the end of the server.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::{self, Data};
use actix_web::{App, HttpRequest, HttpResponse};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use vox_bridge::edge::sse::{self, Event, Feed, LastEventId, Lost, Pacing, Streams};
use vox_bridge::error::ApiResult;
use vox_bridge::metrics::Metrics;
use vox_bridge::serve::{Patience, Serving, serve};

/// Sooner than any deadline that is not the one under test.
const SOON: Duration = Duration::from_secs(8);

/// A server with one stream, whose feeds come to the test.
struct Server {
    address: std::net::SocketAddr,
    feeds: mpsc::Receiver<Feed>,
    stop: CancellationToken,
    serving: JoinHandle<std::io::Result<()>>,
}

async fn follow(
    request: HttpRequest,
    streams: Data<Streams>,
    feeds: Data<mpsc::Sender<Feed>>,
    resumes: LastEventId,
) -> ApiResult<HttpResponse> {
    let after: Option<u64> = resumes.read()?;
    let first = Event::numbered("1", "first", &format!("{after:?}"));
    let (feed, source) = sse::feed(vec![first]);
    feeds.send(feed).await.unwrap();
    Ok(sse::answer(&request, streams.take(&"tenant".parse().unwrap(), "user_a")?, source))
}

impl Server {
    async fn start(pacing: Pacing, patience: Patience) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, feeds) = mpsc::channel(8);
        let (streams, stop) = (Streams::new(pacing, Arc::new(Metrics::new(false))), CancellationToken::new());
        let surface = move || {
            App::new()
                .app_data(Data::new(streams.clone()))
                .app_data(Data::new(sender.clone()))
                .route("/", web::get().to(follow))
        };
        let serving = tokio::spawn(serve(listener, surface, Serving { threads: 1, patience }, stop.clone()));
        Self { address, feeds, stop, serving }
    }

    async fn open(&mut self, header: &str) -> (TcpStream, Feed) {
        let stream = self.ask(header).await;
        (stream, timeout(SOON, self.feeds.recv()).await.unwrap().unwrap())
    }

    async fn ask(&self, header: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!("GET / HTTP/1.1\r\nhost: x\r\n{header}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }
}

/// What comes until it holds this, chunk sizes and all.
async fn until(stream: &mut TcpStream, wanted: &str) -> String {
    let mut seen = Vec::new();
    let read = async {
        while !String::from_utf8_lossy(&seen).contains(wanted) {
            assert!(stream.read_buf(&mut seen).await.unwrap() > 0, "{}", String::from_utf8_lossy(&seen));
        }
    };
    timeout(SOON, read).await.unwrap_or_else(|_| panic!("no {wanted:?}"));
    String::from_utf8(seen).unwrap()
}

#[tokio::test]
async fn a_stream_has_its_head_at_once_and_each_event_as_it_comes() {
    let mut server = Server::start(Pacing::default(), Patience::default()).await;
    let (mut stream, feed) = server.open("").await;
    let head = until(&mut stream, "id: 1\nevent: first\ndata: None\n\n").await;
    for part in ["200 OK", "content-type: text/event-stream", "x-accel-buffering: no", "retry: "] {
        assert!(head.contains(part), "{part}: {head}");
    }
    feed.offer(&Event::numbered("2", "second", "{}")).unwrap();
    until(&mut stream, "id: 2\nevent: second\ndata: {}\n\n").await;
    drop(feed);
    until(&mut stream, "0\r\n\r\n").await;
}

#[tokio::test]
async fn a_client_resumes_behind_an_id_and_is_told_what_is_no_id() {
    let mut server = Server::start(Pacing::default(), Patience::default()).await;
    let (mut stream, _feed) = server.open("last-event-id: 41\r\n").await;
    until(&mut stream, "data: Some(41)").await;
    let long = format!("last-event-id: {}\r\n", "1".repeat(65));
    let (spaced, twice) = ("last-event-id: 4 1\r\n", "last-event-id: 1\r\nlast-event-id: 2\r\n");
    for bad in [&long, spaced, twice, "last-event-id: x\r\n", "last-event-id: \u{e9}\r\n"] {
        let mut stream = server.ask(bad).await;
        let answer = until(&mut stream, "bad_event_id").await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    }
    let (mut stream, _feed) = server.open("last-event-id:\r\n").await;
    until(&mut stream, "data: None").await;
}

#[tokio::test]
async fn a_silent_stream_has_heartbeats_longer_than_the_listener_waits_for_a_request() {
    let pacing = Pacing { heartbeat: Duration::from_millis(200), ..Pacing::default() };
    let patience = Patience { headers: Duration::from_secs(1), ..Patience::default() };
    let mut server = Server::start(pacing, patience).await;
    let (mut stream, feed) = server.open("").await;
    until(&mut stream, "event: first").await;
    for _ in 0..10 {
        until(&mut stream, ":\n\n").await;
    }
    assert!(feed.is_open());
}

#[tokio::test]
async fn a_stream_ends_after_its_life() {
    let pacing = Pacing { heartbeat: Duration::from_millis(20), life: Duration::from_millis(100) };
    let mut server = Server::start(pacing, Patience::default()).await;
    let (mut stream, _feed) = server.open("").await;
    until(&mut stream, "0\r\n\r\n").await;
}

/// It holds a bounded number of events in memory, nobody waits for it, and its connection ends.
#[tokio::test]
async fn a_client_that_takes_nothing_is_lost_and_cut() {
    let patience = Patience { write: Duration::from_millis(100), ..Patience::default() };
    let mut server = Server::start(Pacing::default(), patience).await;
    let (mut stream, feed) = server.open("").await;
    let event = Event::new("large", &"x".repeat(64 * 1024));
    let mut offered = 0;
    // More than the kernel's buffers hold goes nowhere.
    while feed.offer(&event) != Err(Lost) {
        offered += 1;
        if offered % 50 == 0 {
            tokio::task::yield_now().await;
        }
        assert!(offered < 10_000, "nothing bounds what waits");
    }
    let cut = async {
        while feed.is_open() {
            tokio::time::sleep(Duration::from_millis(10)).await
        }
    };
    timeout(SOON, cut).await.expect("the connection is cut");
    // The rest of it, and then its end, by a reset or not.
    let mut rest = Vec::new();
    let _ = timeout(SOON, stream.read_to_end(&mut rest)).await.expect("it is closed");
}

/// Otherwise every stop of a bridge would take as long as it waits for requests.
#[tokio::test]
async fn open_streams_do_not_hold_up_the_end_of_the_server() {
    let mut server = Server::start(Pacing::default(), Patience::default()).await;
    let (mut stream, _feed) = server.open("").await;
    until(&mut stream, "event: first").await;
    server.stop.cancel();
    until(&mut stream, "0\r\n\r\n").await;
    timeout(SOON, server.serving).await.expect("it stops").unwrap().unwrap();
}
