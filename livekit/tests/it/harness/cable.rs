//! The way of the signalling to a server, which can be cut. Media does not go through it.

use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig, crypto};

pub struct Cable {
    pub url: String,
    is_whole: watch::Sender<bool>,
}

impl Cable {
    pub async fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("ws://{}", listener.local_addr().expect("it is bound"));
        let to = server.trim_start_matches("ws://").to_owned();
        let (is_whole, state) = watch::channel(true);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let (to, mut state) = (to.clone(), state.clone());
                tokio::spawn(async move {
                    if !*state.borrow_and_update() {
                        return;
                    }
                    let Ok(mut far) = TcpStream::connect(&to).await else { return };
                    tokio::select! {
                        _ended = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                        _cut = state.wait_for(|is_whole| !is_whole) => {}
                    }
                });
            }
        });
        Self { url, is_whole }
    }

    /// One over TLS, as in front of every server; the settings with which its certificate is trusted.
    pub async fn sealed_to(server: &str) -> (String, Arc<ClientConfig>) {
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).expect("a certificate");
        let provider = Arc::new(crypto::ring::default_provider());
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("its key");
        let settings = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("versions of the provider")
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .expect("they belong together");
        let trust = trusting(made.cert.der());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("wss://{}", listener.local_addr().expect("it is bound"));
        let to = server.trim_start_matches("ws://").to_owned();
        let acceptor = TlsAcceptor::from(Arc::new(settings));
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let (to, acceptor) = (to.clone(), acceptor.clone());
                tokio::spawn(async move {
                    let Ok(mut near) = acceptor.accept(near).await else { return };
                    let Ok(mut far) = TcpStream::connect(&to).await else { return };
                    let _ended = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                });
            }
        });
        (url, trust)
    }

    /// Connections break, and new ones too.
    pub fn cut(&self) {
        self.is_whole.send_replace(false);
    }

    pub fn mend(&self) {
        self.is_whole.send_replace(true);
    }
}

/// Settings with which one certificate is trusted, and no other.
pub fn trusting(certificate: &CertificateDer<'static>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).expect("it is one");
    let settings = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions of the provider")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(settings)
}
