use super::*;
use crate::provider::budget::MALFORMED_MAX;

/// A vendor that is configured by a first message, says itself when it is ready, and counts the seconds billed.
#[derive(Default)]
struct Parrot {
    ready: bool,
    due: Option<Instant>,
}

#[derive(Debug, PartialEq)]
enum Told {
    Ready,
    Word(String),
    Late,
    Billed,
    Failed(Failure),
}

impl Codec for Parrot {
    type Order = String;
    type Event = Told;

    fn vendor(&self) -> &'static str {
        "parrot"
    }

    fn failed(failure: Failure) -> Told {
        Told::Failed(failure)
    }

    fn open(&mut self, _now: Instant, wishes: &mut Wishes<Told>) {
        self.ready = false;
        wishes.send("hello");
    }

    fn is_ready(&self) -> bool {
        self.ready
    }

    fn withdraws(&self, order: &String, waiting: &Told) -> bool {
        order == "hush" && matches!(waiting, Told::Word(_))
    }

    fn order(&mut self, order: String, now: Instant, wishes: &mut Wishes<Told>) -> Result<(), Failure> {
        match order.as_str() {
            "again" => wishes.reconnect = true,
            "soon" => self.due = Some(now + Duration::from_secs(1)),
            _ => wishes.send(order),
        }
        Ok(())
    }

    fn text(&mut self, text: &str, _now: Instant, wishes: &mut Wishes<Told>) -> Result<(), Flaw> {
        match text {
            "welcome" => {
                self.ready = true;
                wishes.tell(Told::Ready);
            }
            "no" => return Err(Failure::new(FailureClass::OverLimit, "parrot: no seeds").into()),
            "?" => return Err(Flaw::Malformed("a question".into())),
            word => wishes.tell(Told::Word(word.into())),
        }
        Ok(())
    }

    fn due(&self) -> Option<Instant> {
        self.due
    }

    fn tick(&mut self, _now: Instant, wishes: &mut Wishes<Told>) -> Result<(), Failure> {
        self.due = None;
        wishes.tell(Told::Late);
        Ok(())
    }

    fn keep_alive(&self) -> Duration {
        Duration::from_secs(3)
    }

    fn stay(&mut self, wishes: &mut Wishes<Told>) {
        wishes.send_bytes(vec![0]);
    }

    fn goodbye(&mut self, wishes: &mut Wishes<Told>) -> Duration {
        wishes.send("bye");
        Duration::from_secs(1)
    }

    fn over(&mut self, wishes: &mut Wishes<Told>) {
        wishes.tell(Told::Billed);
    }
}

struct Call {
    orders: mpsc::Sender<String>,
    events: mpsc::Receiver<Told>,
    vendor: WebSocket,
    connections: mpsc::Receiver<WebSocket>,
}

/// A stream whose vendor has been greeted and has not answered yet.
async fn greeted() -> Call {
    let (orders, orders_end) = mpsc::channel(8);
    let (events_end, events) = mpsc::channel(4);
    let (made, mut connections) = mpsc::channel(2);
    let connect = move || {
        let made = made.clone();
        async move {
            let (ours, vendor) = WebSocket::pair().await;
            made.send(vendor).await.expect("the test is there");
            Ok(ours)
        }
    };
    tokio::spawn(run(Parrot::default(), connect, orders_end, events_end));
    let vendor = connections.recv().await.unwrap();
    let mut call = Call { orders, events, vendor, connections };
    assert_eq!(call.vendor_hears().await, "hello");
    call
}

async fn ready() -> Call {
    let mut call = greeted().await;
    call.vendor.send_text("welcome").await.unwrap();
    assert_eq!(call.events.recv().await, Some(Told::Ready));
    call
}

impl Call {
    async fn vendor_hears(&mut self) -> String {
        match self.vendor.next().await.unwrap() {
            Incoming::Text(text) => text.as_str().to_owned(),
            Incoming::Binary(bytes) => format!("{} bytes", bytes.len()),
            Incoming::Closed { .. } => "closed".into(),
        }
    }

    async fn order(&self, order: &str) {
        self.orders.send(order.into()).await.unwrap();
    }

    /// Billed comes before the failure, and nothing after it.
    async fn failure(mut self) -> Failure {
        assert_eq!(self.events.recv().await, Some(Told::Billed));
        let Some(Told::Failed(failure)) = self.events.recv().await else { panic!("no failure") };
        assert_eq!(self.events.recv().await, None);
        failure
    }
}

fn word(text: &str) -> Option<Told> {
    Some(Told::Word(text.into()))
}

#[tokio::test(start_paused = true)]
async fn orders_wait_until_the_vendor_is_ready() {
    let mut call = greeted().await;
    call.order("first").await;
    let early = tokio::time::timeout(Duration::from_secs(1), call.vendor.next()).await;
    assert!(early.is_err(), "{early:?}");
    call.vendor.send_text("welcome").await.unwrap();
    assert_eq!(call.vendor_hears().await, "first");
}

#[tokio::test(start_paused = true)]
async fn a_vendor_that_is_never_ready_is_given_up() {
    let asked = Instant::now();
    let failure = greeted().await.failure().await;
    assert_eq!(failure.class, FailureClass::TimedOut);
    assert_eq!(asked.elapsed().as_secs(), READY_DEADLINE.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_quiet_line_is_kept_alive_after_the_last_message() {
    let mut call = ready().await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    call.order("word").await;
    assert_eq!(call.vendor_hears().await, "word");
    let quiet = Instant::now();
    assert_eq!(call.vendor_hears().await, "1 bytes");
    assert_eq!(quiet.elapsed().as_secs(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_wait_does_not_run_out_while_the_reader_is_slow() {
    let mut call = ready().await;
    call.order("soon").await;
    for n in 0..12 {
        call.vendor.send_text(n.to_string()).await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    for n in 0..12 {
        assert_eq!(
            call.events.recv().await,
            word(&n.to_string()),
            "what came late came before the wait's end"
        );
    }
    assert_eq!(call.events.recv().await, Some(Told::Late));
}

#[tokio::test(start_paused = true)]
async fn what_is_withdrawn_is_not_delivered() {
    let mut call = ready().await;
    for n in 0..12 {
        call.vendor.send_text(n.to_string()).await.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(10)).await;
    call.order("hush").await;
    assert_eq!(call.vendor_hears().await, "hush");
    let delivered = std::iter::from_fn(|| call.events.try_recv().ok()).count();
    assert!(delivered <= 5, "{delivered} of what waited came");
}

#[tokio::test(start_paused = true)]
async fn nonsense_in_a_row_is_a_failure() {
    let mut call = ready().await;
    for round in ["?", "?", "?", "?", "a", "?", "?", "?", "?", "b"] {
        call.vendor.send_text(round).await.unwrap();
    }
    assert_eq!(call.events.recv().await, word("a"));
    assert_eq!(call.events.recv().await, word("b"));
    for _ in 0..MALFORMED_MAX {
        call.vendor.send_binary(vec![1]).await.unwrap();
    }
    let failure = call.failure().await;
    assert_eq!(failure.class, FailureClass::Malformed);
    assert_eq!(failure.detail, "parrot sends what it should not: a binary message");
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_replaced_and_greeted_again() {
    let mut call = ready().await;
    call.order("again").await;
    call.order("word").await;
    call.vendor = call.connections.recv().await.unwrap();
    assert_eq!(call.vendor_hears().await, "hello");
    call.vendor.send_text("welcome").await.unwrap();
    assert_eq!(call.vendor_hears().await, "word");
}

/// A held reply waited until the old connection took its goodbye.
#[tokio::test(start_paused = true)]
async fn a_new_connection_is_used_although_the_old_one_is_stuck() {
    let mut call = ready().await;
    // The pair's buffer but for a few bytes: less than a goodbye.
    call.order(&"x".repeat(4_085)).await;
    call.order("again").await;
    let asked = Instant::now();
    let _stuck = std::mem::replace(&mut call.vendor, call.connections.recv().await.unwrap());
    assert_eq!(call.vendor_hears().await, "hello");
    assert_eq!(asked.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_goodbye_brings_the_last_words() {
    let mut call = ready().await;
    call.orders = mpsc::channel(1).0;
    assert_eq!(call.vendor_hears().await, "bye");
    call.vendor.send_text("last").await.unwrap();
    assert_eq!(call.events.recv().await, Some(Told::Billed));
    assert_eq!(call.events.recv().await, word("last"));
    let left = Instant::now();
    assert_eq!(call.events.recv().await, None);
    assert!(left.elapsed() <= Duration::from_secs(2), "a silent vendor does not hold it up");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_a_close_and_a_cut_are_told_apart() {
    let mut call = ready().await;
    call.vendor.send_text("no").await.unwrap();
    assert_eq!(call.failure().await.class, FailureClass::OverLimit);
    let Call { mut events, vendor, orders: _orders, .. } = ready().await;
    drop(vendor);
    assert_eq!(events.recv().await, Some(Told::Billed));
    let Some(Told::Failed(failure)) = events.recv().await else { panic!("no failure") };
    assert_eq!(failure.class, FailureClass::Unavailable);
}

#[test]
fn a_close_says_by_its_reason_what_its_code_does_not() {
    let check = |code, reason: &str, class| {
        assert_eq!(close_failure("parrot", code, reason).class, class, "{code:?} {reason}");
    };
    check(Some(1008), "This request exceeds your quota of credits", FailureClass::OverLimit);
    check(Some(1008), "Maximum simultaneous contexts exceeded", FailureClass::OverLimit);
    check(Some(1008), "Too many concurrent requests", FailureClass::OverLimit);
    check(Some(1008), "Insufficient balance", FailureClass::OverLimit);
    check(Some(1008), "Invalid API key", FailureClass::Unauthorised);
    check(Some(1008), "DATA-0000", FailureClass::Refused);
    check(Some(1011), "", FailureClass::Unavailable);
    check(Some(1000), "", FailureClass::Unavailable);
    check(Some(4401), "", FailureClass::Unauthorised);
    check(Some(4429), "", FailureClass::OverLimit);
    check(None, "", FailureClass::Unavailable);
    assert_eq!(close_failure("parrot", None, "").detail, "parrot: the connection was cut");
    assert_eq!(
        close_failure("parrot", Some(1008), "no\nseeds").detail,
        "parrot closed the connection: 1008 no seeds"
    );
}
