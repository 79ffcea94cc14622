//! A recogniser that is asked over HTTP, in virtual time: every segment of speech is a request, and its answer comes in parts that name
//! it. What is asked, when, and what an answer means is the client's own; here are the requests that are out, and their time.

use std::collections::{BTreeMap, VecDeque};

use tokio::time::Instant;
use url::Url;
use vox_core::provider::egress::Refusal;
use vox_core::provider::stt::transcription::{ANSWER_DEADLINE, Body, Cuts, Hearing, Questions, Segment};
use vox_core::provider::stt::{SttEvent, SttInput};
use vox_core::provider::{Failure, FailureClass};
use vox_shared::model::bot::SttSettings;

use super::frame::{Frame, Part};
use super::line::{Out, Sent, Wire};

/// A request that is out.
struct Request {
    segment: Segment,
    url: Url,
    is_look: bool,
    by: Instant,
    body: Body,
}

/// One stream.
pub struct Uploads {
    hearing: Hearing,
    questions: Questions,
    stands: bool,
    is_over: bool,
    orders: VecDeque<SttInput>,
    requests: BTreeMap<u64, Request>,
}

impl Uploads {
    /// With these settings, of a line at `rate_hz`.
    pub fn new(settings: &SttSettings, rate_hz: u32) -> Self {
        let cuts = Cuts::from_settings(settings).expect("the settings are good");
        Self {
            hearing: Hearing::new(rate_hz, cuts),
            questions: Questions::from_settings(settings).expect("the settings are good"),
            stands: false,
            is_over: false,
            orders: VecDeque::new(),
            requests: BTreeMap::new(),
        }
    }

    /// Take the orders that wait, as far as it goes.
    fn settle(&mut self, now: Instant, out: &mut Out<SttEvent>) {
        while !self.is_over && self.hearing.takes_orders() {
            let Some(order) = self.orders.pop_front() else { break };
            let told = self.hearing.order(order);
            out.events.extend(told.events);
            for (number, segment) in told.asks {
                self.ask(number, segment, now + ANSWER_DEADLINE, out);
            }
            self.forget();
        }
    }

    fn ask(&mut self, request: u64, segment: Segment, by: Instant, out: &mut Out<SttEvent>) {
        let question = self.questions.question(&segment, self.hearing.rate_hz());
        let (url, is_look) = (question.url.clone(), self.hearing.look() == Some(request));
        out.sent.push(Sent::Asked { request, question });
        self.requests.insert(request, Request { segment, url, is_look, by, body: Body::default() });
    }

    /// A look that is not wanted any more is dropped with its connection.
    fn forget(&mut self) {
        let look = self.hearing.look();
        self.requests.retain(|number, request| !request.is_look || look == Some(*number));
    }

    fn part(&mut self, number: u64, part: Part, now: Instant, out: &mut Out<SttEvent>) {
        let Some(request) = self.requests.get_mut(&number) else { return };
        let answer = match part {
            Part::Piece(bytes) => match request.body.piece(&bytes) {
                Ok(()) => return,
                Err(failure) => Err(failure),
            },
            Part::End => request.body.end(),
            Part::Cut => Err(Failure::new(FailureClass::Unavailable, "openai: the answer was cut")),
            Part::Refused { status, retry_after_s } => {
                let mut headers = http::HeaderMap::new();
                if let Some(after) = retry_after_s {
                    headers.insert(http::header::RETRY_AFTER, after.into());
                }
                let refusal = Refusal { status, headers, body: String::new() };
                let Some(failure) = self.questions.refused(&request.url, &refusal) else {
                    let again = self.requests.remove(&number).expect("it was found");
                    return self.ask(number, again.segment, again.by, out);
                };
                Err(failure)
            }
        };
        self.requests.remove(&number);
        let done = self.hearing.answered(number, answer, &mut out.events);
        self.go_on(done, now, out);
    }

    fn go_on(&mut self, done: Result<(), Failure>, now: Instant, out: &mut Out<SttEvent>) {
        match done {
            Ok(()) => self.settle(now, out),
            Err(failure) => self.fail(failure, out),
        }
    }

    /// None of these will be answered.
    fn lose(&mut self, numbers: &[u64], why: &Failure, now: Instant, out: &mut Out<SttEvent>) {
        for number in numbers {
            if self.requests.remove(number).is_some() {
                let done = self.hearing.answered(*number, Err(why.clone()), &mut out.events);
                self.go_on(done, now, out);
            }
        }
    }
}

impl Wire<SttInput, SttEvent> for Uploads {
    fn connected(&mut self, now: Instant, out: &mut Out<SttEvent>) {
        if !self.is_over && !std::mem::replace(&mut self.stands, true) {
            out.sent.push(Sent::Opened);
            out.events.push(SttEvent::Ready);
            self.settle(now, out);
        }
    }

    fn fail(&mut self, failure: Failure, out: &mut Out<SttEvent>) {
        if !std::mem::replace(&mut self.is_over, true) {
            self.requests.clear();
            out.events.push(SttEvent::Failed(failure));
        }
    }

    fn order(&mut self, order: SttInput, now: Instant, out: &mut Out<SttEvent>) {
        if !self.is_over {
            self.orders.push_back(order);
        }
        if self.stands {
            self.settle(now, out);
        }
    }

    fn hear(&mut self, frame: Frame, now: Instant, out: &mut Out<SttEvent>) {
        if !self.stands || self.is_over {
            return;
        }
        match frame {
            Frame::Answer { request, part } => self.part(request, part, now, out),
            Frame::Closed { .. } => {
                let all: Vec<u64> = self.requests.keys().copied().collect();
                let why = Failure::new(FailureClass::Unavailable, "openai: the connection was cut");
                self.lose(&all, &why, now, out);
            }
            other => panic!("a server says nothing but answers: {other:?}"),
        }
    }

    fn due(&self) -> Option<Instant> {
        self.requests.values().map(|request| request.by).min()
    }

    fn wake(&mut self, now: Instant, out: &mut Out<SttEvent>) {
        let late = self.requests.iter().filter(|(_, request)| request.by <= now);
        let late: Vec<u64> = late.map(|(number, _)| *number).collect();
        self.lose(&late, &Body::late(), now, out);
    }
}
