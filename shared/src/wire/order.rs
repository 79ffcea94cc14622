//! What somebody outside wants of a running call: `POST /calls/{session_id}/orders` on the worker that runs it.

use serde::{Deserialize, Serialize};

use super::supervision::{LONGEST_SUPERVISOR_CHARS, Part, SeatGiven};

/// Longest text of an order, characters: what a caller listens to at once.
pub const LONGEST_ORDER_CHARS: usize = 4_000;

/// What somebody outside the conversation wants of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum Order {
    /// Say this after what is being said.
    Say { text: String },
    /// The model shall know this from now on; nothing is said for it.
    Steer { text: String },
    /// Wait: nobody listens and nothing is said.
    Hold,
    /// Go on after a hold.
    GoOn,
    /// Hand the caller over to this number or address. With `warm` the person is asked first, while the caller is on hold.
    Transfer {
        to: String,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        warm: bool,
    },
    /// Say goodbye, with these words if there are any, and hang up.
    End {
        #[serde(default)]
        goodbye: String,
    },
    /// This supervisor is this in the call from now on, also who was something else until now. The answer has the seat.
    Supervise {
        /// Who it is, by an id of the bridge's.
        supervisor: String,
        part: Part,
        /// The bot talks on although the supervisor does.
        #[serde(default)]
        bot_goes_on: bool,
    },
    /// This supervisor leaves the call.
    StopSupervising { supervisor: String },
}

/// An order as it is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderRequest {
    #[serde(default = "super::wire_version")]
    pub version: u32,
    #[serde(flatten)]
    pub order: Order,
}

/// The worker's answer to an order that was taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderTaken {
    #[serde(default = "super::wire_version")]
    pub version: u32,
    /// [`Order::name`].
    pub taken: String,
    /// Of [`Order::Supervise`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seat: Option<SeatGiven>,
}

/// What is wrong with an order before any call has seen it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderFault {
    #[error("empty_text")]
    Empty,
    #[error("text_too_long")]
    TooLong,
}

impl Order {
    /// The word for it, in events and errors.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Say { .. } => "say",
            Self::Steer { .. } => "steer",
            Self::Hold => "hold",
            Self::GoOn => "go_on",
            Self::Transfer { .. } => "transfer",
            Self::End { .. } => "end",
            Self::Supervise { .. } => "supervise",
            Self::StopSupervising { .. } => "stop_supervising",
        }
    }

    /// Whether any call could carry it out.
    pub fn check(&self) -> Result<(), OrderFault> {
        let (text, longest, may_be_empty) = match self {
            Self::Say { text } | Self::Steer { text } => (text.as_str(), LONGEST_ORDER_CHARS, false),
            Self::Transfer { to, .. } => (to.as_str(), LONGEST_ORDER_CHARS, false),
            Self::End { goodbye } => (goodbye.as_str(), LONGEST_ORDER_CHARS, true),
            Self::Supervise { supervisor, .. } | Self::StopSupervising { supervisor } => {
                (supervisor.as_str(), LONGEST_SUPERVISOR_CHARS, false)
            }
            Self::Hold | Self::GoOn => return Ok(()),
        };
        if !may_be_empty && text.trim().is_empty() {
            return Err(OrderFault::Empty);
        }
        if text.chars().count() > longest {
            return Err(OrderFault::TooLong);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn orders_of_the_first_version_are_read() {
        let golden: Vec<OrderRequest> = serde_json::from_str(include_str!("order_v1.golden.json")).unwrap();
        let orders = [
            Order::Say { text: "A colleague will join us.".into() },
            Order::Steer { text: "The caller is a doctor.".into() },
            Order::Hold,
            Order::GoOn,
            Order::Transfer { to: "+15550001".into(), warm: false },
            Order::End { goodbye: "We close now.".into() },
            Order::End { goodbye: String::new() },
            Order::Supervise { supervisor: "usr_1".into(), part: Part::Barge, bot_goes_on: true },
            Order::Supervise { supervisor: "usr_1".into(), part: Part::Listen, bot_goes_on: false },
            Order::StopSupervising { supervisor: "usr_1".into() },
        ];
        assert_eq!(golden.into_iter().map(|request| request.order).collect::<Vec<_>>(), orders);
        let written = serde_json::to_value(OrderRequest { version: 1, order: Order::Hold }).unwrap();
        assert_eq!(written, json!({"version": 1, "order": "hold"}));
        let answer: OrderTaken = serde_json::from_value(json!({"version": 1, "taken": "hold"})).unwrap();
        assert_eq!((answer.taken.as_str(), answer.seat), ("hold", None));
    }

    #[test]
    fn what_no_call_could_carry_out_is_told_before() {
        let say = |text: &str| Order::Say { text: text.into() }.check();
        assert_eq!(
            (say(" \n"), say("Yes."), say(&"न".repeat(4_000))),
            (Err(OrderFault::Empty), Ok(()), Ok(()))
        );
        assert_eq!(say(&"x".repeat(4_001)), Err(OrderFault::TooLong));
        assert_eq!(Order::End { goodbye: String::new() }.check(), Ok(()));
        assert_eq!(Order::Transfer { to: String::new(), warm: false }.check(), Err(OrderFault::Empty));
        let supervisor = "x".repeat(LONGEST_SUPERVISOR_CHARS + 1);
        assert_eq!(Order::StopSupervising { supervisor }.check(), Err(OrderFault::TooLong));
    }
}
