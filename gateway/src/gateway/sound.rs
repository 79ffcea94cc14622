//! Sound between a telephone and a room: nothing passes before the call is answered.

use std::f64::consts::TAU;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use vox_livekit::Microphone;
use vox_sip::Call;

/// Samples in 20 ms at 8 kHz.
const FRAME: usize = 160;

/// What the room hears until the call is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    Silence,
    /// 425 Hz, as a line that waits for a number sounds in Europe.
    DialTone,
}

/// Two tasks, one each way, which end with this value.
pub(super) struct Pipes {
    open: watch::Sender<bool>,
    tasks: [JoinHandle<()>; 2],
}

/// The ends.
pub(super) struct Ends {
    pub call: Call,
    pub phone: vox_sip::Sound,
    pub microphone: Microphone,
    pub room: vox_livekit::Sound,
}

impl Pipes {
    pub(super) fn lay(ends: Ends, until: Until) -> Self {
        let (open, is_open) = watch::channel(false);
        let Ends { call, phone, microphone, room } = ends;
        let tasks = [
            tokio::spawn(to_room(phone, microphone, is_open.clone(), until)),
            tokio::spawn(to_phone(room, call, is_open)),
        ];
        Self { open, tasks }
    }

    /// The call is answered.
    pub(super) fn open(&self) {
        self.open.send_replace(true);
    }
}

impl Drop for Pipes {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn to_room(
    mut phone: vox_sip::Sound,
    microphone: Microphone,
    mut is_open: watch::Receiver<bool>,
    until: Until,
) {
    let mut phase = 0.0_f64;
    while !*is_open.borrow_and_update() {
        let frame = match until {
            Until::Silence => vec![0; FRAME],
            Until::DialTone => tone(&mut phase),
        };
        tokio::select! {
            written = microphone.write(frame) => if written.is_err() { return },
            changed = is_open.changed() => if changed.is_err() { return },
            // Sound before the answer stays where it is.
            heard = phone.next() => if heard.is_none() { return },
        }
    }
    while let Some(frame) = phone.next().await {
        if microphone.write(frame).await.is_err() {
            return;
        }
    }
}

async fn to_phone(mut room: vox_livekit::Sound, call: Call, is_open: watch::Receiver<bool>) {
    while let Some(heard) = room.next().await {
        let is_open = *is_open.borrow();
        if is_open && call.write(heard.mix).await.is_err() {
            return;
        }
    }
}

fn tone(phase: &mut f64) -> Vec<i16> {
    let mut next = || {
        *phase = (*phase + TAU * 425.0 / 8000.0) % TAU;
        (phase.sin() * 3000.0) as i16
    };
    (0..FRAME).map(|_| next()).collect()
}
