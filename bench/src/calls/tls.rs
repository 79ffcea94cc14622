//! TLS before a scripted vendor: a certificate of the run's own, and a task that carries bytes both ways.

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;

use super::BenchError;

/// A certificate for this machine's loopback address, for as long as a run.
pub(crate) struct Identity {
    pem: String,
    config: Arc<ServerConfig>,
}

impl Identity {
    /// A new one.
    ///
    /// # Errors
    /// When none can be made, or TLS has no cryptography.
    pub(crate) fn generate() -> Result<Self, BenchError> {
        // Whoever was first is as good: there is one provider in this program.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed([Ipv4Addr::LOCALHOST.to_string()])?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
        let config =
            ServerConfig::builder().with_no_client_auth().with_single_cert(vec![cert.der().clone()], key)?;
        let der = STANDARD.encode(cert.der());
        let pem = format!("-----BEGIN CERTIFICATE-----\n{der}\n-----END CERTIFICATE-----\n");
        Ok(Self { pem, config: Arc::new(config) })
    }

    /// The file of those that a worker trusts.
    pub(super) fn certificate_file(&self, dir: &Path) -> io::Result<PathBuf> {
        let path = dir.join("vendors.pem");
        fs::write(&path, &self.pem)?;
        Ok(path)
    }
}

/// TLS before one vendor. It ends with its value, and its connections with it.
pub(super) struct Front {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Front {
    /// Before the vendor at this address (`http://…`).
    pub(super) async fn before(url: &str, identity: &Identity) -> io::Result<Self> {
        let behind = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let acceptor = TlsAcceptor::from(Arc::clone(&identity.config));
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let (acceptor, behind) = (acceptor.clone(), behind.clone());
                connections.spawn(async move {
                    // Either side may end whenever it likes.
                    let _ended = carry(client, &acceptor, &behind).await;
                });
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { address, task })
    }

    pub(super) fn url(&self) -> String {
        format!("https://{}", self.address)
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(client: TcpStream, acceptor: &TlsAcceptor, behind: &str) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut client = acceptor.accept(client).await?;
    let mut vendor = TcpStream::connect(behind).await?;
    vendor.set_nodelay(true)?;
    copy_bidirectional(&mut client, &mut vendor).await.map(drop)
}
