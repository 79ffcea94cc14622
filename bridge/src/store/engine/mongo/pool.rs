//! How busy the driver's connections are, as it tells itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use mongodb::event::EventHandler;
use mongodb::event::cmap::CmapEvent;
use mongodb::options::ClientOptions;

use super::Connections;

/// Connections to one server, where the address does not say how many there may be: the driver's own number.
const USUAL_MOST: u32 = 10;

/// Counts connections that are out of the pool.
#[derive(Debug)]
pub(super) struct Pool {
    active: AtomicU32,
    most: u32,
}

impl Pool {
    /// Have the driver tell.
    pub(super) fn watch(options: &mut ClientOptions) -> Arc<Self> {
        let most = options.max_pool_size.unwrap_or(USUAL_MOST);
        let pool = Arc::new(Self { active: AtomicU32::new(0), most });
        let own = pool.clone();
        options.cmap_event_handler = Some(EventHandler::callback(move |event| own.hear(&event)));
        pool
    }

    fn hear(&self, event: &CmapEvent) {
        match event {
            CmapEvent::ConnectionCheckedOut(_) => {
                self.active.fetch_add(1, Ordering::Relaxed);
            }
            CmapEvent::ConnectionCheckedIn(_) => {
                // Never below none, whatever the driver tells.
                let fewer = |active: u32| active.checked_sub(1);
                let _at_none = self.active.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer);
            }
            _ => {}
        }
    }

    pub(super) fn connections(&self) -> Connections {
        Connections { active: self.active.load(Ordering::Relaxed), most: self.most }
    }
}
