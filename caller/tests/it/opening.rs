//! Refusals and failures before there is a call.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    task::JoinHandle,
};
use vox_caller::{ConnectError, Protocol, connect};

use crate::bot::{EXOTEL, options};

/// Answer every request with `response`; counts them until the caller is done.
async fn refuse_with(
    response: &'static str,
) -> (String, JoinHandle<()>, std::sync::Arc<std::sync::atomic::AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/x/b", listener.local_addr().unwrap());
    let count = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let counted = count.clone();
    let task = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(stream.read_u8().await.unwrap());
            }
            stream.write_all(response.as_bytes()).await.unwrap();
        }
    });
    (url, task, count)
}

const BUSY: &str = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\nContent-Type: application/json\r\n\
                    Content-Length: 16\r\n\r\n{\"error\":\"busy\"}";

#[tokio::test]
async fn a_full_server_is_told_with_its_retry_after() {
    let (url, server, count) = refuse_with(BUSY).await;
    let error = connect(options(Protocol::Ws, &url)).await.unwrap_err();
    let ConnectError::Refused { status, retry_after, body } = &error else { panic!("{error:?}") };
    assert_eq!((*status, *retry_after), (503, Some(Duration::from_secs(2))));
    assert_eq!(body, "{\"error\":\"busy\"}");
    assert_eq!((error.kind().as_str(), count.load(std::sync::atomic::Ordering::SeqCst)), ("refused_503", 1));
    server.abort();
}

#[tokio::test]
async fn exotel_tries_once_more_and_no_more() {
    let (url, server, count) = refuse_with(BUSY).await;
    assert!(matches!(connect(options(EXOTEL, &url)).await, Err(ConnectError::Refused { status: 503, .. })));
    assert_eq!(count.load(std::sync::atomic::Ordering::SeqCst), 2);
    server.abort();
}

#[tokio::test]
async fn a_server_that_accepts_and_says_nothing_runs_into_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut options = options(Protocol::Talk, &format!("ws://{}/talk/b", listener.local_addr().unwrap()));
    options.deadlines.connect = Duration::from_millis(100);
    assert!(matches!(connect(options).await, Err(ConnectError::Deadline(_))));
}

#[tokio::test]
async fn nobody_at_the_port_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/ws/b", listener.local_addr().unwrap());
    drop(listener);
    assert!(matches!(connect(options(Protocol::Ws, &url)).await, Err(ConnectError::Unreachable { .. })));
}
