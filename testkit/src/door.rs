//! What scripted servers have in common: a port of loopback, a desk at which the test and the requests meet, the manners in which they
//! answer, and what a careful server looks at in any request.

mod asked;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use asked::Asked;

/// What a server's requests and its test share.
pub(crate) struct Desk<T>(Arc<Mutex<T>>);

impl<T> Clone for Desk<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Desk<T> {
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A server on a free port of loopback; dropping it frees the port.
pub(crate) struct Door<T> {
    desk: Desk<T>,
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl<T> Door<T> {
    pub(crate) async fn open(desk: T, routes: impl FnOnce(Desk<T>) -> Router) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let desk = Desk(Arc::new(Mutex::new(desk)));
        let app = routes(desk.clone());
        let task = tokio::spawn(async move {
            // It ends when it is dropped.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self { desk, address, task })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.desk.lock()
    }

    /// Without a '/' at the end.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl<T> Drop for Door<T> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// How requests are answered: the next ones in turn, and then all in one manner.
pub(crate) struct Manners<M> {
    next: VecDeque<M>,
    always: M,
}

impl<M: Clone> Manners<M> {
    pub(crate) fn always(manner: M) -> Self {
        Self { next: VecDeque::new(), always: manner }
    }

    /// So from now on, when those that were said before are through.
    pub(crate) fn behave(&mut self, manner: M) {
        self.always = manner;
    }

    /// The next one so, after those that were said before.
    pub(crate) fn then(&mut self, manner: M) {
        self.next.push_back(manner);
    }

    pub(crate) fn take(&mut self) -> M {
        self.next.pop_front().unwrap_or_else(|| self.always.clone())
    }
}
