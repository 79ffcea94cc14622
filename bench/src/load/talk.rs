//! What one caller does on the telephone.

use std::time::Duration;

use tokio::time::Instant;
use vox_caller::{Call, Clip, Outcome, Step, Talker};

use super::{BargeIn, Plan};

/// For the greeting; a bot that waits for the caller to begin has none.
const GREETING_WITHIN: Duration = Duration::from_secs(6);
/// For an answer. A longer silence and the caller says the next thing.
const ANSWER_WITHIN: Duration = Duration::from_secs(12);
/// What is left of the time at the end for the answer to the last thing said.
const LAST_ANSWER: Duration = Duration::from_secs(3);
/// How long the bot is let speak before it is interrupted.
const INTERRUPT_AFTER: Duration = Duration::from_millis(700);
const INTERRUPT_EVERY: u32 = 3;

/// Talk with the bot until the time is up or the call is over, as the plan says. `number` is the caller's: others say
/// other things at other times.
pub async fn converse(call: &Call, plan: &Plan, number: u32, until: Instant) {
    let mut talker = Talker::new(call);
    let mut outcome = talker.act(await_reply(number, GREETING_WITHIN.min(left(until)))).await;
    for turn in 0u32.. {
        let clip = &plan.clips[number.wrapping_add(turn) as usize % plan.clips.len()];
        if outcome == Outcome::CallEnded || left(until) < clip.duration() + LAST_ANSWER {
            break;
        }
        let interrupts = plan.barge_in == BargeIn::Often && turn % INTERRUPT_EVERY == INTERRUPT_EVERY - 1;
        outcome = say(&mut talker, clip, interrupts.then_some(plan), number.wrapping_add(turn), until).await;
    }
    if outcome != Outcome::CallEnded {
        talker.act(Step::Wait(left(until))).await;
    }
}

/// Say something and hear the answer; with a plan to interrupt, speak over that answer and hear the next.
async fn say(
    talker: &mut Talker<'_>,
    clip: &Clip,
    interrupt: Option<&Plan>,
    seed: u32,
    until: Instant,
) -> Outcome {
    let said = talker.act(Step::Say(clip.clone())).await;
    if said == Outcome::CallEnded {
        return said;
    }
    if let Some(plan) = interrupt {
        let clip = plan.clips[seed.wrapping_add(1) as usize % plan.clips.len()].clone();
        if left(until) > clip.duration() + LAST_ANSWER + INTERRUPT_AFTER {
            let within = ANSWER_WITHIN.min(left(until));
            let barged = talker.act(Step::BargeIn { after: INTERRUPT_AFTER, clip, within }).await;
            if barged == Outcome::CallEnded {
                return barged;
            }
        }
    }
    talker.act(await_reply(seed, ANSWER_WITHIN.min(left(until)))).await
}

/// People answer 300 to 800 ms after the other has finished; the same for the same seed.
fn await_reply(seed: u32, within: Duration) -> Step {
    let spread = u64::from(seed.wrapping_mul(2_654_435_761) >> 16) % 500;
    Step::AwaitReply { quiet: Duration::from_millis(300 + spread), within }
}

fn left(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now())
}
