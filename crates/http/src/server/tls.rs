//! The server's certificate: read from two files, and read again when they change.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use thiserror::Error;
use tokio_rustls::TlsAcceptor;
use zeroize::Zeroizing;

/// How often the files are looked at.
pub(super) const PERIOD: Duration = Duration::from_secs(5);

/// Where the certificate, with the chain below it, and its key are, both as PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// Why a pair of files cannot be used.
#[derive(Debug, Error)]
pub enum PairError {
    #[error("{} cannot be read: {error}", path.display())]
    Unreadable { path: PathBuf, error: io::Error },
    #[error("{} holds no certificate", path.display())]
    NoCertificate { path: PathBuf },
    #[error("{} holds no private key", path.display())]
    NoKey { path: PathBuf },
    #[error("{} is not the key of {}: {error}", key.display(), certificate.display())]
    Mismatch {
        key: PathBuf,
        certificate: PathBuf,
        error: rustls::Error,
    },
    #[error("TLS cannot be set up: {0}")]
    Setup(rustls::Error),
}

/// The certificate that is shown to clients.
#[derive(Debug)]
pub struct Certificate {
    files: Files,
    config: Arc<ServerConfig>,
    shown: Arc<Shown>,
    /// The state of the files when they were read last.
    read: Mutex<Option<[Stamp; 2]>>,
}

impl Certificate {
    pub fn read(files: Files) -> Result<Self, PairError> {
        let stamps = files.stamps();
        let shown = Arc::new(Shown(RwLock::new(Arc::new(files.read()?))));
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .map_err(PairError::Setup)?
                .with_no_client_auth()
                .with_cert_resolver(shown.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self {
            files,
            config: Arc::new(config),
            shown,
            read: Mutex::new(stamps),
        })
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.config.clone())
    }

    /// Shows what the files hold now. A pair that cannot be used changes nothing.
    pub fn reload(&self) {
        let stamps = self.files.stamps();
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = stamps;
        match self.files.read() {
            Ok(pair) => {
                *self.shown.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(pair);
                tracing::info!("the certificate was read again");
            }
            Err(error) => tracing::error!(%error, "the certificate stays what it was"),
        }
    }

    pub(super) fn reload_if_changed(&self) {
        // Half of a pair that is being replaced: it is looked at again soon.
        let Some(now) = self.files.stamps() else {
            return;
        };
        let read = self
            .read
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if read.as_ref() != Some(&now) {
            self.reload();
        }
    }
}

/// Handshakes begin with this one.
#[derive(Debug)]
struct Shown(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(
            self.0
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
        )
    }
}

/// What changes when a file is written, replaced, or reached by another link.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    file: (u64, u64),
    size: u64,
    changed: (i64, i64),
}

impl Files {
    fn stamps(&self) -> Option<[Stamp; 2]> {
        let stamp = |path: &Path| {
            let metadata = fs::metadata(path).ok()?;
            Some(Stamp {
                file: (metadata.dev(), metadata.ino()),
                size: metadata.size(),
                changed: (metadata.ctime(), metadata.ctime_nsec()),
            })
        };
        Some([stamp(&self.certificate)?, stamp(&self.key)?])
    }

    fn read(&self) -> Result<CertifiedKey, PairError> {
        let read = |path: &Path| {
            fs::read(path).map_err(|error| PairError::Unreadable {
                path: path.to_owned(),
                error,
            })
        };
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&read(&self.certificate)?)
            .collect::<Result<_, _>>()
            .ok()
            .filter(|chain: &Vec<_>| !chain.is_empty())
            .ok_or_else(|| PairError::NoCertificate {
                path: self.certificate.clone(),
            })?;
        let key =
            PrivateKeyDer::from_pem_slice(&Zeroizing::new(read(&self.key)?)).map_err(|_| {
                PairError::NoKey {
                    path: self.key.clone(),
                }
            })?;
        CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider()).map_err(|error| {
            PairError::Mismatch {
                key: self.key.clone(),
                certificate: self.certificate.clone(),
                error,
            }
        })
    }
}
