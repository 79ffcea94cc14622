//! The two ways of a visitor to a bot: a LiveKit room, or an audio socket of a worker's.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;
use serde_json::json;
use vox_livekit::{AccessToken, Grants};
use vox_shared::ids::SessionId;

use super::admission::Visitor;
use super::{WidgetDesk, WidgetError};
use crate::auth::secret_token::{self, hex};
use crate::fleet::hand_over::{After, HandOverError, Parcel};
use crate::runtime::ticket::{VISITORS_ROOM, of_room};
use crate::store::Stamp;
use crate::store::tickets::{OfPage, Ticket};

const PATH: &str = "/livekit/widget";
/// How long the slot is kept: the deadline, and a worker's report that the call runs.
const SLOT_KEPT: SignedDuration = SignedDuration::from_secs(40);
/// Workers that are tried while they refuse without having done anything.
const TRIES: usize = 3;
/// Time to join the room: it begins when the page is answered, and a worker that waits for longer gives up.
const JOIN_WITHIN: Duration = Duration::from_secs(120);
/// Time to open the socket, and for a worker to ask for its call's config.
const TICKET_LIFE: SignedDuration = SignedDuration::from_secs(60);
/// Of what a room's name and a visitor's identity end with, bytes.
const ROOM_BYTES: usize = 6;
const IDENTITY_BYTES: usize = 4;
/// What the others in the room see.
const NAME: &str = "Website Visitor";

/// A room in which the bot waits.
pub struct Room {
    pub server_url: String,
    pub participant_token: String,
    pub feedback_token: String,
}

/// A socket that a ticket opens.
pub struct Socket {
    pub ticket: String,
    pub path: String,
    pub url: String,
    pub expires_at: Stamp,
    pub feedback_token: String,
}

impl WidgetDesk {
    /// Have a worker wait in a room of its own, and only then make the visitor's token for it.
    pub async fn room(&self, visitor: Visitor) -> Result<Room, WidgetError> {
        let server = self.livekit.server()?;
        self.leave_slots().await?;
        self.count_waiting(&visitor).await?;
        let room = format!("{VISITORS_ROOM}{}-{}", visitor.bot_id, chance::<ROOM_BYTES>());
        let identity = format!("widget-user-{}", chance::<IDENTITY_BYTES>());
        let of_page =
            OfPage { session_id: None, variables: visitor.variables.clone(), visit: visitor.visit.clone() };
        self.leave(&of_room(&room), &visitor, of_page).await?;
        let mut body = json!({"bot_id": visitor.bot_id, "room_name": room, "caller_id": identity});
        if let Some(url) = &self.config_url {
            body["config_url"] = json!(url);
        }
        // In a task of its own: a visitor who goes away must not leave a slot taken.
        let (fleet, client, within) = (self.fleet.clone(), self.client.clone(), self.patience);
        let handed = tokio::spawn(async move {
            let parcel = Parcel {
                path: PATH,
                purpose: "widget",
                body: &body,
                within,
                kept: SLOT_KEPT,
                tries: TRIES,
                after: After::Refusal,
            };
            fleet.hand_over(&client, &parcel).await
        });
        let call =
            match handed.await.map_err(|_| broken_off()).and_then(|handed| handed.map_err(WidgetError::from))
            {
                Ok(call) => call,
                Err(error) => {
                    self.nobody_waits(&visitor).await;
                    return Err(error);
                }
            };
        let mut token = AccessToken::new(&room, &identity);
        token.name = NAME.to_owned();
        token.grants = Grants {
            publish: true,
            microphone_only: true,
            subscribe: true,
            // What a visitor types.
            publish_data: true,
            update_own: false,
            hidden: false,
            admin: false,
        };
        let (key, secret) = (&server.settings.key, server.settings.secret.expose_secret());
        Ok(Room {
            server_url: server.settings.public_url.as_str().trim_end_matches('/').to_owned(),
            participant_token: token.sign(key, secret, server.now(), JOIN_WITHIN),
            feedback_token: self.feedback_token(&visitor, call)?,
        })
    }

    /// A ticket for the audio socket, good once.
    pub async fn socket(&self, visitor: Visitor) -> Result<Socket, WidgetError> {
        self.leave_slots().await?;
        let call = SessionId::generate();
        let of_page = OfPage {
            session_id: Some(call.clone()),
            variables: visitor.variables.clone(),
            visit: visitor.visit.clone(),
        };
        let ticket = secret_token::generate();
        let expires_at = self.leave(&secret_token::hash(&ticket), &visitor, of_page).await?;
        let path = format!("/talk/{}", visitor.bot_id);
        let url = format!("{}{path}", self.media_url);
        let feedback_token = self.feedback_token(&visitor, call)?;
        Ok(Socket { ticket, path, url, expires_at, feedback_token })
    }

    /// Keep what a visitor brings, under the hash of what the call's worker will show.
    async fn leave(&self, hash: &str, visitor: &Visitor, of_page: OfPage) -> Result<Stamp, WidgetError> {
        let expires_at = Stamp(self.clock.now().saturating_add(TICKET_LIFE).unwrap_or(Timestamp::MAX));
        let ticket = Ticket {
            tenant_id: visitor.bot.tenant_id.clone(),
            bot_id: visitor.bot_id.clone(),
            expires_at,
            spent_by: None,
            of_page: Some(of_page),
        };
        self.stores.tickets().insert_ticket(hash, &ticket).await?;
        Ok(expires_at)
    }
}

/// So many random bytes, hex.
fn chance<const BYTES: usize>() -> String {
    let mut random = [0u8; BYTES];
    rand::fill(&mut random);
    hex(&random)
}

fn broken_off() -> WidgetError {
    WidgetError::NotHandedOver(HandOverError::Unclear("it was broken off".into()))
}
