//! Offers and answers.

use std::collections::BTreeMap;

use str0m::Candidate;
use str0m::media::Mid;
use str0m::net::Protocol;

use super::{Output, Session, Voice};
use crate::event::Event;
use crate::media::player::Player;
use crate::options::Transport;
use crate::room::peer::{LOSSY, RELIABLE};
use crate::room::sdp;
use crate::wire::signal::{
    DataChannelInfo, Request, SessionDescription, SyncState, Target, TrackPublished, Trickle,
    UpdateSubscription,
};

/// An offer as a message.
pub(super) fn offer_of((sdp, id): (String, u32)) -> SessionDescription {
    SessionDescription { r#type: "offer".to_owned(), sdp, id, mid_to_track_id: BTreeMap::new() }
}

impl Session {
    /// Send the next offer, if one is wanted and none is under way.
    pub(super) fn negotiate(&mut self) {
        if let Some(next) = self.publisher.offer() {
            self.out.push_back(Output::Signal(Request::Offer(offer_of(next))));
        }
        self.collect();
    }

    pub(super) fn answered(&mut self, answer: &SessionDescription) {
        match self.publisher.accept_answer(&answer.sdp, answer.id) {
            Ok(true) => {
                if self.subscriber.is_none() {
                    self.hear_sections(Target::Publisher, &answer.sdp, &answer.mid_to_track_id);
                }
                self.channel_open();
            }
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(%error, "the server's answer is not taken");
                self.out.push_back(Output::Rejoin);
            }
        }
        self.collect();
        self.negotiate();
    }

    pub(super) fn offered(&mut self, offer: &SessionDescription) {
        let Some(subscriber) = &mut self.subscriber else { return };
        let is_reached = subscriber.is_reached();
        match subscriber.accept_offer(&offer.sdp) {
            Ok(sdp) => {
                let answer = SessionDescription {
                    r#type: "answer".to_owned(),
                    sdp,
                    id: offer.id,
                    mid_to_track_id: BTreeMap::new(),
                };
                self.out.push_back(Output::Signal(Request::Answer(answer)));
                if !is_reached {
                    self.relays.reaches(Target::Subscriber, false);
                }
                self.hear_sections(Target::Subscriber, &offer.sdp, &offer.mid_to_track_id);
            }
            Err(error) => {
                tracing::warn!(%error, "the server's offer is not taken");
                self.out.push_back(Output::Rejoin);
            }
        }
        self.collect();
    }

    /// An address of the server. Those that this client has no means for are passed over.
    pub(super) fn candidate(&mut self, trickle: &Trickle) {
        let target = Target::try_from(trickle.target).unwrap_or(Target::Publisher);
        let init: serde_json::Value = serde_json::from_str(&trickle.candidate_init).unwrap_or_default();
        let Some(line) = init["candidate"].as_str().filter(|line| !line.is_empty()) else { return };
        let Ok(candidate) = Candidate::from_sdp_string(line) else { return };
        let is_direct = !self.relays.only()
            && match candidate.proto() {
                Protocol::Udp => self.transport != Transport::Tcp,
                Protocol::Tcp => self.transport != Transport::Udp,
                _ => false,
            };
        if is_direct {
            self.out.push_back(Output::Reach(target, candidate.proto(), candidate.addr()));
        } else if candidate.proto() != Protocol::Udp {
            // Relays send over UDP: those addresses are for them too.
            return;
        }
        if let Some(peer) = self.peer(target) {
            peer.add_remote(candidate);
        }
        self.collect();
    }

    /// The sections through which voices come now.
    fn hear_sections(&mut self, target: Target, sdp: &str, by_mid: &BTreeMap<String, String>) {
        let sections = sdp::voices(sdp, by_mid);
        let own = self.published.as_ref().map(|published| published.sid.clone()).unwrap_or_default();
        let sections = sections.into_iter().filter(|section| section.track != own);
        self.sections =
            sections.map(|section| ((target, Mid::from(section.mid.as_str())), section.track)).collect();
        let gone: Vec<String> =
            self.voices.keys().filter(|sid| !self.sections.values().any(|s| s == *sid)).cloned().collect();
        for sid in gone {
            self.unhear(&sid);
        }
        let known = |session: &Self, sid: &String| session.voices.contains_key(sid);
        let new: Vec<String> = self.sections.values().filter(|sid| !known(self, sid)).cloned().collect();
        for sid in new {
            self.hear(sid);
        }
    }

    fn hear(&mut self, sid: String) {
        let found = self.people.owner(&sid).map(|(who, track)| (who.identity.clone(), track.clone()));
        let identity = found.as_ref().map(|(identity, _)| identity.clone()).unwrap_or_default();
        let voice = Voice { player: Player::new(self.hear), ssrc: None, identity };
        self.voices.insert(sid, voice);
        if let Some((identity, track)) = found {
            self.out.push_back(Output::Event(Event::Subscribed { identity, track }));
        }
    }

    /// The owner of a voice may be told after its section.
    pub(super) fn name_voices(&mut self) {
        let nameless = self.voices.iter_mut().filter(|(_, voice)| voice.identity.is_empty());
        for (sid, voice) in nameless {
            if let Some((who, track)) = self.people.owner(sid) {
                voice.identity.clone_from(&who.identity);
                let event = Event::Subscribed { identity: who.identity.clone(), track: track.clone() };
                self.out.push_back(Output::Event(event));
            }
        }
    }

    pub(super) fn unhear(&mut self, sid: &str) {
        let Some(voice) = self.voices.remove(sid) else { return };
        let track = self.people.owner(sid).map(|(_, track)| track.clone());
        let track = track.unwrap_or_else(|| crate::event::Track {
            sid: sid.to_owned(),
            name: String::new(),
            is_muted: false,
            is_microphone: true,
        });
        self.out.push_back(Output::Event(Event::Unsubscribed { identity: voice.identity, track }));
    }

    /// There is a new line, and the server still knows us: tell it what we have, and find a way anew.
    pub(crate) fn resumed(&mut self, last_sequence: u32) {
        let description = |kind: &str, sdp: &str| {
            let r#type = kind.to_owned();
            (!sdp.is_empty()).then(|| SessionDescription {
                r#type,
                sdp: sdp.to_owned(),
                ..Default::default()
            })
        };
        let hearing = self.hearing();
        let offer = description("offer", &hearing.last_offer);
        let answer = description("answer", &hearing.last_answer);
        let channels = |target: Target| {
            [RELIABLE, LOSSY].map(|label| DataChannelInfo {
                label: label.to_owned(),
                id: 0,
                target: target as i32,
            })
        };
        let published = self.published.as_ref().filter(|published| !published.sid.is_empty());
        let tracks = published.map(|published| TrackPublished {
            cid: published.cid.clone(),
            track: Some(crate::wire::model::TrackInfo { sid: published.sid.clone(), ..Default::default() }),
        });
        let state = SyncState {
            answer,
            // Exceptions from what is subscribed to by itself.
            subscription: Some(UpdateSubscription {
                track_sids: if self.subscribe_to_all {
                    self.wishes.unsubscribed.iter().cloned().collect()
                } else {
                    self.wishes.subscribed.iter().cloned().collect()
                },
                subscribe: !self.subscribe_to_all,
            }),
            publish_tracks: tracks.into_iter().collect(),
            data_channels: channels(Target::Publisher).to_vec(),
            offer,
            datachannel_receive_states: self.channel.receive_states(),
        };
        self.out.push_back(Output::Signal(Request::SyncState(state)));
        // Until the new way is found.
        self.unreachable.insert(Target::Publisher, self.now);
        self.is_resumed_in_vain = true;
        self.want_ways_again();
        if let Some(lost) = self.publisher.want_restart() {
            self.out.push_back(Output::Signal(Request::Offer(offer_of(lost))));
        }
        self.negotiate();
        self.ask_again();
        self.resend(last_sequence);
    }
}
