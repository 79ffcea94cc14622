//! Somebody outside who orders things of some calls.

use vox_core::session::event::Event;
use vox_shared::wire::order::Order;

use super::{Happening, World};

impl World {
    pub(super) fn operator_acts(&mut self) {
        let order = match self.random.range(0, 100) {
            0..30 => Order::Say { text: "A colleague will call you back tomorrow.".into() },
            30..45 => Order::Steer { text: "The caller is a doctor.".into() },
            45..90 => Order::Hold,
            90..95 => Order::Transfer { to: "+15550001".into(), warm: false },
            _ => Order::End { goodbye: "We close now. Goodbye.".into() },
        };
        if order == Order::Hold {
            let until = self.now + self.random.range(200, 15_000);
            self.at(until, Happening::Session(Event::Order { id: 0, order: Order::GoOn }));
        }
        if matches!(order, Order::End { .. }) {
            self.agent_leads_no_more();
        }
        self.orders += 1;
        let next = self.now + self.random.range(1_000, 20_000);
        self.at(next, Happening::OperatorActs);
        self.feed(Event::Order { id: self.orders, order });
    }
}
