//! What the server says on the line, and what we ask of it there.

use std::collections::BTreeMap;

use super::{Output, Published, Session, sent_away};
use crate::error::{Disconnect, PublishError};
use crate::event::Event;
use crate::media::microphone::{Microphone, Redundancy};
use crate::options::Publish;
use crate::room::people::People;
use crate::wire::model::{FEATURE_NO_DTX, ParticipantInfo, TrackInfo, TrackSource, TrackType};
use crate::wire::signal::{
    AddTrack, LeaveAction, MuteTrack, Request, RequestResponse, Response, UpdateMetadata, UpdateSubscription,
};

impl Session {
    pub(crate) fn signal(&mut self, response: Response) {
        match response {
            Response::Answer(answer) => self.answered(&answer),
            Response::Offer(offer) => self.offered(&offer),
            Response::Trickle(trickle) => self.candidate(&trickle),
            Response::Update(update) => self.participants_changed(update.participants),
            Response::TrackPublished(published) => {
                self.track_published(&published.cid, published.track.unwrap_or_default());
            }
            Response::TrackUnpublished(gone) => {
                if self.published.as_ref().is_some_and(|published| published.sid == gone.track_sid) {
                    self.unpublish();
                    self.out.push_back(Output::Unpublished);
                    self.out.push_back(Output::Event(Event::Unpublished { track_sid: gone.track_sid }));
                }
            }
            Response::Leave(leave) => {
                self.out.push_back(match sent_away(leave.action, leave.can_reconnect, leave.reason) {
                    Some(reason) => Output::End(Disconnect::SentAway(reason)),
                    None if leave.action == LeaveAction::Resume as i32 => {
                        Output::Resume(super::ResumeReason::SignalDisconnected)
                    }
                    None => Output::Rejoin,
                });
            }
            Response::Mute(mute) => {
                if let Some(published) = self.published.as_mut().filter(|own| own.sid == mute.sid) {
                    published.is_muted = mute.muted;
                }
            }
            Response::SpeakersChanged(changed) => {
                let event = self.people.speakers(changed.speakers);
                self.out.push_back(Output::Event(event));
            }
            Response::RoomUpdate(update) => {
                self.room_metadata(update.room.unwrap_or_default().metadata);
            }
            Response::RefreshToken(token) => self.token = Some(token),
            Response::Subscription(failed) => {
                if failed.err != 0 {
                    let event = Event::SubscriptionFailed { track_sid: failed.track_sid };
                    self.out.push_back(Output::Event(event));
                }
            }
            Response::Request(answer) => self.request_answered(answer),
            // For films alone there is nothing to offer: the server would ask again after each answer.
            Response::MediaSections(needed) if needed.num_audios == 0 && needed.num_videos > 0 => {}
            Response::MediaSections(needed) => {
                self.publisher.want_listening(needed.num_audios.min(32));
                self.negotiate();
            }
            Response::RoomMoved(moved) => {
                self.token = Some(moved.token);
                if let Some(own) = moved.participant {
                    self.we_are(own);
                }
                let own = self.own.as_ref().map(|own| own.sid.as_str()).unwrap_or_default();
                let others = moved.other_participants.into_iter().filter(|info| info.sid != own).collect();
                let events = self.people.replace(others);
                self.tell(events);
            }
            Response::TrackSubscribed(reached) => {
                self.out.push_back(Output::Event(Event::Reached { track_sid: reached.track_sid }));
            }
            Response::Join(_) | Response::Reconnect(_) | Response::Pong(_) => {}
        }
    }

    /// Rooms are told anew for other reasons too.
    pub(super) fn room_metadata(&mut self, metadata: String) {
        if self.room_metadata != metadata {
            self.room_metadata.clone_from(&metadata);
            self.out.push_back(Output::Event(Event::RoomMetadata(metadata)));
        }
    }

    fn participants_changed(&mut self, told: Vec<ParticipantInfo>) {
        let own = self.own.as_ref().map(|own| own.sid.clone()).unwrap_or_default();
        let (ours, others): (Vec<_>, Vec<_>) = told.into_iter().partition(|info| info.sid == own);
        if let Some(info) = ours.into_iter().next_back() {
            self.we_are(info);
        }
        let events = self.people.update(others);
        self.tell(events);
        self.name_voices();
    }

    /// What the server says of ourselves.
    pub(super) fn we_are(&mut self, info: ParticipantInfo) {
        let mut ourselves = People::default();
        ourselves.update(vec![info]);
        if let Some(participant) = ourselves.all().pop() {
            self.own = Some(participant);
        }
    }

    /// Publish our one track.
    pub(crate) fn publish(&mut self, publish: Publish) {
        if self.published.is_some() {
            self.out.push_back(Output::Published(Err(PublishError::Already)));
            return;
        }
        let redundancy = if publish.redundant { Redundancy::OneBack } else { Redundancy::None };
        match Microphone::new(super::coding(&publish), redundancy) {
            Ok(microphone) => {
                let cid = format!("vox-{:016x}", rand::random::<u64>());
                self.add_track(Published { publish, cid, sid: String::new(), is_muted: false, microphone });
            }
            Err(fault) => {
                let error = PublishError::Encoder(fault.to_string());
                self.out.push_back(Output::Published(Err(error)));
            }
        }
    }

    /// End our one track. Another may be published.
    pub(crate) fn unpublish(&mut self) {
        if self.published.take().is_some() {
            self.publisher.want_silence();
            self.negotiate();
        }
    }

    pub(super) fn add_track(&mut self, mut published: Published) {
        published.sid.clear();
        let publish = &published.publish;
        let add = AddTrack {
            cid: published.cid.clone(),
            name: publish.name.clone(),
            r#type: TrackType::Audio as i32,
            muted: published.is_muted,
            source: TrackSource::Microphone as i32,
            disable_red: !publish.redundant,
            audio_features: if publish.dtx { Vec::new() } else { vec![FEATURE_NO_DTX] },
        };
        self.published = Some(published);
        self.out.push_back(Output::Signal(Request::AddTrack(add)));
    }

    fn track_published(&mut self, cid: &str, track: TrackInfo) {
        let Some(published) = self.published.as_mut().filter(|own| own.cid == cid && own.sid.is_empty())
        else {
            return;
        };
        published.sid.clone_from(&track.sid);
        self.publisher.want_voice("vox".to_owned(), cid.to_owned());
        self.out.push_back(Output::Event(Event::Published { track_sid: track.sid.clone() }));
        self.out.push_back(Output::Published(Ok(track.sid)));
        self.negotiate();
    }

    fn request_answered(&mut self, answer: RequestResponse) {
        if answer.reason == 0 || answer.reason == 4 {
            return;
        }
        let refused = answer.add_track.is_some_and(|add| {
            self.published.as_ref().is_some_and(|own| own.cid == add.cid && own.sid.is_empty())
        });
        if refused {
            self.published = None;
            let error = PublishError::Refused(reason(answer.reason, &answer.message));
            self.out.push_back(Output::Published(Err(error)));
        } else {
            let what = reason(answer.reason, &answer.message);
            self.out.push_back(Output::Event(Event::Refused { what }));
        }
    }

    /// Tell others that nothing will be heard of us for a while, or that it will again.
    pub(crate) fn mute(&mut self, muted: bool) {
        let Some(published) = &mut self.published else { return };
        published.is_muted = muted;
        let mute = MuteTrack { sid: published.sid.clone(), muted };
        self.out.push_back(Output::Signal(Request::Mute(mute)));
    }

    pub(crate) fn subscribe(&mut self, track_sid: String, subscribe: bool) {
        let wishes = &mut self.wishes;
        let (to, from) = if subscribe {
            (&mut wishes.subscribed, &mut wishes.unsubscribed)
        } else {
            (&mut wishes.unsubscribed, &mut wishes.subscribed)
        };
        from.remove(&track_sid);
        to.insert(track_sid.clone());
        let update = UpdateSubscription { track_sids: vec![track_sid], subscribe };
        self.out.push_back(Output::Signal(Request::Subscription(update)));
    }

    /// Keep a voice out of the mix, or let it in again.
    pub(crate) fn mix(&mut self, track_sid: String, heard: bool) {
        if heard {
            self.wishes.unmixed.remove(&track_sid);
        } else {
            self.wishes.unmixed.insert(track_sid);
        }
    }

    /// Attributes to set (one that is set to nothing is deleted), and metadata, if they shall be others.
    pub(crate) fn update_own(&mut self, attributes: BTreeMap<String, String>, metadata: Option<String>) {
        self.requests += 1;
        self.wishes.attributes.extend(attributes);
        self.wishes.metadata = metadata.or(self.wishes.metadata.take());
        let own = self.own.as_ref();
        let known = own.map(|own| own.metadata.clone()).unwrap_or_default();
        let update = UpdateMetadata {
            // The server takes what is there for what shall be.
            metadata: self.wishes.metadata.clone().unwrap_or(known),
            name: own.map(|own| own.name.clone()).unwrap_or_default(),
            attributes: self.wishes.attributes.clone(),
            request_id: self.requests,
        };
        self.out.push_back(Output::Signal(Request::UpdateMetadata(update)));
    }

    pub(crate) fn request(&mut self, request: Request) {
        self.out.push_back(Output::Signal(request));
    }
}

/// `livekit.RequestResponse.Reason`.
fn reason(number: i32, message: &str) -> String {
    let name = match number {
        1 => "not found",
        2 => "not allowed",
        3 => "over the limit",
        5 => "not supported",
        11 => "not a valid request",
        _ => "refused",
    };
    if message.is_empty() { name.to_owned() } else { format!("{name}: {message}") }
}
