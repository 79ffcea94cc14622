//! A proxy before a server that loses answers: what was asked is done, and whoever asked never hears of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What is lost: the answers to requests that `picks` knows by their first bytes, so far as `from` and `times` say. Answers that begin
/// with `interim` are none yet.
pub struct Loss {
    pub picks: fn(&[u8]) -> bool,
    pub interim: Option<&'static [u8]>,
    /// Which of the next such answers, the first being 0.
    pub from: usize,
    pub times: usize,
}

struct Shared {
    target: SocketAddr,
    picks: fn(&[u8]) -> bool,
    interim: Option<&'static [u8]>,
    from: AtomicUsize,
    times: AtomicUsize,
    seen: AtomicUsize,
    lost: AtomicUsize,
}

/// The proxy; it ends with the runtime of its test.
pub struct LosesAnswers {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

impl LosesAnswers {
    pub async fn before(target: SocketAddr, loss: Loss) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            target,
            picks: loss.picks,
            interim: loss.interim,
            from: loss.from.into(),
            times: loss.times.into(),
            seen: 0.into(),
            lost: 0.into(),
        });
        let served = shared.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let shared = served.clone();
                tokio::spawn(async move {
                    // A server that is gone refuses, and so does this.
                    if let Ok(server) = TcpStream::connect(shared.target).await {
                        shared.forward(client, server).await;
                    }
                });
            }
        });
        Self { address, shared }
    }

    /// How many were lost since the last [`lose_only`](Self::lose_only).
    pub fn lost(&self) -> usize {
        self.shared.lost.load(Ordering::SeqCst)
    }

    /// Lose one answer from now on, after `from` others.
    pub fn lose_only(&self, from: usize) {
        let shared = &self.shared;
        shared.times.store(0, Ordering::SeqCst);
        shared.seen.store(0, Ordering::SeqCst);
        shared.lost.store(0, Ordering::SeqCst);
        shared.from.store(from, Ordering::SeqCst);
        shared.times.store(1, Ordering::SeqCst);
    }

    /// Lose no more.
    pub fn lose_none(&self) {
        self.shared.times.store(0, Ordering::SeqCst);
    }
}

impl Shared {
    async fn forward(&self, mut client: TcpStream, mut server: TcpStream) {
        let (mut up, mut down, mut is_picked) = (vec![0; 65_536], vec![0; 65_536], false);
        loop {
            tokio::select! {
                read = client.read(&mut up) => {
                    let Ok(read @ 1..) = read else { return };
                    is_picked |= (self.picks)(&up[..read]);
                    if server.write_all(&up[..read]).await.is_err() { return }
                }
                read = server.read(&mut down) => {
                    let Ok(read @ 1..) = read else { return };
                    let is_interim = self.interim.is_some_and(|interim| down.starts_with(interim));
                    if is_picked && !is_interim && self.is_lost() {
                        let _ = client.set_zero_linger();
                        return;
                    }
                    is_picked &= is_interim;
                    if client.write_all(&down[..read]).await.is_err() { return }
                }
            }
        }
    }

    fn is_lost(&self) -> bool {
        let number = self.seen.fetch_add(1, Ordering::SeqCst);
        let from = self.from.load(Ordering::SeqCst);
        let is_lost = number >= from && number - from < self.times.load(Ordering::SeqCst);
        if is_lost {
            self.lost.fetch_add(1, Ordering::SeqCst);
        }
        is_lost
    }
}
