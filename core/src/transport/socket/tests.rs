use tokio::io::{DuplexStream, duplex};
use tokio_tungstenite::tungstenite::protocol::Role;
use vox_shared::wire::result::DisconnectedBy;

use super::*;
use crate::transport::talk::TalkCodec;

/// A line in use, and its carrier.
async fn line() -> (Ends, WebSocketStream<DuplexStream>) {
    let (ours, theirs) = duplex(64 * 1024);
    let socket = WebSocketStream::from_raw_socket(ours, Role::Server, None).await;
    let carrier = WebSocketStream::from_raw_socket(theirs, Role::Client, None).await;
    let (mut ends, pump) = channel();
    tokio::spawn(pump.run(socket, Box::new(TalkCodec), TalkCodec::opening(None), Clock::system()));
    for _ in TalkCodec::opening(None) {
        ends.incoming.recv().await.unwrap();
    }
    (ends, carrier)
}

#[tokio::test(start_paused = true)]
async fn a_carrier_that_sends_nothing_while_the_caller_is_silent_keeps_its_line() {
    let (mut ends, mut carrier) = line().await;
    // Whoever reads answers pings.
    let reading = tokio::spawn(async move { while let Some(Ok(_)) = carrier.next().await {} });
    let told = timeout(Duration::from_secs(180), ends.incoming.recv()).await;
    assert!(told.is_err(), "{told:?}");
    reading.abort();
    let told = ends.incoming.recv().await;
    assert_eq!(told, Some(LineIn::HungUp { by: DisconnectedBy::Customer }));
}

#[tokio::test(start_paused = true)]
async fn a_carrier_that_answers_nothing_is_dead() {
    let (mut ends, _carrier) = line().await;
    let began = Instant::now();
    let told = ends.incoming.recv().await;
    assert_eq!(told, Some(LineIn::Broken(Reason::Silent(30))));
    assert_eq!(began.elapsed().as_secs(), 30);
}
