//! The deployment's LiveKit server, as a worker knows it: the way into its rooms, and what is asked of its API.

use std::collections::BTreeSet;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;
use vox_livekit::service::{Address, BadAddress, Dial, RoomWanted, Service, ServiceError, Transfer};
use vox_livekit::{AccessToken, Grants, Kind, Transport};
use vox_shared::clock::Clock;
use vox_shared::livekit::LiveKitSettings;

/// Of requests that a call waits for.
const PATIENCE: Duration = Duration::from_secs(3);
const CONNECT_DEADLINE: Duration = Duration::from_secs(2);
/// Of a token to join with; the server hands out newer ones while we are there.
const JOIN_TOKEN: Duration = Duration::from_secs(600);
/// How long a callee may let it ring.
pub const RING_LIMIT: Duration = Duration::from_secs(45);
/// How long whoever takes a caller over may let it ring.
const TRANSFER_RING_LIMIT: Duration = Duration::from_secs(30);
/// The gateway lets go of a call that is longer, should nobody else: its worker may be gone.
const LONGEST_CALL: Duration = Duration::from_secs(4 * 3600);
/// A room that nobody joined, or that everybody left, is closed after so many seconds.
const ROOM_EMPTY_SECONDS: u32 = 60;
const ROOM_LEFT_SECONDS: u32 = 20;
/// What a telephone is called among those in a room.
const PHONE: &str = "SIP";

/// What the state of a bot is called among a participant's attributes.
pub const STATE: &str = "lk.agent.state";

/// The server.
#[derive(Debug)]
pub struct LiveKit {
    service: Service,
    /// Where rooms are joined.
    address: String,
    key: String,
    secret: SecretString,
    clock: Clock,
    /// The trunk of calls that name no number to call from.
    pub outbound_trunk: Option<String>,
    /// Over what media goes.
    pub transport: Transport,
}

/// Why a telephone was not rung, or not answered.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// It was not tried: by which trunk is not known.
    #[error("{0}")]
    NoTrunk(String),
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// A telephone that is to be rung.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub to: String,
    /// What the callee sees; one of the trunk's numbers if there is none.
    pub from: Option<String>,
    pub room: String,
    /// Who the telephone is in the room.
    pub identity: String,
    /// How long it may ring.
    pub ringing: Duration,
}

/// The server cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadServer {
    #[error(transparent)]
    Address(#[from] BadAddress),
    #[error("cannot make an HTTP client")]
    Client(#[from] reqwest::Error),
}

impl LiveKit {
    pub fn new(
        settings: &LiveKitSettings,
        outbound_trunk: Option<String>,
        transport: Transport,
        clock: Clock,
    ) -> Result<Self, BadServer> {
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(vox_egress::client_config())
            .connect_timeout(CONNECT_DEADLINE)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        let (url, key, secret) = (settings.url.clone(), settings.key.clone(), settings.secret.clone());
        let address = Address { url, key: key.clone(), secret: secret.clone() };
        let of_service = clock.clone();
        let service = Service::over(http, &address, Box::new(move || since_1970(&of_service)))?;
        let address = settings.url.to_string();
        Ok(Self { service, address, key, secret, clock, outbound_trunk, transport })
    }

    /// The server's address, for joining.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// A bot's way into a room: an agent, so that front ends know it as one.
    pub fn join_token(&self, room: &str, identity: &str) -> String {
        let mut token = AccessToken::new(room, identity);
        token.kind = Kind::Agent;
        token.attributes.insert(STATE.to_owned(), "initializing".to_owned());
        token.sign(&self.key, self.secret.expose_secret(), since_1970(&self.clock), JOIN_TOKEN)
    }

    /// A way into a room with these rights alone, for what somebody is.
    pub fn seat_token(
        &self,
        room: &str,
        (identity, kind): (&str, Kind),
        grants: Grants,
        life: Duration,
    ) -> String {
        let mut token = AccessToken::new(room, identity);
        token.kind = kind;
        token.grants = grants;
        token.sign(&self.key, self.secret.expose_secret(), since_1970(&self.clock), life)
    }

    /// Change what somebody in a room may do. One who is not there is no fault.
    pub async fn permit(&self, room: &str, identity: &str, grants: Grants) -> Result<(), ServiceError> {
        unless_gone(soon(self.service.permit(room, identity, grants)).await)
    }

    /// Make a room, if it is not there.
    pub async fn create_room(&self, room: &str) -> Result<(), ServiceError> {
        let wanted = RoomWanted {
            name: room.to_owned(),
            empty_timeout: ROOM_EMPTY_SECONDS,
            departure_timeout: ROOM_LEFT_SECONDS,
            ..RoomWanted::default()
        };
        soon(self.service.create_room(&wanted)).await.map(drop)
    }

    /// Send everybody away who is still in a room, and forget it. One that is not there is no fault.
    pub async fn delete_room(&self, room: &str) -> Result<(), ServiceError> {
        unless_gone(soon(self.service.delete_room(room)).await)
    }

    /// The identities of the telephones in a room.
    pub async fn phones(&self, room: &str) -> Result<Vec<String>, ServiceError> {
        let people = soon(self.service.list_people(room)).await?;
        Ok(people.into_iter().filter(|who| who.kind == PHONE).map(|who| who.identity).collect())
    }

    /// The identities of all in a room, hidden ones too; nobody, where there is none.
    pub async fn people(&self, room: &str) -> Result<BTreeSet<String>, ServiceError> {
        match soon(self.service.list_people(room)).await {
            Ok(people) => Ok(people.into_iter().map(|who| who.identity).collect()),
            Err(error) if error.is_not_found() => Ok(BTreeSet::new()),
            Err(error) => Err(error),
        }
    }

    /// Send somebody away: a telephone is hung up. One who is not there is no fault.
    pub async fn remove(&self, room: &str, identity: &str) -> Result<(), ServiceError> {
        unless_gone(soon(self.service.remove_person(room, identity)).await)
    }

    /// Ring a telephone over a trunk (`ST_…`) and wait until it is answered, or what else comes of it.
    pub async fn dial(&self, trunk: String, wanted: Wanted) -> Result<(), ServiceError> {
        let Wanted { to, from, room, identity, ringing } = wanted;
        let dial = Dial {
            trunk,
            to,
            from,
            room,
            identity,
            ringing: Some(ringing),
            longest: Some(LONGEST_CALL),
            wait_until_answered: true,
            ..Dial::default()
        };
        self.service.dial(&dial).await.map(drop)
    }

    /// Have the gateway hand a telephone over (SIP REFER) to a `tel:` or `sip:` address, and wait for what comes of it.
    pub async fn transfer(&self, room: String, identity: String, to: String) -> Result<(), ServiceError> {
        let ringing = Some(TRANSFER_RING_LIMIT);
        self.service.transfer(&Transfer { room, identity, to, ringing, ..Transfer::default() }).await
    }
}

async fn soon<T>(asked: impl Future<Output = Result<T, ServiceError>>) -> Result<T, ServiceError> {
    timeout(PATIENCE, asked).await.unwrap_or(Err(ServiceError::TimedOut))
}

fn unless_gone(done: Result<(), ServiceError>) -> Result<(), ServiceError> {
    match done {
        Err(error) if error.is_not_found() => Ok(()),
        done => done,
    }
}

fn since_1970(clock: &Clock) -> Duration {
    Duration::from_millis(clock.now().as_millisecond().try_into().unwrap_or_default())
}
