use base64::Engine as _;
use std::io;
use std::net::IpAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use vox_shared::egress::AllowList;
use vox_shared::env::Env;

use super::*;

/// A resolver that knows `vendor.test` and counts how often it is asked.
fn lookup(ips: &'static [&'static str]) -> (Arc<Lookup>, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let lookup: Arc<Lookup> = Arc::new(move |name| {
        count.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            match name.as_str() {
                "vendor.test" => Ok(ips.iter().map(|ip| ip.parse::<IpAddr>().unwrap()).collect()),
                _ => Err(io::Error::other("no such name")),
            }
        })
    });
    (lookup, asked)
}

fn egress(allow: &str, ips: &'static [&'static str]) -> Egress {
    Egress::with_lookup(Policy::new(AllowList::parse(allow).unwrap()), lookup(ips).0)
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn get(egress: &Egress, address: &str) -> Result<reqwest::RequestBuilder, Failure> {
    egress.request(Method::GET, url(address))
}

/// A server that answers every connection with `answer` and keeps what it was asked.
async fn server(answer: &'static str) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).await.unwrap_or(0);
            log.lock().unwrap().push(String::from_utf8_lossy(&request[..length]).into_owned());
            let _gone = stream.write_all(answer.as_bytes()).await;
        }
    });
    (port, asked)
}

fn failure(result: Result<WebSocket, ConnectError>) -> Failure {
    match result {
        Err(ConnectError::Failed(failure)) => failure,
        Err(ConnectError::Refused(refusal)) => panic!("{refusal:?}"),
        Ok(_) => panic!("connected"),
    }
}

#[tokio::test]
async fn private_addresses_are_forbidden_with_the_way_to_allow_them() {
    let egress = egress("", &["10.0.0.1"]);
    for address in
        ["ws://127.0.0.1:9/", "ws://[::1]:9/", "ws://192.168.1.1/", "ws://vendor.test/", "ws://localhost/"]
    {
        let failure = failure(egress.websocket(&url(address), HeaderMap::new()).await);
        assert_eq!(failure.class, FailureClass::Forbidden, "{address}");
        assert!(failure.detail.contains("VOX_EGRESS_ALLOW"), "{}", failure.detail);
    }
    let failure = http_failure(get(&egress, "http://vendor.test/").unwrap().send().await.unwrap_err());
    assert_eq!(failure.class, FailureClass::Forbidden);
    assert!(failure.detail.contains("VOX_EGRESS_ALLOW"), "{}", failure.detail);
    assert_eq!(get(&egress, "http://169.254.169.254/").unwrap_err().class, FailureClass::Forbidden);
}

#[tokio::test]
async fn a_connection_goes_to_an_allowed_address_and_never_to_a_refused_one() {
    // Nothing listens on 10.0.0.1, and it is not allowed: only the loopback address may be tried.
    let egress = egress("127.0.0.0/8", &["10.0.0.1", "127.0.0.1"]);
    let (port, asked) = server("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok").await;
    let address = format!("http://vendor.test:{port}/v1");
    let answer = get(&egress, &address).unwrap().send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "ok");
    assert!(asked.lock().unwrap()[0].contains(&format!("host: vendor.test:{port}")));
}

#[tokio::test]
async fn a_name_is_resolved_once_for_a_connection() {
    let (lookup, asked) = lookup(&["127.0.0.1"]);
    let egress = Egress::with_lookup(Policy::new(AllowList::parse("127.0.0.1").unwrap()), lookup);
    let (port, _) = server("HTTP/1.1 401 Unauthorized\r\nx-why: key\r\ncontent-length: 2\r\n\r\nno").await;
    let refused = egress.websocket(&url(&format!("ws://vendor.test:{port}/")), HeaderMap::new()).await;
    let Err(ConnectError::Refused(refusal)) = refused else { panic!("not refused") };
    assert_eq!((refusal.status, refusal.headers["x-why"].as_bytes()), (401, b"key".as_slice()));
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let egress = egress("127.0.0.0/8", &["127.0.0.1"]);
    let (port, asked) =
        server("HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n").await;
    let answer = get(&egress, &format!("http://vendor.test:{port}/")).unwrap().send().await.unwrap();
    assert_eq!(answer.status(), 302);
    assert_eq!(asked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn an_unknown_name_and_a_closed_port_are_unavailable() {
    let egress = egress("127.0.0.0/8", &["127.0.0.1"]);
    let unknown = failure(egress.websocket(&url("ws://nowhere.test/"), HeaderMap::new()).await);
    assert_eq!(unknown.class, FailureClass::Unavailable);
    assert!(unknown.detail.contains("nowhere.test"), "{}", unknown.detail);
    let closed = failure(egress.websocket(&url("ws://vendor.test:1/"), HeaderMap::new()).await);
    assert_eq!(closed.class, FailureClass::Unavailable);
}

#[tokio::test(start_paused = true)]
async fn a_resolver_that_hangs_times_out() {
    let lookup: Arc<Lookup> = Arc::new(|_| Box::pin(std::future::pending()));
    let egress = Egress::with_lookup(Policy::default(), lookup);
    let failure = failure(egress.websocket(&url("wss://vendor.test/"), HeaderMap::new()).await);
    assert_eq!(failure.class, FailureClass::TimedOut);
}

/// A TLS server for `vendor.test` that answers every request with `answer`, and the settings that trust it.
async fn tls_server(answer: &'static str) -> (u16, rustls::ClientConfig) {
    let made = rcgen::generate_simple_self_signed(["vendor.test".to_owned()]).unwrap();
    serve_tls(&made, answer).await
}

async fn serve_tls(
    made: &rcgen::CertifiedKey<rcgen::KeyPair>,
    answer: &'static str,
) -> (u16, rustls::ClientConfig) {
    let provider = || Arc::new(rustls::crypto::ring::default_provider());
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()).into();
    let server = rustls::ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let client = rustls::ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(server));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let _request = stream.read(&mut [0; 4096]).await;
            let _gone = stream.write_all(answer.as_bytes()).await;
            let _gone = stream.shutdown().await;
        }
    });
    (port, client)
}

#[tokio::test]
async fn encrypted_connections_reach_a_trusted_vendor_under_its_name() {
    let egress = egress("127.0.0.0/8", &["127.0.0.1"]);
    let (port, trusting) = tls_server("HTTP/1.1 418 Teapot\r\ncontent-length: 2\r\n\r\nok").await;
    egress.tls.set(Arc::new(trusting)).unwrap();
    let answer = get(&egress, &format!("https://vendor.test:{port}/")).unwrap().send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "ok");
    let refused = egress.websocket(&url(&format!("wss://vendor.test:{port}/")), HeaderMap::new()).await;
    let Err(ConnectError::Refused(refusal)) = refused else { panic!("not refused") };
    assert_eq!(refusal.status, 418);
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_not_accepted() {
    let egress = egress("127.0.0.0/8", &["127.0.0.1"]);
    let (port, _trusting) = tls_server("HTTP/1.1 200 OK\r\n\r\n").await;
    let wss = failure(egress.websocket(&url(&format!("wss://vendor.test:{port}/")), HeaderMap::new()).await);
    let https = http_failure(
        get(&egress, &format!("https://vendor.test:{port}/")).unwrap().send().await.unwrap_err(),
    );
    for failure in [wss, https] {
        assert_eq!(failure.class, FailureClass::Unavailable);
        assert!(failure.detail.contains("certificate"), "{}", failure.detail);
    }
}

/// Who the machine trusts is read from its files, which a process can only be told when it starts: this test runs itself again, as
/// the client.
#[tokio::test]
async fn a_certificate_that_the_machine_trusts_is_accepted() {
    const SERVER: &str = "VOX_EGRESS_TEST_SERVER";
    if let Some(port) = Env::of_process().text(SERVER) {
        let egress = egress("127.0.0.0/8", &["127.0.0.1"]);
        let answer = get(&egress, &format!("https://vendor.test:{port}/")).unwrap().send().await;
        assert_eq!(answer.unwrap().text().await.unwrap(), "ok");
        let other = get(&egress, &format!("https://127.0.0.1:{port}/")).unwrap().send().await;
        let failure = http_failure(other.unwrap_err());
        assert!(failure.detail.contains("not valid for name"), "{failure}");
        return;
    }
    let made = rcgen::generate_simple_self_signed(["vendor.test".to_owned()]).unwrap();
    let (port, _) = serve_tls(&made, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    let dir = tempfile::tempdir().unwrap();
    let trusted = dir.path().join("ca.pem");
    let der = base64::engine::general_purpose::STANDARD.encode(made.cert.der());
    std::fs::write(&trusted, format!("-----BEGIN CERTIFICATE-----\n{der}\n-----END CERTIFICATE-----\n"))
        .unwrap();
    let mut again = std::process::Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", "tests::a_certificate_that_the_machine_trusts_is_accepted"]);
    again.env(SERVER, port.to_string()).env("SSL_CERT_FILE", &trusted);
    let client = tokio::task::spawn_blocking(move || again.output()).await.unwrap().unwrap();
    assert!(client.status.success(), "{}", String::from_utf8_lossy(&client.stdout));
}

#[test]
fn a_key_is_marked_secret_and_checked() {
    assert!(secret_header("acme", "Bearer k").unwrap().is_sensitive());
    let failure = secret_header("acme", "line\nbreak").unwrap_err();
    assert_eq!(failure.class, FailureClass::Unauthorised);
    assert!(!failure.detail.contains("break"));
}
