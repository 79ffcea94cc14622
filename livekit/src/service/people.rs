//! Rooms, and who is in them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{ANSWER_WITHIN, Needs, Service, ServiceError};
use crate::token::Grants;

/// A room that is to be made. Zeros are the server's own values.
#[derive(Clone, Debug, Default, Serialize)]
pub struct RoomWanted {
    pub name: String,
    /// Seconds until a room that nobody joined ends.
    pub empty_timeout: u32,
    /// Seconds until a room that everybody left ends.
    pub departure_timeout: u32,
    pub max_participants: u32,
    pub metadata: String,
}

/// A room as the server tells it.
#[derive(Clone, Debug, Deserialize)]
pub struct RoomInfo {
    /// `RM_…`
    pub sid: String,
    pub name: String,
    #[serde(default)]
    pub metadata: String,
    #[serde(default)]
    pub num_participants: u32,
}

/// Somebody in a room, as the server tells it.
#[derive(Clone, Debug, Deserialize)]
pub struct Person {
    /// `PA_…`
    pub sid: String,
    pub identity: String,
    #[serde(default)]
    pub name: String,
    /// `JOINING`, `JOINED`, `ACTIVE` or `DISCONNECTED`.
    #[serde(default)]
    pub state: String,
    /// `STANDARD`, `SIP`, `AGENT`, …
    #[serde(default)]
    pub kind: String,
    #[serde(default)]
    pub metadata: String,
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Rooms {
    #[serde(default)]
    rooms: Vec<RoomInfo>,
}

#[derive(Deserialize)]
struct People {
    #[serde(default)]
    participants: Vec<Person>,
}

impl Service {
    /// Make a room; one of the same name is answered as it is.
    pub async fn create_room(&self, wanted: &RoomWanted) -> Result<RoomInfo, ServiceError> {
        self.ask("RoomService/CreateRoom", Needs::MakeRooms, wanted, ANSWER_WITHIN).await
    }

    /// The same by a request that is good until then, in time since 1970: no copy of it makes the room later.
    pub async fn create_room_until(
        &self,
        wanted: &RoomWanted,
        until: Duration,
    ) -> Result<RoomInfo, ServiceError> {
        self.ask_until("RoomService/CreateRoom", (Needs::MakeRooms, until), wanted, ANSWER_WITHIN).await
    }

    /// End a room for everybody in it. [`ServiceError::is_not_found`] when there is none.
    pub async fn delete_room(&self, room: &str) -> Result<(), ServiceError> {
        let body = json!({"room": room});
        self.ask::<Value>("RoomService/DeleteRoom", Needs::MakeRooms, &body, ANSWER_WITHIN).await.map(drop)
    }

    /// The rooms of these names; of all names when there are none.
    pub async fn list_rooms(&self, names: &[&str]) -> Result<Vec<RoomInfo>, ServiceError> {
        let body = json!({"names": names});
        let found = self.ask::<Rooms>("RoomService/ListRooms", Needs::ListRooms, &body, ANSWER_WITHIN);
        Ok(found.await?.rooms)
    }

    /// Everybody in a room; nobody when there is none.
    pub async fn list_people(&self, room: &str) -> Result<Vec<Person>, ServiceError> {
        let body = json!({"room": room});
        let found =
            self.ask::<People>("RoomService/ListParticipants", Needs::Room(room), &body, ANSWER_WITHIN);
        Ok(found.await?.participants)
    }

    /// One of them. [`ServiceError::is_not_found`] when it is not there.
    pub async fn get_person(&self, room: &str, identity: &str) -> Result<Person, ServiceError> {
        let body = json!({"room": room, "identity": identity});
        self.ask("RoomService/GetParticipant", Needs::Room(room), &body, ANSWER_WITHIN).await
    }

    /// Have one of them leave: a phone is hung up. [`ServiceError::is_not_found`] when it is not there.
    pub async fn remove_person(&self, room: &str, identity: &str) -> Result<(), ServiceError> {
        let body = json!({"room": room, "identity": identity});
        let removed =
            self.ask::<Value>("RoomService/RemoveParticipant", Needs::Room(room), &body, ANSWER_WITHIN);
        removed.await.map(drop)
    }

    /// Change what one of them may do from now on: what it publishes and may not any more ends at once, and what it hears and may not any
    /// more too. The right of an administrator is in tokens alone, and stays. A token that was signed before keeps its own rights for whoever
    /// joins with it. [`ServiceError::is_not_found`] when it is not there.
    pub async fn permit(&self, room: &str, identity: &str, grants: Grants) -> Result<(), ServiceError> {
        let mut permission = json!({
            "can_publish": grants.publish,
            "can_subscribe": grants.subscribe,
            "can_publish_data": grants.publish_data,
            "can_update_metadata": grants.update_own,
            "hidden": grants.hidden,
        });
        if grants.microphone_only {
            permission["can_publish_sources"] = json!(["MICROPHONE"]);
        }
        let body = json!({"room": room, "identity": identity, "permission": permission});
        let changed =
            self.ask::<Value>("RoomService/UpdateParticipant", Needs::Room(room), &body, ANSWER_WITHIN);
        changed.await.map(drop)
    }
}
