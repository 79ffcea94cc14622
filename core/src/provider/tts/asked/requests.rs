//! Replies of a voice that is asked over HTTP, without the requests: a simulation that has its own clock and no network says when one is
//! answered and what its body brings. Which text is asked for, which answer is read and what its sound means is decided as in a call.

use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use tokio::time::Instant;

use super::queue::Queue;
use super::{Answer, Asked, Body};
use crate::provider::Failure;
use crate::provider::tts::{TtsEvent, TtsInput};

type Told = Result<Vec<TtsEvent>, Failure>;

/// The replies, and the requests that they come to, which are numbered from 1.
pub struct Requests<B: Body + 'static> {
    queue: Queue<Nobody<B>>,
    texts: Arc<Mutex<Vec<String>>>,
    last: u64,
    /// The request that is out, the one whose answer waits, and the one whose answer is read.
    asking: Option<u64>,
    waiting: Option<u64>,
    reading: Option<u64>,
    new: Vec<(u64, String)>,
}

impl<B: Body + 'static> Requests<B> {
    /// Of this vendor, which takes so many characters at a time; sound is wanted at `rate_hz`.
    pub fn new(vendor: &'static str, text_chars_max: usize, rate_hz: u32) -> Self {
        let texts = Arc::new(Mutex::new(Vec::new()));
        let nobody = Nobody { vendor, text_chars_max, texts: Arc::clone(&texts), body: PhantomData };
        let queue = Queue::new(nobody, rate_hz);
        Self { queue, texts, last: 0, asking: None, waiting: None, reading: None, new: Vec::new() }
    }

    /// Whether another order can be kept.
    pub fn takes_orders(&self) -> bool {
        self.queue.takes_orders()
    }

    /// Do what is ordered.
    ///
    /// # Errors
    /// When a reply has failed.
    pub fn order(&mut self, order: TtsInput, now: Instant) -> Told {
        let mut events = self.queue.order(order, now);
        self.forget();
        events.extend(self.settle()?);
        Ok(events)
    }

    /// Requests that have gone out since this was asked, each with its text.
    pub fn asked(&mut self) -> Vec<(u64, String)> {
        std::mem::take(&mut self.new)
    }

    /// The request that is out.
    pub fn asking(&self) -> Option<u64> {
        self.asking
    }

    /// The request whose answer waits for the one before it.
    pub fn waiting(&self) -> Option<u64> {
        self.waiting
    }

    /// The request whose answer is read.
    pub fn reading(&self) -> Option<u64> {
        self.reading
    }

    /// The head of the answer has come, or that there will be none.
    ///
    /// # Errors
    /// When a reply has failed.
    pub fn answered(&mut self, answer: Result<B, Failure>) -> Told {
        let response = http::Response::new("").into();
        self.queue.answered(answer.map(|body| Answer { response, body, billed: None }));
        self.waiting = self.asking.take();
        self.settle()
    }

    /// A piece of the answer that is read.
    ///
    /// # Errors
    /// When it is not what was asked for, or a reply has failed.
    pub fn piece(&mut self, bytes: &[u8]) -> Told {
        let mut events = self.queue.take(bytes)?;
        events.extend(self.settle()?);
        Ok(events)
    }

    /// The answer that is read has ended.
    ///
    /// # Errors
    /// As [`Self::piece`].
    pub fn end(&mut self) -> Told {
        let mut events = self.queue.end()?;
        self.reading = None;
        events.extend(self.settle()?);
        Ok(events)
    }

    /// What was dropped with its reply.
    fn forget(&mut self) {
        self.asking.take_if(|_| self.queue.asks().is_none());
        self.waiting.take_if(|_| self.queue.waits().is_none());
        self.reading.take_if(|_| self.queue.reads().is_none());
    }

    fn settle(&mut self) -> Told {
        let events = self.queue.arrange()?;
        if self.reading.is_none() && self.queue.reads().is_some() {
            self.reading = self.waiting.take();
        }
        self.forget();
        if self.asking.is_none() && self.queue.asks().is_some() {
            // The request tells its text when it is looked at, and is never answered by itself.
            let _never = self.queue.next(false).now_or_never();
            let text = self.texts.lock().unwrap_or_else(PoisonError::into_inner).pop();
            if let Some(text) = text {
                self.last += 1;
                self.asking = Some(self.last);
                self.new.push((self.last, text));
            }
        }
        Ok(events)
    }
}

/// Whom nobody asks.
struct Nobody<B> {
    vendor: &'static str,
    text_chars_max: usize,
    texts: Arc<Mutex<Vec<String>>>,
    body: PhantomData<fn() -> B>,
}

impl<B> Clone for Nobody<B> {
    fn clone(&self) -> Self {
        Self { texts: Arc::clone(&self.texts), ..*self }
    }
}

impl<B: Body + 'static> Asked for Nobody<B> {
    type Body = B;

    fn vendor(&self) -> &'static str {
        self.vendor
    }

    fn text_chars_max(&self) -> usize {
        self.text_chars_max
    }

    async fn ask(&self, text: String) -> Result<Answer<B>, Failure> {
        self.texts.lock().unwrap_or_else(PoisonError::into_inner).push(text);
        std::future::pending().await
    }

    async fn warm(&self) -> Result<(), Failure> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::tts::asked::SoundBody;

    #[test]
    fn one_answer_is_read_at_a_time_and_one_more_is_asked_for() {
        let now = Instant::now();
        let mut requests = Requests::<SoundBody>::new("openai", 100, 8_000);
        for text in ["One.", "Two."] {
            let order = TtsInput::Speak { utterance: 1, text: text.into() };
            assert!(requests.order(order, now).unwrap().is_empty());
        }
        assert_eq!(requests.asked(), [(1, "One.".to_owned())]);
        let body = || Ok(SoundBody::new(Some(8_000)));
        assert!(requests.answered(body()).unwrap().is_empty());
        assert_eq!((requests.reading(), requests.asked()), (Some(1), vec![(2, "Two.".to_owned())]));
        assert!(requests.answered(body()).unwrap().is_empty());
        assert_eq!((requests.reading(), requests.waiting(), requests.asking()), (Some(1), Some(2), None));
        let events = requests.piece(&[1; 32]).unwrap();
        assert!(matches!(&events[..], [TtsEvent::Audio { utterance: 1, pcm }] if pcm.len() == 16));
        assert!(requests.end().unwrap().is_empty());
        assert_eq!((requests.reading(), requests.waiting()), (Some(2), None));
        requests.order(TtsInput::Cancel { utterance: 1 }, now).unwrap();
        assert_eq!(requests.reading(), None);
    }
}
