//! A host as others see it: who the client is behind an edge, and a worker's own door with TLS for bridges of other hosts.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Certificate, Client};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::mpsc;
use vox_harness::free_address;
use vox_shared::wire::SECRET_HEADER;

use crate::harness::bridge::secret;
use crate::harness::nginx::Nginx;
use crate::harness::vendors::Scripts;
use crate::harness::worker::Worker;
use crate::harness::{Stage, client, eventually};

/// A bridge that tells whom each request is said to come from.
async fn listening_bridge() -> (String, mpsc::Receiver<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap().to_string();
    let (tell, told) = mpsc::channel(8);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = BufReader::new(stream);
            let mut from = Vec::new();
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).await.unwrap();
                let line = line.trim_end().to_ascii_lowercase();
                if line.is_empty() {
                    break;
                }
                from.extend(
                    ["x-forwarded-for: ", "x-real-ip: "]
                        .iter()
                        .find_map(|name| Some(line.strip_prefix(name)?.to_owned())),
                );
            }
            stream.get_mut().write_all(b"HTTP/1.1 204 X\r\nconnection: close\r\n\r\n").await.unwrap();
            tell.send(from).await.unwrap();
        }
    });
    (addr, told)
}

#[tokio::test]
async fn behind_an_edge_the_client_is_whom_the_edge_names_and_nobody_else_is_believed() {
    let data = tempfile::tempdir().unwrap();
    let (bridge, mut told) = listening_bridge().await;
    let sockets = data.path().to_str().unwrap();
    let host = ["--workers", "1", "--sockets", sockets, "--bridge", &bridge];
    let edge = ["--edge", "127.0.0.0/8", "--edge", "198.51.100.7"];
    let (forged, by_two_edges) = ("192.0.2.66, 203.0.113.9", "192.0.2.66, 203.0.113.9, 198.51.100.7");
    for (edges, said, expected) in [
        (&edge[..0], forged, "127.0.0.1"),
        (&edge[..2], forged, "203.0.113.9"),
        (&edge[..], by_two_edges, "203.0.113.9"),
    ] {
        let nginx = Nginx::start(&data.path().join("nginx"), &[&host[..], edges].concat());
        let request = client().get(format!("{}/api/v1/bots", nginx.url)).header("x-forwarded-for", said);
        assert_eq!(request.send().await.unwrap().status().as_u16(), 204);
        assert_eq!(told.recv().await.unwrap(), [expected, expected], "{edges:?}");
        // It is written after the answer, and each of these hosts has a log of its own.
        eventually("it is in the log", async || {
            nginx.log().lines().last()?.contains(&format!("\"peer\":\"{expected}\"")).then_some(())
        })
        .await;
    }
}

/// A location of nginx that sets one header inherits none from around it: each of them passed on whatever a client said of its address.
#[test]
fn no_location_of_nginx_sets_one_header_and_forgets_whose_the_request_is() {
    let settings = include_str!("../../../nginx/vox.conf.in");
    let all =
        ["Host $host", "X-Real-IP $remote_addr", "X-Forwarded-For $remote_addr", "X-Forwarded-Proto $scheme"];
    let mut found = 0;
    for block in settings.split("location ") {
        let block = block.split("\n    }").next().unwrap();
        if block.contains("proxy_set_header") {
            found += 1;
            for header in all {
                assert!(
                    block.contains(&format!("proxy_set_header {header};")),
                    "{header} is not set in: {block}"
                );
            }
        }
    }
    assert_eq!(found, 2, "the server itself, and the calls");
}

/// A certificate for `localhost` and its key, where nginx looks for them.
fn certify(dir: &Path) -> Certificate {
    let signed = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let pem = |label: &str, der: &[u8]| {
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
    };
    std::fs::write(dir.join("fullchain.pem"), pem("CERTIFICATE", signed.cert.der())).unwrap();
    std::fs::write(dir.join("privkey.pem"), pem("PRIVATE KEY", &signed.signing_key.serialize_der())).unwrap();
    Certificate::from_der(signed.cert.der()).unwrap()
}

/// A worker that dies of every order that it gets, and how many those were.
fn dying_worker(socket: &Path) -> Arc<AtomicUsize> {
    let (listener, orders) = (UnixListener::bind(socket).unwrap(), Arc::<AtomicUsize>::default());
    let counted = orders.clone();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let mut line = String::new();
            BufReader::new(stream).read_line(&mut line).await.unwrap();
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    orders
}

/// It may have rung a telephone before it died: that is no refusal, and nobody else is asked. One that was sent nothing is another matter.
#[tokio::test]
async fn an_order_that_may_have_been_taken_is_neither_repeated_nor_called_refused() {
    // Another test of this process may have.
    let _chosen_before = rustls::crypto::ring::default_provider().install_default();
    let data = tempfile::tempdir().unwrap();
    let authority = certify(data.path());
    let http = Client::builder().no_proxy().pool_max_idle_per_host(0).add_root_certificate(authority);
    let (http, place, ports) = (http.build().unwrap(), data.path().to_str().unwrap(), free_address().port());
    let (ports_option, redirect) = (ports.to_string(), format!("127.0.0.1:{}", free_address().port()));
    let host = [
        ["--workers", "2"],
        ["--sockets", place],
        ["--certificate", place],
        ["--name", "localhost"],
        ["--redirect", &redirect],
        ["--worker-ports", &ports_option],
        ["--internal", "127.0.0.1"],
    ]
    .concat();
    let nginx = Nginx::start(&data.path().join("nginx"), &[&host[..], &["--no-bridge"]].concat());
    let (site, door) =
        (nginx.url.replace("127.0.0.1", "localhost"), format!("https://localhost:{}", ports + 1));
    let ask = async |address: &str, path: &str| {
        let answer = http.post(format!("{address}{path}")).json(&json!({})).send().await.unwrap();
        let (status, body) = (answer.status().as_u16(), answer.json::<Value>().await.unwrap());
        (status, body["error"].as_str().unwrap().to_owned())
    };
    let paths = ["/livekit/dialout", "/livekit/widget", "/attach", "/livekit/dispatch"];
    for path in paths {
        assert_eq!(ask(&site, path).await, (503, "busy".into()), "nobody is there: {path}");
        assert_eq!(ask(&door, path).await, (503, "worker_unavailable".into()), "{path}");
    }
    let orders = [1, 2].map(|n| dying_worker(&data.path().join(format!("{n}.sock"))));
    let taken = || orders.iter().map(|orders| orders.load(Ordering::SeqCst)).sum::<usize>();
    for (n, path) in paths.into_iter().enumerate() {
        assert_eq!(ask(&site, path).await, (502, "worker_lost".into()), "{path}");
        assert_eq!(taken(), 2 * n + 1, "one worker, once: {path}");
        assert_eq!(ask(&door, path).await, (502, "worker_lost".into()), "{path}");
        assert_eq!(taken(), 2 * n + 2, "{path}");
    }
}

#[tokio::test]
async fn a_bridge_of_another_host_reaches_a_worker_by_tls_with_either_secret() {
    let mut stage = Stage::start(Scripts::default()).await;
    stage.worker.stop().await;
    let data = tempfile::tempdir().unwrap();
    let sockets = data.path().join("sockets");
    let also = "the-secret-that-comes-0123456789-0123456789";
    let settings = [
        ("VOXCORE_WORKER_ID", "1"),
        ("VOXCORE_SOCKET_DIR", sockets.to_str().unwrap()),
        ("VOXCORE_SECRET_ALSO", also),
    ];
    stage.worker = Worker::start(&stage.core_data(), &stage.bridge.url(), &settings).await;
    let authority = certify(data.path());
    // No connection outlives the first of the two servers.
    let http = Client::builder().no_proxy().pool_max_idle_per_host(0).add_root_certificate(authority);
    let http = http.build().unwrap();
    let (certificate, ports) = (data.path().to_str().unwrap(), free_address().port());
    let (ports_option, redirect) = (ports.to_string(), format!("127.0.0.1:{}", free_address().port()));
    let host = [
        ["--workers", "1"],
        ["--sockets", sockets.to_str().unwrap()],
        ["--certificate", certificate],
        ["--name", "localhost"],
        ["--redirect", &redirect],
        ["--worker-ports", &ports_option],
        ["--no-bridge", "--internal"],
    ]
    .concat();
    let url = format!("https://localhost:{}/recordings/nothing.wav", ports + 1);
    {
        let nginx = Nginx::start(&data.path().join("nginx"), &[&host[..], &["127.0.0.1"]].concat());
        for (shown, expected) in [(secret().as_str(), 404), (also, 404), ("neither", 403)] {
            let answer = http.get(&url).header(SECRET_HEADER, shown).send().await.unwrap();
            assert_eq!(answer.status().as_u16(), expected, "{shown}: {}", answer.text().await.unwrap());
        }
        let own = nginx.url.replace("127.0.0.1", "localhost");
        let answer = http.get(format!("{own}/api/v1/bots")).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 503, "there is no bridge here");
        assert!(answer.text().await.unwrap().contains("bridge_unavailable"));
    }
    {
        let _nginx = Nginx::start(&data.path().join("nginx"), &[&host[..], &["192.0.2.1"]].concat());
        let answer = http.get(&url).header(SECRET_HEADER, secret()).send().await.unwrap();
        let by_nginx = answer.text().await.unwrap().contains("nginx");
        assert!(by_nginx, "whoever is no host of the deployment is not let near");
    }
    // The harness looks for socket files in the data directory.
    stage.end().await;
    drop(data);
}
