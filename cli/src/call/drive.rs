//! Acts the caller's part until the call is over or there is nothing left to say.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use vox_caller::{Call, Clip, State};

use super::speech::{Script, Speaker};
use super::{CallError, typed};
use crate::terminal::Terminal;

/// Silence after which the bot has finished speaking.
const QUIET: Duration = Duration::from_millis(700);
/// The same after the caller's last words: a bot that ends the call does it a moment after its goodbye.
const LAST_QUIET: Duration = Duration::from_millis(1_500);
/// For a greeting to begin. A bot without one waits to be spoken to.
const GREETING: Duration = Duration::from_secs(8);
/// For a reply to begin.
const REPLY: Duration = Duration::from_secs(15);
/// For the bot to finish what it says.
const LONGEST_SPEECH: Duration = Duration::from_secs(90);

/// Play `script`. Returns when the call should be hung up, or has ended.
pub async fn drive(
    call: &Call,
    script: Script,
    loudspeaker: mpsc::Receiver<Arc<[i16]>>,
    terminal: &Terminal,
) -> Result<(), CallError> {
    #[cfg(not(feature = "mic"))]
    drop(loudspeaker);
    match script {
        Script::Lines(lines) => say_lines(call, lines, terminal).await,
        Script::Recording(clip) => play(call, &clip).await,
        Script::Typed(speaker) => say_typed(call, &speaker, terminal).await?,
        #[cfg(feature = "mic")]
        Script::Microphone => super::microphone::talk(call, loudspeaker).await?,
    }
    Ok(())
}

/// How waiting for the bot ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waited {
    /// It spoke and fell silent.
    Finished,
    /// It did not begin to speak in time.
    Unheard,
    /// The call is over.
    Ended,
}

async fn say_lines(call: &Call, lines: Vec<Clip>, terminal: &Terminal) {
    let mut patience = GREETING;
    let mut onsets = 0;
    for clip in lines {
        let began = |state: &State| state.bot_onsets > onsets;
        match finished(call, began, Patience { begin: patience, quiet: QUIET }).await {
            Waited::Finished => {}
            Waited::Unheard => terminal.warning(&silent_for(patience)),
            Waited::Ended => return,
        }
        onsets = call.state().borrow().bot_onsets;
        if call.say(&clip).await.is_err() {
            return;
        }
        patience = REPLY;
    }
    let began = |state: &State| state.bot_onsets > onsets;
    if finished(call, began, Patience { begin: patience, quiet: LAST_QUIET }).await == Waited::Unheard {
        terminal.warning(&silent_for(patience));
    }
}

async fn play(call: &Call, clip: &Clip) {
    let Ok(playing) = call.play(clip).await else { return };
    let Ok(played) = playing.finished().await else { return };
    let audible = clip.audible().map_or(0.0, |span| span.end as f64 * 1_000.0 / f64::from(clip.rate_hz()));
    reply_after(call, played.from_ms + audible).await;
}

/// Wait for the reply to words that ended at `at_ms`; it may have begun before them, and be over.
async fn reply_after(call: &Call, at_ms: f64) {
    let began = |state: &State| state.bot_speaks || state.bot_until_ms > at_ms;
    finished(call, began, Patience { begin: REPLY, quiet: LAST_QUIET }).await;
}

/// How long the bot is waited for.
struct Patience {
    /// To begin.
    begin: Duration,
    /// Silence after which it has finished.
    quiet: Duration,
}

/// Wait for the bot to begin, which `began` tells, and then to fall silent.
async fn finished(call: &Call, mut began: impl FnMut(&State) -> bool, patience: Patience) -> Waited {
    let heard = call.eventually(patience.begin, |state| state.is_ended || began(state)).await;
    if !heard && !is_over(call) {
        return Waited::Unheard;
    }
    // The hangover of the ear is part of the silence.
    let rest = patience.quiet.saturating_sub(call.hangover());
    let silence = async {
        while call.eventually(LONGEST_SPEECH, |state| state.is_ended || !state.bot_speaks).await
            && call.eventually(rest, |state| state.is_ended || state.bot_speaks).await
            && !is_over(call)
        {}
    };
    // A bot that never falls silent is not waited for any longer.
    let _ = tokio::time::timeout(LONGEST_SPEECH, silence).await;
    if is_over(call) { Waited::Ended } else { Waited::Finished }
}

fn is_over(call: &Call) -> bool {
    let state = call.state();
    let is_ended = state.borrow().is_ended;
    is_ended || state.has_changed().is_err()
}

async fn say_typed(call: &Call, speaker: &Speaker, terminal: &Terminal) -> Result<(), CallError> {
    terminal.line("Type what the caller says, a line at a time; Ctrl-D hangs up.");
    let mut lines = typed::lines();
    let mut last_ms = 0.0;
    let mut ended = call.state();
    loop {
        let line = tokio::select! {
            line = lines.recv() => line,
            _ = ended.wait_for(|state| state.is_ended) => return Ok(()),
        };
        let Some(line) = line else { break };
        if line.trim().is_empty() {
            continue;
        }
        let clip = match speaker.speak(line.trim()).await {
            Ok(clip) => clip,
            Err(error) => {
                terminal.warning(&format!("not said: {error}"));
                continue;
            }
        };
        match call.say(&clip).await {
            Ok(spoken) => last_ms = spoken.to_ms,
            Err(_) => return Ok(()),
        }
    }
    reply_after(call, last_ms).await;
    Ok(())
}

fn silent_for(patience: Duration) -> String {
    format!("the bot was not heard for {} s; going on", patience.as_secs())
}
