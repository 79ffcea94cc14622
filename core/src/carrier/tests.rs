use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use vox_shared::egress::{AllowList, Policy};
use vox_shared::model::bot::{ApiKey, CarrierAccount};
use vox_testkit::carrier::{APPLICATION_KEY, Order, ScriptedCarrier, Wish};
use vox_testkit::receiver::Manner;

use super::*;

const ACCOUNT: &str = "AC-1";
const DIAL_URL: &str = "https://vox.example.org/api/v1/public/plivo/dial";

/// For a hang-up.
const SOON: Duration = Duration::from_secs(10);

fn secret(carrier: Carrier) -> &'static str {
    if carrier == Carrier::Vonage { APPLICATION_KEY } else { "s3cret-0123456789" }
}

fn call(carrier: Carrier) -> &'static str {
    match carrier {
        Carrier::Twilio => "CA0123",
        Carrier::Plivo => "0123-4567",
        Carrier::Telnyx => "v3:0123_45-67",
        Carrier::Vonage => "aaaa-bbbb",
    }
}

fn config(access: Option<CarrierAccess>) -> RuntimeConfig {
    let text = include_str!("../../../shared/src/wire/config_v1_minimal.golden.json");
    RuntimeConfig { carrier: access.map(Box::new), ..serde_json::from_str(text).unwrap() }
}

fn access(base_url: String, secret: &str) -> CarrierAccess {
    let account = CarrierAccount { account: ACCOUNT.into(), secret: ApiKey::new(secret), base_url };
    CarrierAccess { account, dial_url: DIAL_URL.into() }
}

fn control_of(
    carrier: Carrier,
    call: Option<&str>,
    access: Option<CarrierAccess>,
) -> Result<Control, String> {
    let _chosen_before = rustls::crypto::ring::default_provider().install_default();
    let egress = Egress::new(Policy::new(AllowList::parse("127.0.0.0/8").unwrap()));
    let line = OfLine { transport: carrier.name(), call, did: Some("+4930555") };
    Control::of(line, &config(access), Arc::new(egress), Clock::system())
}

/// A carrier and its control.
pub(crate) async fn stage(carrier: Carrier) -> (ScriptedCarrier, Control) {
    let server = ScriptedCarrier::start(carrier, ACCOUNT, secret(carrier)).await.unwrap();
    let control =
        control_of(carrier, Some(call(carrier)), Some(access(server.url(), secret(carrier)))).unwrap();
    (server, control)
}

/// The control of a carrier that reads an order, and dies of it.
pub(crate) async fn stage_that_dies() -> Control {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 64];
            let _some = stream.read_exact(&mut head).await;
        }
    });
    control_of(Carrier::Twilio, Some("CA1"), Some(access(url, "x"))).unwrap()
}

#[tokio::test]
async fn each_carrier_hangs_up_and_hands_over_in_its_own_words() {
    for carrier in Carrier::ALL {
        let (server, control) = stage(carrier).await;
        assert_eq!(control.no_transfer(), None);
        for (to, told) in [("+49 30 123456", "+4930123456"), ("sip:desk@example.org", "sip:desk@example.org")]
        {
            control
                .transfer(to)
                .await
                .unwrap_or_else(|error| panic!("{carrier:?}: {error} {:?}", server.faults()));
            let wish = match (carrier, server.orders().pop().unwrap().wish) {
                (Carrier::Plivo, Wish::Transfer(document)) => {
                    let document = Url::parse(&document).unwrap();
                    assert!(document.as_str().starts_with(DIAL_URL));
                    Wish::Transfer(document.query_pairs().next().unwrap().1.into_owned())
                }
                // Without its +.
                (Carrier::Vonage, Wish::Transfer(to)) if !to.starts_with("sip") => {
                    Wish::Transfer(format!("+{to}"))
                }
                (_, wish) => wish,
            };
            assert_eq!(wish, Wish::Transfer(told.to_owned()), "{carrier:?}");
        }
        control.hang_up(SOON).await.unwrap();
        let last = Order { call: call(carrier).to_owned(), wish: Wish::HangUp };
        assert_eq!(server.orders().pop(), Some(last), "{carrier:?}");
        control.hang_up(SOON).await.expect("what is over is no fault");
        assert_eq!(control.transfer("+4930123456").await, Err(CarrierError::NoCall), "{carrier:?}");
        assert_eq!(server.faults(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn what_a_carrier_refuses_is_told() {
    for carrier in Carrier::ALL {
        let (server, control) = stage(carrier).await;
        assert!(matches!(control.transfer("nobody").await, Err(CarrierError::Destination(_))));
        assert!(server.orders().is_empty() && server.faults().is_empty(), "nothing was asked");
        server.behave(Manner::Refuse(500));
        let refused = CarrierError::Refused { status: 500, code: None };
        assert_eq!(control.transfer("+4930123456").await, Err(refused.clone()), "{carrier:?}");
        assert_eq!(control.hang_up(SOON).await, Err(refused));
        server.behave(Manner::Redirect("http://127.0.0.1:9/elsewhere".into()));
        assert!(
            matches!(control.hang_up(SOON).await, Err(CarrierError::Refused { status: 302, .. })),
            "{carrier:?}"
        );
    }
    for carrier in [Carrier::Twilio, Carrier::Plivo, Carrier::Telnyx] {
        let (server, _) = stage(carrier).await;
        let control = control_of(carrier, Some(call(carrier)), Some(access(server.url(), "wrong"))).unwrap();
        assert_eq!(control.hang_up(SOON).await, Err(CarrierError::Credentials), "{carrier:?}");
    }
}

/// The carrier did nothing, and says when to come again.
#[tokio::test]
async fn an_order_that_comes_too_soon_is_sent_again_when_the_carrier_says() {
    for carrier in Carrier::ALL {
        let (server, control) = stage(carrier).await;
        server.behave(Manner::TooMany(1));
        let began = Instant::now();
        let taken = async {
            while server.orders().is_empty() {
                tokio::task::yield_now().await;
            }
            server.behave(Manner::Take);
        };
        let (ordered, ()) = tokio::join!(control.transfer("+4930123456"), taken);
        ordered.unwrap_or_else(|error| panic!("{carrier:?}: {error} {:?}", server.faults()));
        assert!(began.elapsed() >= Duration::from_secs(1), "not before it said");
        assert_eq!(server.orders().len(), 2, "{carrier:?}");
    }
    // What is too late for the call is not waited for.
    let (server, control) = stage(Carrier::Twilio).await;
    server.behave(Manner::TooMany(3_600));
    let wait = Some(Duration::from_secs(3_600));
    let began = Instant::now();
    assert_eq!(control.hang_up(SOON).await, Err(CarrierError::Limited { wait }));
    assert!(began.elapsed() < SOON && server.orders().len() == 1);
}

#[tokio::test]
async fn an_answer_that_was_lost_is_no_refusal() {
    let error = stage_that_dies().await.transfer("+4930123456").await.unwrap_err();
    assert!(matches!(error, CarrierError::Lost(_)) && error.is_unclear(), "{error:?}");
    // Nobody listens there: nothing was sent.
    let nobody = access("http://127.0.0.1:1".into(), "x");
    let control = control_of(Carrier::Twilio, Some("CA1"), Some(nobody)).unwrap();
    let error = control.transfer("+4930123456").await.unwrap_err();
    assert!(matches!(error, CarrierError::Unreachable(_)) && !error.is_unclear(), "{error:?}");
}

#[tokio::test]
async fn only_allowed_addresses_are_asked() {
    let (server, _) = stage(Carrier::Telnyx).await;
    let elsewhere = access(server.url().replace("127.0.0.1", "10.0.0.1"), "x");
    let control = control_of(Carrier::Telnyx, Some("v3:1"), Some(elsewhere)).unwrap();
    assert!(matches!(control.hang_up(SOON).await, Err(CarrierError::Forbidden(_))));
    let mut narrow = config(Some(access(server.url(), "x")));
    narrow.egress = serde_json::from_value(serde_json::json!({"deny": ["127.0.0.1"]})).unwrap();
    let egress = Egress::new(Policy::new(AllowList::parse("127.0.0.0/8").unwrap()));
    let line = OfLine { transport: "telnyx", call: Some("v3:1"), did: None };
    let control = Control::of(line, &narrow, Arc::new(egress), Clock::system()).unwrap();
    assert!(matches!(control.hang_up(SOON).await, Err(CarrierError::Forbidden(_))), "the tenant's rules too");
}

#[test]
fn who_cannot_be_asked_is_said() {
    let whole = || Some(access(String::new(), "x"));
    for (call, access, why) in [
        (Some("CA1"), None, "set carriers.twilio of the bot"),
        (None, whole(), "did not say which call"),
        (Some(".."), whole(), "none that the carrier gives"),
        (Some("a/b"), whole(), "none that the carrier gives"),
    ] {
        let error = control_of(Carrier::Twilio, call, access).unwrap_err();
        assert!(error.contains(why), "{error}");
    }
    let error = control_of(Carrier::Vonage, None, whole()).unwrap_err();
    assert!(error.contains("uuid in the endpoint's headers"), "{error}");
    let no_document = CarrierAccess { dial_url: String::new(), ..whole().unwrap() };
    let control = control_of(Carrier::Plivo, Some("1"), Some(no_document)).unwrap();
    assert!(control.no_transfer().unwrap().contains("VOX_PUBLIC_URL"));
}

#[test]
fn nothing_of_the_secret_is_shown() {
    let control = control_of(Carrier::Twilio, Some("CA1"), Some(access(String::new(), "s3cret"))).unwrap();
    assert!(!format!("{control:?}").contains("s3cret"));
}
