//! The end of the process: no new dial, what rings is taken back, what talks goes on, and the partitions are anybody's.

use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};
use vox_shared::wire::dialler::lease::ReleaseRequest;

use super::Engine;

/// Partitions are given up within this.
const RELEASED_WITHIN: Duration = Duration::from_millis(1_500);
/// Of one request.
const RELEASE_DEADLINE: Duration = Duration::from_secs(1);

impl Engine {
    /// See the module. `drain` is how long what is taken back may take.
    pub(super) async fn end(&mut self, drain: Duration) {
        self.ending = true;
        for line in self.lines.values().filter(|line| !line.talks() && !line.is_behind()) {
            line.halt.cancel();
        }
        let begun = Instant::now();
        // What is taken back still writes under our epoch: mostly that takes a moment.
        self.wait_until_nothing_rings(begun + RELEASED_WITHIN / 2).await;
        self.release().await;
        self.wait_until_nothing_rings(begun + drain).await;
        // Calls that talk need us no more: whoever takes their partitions adopts them.
        self.tasks.shutdown().await;
    }

    async fn wait_until_nothing_rings(&mut self, until: Instant) {
        loop {
            let is_over = self.lines.values().all(|line| line.talks() || line.is_behind());
            if is_over && self.claiming == 0 {
                return;
            }
            let heard = timeout_at(until, async {
                tokio::select! {
                    Some(news) = self.hears_news.recv() => self.news(news),
                    Some(said) = self.hears.recv() => self.hear(said),
                    Some(_ended) = self.tasks.join_next() => {}
                }
            });
            if heard.await.is_err() {
                return;
            }
        }
    }

    async fn release(&mut self) {
        let mut releases = tokio::task::JoinSet::new();
        for held in self.leases.held() {
            let (desk, worker) = (self.desk.clone(), self.desk.name.clone());
            releases.spawn(async move {
                let ask = ReleaseRequest { worker, held };
                timeout(RELEASE_DEADLINE, desk.bridge.release(&ask)).await.is_ok_and(|answer| answer.is_ok())
            });
        }
        let all = releases.join_all().await;
        let given_up = all.iter().filter(|released| **released).count();
        tracing::info!(held = all.len(), given_up, "the partitions are given up");
    }
}
