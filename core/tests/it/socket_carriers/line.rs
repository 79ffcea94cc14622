//! What sets one line of the suite apart, and the stage that it plays on.

use reqwest::Client;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use vox_caller::{Call, Options, Protocol, connect};
use vox_shared::model::bot::{ApiKey, Carrier, CarrierAccount, LineAccess};
use vox_shared::wire::SECRET_HEADER;
use vox_testkit::carrier::{APPLICATION_KEY, ScriptedCarrier, Wish, signed};
use vox_testkit::vendor::openai::{Rule, Script};

use crate::harness::bridge::secret;
use crate::harness::vendors::Scripts;
use crate::harness::{LOOK_EVERY, PATIENCE, Stage, client, eventually};

pub const ASKS: &str = "What are your opening hours?";
pub const STORY: &str = "Let me tell you everything about our opening hours, which are long and many and different on \
                         every day of the week, beginning with Monday and ending with Sunday.";
pub const THANKS: &str = "Thank you, that is enough.";
pub const REPLY: &str = "As you like.";
const ACCOUNT: &str = "AC-0123";
const TOKEN: &str = "line-token-0123456789";

/// A line, and the carrier that is asked beside it if there is one.
#[derive(Clone, Copy)]
pub struct Line {
    pub protocol: Protocol,
    pub carrier: Option<Carrier>,
}

/// A line on its stage: a guarded bot, with an account at the carrier.
pub struct Set {
    pub line: Line,
    pub stage: Stage,
    pub bot: String,
    pub api: Option<ScriptedCarrier>,
    http: Client,
}

impl Line {
    pub fn name(self) -> &'static str {
        self.protocol.segment()
    }

    fn secret(self) -> &'static str {
        if self.carrier == Some(Carrier::Vonage) { APPLICATION_KEY } else { "s3cret-0123456789" }
    }

    pub async fn set(self) -> Set {
        let model = Script::saying(REPLY).with_rule(Rule::on("opening hours", STORY));
        let stage = Stage::start(Scripts::new([ASKS, THANKS], model)).await;
        let api = match self.carrier {
            Some(carrier) => Some(ScriptedCarrier::start(carrier, ACCOUNT, self.secret()).await.unwrap()),
            None => None,
        };
        let account = api.as_ref().map(|api| CarrierAccount {
            account: ACCOUNT.into(),
            secret: ApiKey::new(self.secret()),
            base_url: api.url(),
        });
        let bot = stage
            .bot(|bot| {
                bot.line_access = LineAccess { token: ApiKey::new(TOKEN), addresses: Vec::new() };
                if let (Some(carrier), Some(account)) = (self.carrier, account) {
                    *bot.carriers.of_mut(carrier) = account;
                }
            })
            .await;
        Set { line: self, stage, bot, api, http: client() }
    }
}

impl Set {
    /// What proves to the bridge that this is the carrier: its signature where it has one, else the line's token as it can show it.
    pub fn proof(&self) -> Vec<(&'static str, String)> {
        // TLS ends at the host's proxy: the carrier has signed what it was given.
        let url = format!("{}/{}/{}", self.stage.worker.url(), self.line.name(), self.bot);
        let signed =
            self.line.carrier.map(|carrier| signed(carrier, self.line.secret(), &url.replace("ws:", "wss:")));
        match (self.line.carrier, signed) {
            (_, Some(signed)) if !signed.is_empty() => signed,
            (Some(Carrier::Telnyx), _) => vec![("x-telnyx-streaming-auth-token", TOKEN.to_owned())],
            _ => vec![("authorization", format!("Bearer {TOKEN}"))],
        }
    }

    async fn options(&self, caller: &str) -> Options {
        self.stage.options(self.line.protocol, &self.bot, caller).await
    }

    /// Place a call with the line's proof.
    pub async fn dial(&self, caller: &str) -> Call {
        let mut options = self.options(caller).await;
        for (name, value) in self.proof() {
            options.header(name, &value).unwrap();
        }
        self.place(options).await
    }

    /// Place one without.
    pub async fn dial_unproved(&self, caller: &str) -> Call {
        let mut options = self.options(caller).await;
        if let Some((name, _)) = self.proof().first() {
            options.header(name, "Bearer AAAA").unwrap();
        }
        self.place(options).await
    }

    async fn place(&self, options: Options) -> Call {
        let until = Instant::now() + PATIENCE;
        loop {
            match connect(options.clone()).await {
                Ok(call) => return call,
                Err(error) if error.kind() == "refused_503" && Instant::now() < until => {
                    sleep(LOOK_EVERY).await
                }
                Err(error) => panic!("the call did not come about: {error}\n{}", self.stage.worker.log()),
            }
        }
    }

    /// An order to the running call of this caller.
    pub async fn order(&self, caller: &str, order: Value) -> (u16, Value) {
        let id = eventually("the bridge knows the call", async || {
            let calls = self.stage.bridge.calls().await;
            calls.iter().find(|call| call["caller_id"] == caller)?["session_id"].as_str().map(str::to_owned)
        })
        .await;
        let url = self.stage.worker.http(&format!("/calls/{id}/orders"));
        let request = self.http.post(url).header(SECRET_HEADER, secret()).body(order.to_string());
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    pub async fn takes(&self, caller: &str, order: Value) {
        let expected = (200, json!({"version": 1, "taken": order["order"]}));
        assert_eq!(self.order(caller, order).await, expected, "{}", self.line.name());
    }

    /// What the carrier was asked, its calls' names left out. Plivo is told where a document lies that says whom to dial.
    pub async fn asked(&self) -> Vec<Wish> {
        let mut wishes = Vec::new();
        for order in self.api.iter().flat_map(ScriptedCarrier::orders) {
            wishes.push(match (self.line.carrier, order.wish) {
                (Some(Carrier::Plivo), Wish::Transfer(document)) => {
                    let answer = self.http.get(document).send().await.unwrap().error_for_status().unwrap();
                    let xml = answer.text().await.unwrap();
                    let (_, rest) = xml.split_once("<Dial><Number>").expect("it dials a number");
                    Wish::Transfer(rest.split_once("</Number></Dial>").unwrap().0.to_owned())
                }
                (_, wish) => wish,
            });
        }
        wishes
    }

    pub async fn end(self) {
        let faults: Vec<String> = self.api.iter().flat_map(ScriptedCarrier::faults).collect();
        assert_eq!(faults, Vec::<String>::new(), "what the carrier's API complains of");
        let log = self.stage.worker.log();
        let secret = self.line.secret().lines().nth(1).unwrap_or(self.line.secret());
        assert!(!log.contains(TOKEN) && !log.contains(secret), "a secret is in the log");
        self.stage.end().await;
    }
}
