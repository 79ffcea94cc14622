//! News for the other bridges of the deployment, so that it does not matter which one a worker tells and which one a client follows.

use actix_web::web::Bytes;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use vox_shared::wire::live::LiveReport;

use super::Live;
use super::news::News;
use crate::coordination::{Heard, MAX_MESSAGE_BYTES};

const TOPIC: &str = "live";

/// News with the process that tells them, which knows them already.
#[derive(Debug, Serialize, Deserialize)]
struct Shared {
    from: String,
    #[serde(flatten)]
    news: News,
}

impl Live {
    /// Tell the others. Those that do not hear it see a gap, or the end in the call's document.
    pub(super) async fn share(&self, news: News) {
        for message in messages(&self.id, news) {
            if let Err(error) = self.coordination.publish(TOPIC.into(), message).await {
                tracing::debug!(%error, "other bridges were not told of a running call");
                return;
            }
        }
    }

    /// Hear what the others are told, until `stop`.
    pub async fn listen(self, stop: CancellationToken) {
        let mut others = self.coordination.subscribe(TOPIC);
        while let Some(Some(heard)) = stop.run_until_cancelled(others.next()).await {
            match heard {
                Heard::Message(message) => match serde_json::from_slice(&message) {
                    // Who was told has told it on.
                    Ok(Shared { from, news }) if from != self.id => drop(self.hear(news)),
                    Ok(_) => {}
                    Err(error) => tracing::warn!(%error, "a bridge tells of calls what this one cannot read"),
                },
                // It may have been the end of a call: whoever comes again is told by the document.
                Heard::Missed => self.board().let_go(),
            }
        }
        stop.cancelled().await;
    }
}

/// In pieces that a topic takes.
fn messages(from: &str, news: News) -> Vec<Bytes> {
    let shared = Shared { from: from.to_owned(), news };
    let written = serde_json::to_vec(&shared).expect("news are plain data");
    match shared.news {
        News::Told { whose, report } if written.len() > MAX_MESSAGE_BYTES && report.events.len() > 1 => {
            let mut first = report;
            let rest = first.events.split_off(first.events.len() / 2);
            let rest = LiveReport { events: rest, worker_id: first.worker_id.clone(), ..first };
            let parts = [first, rest].map(|report| News::Told { whose: whose.clone(), report });
            parts.into_iter().flat_map(|news| messages(from, news)).collect()
        }
        _ => vec![Bytes::from(written)],
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use serde_json::json;
    use tokio::time::timeout;
    use vox_shared::clock::Clock;
    use vox_shared::wire::result::DisconnectedBy;

    use super::super::crier::queue;
    use super::super::{End, Figures, Phase, Whose};
    use super::*;
    use crate::coordination::InProcess;

    fn report(events: u64, text: &str) -> LiveReport {
        let event =
            |seq| json!({"seq": seq, "timestamp": "t", "event": "transcript.turn", "data": {"text": text}});
        let events: Vec<_> = (1..=events).map(event).collect();
        serde_json::from_value(json!({"worker_id": "w", "events": events})).unwrap()
    }

    fn whose() -> Whose {
        let call = "call_1".parse().unwrap();
        Whose::new(call, "default".parse().unwrap(), "faq".parse().unwrap())
    }

    fn live(clock: &Clock, between: &Arc<InProcess>) -> Live {
        let figures = Figures::default();
        let (voice, _) = queue(&figures);
        Live::new((clock.clone(), figures), between.clone(), voice)
    }

    #[tokio::test]
    async fn a_bridge_knows_what_another_was_told() {
        let clock = Clock::manual("2026-11-20T10:00:00Z".parse().unwrap());
        let between = Arc::new(InProcess::new(clock.clone()));
        let [told, other] = [(); 2].map(|()| live(&clock, &between));
        let stop = CancellationToken::new();
        let listening = tokio::spawn(other.clone().listen(stop.clone()));
        tokio::task::yield_now().await;
        told.told(whose(), report(32, &"x".repeat(8_000))).await;
        told.ended(whose(), End::new(DisconnectedBy::Bot, 1.0));
        let knows = async {
            while other.state(&whose().session_id).is_none_or(|state| state.phase != Phase::Ended) {
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_secs(5), knows).await.expect("it is told");
        let state = other.state(&whose().session_id).unwrap();
        assert_eq!(
            (state.newest, state.turns),
            (32, 32),
            "a report too large for one message comes in parts"
        );
        stop.cancel();
        listening.await.unwrap();
    }
}
