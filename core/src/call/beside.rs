//! Sounds that are heard beside the bot's voice, on their way from the disk: the background, and what is heard by whoever waits.

use std::sync::Arc;

use tokio::task::JoinHandle;
use vox_shared::ids::SoundId;

use crate::courier::Courier;
use crate::courier::sounds::Sounds;
use crate::media::bed::{Bed, Loudness};

type Loading = JoinHandle<Option<Arc<[i16]>>>;

/// What a call is still to get.
#[derive(Debug, Default)]
pub struct Beside {
    background: Option<(Loading, Loudness)>,
    hold: Option<Loading>,
    rate_hz: u32,
}

/// A sound that is there.
#[derive(Debug)]
pub enum Got {
    Background(Bed),
    Hold(Arc<[i16]>),
}

impl Beside {
    /// Have those got that the bot has.
    pub fn begin(courier: &Courier, sounds: &Sounds, rate_hz: u32) -> Self {
        let load = |id: &SoundId| {
            let (sounds, id) = (sounds.clone(), id.clone());
            courier.get(async move { sounds.get_seamless(&id, rate_hz).await })
        };
        let under = sounds.settings().background.as_ref();
        Self {
            background: under
                .map(|under| (load(&under.sound), Loudness::of_db(under.gain_db, under.duck_db))),
            hold: sounds.settings().hold.as_ref().map(load),
            rate_hz,
        }
    }

    pub fn is_awaited(&self) -> bool {
        self.background.is_some() || self.hold.is_some()
    }

    /// The next that is there; one that cannot be had is none. Waits for ever when none is awaited; cancel-safe.
    pub async fn next(&mut self) -> Got {
        loop {
            let (background, hold) = (&mut self.background, &mut self.hold);
            let got = tokio::select! {
                pcm = async { (&mut background.as_mut().expect("guarded").0).await }, if background.is_some() => {
                    let loudness = background.take().map(|(_, loudness)| loudness);
                    let bed = pcm.ok().flatten().zip(loudness);
                    bed.and_then(|(pcm, loudness)| Bed::new(pcm, loudness, self.rate_hz)).map(Got::Background)
                }
                pcm = async { hold.as_mut().expect("guarded").await }, if hold.is_some() => {
                    *hold = None;
                    pcm.ok().flatten().map(Got::Hold)
                }
                else => std::future::pending().await,
            };
            if let Some(got) = got {
                return got;
            }
        }
    }
}
