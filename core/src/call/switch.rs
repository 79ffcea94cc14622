//! The carrier of a call, where it is asked beside the line: to hand the caller over while the call goes on, and to hang up when it
//! ends.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tracing::Instrument;

use crate::carrier::{CarrierError, Control};
use crate::session::event::Event;

/// How long the end of a call waits for its carrier; then closing the line must do.
const HANG_UP_DEADLINE: Duration = Duration::from_secs(3);

/// The carrier of one call, or none.
#[derive(Debug, Default)]
pub struct Switch {
    control: Option<Arc<Control>>,
    /// A transfer that is being asked for.
    asked: Option<JoinHandle<Result<(), CarrierError>>>,
    /// The line ended meanwhile.
    gone: Option<Event>,
}

impl Switch {
    /// Of a call whose carrier can be asked, or of one where the line is all there is.
    pub fn new(control: Option<Control>) -> Self {
        Self { control: control.map(Arc::new), asked: None, gone: None }
    }

    /// Ask for a transfer; [`Switch::next`] has what comes of it. False where there is nobody to ask.
    pub fn transfer(&mut self, to: String) -> bool {
        let Some(control) = self.control.clone() else { return false };
        let span = tracing::info_span!("carrier.transfer", otel.kind = "client");
        let asking = async move { control.transfer(&to).await };
        self.asked = Some(tokio::spawn(asking.instrument(span)));
        true
    }

    /// The line has ended. While a transfer is being asked for that is most likely its success, which the carrier's answer tells:
    /// then it waits for that.
    pub fn line_ended(&mut self, event: Event) -> Option<Event> {
        if self.asked.is_none() {
            return Some(event);
        }
        self.gone.get_or_insert(event);
        None
    }

    /// Whether the line has ended and that waits.
    pub fn is_waiting(&self) -> bool {
        self.gone.is_some()
    }

    /// What came of a transfer. Waits for ever while none is asked for; cancel-safe.
    pub async fn next(&mut self) -> [Option<Event>; 2] {
        let Some(asked) = &mut self.asked else { return std::future::pending().await };
        let answer = asked.await;
        self.asked = None;
        match answer {
            Ok(Ok(())) => [Some(Event::Transferred), None],
            Ok(Err(error)) => {
                tracing::warn!(%error, "the carrier did not hand the caller over");
                let (why, gone) = (error.to_string(), self.gone.take());
                let told = match gone {
                    Some(_) if error.is_unclear() => Event::TransferUnclear { why },
                    _ => Event::TransferFailed { why },
                };
                [Some(told), gone]
            }
            Err(error) => {
                tracing::error!(%error, "asking a carrier broke off by a fault of ours");
                [Some(Event::TransferFailed { why: "asking the carrier broke off".into() }), self.gone.take()]
            }
        }
    }

    /// Have the carrier end the call, for a bounded time. What it refuses the closing of the line may still bring about.
    pub async fn hang_up(self) {
        let Some(control) = &self.control else { return };
        if let Err(error) = control.hang_up(HANG_UP_DEADLINE).await {
            tracing::warn!(%error, "the carrier did not end the call; its line is closed");
        }
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        if let Some(asked) = &self.asked {
            asked.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use vox_shared::model::bot::Carrier;
    use vox_shared::wire::result::DisconnectedBy;
    use vox_testkit::carrier::ScriptedCarrier;
    use vox_testkit::receiver::Manner;

    use super::*;
    use crate::carrier::tests::{stage, stage_that_dies};

    const DESK: &str = "+4930123456";
    /// Longer than it takes the line to end.
    const LATE: Duration = Duration::from_millis(200);

    async fn asked(manner: Manner) -> (ScriptedCarrier, Switch) {
        let (server, control) = stage(Carrier::Twilio).await;
        server.behave(manner);
        (server, asked_of(control))
    }

    fn asked_of(control: Control) -> Switch {
        let mut switch = Switch::new(Some(control));
        assert!(switch.transfer(DESK.into()));
        switch
    }

    fn hung_up() -> Event {
        Event::HungUp { by: DisconnectedBy::Customer }
    }

    #[tokio::test]
    async fn the_end_of_the_line_waits_for_what_the_carrier_says() {
        let (_server, mut switch) = asked(Manner::Slow(LATE)).await;
        assert_eq!(switch.line_ended(hung_up()), None);
        assert!(switch.is_waiting());
        assert_eq!(switch.next().await, [Some(Event::Transferred), None], "it ended because of the transfer");

        let (_server, mut switch) = asked(Manner::Refuse(500)).await;
        assert_eq!(switch.line_ended(hung_up()), None);
        let [Some(Event::TransferFailed { why }), Some(gone)] = switch.next().await else {
            panic!("both are told")
        };
        assert_eq!((why.as_str(), gone), ("the carrier refused with 500", hung_up()));
        assert!(!switch.is_waiting());
    }

    /// Its end is most likely the transfer's success, and nobody knows.
    #[tokio::test]
    async fn a_line_that_ended_while_the_answer_was_lost_is_no_failed_transfer() {
        let mut switch = asked_of(stage_that_dies().await);
        assert_eq!(switch.line_ended(hung_up()), None);
        let [Some(Event::TransferUnclear { why }), Some(gone)] = switch.next().await else {
            panic!("both are told")
        };
        assert!(why.contains("answer was lost"), "{why}");
        assert_eq!(gone, hung_up());
        // Whoever is still there has not been handed over yet.
        let mut switch = asked_of(stage_that_dies().await);
        assert!(matches!(switch.next().await, [Some(Event::TransferFailed { .. }), None]));
    }

    #[tokio::test]
    async fn a_line_without_a_carrier_ends_at_once() {
        let mut switch = Switch::new(None);
        assert!(!switch.transfer(DESK.into()));
        assert_eq!(switch.line_ended(hung_up()), Some(hung_up()));
        switch.hang_up().await;
    }
}
