//! What was left behind: by another process, or by a request to dial that has no answer.

use vox_shared::wire::dialler::attempt::{Joined, Lost};

use super::Line;
use super::people::Present;
use crate::attempt::Event;
use crate::desk::Desk;

impl Line {
    pub(super) async fn look(&mut self, desk: &Desk) -> Event {
        match desk.livekit.list_people(&self.room).await {
            Ok(people) => {
                let present = Present::of(&people);
                if present.phone {
                    self.joined = Joined::Yes;
                }
                let runs = present.active && present.others && !self.halt.is_cancelled();
                if runs { Event::Running } else { Event::Lying }
            }
            Err(error) if error.is_not_found() => Event::Lying,
            Err(_) => Event::Unclear,
        }
    }

    pub(super) async fn adopt(&mut self, desk: &Desk) -> Event {
        match desk.bridge.adopt(&self.attempt, self.epoch).await {
            Ok(()) => {
                tracing::info!(attempt.id = %self.attempt, "a running call goes on with this dialler");
                desk.metrics.adopted.inc();
                if self.answered_at.is_none() {
                    self.answered_at = Some(desk.clock.now());
                }
                Event::Done
            }
            answer => self.told(answer),
        }
    }

    /// A room that is not there is deleted.
    pub(super) async fn delete_room(&self, desk: &Desk) -> Event {
        match desk.livekit.delete_room(&self.room).await {
            Ok(()) => Event::Done,
            Err(error) if error.is_not_found() => Event::Done,
            Err(error) => {
                tracing::debug!(attempt.id = %self.attempt, %error, "a room cannot be deleted yet");
                Event::Unclear
            }
        }
    }

    pub(super) async fn check(&self, desk: &Desk) -> Event {
        match desk.livekit.list_rooms(&[&self.room]).await {
            Ok(rooms) if rooms.iter().any(|room| room.name == self.room) => Event::Lying,
            Ok(_) => Event::Done,
            Err(_) => Event::Unclear,
        }
    }

    pub(super) async fn tell_lost(&mut self, desk: &Desk) -> Event {
        let lost = Lost { epoch: self.epoch, joined: self.joined };
        self.told(desk.bridge.lost(&self.attempt, lost).await)
    }
}
