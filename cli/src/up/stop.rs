//! From a running platform to nothing: no new calls, running ones to their end, the bridge last because it takes the
//! results.

use std::collections::HashSet;
use std::process::ExitCode;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::Crew;
use super::child::{Child, Wish};
use super::signals::Signals;
use crate::terminal::Terminal;

/// A worker without a call that has not ended by then hangs; what it had to deliver is on the disk.
const IDLE_DEADLINE: Duration = Duration::from_secs(15);
/// For the bridge to finish its requests.
const BRIDGE_DEADLINE: Duration = Duration::from_secs(15);
/// For the dialler to take back what rings and to give up its partitions.
const DIALLER_DEADLINE: Duration = Duration::from_secs(10);
/// How long the bridge answers after the last call: whoever placed it fetches its record.
const RECORD_GRACE: Duration = Duration::from_secs(2);
/// For killed processes to be gone.
const KILL_DEADLINE: Duration = Duration::from_secs(5);
const LOOK_PAUSE: Duration = Duration::from_millis(250);

/// Stop; a second signal stops at once.
pub async fn stop(crew: Crew, signals: &mut Signals, terminal: &Terminal) -> ExitCode {
    crew.roster.refuse_calls();
    let calls = crew.roster.on_call().len();
    if calls == 0 {
        terminal.line("Stopping.");
    }
    let is_gentle = tokio::select! {
        () = gently(&crew, terminal) => true,
        () = signals.next() => false,
    };
    if !is_gentle {
        terminal.line("Stopping at once. Calls that were running get their record at the next start.");
    }
    at_once(crew).await;
    if is_gentle {
        terminal.line("Stopped.");
    }
    if is_gentle { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// End whatever still runs.
pub async fn at_once(crew: Crew) {
    crew.children().for_each(|child| child.wish(Wish::Kill));
    // What the kernel cannot end in this time waits for a disk, and ends with it.
    let _ = timeout(KILL_DEADLINE, over(&crew.workers)).await;
    for child in crew.dialler.iter().chain(&crew.carrier).chain(&crew.bridge) {
        let _ = timeout(KILL_DEADLINE, child.over()).await;
    }
    crew.stop_dispatching.cancel();
    // It has its own deadline; a panic of it was shown when it happened.
    let _ = crew.dispatching.await;
}

async fn gently(crew: &Crew, terminal: &Terminal) {
    let had_calls = !crew.roster.on_call().is_empty();
    // Nobody is rung any more, while there are workers yet for those who are.
    if let Some(dialler) = &crew.dialler {
        dialler.wish(Wish::Stop);
        let _ = timeout(DIALLER_DEADLINE, dialler.over()).await;
    }
    crew.workers.iter().for_each(|worker| worker.wish(Wish::Stop));
    tokio::select! {
        () = over(&crew.workers) => {}
        () = watch_calls(crew, terminal) => {}
    }
    if had_calls {
        sleep(RECORD_GRACE).await;
    }
    if let Some(carrier) = &crew.carrier {
        carrier.wish(Wish::Stop);
        // Its workers owe results to the bridge.
        let _ = timeout(BRIDGE_DEADLINE, carrier.over()).await;
    }
    if let Some(bridge) = &crew.bridge {
        bridge.wish(Wish::Stop);
        // One that takes longer is ended by what follows.
        let _ = timeout(BRIDGE_DEADLINE, bridge.over()).await;
    }
}

async fn over(children: &[Child]) {
    for child in children {
        child.over().await;
    }
}

/// Say how many calls are waited for, and end workers that hang without one. Never ends.
async fn watch_calls(crew: &Crew, terminal: &Terminal) {
    let mut told = 0;
    let mut idle_since = vec![Instant::now(); crew.workers.len()];
    loop {
        let on_call: HashSet<String> = crew.roster.on_call().iter().map(ToString::to_string).collect();
        if on_call.len() != told {
            told = on_call.len();
            terminal.line(&waiting_for(told));
        }
        for (worker, since) in crew.workers.iter().zip(&mut idle_since) {
            if on_call.contains(&worker.name) {
                *since = Instant::now();
            } else if since.elapsed() >= IDLE_DEADLINE {
                worker.wish(Wish::Kill);
            }
        }
        sleep(LOOK_PAUSE).await;
    }
}

fn waiting_for(calls: usize) -> String {
    match calls {
        0 => "No call is running any more.".to_owned(),
        1 => "Waiting for 1 running call to end; new calls get 503. Ctrl-C again stops at once.".to_owned(),
        n => format!("Waiting for {n} running calls to end; new calls get 503. Ctrl-C again stops at once."),
    }
}
