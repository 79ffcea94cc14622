//! Calls in rooms whose worker died, as the courier finds them: this worker goes on with one, if its slot is free.

use std::sync::Arc;

use tracing::Instrument;

use super::life::again;
use crate::admission::admit_again;
use crate::app::App;
use crate::transport::line::CallInfo;
use crate::transport::livekit::line::clear::{clear, sweep};
use crate::transport::livekit::order::Order;
use crate::transport::livekit::server::LiveKit;
use crate::wreck::offers::{GoOn, Offer};

/// Take what is offered, until the process ends.
pub async fn run(app: Arc<App>) {
    let Some(livekit) = app.livekit.clone() else { return };
    let Some(mut offers) = app.courier.offers() else { return };
    while let Some(offer) = offers.recv().await {
        match offer {
            Offer::GoOn(offer) => go_on(&app, &livekit, offer),
            Offer::Clear { session_id, seat } => {
                let (livekit, span) = (livekit.clone(), tracing::info_span!("clear", call.id = %session_id));
                let order = Order::again(session_id, seat, CallInfo::default());
                let all = async move {
                    clear(&livekit, &order, None).await;
                    sweep(&livekit, &order.room).await;
                };
                tokio::spawn(all.instrument(span));
            }
        }
    }
}

fn go_on(app: &Arc<App>, livekit: &Arc<LiveKit>, GoOn { wreck, outbox, taken }: GoOn) {
    match admit_again(app, &outbox) {
        Ok((admission, over)) => {
            // Whoever gave up waiting leaves the outbox to others.
            if taken.send(over).is_ok() {
                tokio::spawn(again::go_on(app.clone(), livekit.clone(), (wreck, admission)));
            }
        }
        Err(reason) => tracing::info!(%reason, "another worker may go on with a lost call"),
    }
}
