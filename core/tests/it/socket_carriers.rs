//! One suite for every carrier that comes in over a WebSocket: it greets, talks, is interrupted, takes keys, hangs up and is hung up
//! on, leaves bad messages out, keeps what was said before the call began, and hands a caller over where there is a way.

mod ending;
mod line;
mod talking;
mod untidy;

use vox_caller::Protocol;
use vox_shared::model::bot::Carrier;

use line::Line;

async fn conforms(line: Line) {
    let set = line.set().await;
    talking::is_a_conversation_with_an_interruption(&set).await;
    ending::by_the_bot(&set).await;
    ending::by_a_transfer(&set).await;
    ending::without_proof(&set).await;
    untidy::is_left_out_and_counted(&set).await;
    set.end().await;
}

#[tokio::test]
async fn ws() {
    conforms(Line { protocol: Protocol::Ws, carrier: None }).await;
}

#[tokio::test]
async fn exotel() {
    conforms(Line { protocol: Protocol::Exotel { rate_hz: 8_000 }, carrier: None }).await;
}

#[tokio::test]
async fn twilio() {
    conforms(Line { protocol: Protocol::Twilio, carrier: Some(Carrier::Twilio) }).await;
}

#[tokio::test]
async fn plivo() {
    conforms(Line { protocol: Protocol::Plivo { rate_hz: 8_000 }, carrier: Some(Carrier::Plivo) }).await;
}

#[tokio::test]
async fn telnyx() {
    conforms(Line { protocol: Protocol::Telnyx { rate_hz: 16_000 }, carrier: Some(Carrier::Telnyx) }).await;
}

#[tokio::test]
async fn vonage() {
    conforms(Line { protocol: Protocol::Vonage { rate_hz: 16_000 }, carrier: Some(Carrier::Vonage) }).await;
}
