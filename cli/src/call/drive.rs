//! Acts the caller's part until the call is over or there is nothing left to say.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use vox_caller::{Call, Clip, Outcome, State, Step, Talker};

use super::speech::{Script, Speaker};
use super::{CallError, typed};
use crate::terminal::Terminal;

/// Silence after which the bot has finished speaking.
const QUIET: Duration = Duration::from_millis(700);
/// The same after the caller's last words: a bot that ends the call does it a moment after its goodbye.
const LAST_QUIET: Duration = Duration::from_millis(1_500);
/// For a greeting. A bot without one waits to be spoken to.
const GREETING: Duration = Duration::from_secs(10);
/// For a reply.
const REPLY: Duration = Duration::from_secs(20);

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

async fn say_lines(call: &Call, lines: Vec<Clip>, terminal: &Terminal) {
    let mut talker = Talker::new(call);
    let mut within = GREETING;
    for clip in lines {
        match talker.act(Step::AwaitReply { quiet: QUIET, within }).await {
            Outcome::Done => {}
            Outcome::TimedOut => terminal.warning(&silent_for(within)),
            Outcome::CallEnded => return,
        }
        if talker.act(Step::Say(clip)).await == Outcome::CallEnded {
            return;
        }
        within = REPLY;
    }
    if talker.act(Step::AwaitReply { quiet: LAST_QUIET, within }).await == Outcome::TimedOut {
        terminal.warning(&silent_for(within));
    }
}

async fn play(call: &Call, clip: &Clip) {
    let Ok(playing) = call.play(clip).await else { return };
    let Ok(played) = playing.finished().await else { return };
    let audible = clip.audible().map_or(0.0, |span| span.end as f64 * 1_000.0 / f64::from(clip.rate_hz()));
    reply_after(call, played.from_ms + audible).await;
}

/// Wait until the bot has replied to words that ended at `at_ms`, or the call has ended.
async fn reply_after(call: &Call, at_ms: f64) {
    let replied = |state: &State| {
        state.is_ended || (!state.bot_speaks && state.bot_onsets > 0 && state.bot_until_ms > at_ms)
    };
    let quiet = LAST_QUIET.saturating_sub(call.hangover());
    let finished = async {
        while call.eventually(REPLY, replied).await && !call.state().borrow().is_ended {
            let again = |state: &State| state.is_ended || state.bot_speaks;
            if !call.eventually(quiet, again).await {
                return;
            }
        }
    };
    // A bot that never falls silent is hung up on.
    let _ = tokio::time::timeout(REPLY, finished).await;
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
        let clip = speaker.speak(line.trim()).await?;
        match call.say(&clip).await {
            Ok(spoken) => last_ms = spoken.to_ms,
            Err(_) => return Ok(()),
        }
    }
    reply_after(call, last_ms).await;
    Ok(())
}

fn silent_for(within: Duration) -> String {
    format!("the bot was not heard for {} s; going on", within.as_secs())
}
