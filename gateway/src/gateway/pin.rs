//! Rooms that are opened with a number: the caller is answered, hears a tone, presses its digits and `#`.

use std::f64::consts::TAU;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use vox_sip::{Event, Incoming};

/// How long the digits may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longest number.
const MOST: usize = 32;

/// The number; `None` if the caller hung up or took too long.
pub(super) async fn ask(incoming: &mut Incoming) -> Option<String> {
    incoming.call.answer(Vec::new()).await.ok()?;
    let call = incoming.call.clone();
    let prompt = tokio::spawn(async move {
        sleep(Duration::from_millis(300)).await;
        for frame in 0..15 {
            let sample = |at: usize| ((frame * 160 + at) as f64 * TAU * 880.0 / 8000.0).sin() * 4000.0;
            if call.write((0..160).map(|at| sample(at) as i16).collect()).await.is_err() {
                return;
            }
        }
    });
    let digits = async {
        let mut digits = String::new();
        while let Some(event) = incoming.events.next().await {
            match event {
                Event::Key('#') => return Some(digits),
                Event::Key(key) if digits.len() < MOST => digits.push(key),
                Event::Key(_) | Event::Ended(_) => return None,
                _ => {}
            }
        }
        None
    };
    let pin = timeout(PATIENCE, digits).await.ok().flatten();
    prompt.abort();
    pin
}
