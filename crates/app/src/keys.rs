//! Signing keys: one RSA key per environment, parsed once and kept as a ready signer.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::{KeySize, PublicKeyComponents},
    signature::{self, KeyPair, RsaKeyPair},
};
use data_encoding::BASE64URL_NOPAD;
use serde::Serialize;
use stepgate_domain::{id::Id, time::Timestamp};
use stepgate_store::{
    engine::{Statement, StoreError},
    signing_keys,
};
use uuid::Uuid;

use crate::{
    App,
    cores::{Cores, WorkError},
    random::SystemRandom,
    seal::{Binding, DataKey, SealError},
};

const KIND: &str = "key";
const PRIVATE_KEY: &str = "privateKey";

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("the environment has no signing key")]
    Missing,
    #[error("a stored signing key cannot be read")]
    Malformed,
    #[error("a key could not be made or used")]
    Failed,
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    NotDone(#[from] WorkError),
}

/// How many may wait for each core: a second or so of work.
const WAITING: usize = 1_024;

/// An RSA key that signs (RS256), and how others know it.
pub struct Signer {
    pub kid: String,
    pair: RsaKeyPair,
    made: Arc<AtomicU64>,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

impl Signer {
    /// A JWS in compact form (RFC 7515 §7.1). Takes most of a millisecond of a core, so call it
    /// where it does not stall other requests.
    pub fn sign(&self, typ: Option<&str>, claims: &impl Serialize) -> Result<String, KeyError> {
        #[derive(Serialize)]
        struct Header<'a> {
            alg: &'static str,
            kid: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            typ: Option<&'a str>,
        }
        let header = Header {
            alg: "RS256",
            kid: &self.kid,
            typ,
        };
        let header = serde_json::to_vec(&header).map_err(|_| KeyError::Failed)?;
        let claims = serde_json::to_vec(claims).map_err(|_| KeyError::Failed)?;
        let mut token = BASE64URL_NOPAD.encode(&header);
        token.push('.');
        BASE64URL_NOPAD.encode_append(&claims, &mut token);
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(
                &signature::RSA_PKCS1_SHA256,
                &aws_lc_rs::rand::SystemRandom::new(),
                token.as_bytes(),
                &mut signature,
            )
            .map_err(|_| KeyError::Failed)?;
        self.made.fetch_add(1, Ordering::Relaxed);
        token.push('.');
        BASE64URL_NOPAD.encode_append(&signature, &mut token);
        Ok(token)
    }

    /// Checks a signature of ours.
    pub fn verify(&self, signing_input: &[u8], signature: &[u8]) -> bool {
        let key = signature::UnparsedPublicKey::new(
            &signature::RSA_PKCS1_2048_8192_SHA256,
            self.pair.public_key().as_ref(),
        );
        key.verify(signing_input, signature).is_ok()
    }

    /// The public half as a JWK (RFC 7517).
    pub fn jwk(&self) -> serde_json::Value {
        let components: PublicKeyComponents<Vec<u8>> = self.pair.public_key().into();
        serde_json::json!({
            "kty": "RSA", "e": BASE64URL_NOPAD.encode(&components.e), "use": "sig",
            "kid": self.kid, "alg": "RS256", "n": BASE64URL_NOPAD.encode(&components.n),
        })
    }
}

/// The keys of the environments that were asked for since the start.
#[derive(Debug)]
pub struct SigningKeys {
    signers: RwLock<HashMap<Uuid, Arc<Vec<Arc<Signer>>>>>,
    cores: Cores,
    made: Arc<AtomicU64>,
}

impl Default for SigningKeys {
    fn default() -> Self {
        Self {
            signers: RwLock::default(),
            cores: Cores::with_queue(WAITING),
            made: Arc::default(),
        }
    }
}

impl SigningKeys {
    /// How many signatures were made since the start.
    pub fn signatures(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }

    /// Does what signs where it does not stall other requests.
    pub async fn off_the_reactor<T: Send + 'static>(
        &self,
        sign: impl FnOnce() -> Result<T, KeyError> + Send + 'static,
    ) -> Result<T, KeyError> {
        self.cores.run(sign).await?
    }
}

/// A signing key that is not stored yet.
pub struct NewSigningKey {
    id: Uuid,
    pkcs8: zeroize::Zeroizing<Vec<u8>>,
}

impl fmt::Debug for NewSigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NewSigningKey({})", self.id)
    }
}

impl NewSigningKey {
    /// RSA 2048: about 90 ms of a core, so off the request threads.
    pub async fn generate(now: Timestamp) -> Result<Self, KeyError> {
        let id = Id::<Signer>::new(now, &mut SystemRandom).uuid();
        let pkcs8 = tokio::task::spawn_blocking(|| {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyError::Failed)?;
            let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| KeyError::Failed)?;
            Ok::<_, KeyError>(zeroize::Zeroizing::new(der.as_ref().to_vec()))
        })
        .await
        .map_err(|_| KeyError::Failed)??;
        Ok(Self { id, pkcs8 })
    }

    /// The write that stores it, sealed.
    pub fn statement(
        &self,
        environment: Uuid,
        data_key: &DataKey,
        now: Timestamp,
    ) -> Result<Statement, KeyError> {
        let id = self.id.to_string();
        let binding = Binding {
            environment,
            kind: KIND,
            id: &id,
            field: PRIVATE_KEY,
        };
        Ok(signing_keys::insert(
            environment,
            &id,
            &data_key.seal(binding, &self.pkcs8)?,
            now,
        ))
    }
}

impl App {
    /// All keys of an environment that verify; the first one signs.
    pub async fn signing_keys(&self, environment: Uuid) -> Result<Arc<Vec<Arc<Signer>>>, KeyError> {
        if let Some(keys) = self
            .keys
            .signers
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&environment)
        {
            return Ok(keys.clone());
        }
        let mut signers = Vec::new();
        for (id, sealed) in signing_keys::list(&*self.engine, environment).await? {
            let binding = Binding {
                environment,
                kind: KIND,
                id: &id,
                field: PRIVATE_KEY,
            };
            let pkcs8 = self.data_key(environment).await?.open(binding, &sealed)?;
            let pair = RsaKeyPair::from_pkcs8(pkcs8.expose()).map_err(|_| KeyError::Malformed)?;
            let made = self.keys.made.clone();
            signers.push(Arc::new(Signer {
                kid: id,
                pair,
                made,
            }));
        }
        let signers = Arc::new(signers);
        if !signers.is_empty() {
            self.keys
                .signers
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(environment, signers.clone());
        }
        Ok(signers)
    }

    pub async fn signer(&self, environment: Uuid) -> Result<Arc<Signer>, KeyError> {
        self.signing_keys(environment)
            .await?
            .first()
            .cloned()
            .ok_or(KeyError::Missing)
    }
}
