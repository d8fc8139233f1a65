//! TLS with a certificate that can be renewed while serving.  RFC 8446

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use rustls::{
    ServerConfig,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio_rustls::TlsAcceptor;

use super::asked::AnyChain;
use crate::{ClientCertificates, Shutdown};

/// The certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsFault {
    /// A file is missing or holds no PEM of that sort.
    #[error("cannot read {what} from {path}")]
    File {
        /// The certificate or the key.
        what: &'static str,
        /// Where it should be.
        path: PathBuf,
        /// Why not.
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    /// The files are readable and do not fit each other, or use an algorithm that is not offered.
    #[error("the certificate and the key do not work together")]
    Pair(#[source] rustls::Error),
}

/// A certificate and its key, from files that are read again on demand. TLS 1.2 and 1.3; HTTP/2 and HTTP/1.1.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    certificate: Arc<Certificate>,
}

struct Certificate {
    chain_file: PathBuf,
    key_file: PathBuf,
    provider: Arc<CryptoProvider>,
    current: RwLock<Arc<CertifiedKey>>,
}

impl Tls {
    /// Read the chain (leaf first) and the key, both PEM. Clients may be asked for a certificate; none has to have one.
    ///
    /// # Errors
    /// [`TlsFault`], naming the file.
    pub fn open(
        chain_file: &Path,
        key_file: &Path,
        client_certificates: ClientCertificates,
    ) -> Result<Self, TlsFault> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let current = RwLock::new(Arc::new(load(chain_file, key_file, &provider)?));
        let (chain_file, key_file) = (chain_file.to_owned(), key_file.to_owned());
        let certificate = Arc::new(Certificate { chain_file, key_file, provider: provider.clone(), current });
        let config = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(TlsFault::Pair)?;
        let config = match client_certificates {
            ClientCertificates::Off => config.with_no_client_auth(),
            ClientCertificates::Ask => config.with_client_cert_verifier(Arc::new(AnyChain::new(&provider))),
        };
        let mut config = config.with_cert_resolver(certificate.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), certificate })
    }

    /// Read the files again; new connections get what is in them now. What is wrong changes nothing.
    ///
    /// # Errors
    /// [`TlsFault`], naming the file.
    pub fn reload(&self) -> Result<(), TlsFault> {
        let it = &self.certificate;
        let fresh = Arc::new(load(&it.chain_file, &it.key_file, &it.provider)?);
        *it.current.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// [`reload`](Self::reload) at every SIGHUP, until the shutdown.
    pub async fn reload_on_hangup(self, shutdown: Shutdown) {
        let hangup = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup());
        let mut hangup = match hangup {
            Ok(hangup) => hangup,
            Err(error) => return tracing::error!(%error, "SIGHUP will not renew the certificate"),
        };
        loop {
            tokio::select! {
                () = shutdown.begun() => return,
                signal = hangup.recv() => if signal.is_none() { return },
            }
            match self.reload() {
                Ok(()) => tracing::info!("the certificate was read again"),
                Err(fault) => {
                    tracing::error!(chain = %crate::problem::Chain(&fault), "the certificate stays as it was");
                }
            }
        }
    }

    pub(super) fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }
}

fn load(chain_file: &Path, key_file: &Path, provider: &CryptoProvider) -> Result<CertifiedKey, TlsFault> {
    let fault = |what, path: &Path| {
        let path = path.to_owned();
        move |source| TlsFault::File { what, path, source }
    };
    let chain: Vec<_> = CertificateDer::pem_file_iter(chain_file)
        .and_then(Iterator::collect)
        .map_err(fault("the certificate chain", chain_file))?;
    let key = PrivateKeyDer::from_pem_file(key_file).map_err(fault("the private key", key_file))?;
    CertifiedKey::from_der(chain, key, provider).map_err(TlsFault::Pair)
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({})", self.chain_file.display())
    }
}
