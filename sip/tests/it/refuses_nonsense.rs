//! What comes to an open port that is no telephone.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;
use vox_sip::message::{NameAddr, Uri};
use vox_sip::{Dial, DialError, Settings, Transport};

use crate::harness::{PATIENCE, agent, agent_with};

fn options(transport: &str, at: std::net::SocketAddr) -> String {
    format!(
        "OPTIONS sip:x@y SIP/2.0\r\nVia: SIP/2.0/{transport} {at};branch=z9hG4bKa;rport\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:x@y>\r\n\
         Call-ID: c\r\nCSeq: 1 OPTIONS\r\nl: 0\r\n\r\n"
    )
}

#[tokio::test]
async fn datagrams_that_are_nothing_change_nothing() {
    let (agent, _calls) = agent().await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(agent.address()).await.unwrap();
    for junk in [&b"\0\0\0"[..], b"\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", &[b'x'; 60_000]] {
        socket.send(junk).await.unwrap();
    }
    socket.send(options("UDP", socket.local_addr().unwrap()).as_bytes()).await.unwrap();
    let mut bytes = [0; 2000];
    let length = timeout(PATIENCE, socket.recv(&mut bytes)).await.expect("it answers").unwrap();
    assert!(bytes[..length].starts_with(b"SIP/2.0 200 OK\r\n"));
    assert_eq!(agent.counts().await.malformed, 3);
}

/// Messages in pieces and several at once; a stream that is none is cut off.
#[tokio::test]
async fn a_connection_is_read_as_it_comes() {
    let (agent, _calls) = agent_with(Settings { most_connections: 2, ..Settings::default() }).await;
    let mut stream = TcpStream::connect(agent.address()).await.unwrap();
    let ask = options("TCP", stream.local_addr().unwrap());
    let (first, rest) = ask.split_at(40);
    stream.write_all(first.as_bytes()).await.unwrap();
    stream
        .write_all(format!("{rest}\r\n\r\n{}", ask.replace("z9hG4bKa", "z9hG4bKb")).as_bytes())
        .await
        .unwrap();
    let mut answer = Vec::new();
    while answer.windows(14).filter(|w| *w == b"SIP/2.0 200 OK").count() < 2 {
        timeout(PATIENCE, stream.read_buf(&mut answer)).await.expect("it answers").unwrap();
    }
    stream.write_all("Content-Length: 1\r\n\r\n".repeat(3).as_bytes()).await.unwrap();
    let mut end = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut end)).await.expect("it is cut off").unwrap();
}

#[tokio::test]
async fn what_cannot_be_called_is_refused_with_a_reason() {
    let (agent, _calls) = agent().await;
    let dial = |to: &str, header: (&str, &str)| Dial {
        to: to.parse::<Uri>().unwrap(),
        from: NameAddr::new(Uri::sip(None, "127.0.0.1", None)),
        transport: Transport::Udp,
        headers: vec![(header.0.to_owned(), header.1.to_owned())],
        credentials: None,
        ring_for: PATIENCE,
        tag: None,
    };
    let sent = |dial| async { agent.dial(dial).await.unwrap_err() };
    assert!(matches!(sent(dial("sips:a@127.0.0.1", ("X-A", "1"))).await, DialError::Scheme));
    assert!(
        matches!(sent(dial("sip:a@127.0.0.1", ("Via", "1"))).await, DialError::Header(name) if name == "Via")
    );
    assert!(matches!(sent(dial("sip:a@127.0.0.1", ("X-A", "1\r\nX-B: 2"))).await, DialError::Header(_)));
    agent.close().await;
    assert!(matches!(sent(dial("sip:a@127.0.0.1", ("X-A", "1"))).await, DialError::Ended));
}
