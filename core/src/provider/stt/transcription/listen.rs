//! A stream and its requests: several may be out at once, and none of them keeps the line from being heard.

use std::future::Future;
use std::pin::Pin;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;

use super::super::{SttEvent, SttInput};
use super::answer::Transcript;
use super::ask::Server;
use super::hearing::Hearing;
use super::segments::{Cuts, Segment};
use crate::provider::Failure;
use crate::provider::outlet::Outlet;

/// An answer, with the number of its question.
type Answered = (u64, Result<Transcript, Failure>);
type Answer = Pin<Box<dyn Future<Output = Answered> + Send>>;

/// One stream and what it waits for.
pub(super) struct Listener {
    server: Server,
    hearing: Hearing,
    answers: FuturesUnordered<Answer>,
    look: Option<(u64, Answer)>,
}

/// What ends a wait.
enum Woken {
    Order(Option<SttInput>),
    Answered(Option<Answered>),
    Delivered,
    ReaderGone,
}

impl Listener {
    pub fn new(server: Server, rate_hz: u32, cuts: Cuts) -> Self {
        Self { server, hearing: Hearing::new(rate_hz, cuts), answers: FuturesUnordered::new(), look: None }
    }

    /// Serve until the input ends, the reader goes or the server fails.
    pub async fn run(mut self, mut input: mpsc::Receiver<SttInput>, events: mpsc::Sender<SttEvent>) {
        let greeted = tokio::select! {
            greeted = self.server.greet() => greeted,
            () = events.closed() => return,
        };
        let mut outlet = Outlet::new(events);
        let last = match greeted {
            Ok(()) => {
                outlet.push(SttEvent::Ready);
                self.serve(&mut input, &mut outlet).await
            }
            Err(failure) => Some(failure),
        };
        outlet.finish(last.map(SttEvent::Failed)).await;
    }

    async fn serve(
        &mut self,
        input: &mut mpsc::Receiver<SttInput>,
        outlet: &mut Outlet<SttEvent>,
    ) -> Option<Failure> {
        loop {
            let takes = self.hearing.takes_orders();
            let tells = outlet.is_empty();
            let (waits, has_look) = (!self.answers.is_empty(), self.look.is_some());
            let (answers, look) = (&mut self.answers, &mut self.look);
            let woken = tokio::select! {
                order = input.recv(), if takes => Woken::Order(order),
                answered = answers.next(), if tells && waits => Woken::Answered(answered),
                answered = looked(look.as_mut()), if tells && has_look => Woken::Answered(Some(answered)),
                delivered = outlet.run() => if delivered.is_ok() { Woken::Delivered } else { Woken::ReaderGone },
            };
            match woken {
                Woken::Order(None) | Woken::ReaderGone => return None,
                Woken::Order(Some(order)) => self.order(order, outlet),
                Woken::Answered(Some((number, answer))) => {
                    let mut events = Vec::new();
                    let done = self.hearing.answered(number, answer, &mut events);
                    events.into_iter().for_each(|event| outlet.push(event));
                    if let Err(failure) = done {
                        return Some(failure);
                    }
                }
                Woken::Answered(None) | Woken::Delivered => {}
            }
            self.look.take_if(|(number, _)| self.hearing.look() != Some(*number));
        }
    }

    fn order(&mut self, order: SttInput, outlet: &mut Outlet<SttEvent>) {
        let told = self.hearing.order(order);
        told.events.into_iter().for_each(|event| outlet.push(event));
        for (number, segment) in told.asks {
            let answer = self.question(number, segment);
            if self.hearing.look() == Some(number) {
                self.look = Some((number, answer));
            } else {
                self.answers.push(answer);
            }
        }
    }

    fn question(&self, number: u64, segment: Segment) -> Answer {
        let (server, rate_hz) = (self.server.clone(), self.hearing.rate_hz());
        Box::pin(async move { (number, server.transcribe(&segment, rate_hz).await) })
    }
}

async fn looked(look: Option<&mut (u64, Answer)>) -> Answered {
    match look {
        Some((_, answer)) => answer.await,
        None => std::future::pending().await,
    }
}
