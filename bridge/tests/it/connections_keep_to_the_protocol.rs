//! The listener: slow peers, HEAD, methods that do not exist, the end.

use std::time::Duration;

use actix_web::{App, web};
use reqwest::{Method, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use vox_bridge::serve::{Patience, Serving, serve};

use crate::harness::{TestBridge, json, refusal};

/// Sooner than any deadline that is not the one under test.
const SOON: Duration = Duration::from_secs(8);
const ONE: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";

fn surface() -> App<
    impl actix_web::dev::ServiceFactory<
        actix_web::dev::ServiceRequest,
        Config = (),
        Response = actix_web::dev::ServiceResponse,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    App::new().route("/", web::get().to(|| async { "x" }))
}

/// A server, and a connection to it.
struct Server {
    stream: TcpStream,
    stop: CancellationToken,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Server {
    async fn start(patience: Patience) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let stop = CancellationToken::new();
        let serving = tokio::spawn(serve(listener, surface, Serving { threads: 1, patience }, stop.clone()));
        Self { stream, stop, serving }
    }

    /// Tell it to stop, and wait until it has. The deadlines of slow peers are far longer than this waits.
    async fn stopped(self) -> TcpStream {
        self.stop.cancel();
        timeout(SOON, self.serving).await.expect("it stops").unwrap().unwrap();
        self.stream
    }
}

/// A connection to a server with little patience.
async fn impatient() -> (TcpStream, CancellationToken) {
    let patience = Patience { headers: Duration::from_secs(2), ..Patience::default() };
    let server = Server::start(patience).await;
    (server.stream, server.stop)
}

async fn read_one(stream: &mut TcpStream) {
    let mut seen = Vec::new();
    while !seen.ends_with(b"\r\n\r\nx") {
        let mut byte = [0];
        assert_eq!(stream.read(&mut byte).await.unwrap(), 1, "{}", String::from_utf8_lossy(&seen));
        seen.push(byte[0]);
    }
}

/// The framework limits the time of a connection's first headers only.
#[tokio::test]
async fn headers_that_drip_are_cut_on_every_request() {
    for before in [0, 1, 3] {
        let (mut stream, _stop) = impatient().await;
        for _ in 0..before {
            stream.write_all(ONE).await.unwrap();
            read_one(&mut stream).await;
        }
        let (mut reader, mut writer) = stream.into_split();
        let drip = async {
            writer.write_all(b"GET / HTTP/1.1\r\n").await?;
            loop {
                tokio::time::sleep(Duration::from_millis(50)).await;
                writer.write_all(b"x: 1\r\n").await?;
            }
        };
        let mut rest = Vec::new();
        let cut = async {
            tokio::select! { end = drip => end, read = reader.read_to_end(&mut rest) => read.map(drop) }
        };
        assert!(timeout(SOON, cut).await.is_ok(), "the connection is cut after {before} requests");
    }
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    for before in [0, 2] {
        let (mut stream, _stop) = impatient().await;
        for _ in 0..before {
            stream.write_all(ONE).await.unwrap();
            read_one(&mut stream).await;
        }
        let mut rest = Vec::new();
        let _ = timeout(SOON, stream.read_to_end(&mut rest)).await.expect("it is closed");
    }
}

#[tokio::test]
async fn at_the_end_idle_connections_close_at_once() {
    let mut server = Server::start(Patience::default()).await;
    server.stream.write_all(ONE).await.unwrap();
    read_one(&mut server.stream).await;
    let mut stream = server.stopped().await;
    let mut rest = Vec::new();
    let closed = timeout(SOON, stream.read_to_end(&mut rest)).await.expect("it is closed");
    assert_eq!(closed.unwrap_or_default(), 0);
}

#[tokio::test]
async fn at_the_end_a_running_request_gets_its_answer() {
    static ASKED: Notify = Notify::const_new();
    static MAY_GO: Notify = Notify::const_new();
    async fn held() -> &'static str {
        ASKED.notify_one();
        MAY_GO.notified().await;
        "x"
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let stop = CancellationToken::new();
    let surface = || App::new().route("/", web::get().to(held));
    let serving = tokio::spawn(serve(listener, surface, Serving::on_threads(1), stop.clone()));
    stream.write_all(ONE).await.unwrap();
    ASKED.notified().await;
    stop.cancel();
    MAY_GO.notify_one();
    read_one(&mut stream).await;
    timeout(SOON, serving).await.expect("it stops").unwrap().unwrap();
}

/// Otherwise every so-many-th client would find nobody, while `/health` is green.
#[tokio::test]
async fn a_thread_that_ends_ends_the_server() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let broken = || -> App<_> {
        if std::thread::current().name() == Some("http") {
            panic!("this thread serves nobody")
        } else {
            surface()
        }
    };
    let stop = CancellationToken::new();
    let mut serving = tokio::spawn(serve(listener, broken, Serving::on_threads(1), stop.clone()));
    let ended = loop {
        let _connection = TcpStream::connect(address).await;
        if let Ok(ended) = timeout(Duration::from_millis(50), &mut serving).await {
            break ended;
        }
    };
    assert!(ended.unwrap().is_err() && !stop.is_cancelled());
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let bridge = TestBridge::start().await;
    for path in ["/health", "/openapi.json", "/docs", "/nowhere", "/api/v1/bots"] {
        let got = bridge.get(path).send().await.unwrap();
        let head = bridge.request(Method::HEAD, path).send().await.unwrap();
        assert_eq!(head.status(), got.status(), "{path}");
        let length = head.headers()["content-length"].to_str().unwrap().to_owned();
        assert_eq!(length, got.text().await.unwrap().len().to_string(), "{path}");
        assert_eq!(head.text().await.unwrap(), "", "{path}");
    }
}

#[tokio::test]
async fn methods_that_a_route_has_not_are_refused_and_no_label() {
    let bridge = TestBridge::start().await;
    let refused = bridge.request(Method::POST, "/health").send().await.unwrap();
    assert_eq!(refused.headers()["allow"], "GET, HEAD");
    assert_eq!(refusal(refused, StatusCode::METHOD_NOT_ALLOWED).await, "wrong_method");
    let several = bridge.request(Method::TRACE, "/api/v1/bots").send().await.unwrap();
    assert_eq!(several.headers()["allow"], "GET, HEAD, POST");
    for n in 0..20 {
        let invented: Method = format!("INVENTED{n}").parse().unwrap();
        let refused = bridge.request(invented, "/health").send().await.unwrap();
        assert_eq!(refused.status(), StatusCode::METHOD_NOT_ALLOWED);
    }
    let metrics = bridge.metrics().await;
    assert!(metrics.contains(r#"method="other",path="/health",status="405"} 20"#), "{metrics}");
    assert!(!metrics.contains("INVENTED"), "{metrics}");
}

/// They name tenants.
#[tokio::test]
async fn metrics_are_on_their_own_listener_only() {
    let bridge = TestBridge::start().await;
    assert_eq!(bridge.get("/metrics").send().await.unwrap().status(), StatusCode::NOT_FOUND);
    assert!(bridge.metrics().await.contains("http_requests_total"));
    let document = json(bridge.get("/openapi.json").send().await.unwrap(), StatusCode::OK).await;
    assert!(document["paths"].get("/metrics").is_none());
}

/// The framework makes all arguments of a handler at once.
#[tokio::test]
async fn who_asks_is_settled_before_the_body_is_looked_at() {
    let bridge = TestBridge::start().await;
    let other = bridge.insert_tenant("other").await;
    let agent = bridge.token_of(&other, vox_bridge::auth::role::Role::Agent).await;
    let broken = bridge.request(Method::POST, "/api/v1/bots").bearer_auth(&agent).body("{").send();
    assert_eq!(broken.await.unwrap().status(), StatusCode::FORBIDDEN);
    let forged = bridge.request(Method::POST, "/api/v1/bots").bearer_auth("x.y.z").body("{").send();
    assert_eq!(forged.await.unwrap().status(), StatusCode::UNAUTHORIZED);
}
