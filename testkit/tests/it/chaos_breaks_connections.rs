use std::{
    io::ErrorKind,
    net::SocketAddr,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use vox_testkit::chaos::{ChaosProxy, Conditions};

use crate::clients::DEADLINE;

/// A server that sends back what it gets.
async fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                tokio::io::copy(&mut from, &mut to).await
            });
        }
    });
    address
}

async fn round_trip(stream: &mut TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    stream.write_all(bytes).await?;
    let mut back = vec![0; bytes.len()];
    tokio::time::timeout(DEADLINE, stream.read_exact(&mut back)).await.expect("an answer or an end")?;
    assert_eq!(back, bytes);
    Ok(())
}

#[tokio::test]
async fn bytes_pass_and_are_counted() {
    let proxy = ChaosProxy::start(echo().await).await.unwrap();
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    round_trip(&mut stream, &[7; 100_000]).await.unwrap();
    let counters = proxy.counters();
    assert_eq!((counters.accepted, counters.open), (1, 1));
    assert_eq!((counters.upstream_bytes, counters.downstream_bytes), (100_000, 100_000));
    stream.shutdown().await.unwrap();
    assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 0, "an orderly end passes as one");
}

#[tokio::test]
async fn latency_is_added_each_way() {
    let proxy = ChaosProxy::start(echo().await).await.unwrap();
    proxy.set(Conditions { latency: Duration::from_millis(60), ..Conditions::default() });
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    let began = Instant::now();
    round_trip(&mut stream, b"there and back").await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(120), "{:?}", began.elapsed());
}

#[tokio::test]
async fn the_rate_is_limited() {
    let proxy = ChaosProxy::start(echo().await).await.unwrap();
    proxy.set(Conditions { bytes_per_s: Some(100_000), ..Conditions::default() });
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    let began = Instant::now();
    round_trip(&mut stream, &[1; 50_000]).await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(300), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_pause_holds_everything_back_and_loses_nothing() {
    let proxy = ChaosProxy::start(echo().await).await.unwrap();
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    round_trip(&mut stream, b"before").await.unwrap();
    proxy.pause();
    stream.write_all(b"during").await.unwrap();
    let mut back = [0; 6];
    let waited = tokio::time::timeout(Duration::from_millis(150), stream.read_exact(&mut back)).await;
    assert!(waited.is_err(), "nothing passes, and nothing closes");
    proxy.resume();
    tokio::time::timeout(DEADLINE, stream.read_exact(&mut back)).await.unwrap().unwrap();
    assert_eq!(&back, b"during");
}

#[tokio::test]
async fn a_cut_is_a_reset() {
    let proxy = ChaosProxy::start(echo().await).await.unwrap();
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    round_trip(&mut stream, b"alive").await.unwrap();
    proxy.cut();
    let ended = tokio::time::timeout(DEADLINE, stream.read(&mut [0; 8])).await.unwrap();
    assert_eq!(ended.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(proxy.counters().cut, 1);
    let mut next = TcpStream::connect(proxy.address()).await.unwrap();
    round_trip(&mut next, b"a new one works").await.unwrap();
}

#[tokio::test]
async fn a_cut_may_wait_for_its_byte() {
    let proxy = ChaosProxy::start(echo().await).await.unwrap();
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    round_trip(&mut stream, b"alive").await.unwrap();
    proxy.cut_after(1_000);
    stream.write_all(&[0; 4_000]).await.unwrap();
    let mut back = Vec::new();
    let ended = tokio::time::timeout(DEADLINE, stream.read_to_end(&mut back)).await.unwrap();
    assert_eq!(ended.unwrap_err().kind(), ErrorKind::ConnectionReset);
    let counters = proxy.counters();
    assert_eq!(counters.upstream_bytes + counters.downstream_bytes, 10 + 1_000);
}

#[tokio::test]
async fn new_connections_can_be_refused() {
    let proxy = ChaosProxy::start(echo().await).await.unwrap();
    let mut old = TcpStream::connect(proxy.address()).await.unwrap();
    round_trip(&mut old, b"old").await.unwrap();
    proxy.change(|conditions| conditions.refuse = true);
    let refused = match TcpStream::connect(proxy.address()).await {
        Ok(mut stream) => round_trip(&mut stream, b"new").await.is_err(),
        Err(_) => true,
    };
    assert!(refused);
    assert_eq!(proxy.counters().refused, 1);
    round_trip(&mut old, b"still works").await.unwrap();
}
