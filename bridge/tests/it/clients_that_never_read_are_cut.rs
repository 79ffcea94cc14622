//! The listener against a client that sends requests and takes no answers.

use std::time::Duration;

use actix_web::{App, web};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use vox_bridge::serve::{Patience, Serving, serve};

use crate::harness::client;

/// More than the kernel's buffers of a connection hold, with a few of them.
const ANSWER_BYTES: usize = 1024 * 1024;

#[tokio::test]
async fn its_connection_ends_and_others_are_served() {
    let surface = || App::new().route("/", web::get().to(|| async { "x".repeat(ANSWER_BYTES) }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, patience) =
        (CancellationToken::new(), Patience { write: Duration::from_millis(100), ..Patience::default() });
    let serving = tokio::spawn(serve(listener, surface, Serving { threads: 1, patience }, stop.clone()));

    let mut stream = TcpStream::connect(address).await.unwrap();
    let pipelined = async {
        // The server stops to read while it cannot write; then this waits, until the connection is cut.
        while stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.is_ok() {}
    };
    timeout(Duration::from_secs(10), pipelined).await.expect("the connection is cut");

    let answer = client().get(format!("http://{address}")).send().await.unwrap();
    assert_eq!(answer.bytes().await.unwrap().len(), ANSWER_BYTES);
    stop.cancel();
    serving.await.unwrap().unwrap();
}
