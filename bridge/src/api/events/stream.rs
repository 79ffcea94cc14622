//! `GET /api/v1/events/stream`

use std::time::Duration;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use tokio::time::{sleep, timeout};
use tracing::instrument;

use super::view::{EventView, shown};
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadEvents;
use crate::delivery::herald::Herald;
use crate::edge::sse::{self, Event, Feed, LastEventId, Streams};
use crate::error::{ApiResult, with_source};
use crate::store::{Reach, StoreError, Stores};

/// Longest time until an event that another bridge told of is seen.
const LOOK: Duration = Duration::from_secs(1);
/// Events that a stream begins with, and those that follow at once.
const PAGE: usize = 100;
/// Pause between two pages of a client that was away: it reads, and the stream's buffer stays far from full.
const BREATH: Duration = Duration::from_millis(250);

/// The tenant's events as they come, from the one behind `Last-Event-ID`, or from now on.
#[instrument(name = "events.stream", skip_all)]
pub async fn stream(
    who: Allowed<ReadEvents>,
    request: HttpRequest,
    last: LastEventId,
    herald: Data<Herald>,
    streams: Data<Streams>,
) -> ApiResult<HttpResponse> {
    let place = streams.take(who.reach().tenant(), who.id())?;
    let stores = herald.stores().clone();
    let after = match last.read()? {
        Some(after) => after,
        None => stores.events(who.reach().tenant()).last_seq().await?,
    };
    let (feed, source) = sse::feed(Vec::new());
    let following = Following { stores, reach: who.reach().clone(), after };
    tokio::spawn(following.follow(feed, Herald::clone(&herald)));
    Ok(sse::answer(&request, place, source))
}

/// Whoever listens, and up to where.
struct Following {
    stores: Stores,
    reach: Reach,
    after: i64,
}

impl Following {
    /// Until the client is gone. One that is too slow is cut, and comes again with the id of the last it has.
    async fn follow(mut self, feed: Feed, herald: Herald) {
        while feed.is_open() {
            // Before the list is read: what is told while it is read is not missed.
            let told = herald.told.notified();
            let found = match self.hand_on(&feed).await {
                Ok(Some(found)) => found,
                Ok(None) => return,
                Err(error) => {
                    tracing::warn!(error = with_source(&error), "events could not be read for a stream");
                    0
                }
            };
            if found == PAGE {
                sleep(BREATH).await;
            } else {
                // Either is a reason to look. What is told may be another tenant's, and there are hundreds of streams.
                let _ = timeout(LOOK, told).await;
                sleep(BREATH).await;
            }
        }
    }

    /// Give a page to the client; how many there were, or `None` when the client is lost.
    async fn hand_on(&mut self, feed: &Feed) -> Result<Option<usize>, StoreError> {
        let events = self.stores.events(self.reach.tenant()).list_after(self.after, PAGE).await?;
        let (found, last) = (events.len(), events.last().and_then(|event| event.value.seq));
        for event in shown(events, &self.reach) {
            if feed.offer(&written(&event)).is_err() {
                return Ok(None);
            }
        }
        self.after = last.unwrap_or(self.after);
        Ok(Some(found))
    }
}

fn written(event: &EventView) -> Event {
    let data = serde_json::to_string(event).expect("an event is plain data");
    Event::numbered(&event.seq.to_string(), &event.event, &data)
}
