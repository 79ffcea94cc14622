//! The end of a call: what is open is closed, in order.

use tokio::time::timeout;
use vox_shared::model::bot::Sink;

use super::super::ears::together;
use super::super::record::Ended;
use super::super::screener::Closing;
use super::{Actor, LINE_STALL, Parts};
use crate::media::recorder::Unfinished;
use crate::transport::line::LineOut;

impl Actor {
    pub(super) async fn end(self) -> Ended {
        let Actor { parts, began, lateness, mouth, hang_up, outcome, recorded_until, screener, .. } = self;
        let outcome = *outcome.expect("the loop ends with an outcome");
        let closing = Closing {
            message_left: parts.session.has_left_message(),
            passed_on: parts.session.was_passed_on(),
            hides_words: parts.veil.covers(Sink::Transcript),
        };
        let answered_by = screener.map(|screener| Box::new(screener.finish(closing)));
        // With it the report of the call ends: before its result is on its way.
        let Parts { recorder, vendors, ears, rate_hz, mut ends, switch, live, mut tools, .. } = parts;
        drop(live);
        // Nor does anybody wait for a tool that runs: also not while the line is closed.
        tools.stop();
        let now = (began.elapsed().as_secs_f64() * f64::from(rate_hz)) as u64;
        if let Some(by) = hang_up {
            // What the caller says meanwhile is for nobody, but the line must be read, or it could not be closed.
            tokio::select! {
                () = switch.hang_up() => {}
                () = async { while ends.incoming.recv().await.is_some() {} std::future::pending().await } => {}
            }
            // A line that takes nothing any more is closed without it.
            let _stuck = timeout(LINE_STALL, ends.outgoing.send(LineOut::HangUp { by })).await;
        }
        let recording =
            recorder.map(|recorder| Unfinished { recorder, until: recorded_until.unwrap_or(now) });
        let billed = vendors.billed.clone();
        // Servers of tools are told that nothing follows.
        let ((recognised, spoken), beside, ()) = tokio::join!(vendors.close(), ears.close(), tools.close());
        let recognised = together(recognised, beside);
        // Dropping the line's end tells the pump that nothing follows.
        drop(ends);
        Ended {
            outcome,
            answered_by,
            lateness_p99_ms: lateness.quantile_ms(0.99),
            underruns: mouth.underruns(),
            recognised,
            spoken,
            billed,
            recording,
        }
    }
}
