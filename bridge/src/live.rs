//! The running calls, as their workers tell of them: in memory, bounded, and gone with the process. The document store has the
//! truth; what is lost here a call's result says again.

mod board;
mod channel;
pub mod crier;
mod envelope;
mod figures;
mod follower;
mod news;
pub mod orders;
mod replicas;
mod running;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value};
use vox_shared::clock::Clock;
use vox_shared::ids::{BotId, SessionId, TenantId};
use vox_shared::wire::live::LiveReport;
use vox_shared::wire::result::DisconnectedBy;

use crate::coordination::Coordination;
use crate::edge::sse::Source;
use crate::store::Reach;
use crate::store::calls::Call;
use board::Board;
use crier::Voice;
use envelope::Told;

pub use channel::TenantPlace;
pub use figures::Figures;
pub use follower::CallPlace;
pub use news::{End, News, Whose};
pub use running::{Phase, State};

/// All that is known of running calls. Cheap to clone.
#[derive(Clone)]
pub struct Live {
    board: Arc<Mutex<Board>>,
    clock: Clock,
    figures: Figures,
    coordination: Arc<dyn Coordination>,
    voice: Voice,
    /// This process, among those of the deployment.
    id: String,
}

impl Live {
    pub fn new(
        (clock, figures): (Clock, Figures),
        coordination: Arc<dyn Coordination>,
        voice: Voice,
    ) -> Self {
        let id = format!("{:016x}", rand::random::<u64>());
        let board = Arc::new(Mutex::new(Board::new(&id)));
        Self { board, clock, figures, coordination, voice, id }
    }

    /// Whose call this is, if something of it was told before.
    pub fn whose(&self, call: &SessionId) -> Option<Whose> {
        self.board().whose(call)
    }

    /// A worker told of a call.
    pub async fn told(&self, whose: Whose, report: LiveReport) {
        let news = News::Told { whose: whose.clone(), report };
        for told in self.hear(news.clone()) {
            self.voice.running(&whose, told);
        }
        self.share(news).await;
    }

    /// A call has its terminal record: its streams end. The receipt of the record does not wait for other bridges.
    pub fn ended(&self, whose: Whose, end: End) {
        let (news, own) = (News::Ended { whose, end }, self.clone());
        self.hear(news.clone());
        tokio::spawn(async move { own.share(news).await });
    }

    /// This bridge says something of a call that no worker has told of yet, to who follows the tenant.
    pub fn said(&self, whose: Whose, event: &str, data: Map<String, Value>) {
        let (news, own) = (News::Said { whose, event: event.to_owned(), data }, self.clone());
        self.hear(news.clone());
        tokio::spawn(async move { own.share(news).await });
    }

    /// Answers what of it is new here.
    fn hear(&self, news: News) -> Vec<Told> {
        let now = self.clock.now();
        self.board().hear(news, now, &self.figures)
    }

    /// Bring the figure of running calls up to date, for who reads the metrics; the same by tenant.
    pub fn count(&self) -> HashMap<TenantId, usize> {
        let board = self.board();
        self.figures.calls.set(i64::try_from(board.running()).unwrap_or(i64::MAX));
        board.running_by_tenant()
    }

    /// Where a call stands, as far as its worker told.
    pub fn state(&self, call: &SessionId) -> Option<State> {
        self.board().state(call)
    }

    /// The events of a call behind this place, and those that come.
    pub fn follow_call(&self, whose: &Whose, after: Option<u64>) -> Source {
        let now = self.clock.now();
        self.board().follow_call(whose, after, now)
    }

    /// The events of a call that has ended, as far as they are kept, and its end.
    pub fn replay(&self, whose: &Whose, after: Option<u64>, end: &End) -> Source {
        let now = self.clock.now();
        self.board().replay(whose, after, end, now)
    }

    /// The events of a tenant's calls behind this place, and those that come.
    pub fn follow_tenant(&self, reach: &Reach, after: Option<&TenantPlace>) -> Source {
        let now = self.clock.now();
        self.board().follow_tenant(reach, after, now)
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Whose {
    pub fn new(session_id: SessionId, tenant_id: TenantId, bot_id: BotId) -> Self {
        Self { session_id, tenant_id, bot_id, redaction: None, to: None }
    }

    /// Of a stored call.
    pub fn of(session_id: SessionId, call: &Call) -> Self {
        let (redaction, to) =
            (call.redaction.clone(), call.names.as_ref().and_then(|names| names.to_number.clone()));
        Self { redaction, to, ..Self::new(session_id, call.tenant_id.clone(), call.bot_id.clone()) }
    }
}

impl End {
    pub fn new(disconnected_by: DisconnectedBy, duration_seconds: f64) -> Self {
        Self { disconnected_by, duration_seconds }
    }
}
