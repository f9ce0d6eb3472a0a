//! Secrets at rest: sealed with AES-256-GCM under one data key per environment, which is itself
//! sealed by the master key. Where a value belongs is authenticated with it, so that a sealed
//! value cannot be moved to another row.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey},
    hmac,
};
use data_encoding::BASE64URL_NOPAD;
use stepgate_domain::{entropy::Entropy, id::Id, secret::Secret, time::Timestamp};
use stepgate_store::{
    data_keys,
    engine::{Engine, Statement, StoreError},
};
use uuid::Uuid;
use zeroize::Zeroize;

use crate::random::SystemRandom;

const KEY_LENGTH: usize = 32;
const NONCE_LENGTH: usize = 12;

#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error("a sealed value cannot be opened: wrong master key, or the value was moved or changed")]
    Unopenable,
    #[error("the master key must be 32 bytes in base64url or hexadecimal")]
    MalformedMasterKey,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Where a sealed value belongs.
#[derive(Debug, Clone, Copy)]
pub struct Binding<'a> {
    pub environment: Uuid,
    pub kind: &'a str,
    pub id: &'a str,
    pub field: &'a str,
}

impl Binding<'_> {
    fn associated_data(&self) -> String {
        // Lengths first: no two bindings can read the same.
        format!(
            "{}\n{}:{}\n{}:{}\n{}",
            self.environment,
            self.kind.len(),
            self.kind,
            self.id.len(),
            self.id,
            self.field
        )
    }
}

fn seal_with(key: &RandomizedNonceKey, aad: &str, plain: &[u8]) -> Result<String, SealError> {
    let mut sealed = plain.to_vec();
    let nonce = key
        .seal_in_place_append_tag(Aad::from(aad.as_bytes()), &mut sealed)
        .map_err(|_| SealError::Unopenable)?;
    let mut packed = nonce.as_ref().to_vec();
    packed.append(&mut sealed);
    Ok(BASE64URL_NOPAD.encode(&packed))
}

fn open_with(key: &RandomizedNonceKey, aad: &str, packed: &str) -> Result<Vec<u8>, SealError> {
    let packed = BASE64URL_NOPAD
        .decode(packed.as_bytes())
        .map_err(|_| SealError::Unopenable)?;
    let (nonce, sealed) = packed
        .split_at_checked(NONCE_LENGTH)
        .ok_or(SealError::Unopenable)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::Unopenable)?;
    let mut buffer = sealed.to_vec();
    let length = key
        .open_in_place(nonce, Aad::from(aad.as_bytes()), &mut buffer)
        .map_err(|_| SealError::Unopenable)?
        .len();
    buffer.truncate(length);
    Ok(buffer)
}

/// The key of one environment: seals its secrets and keys its hashes.
pub struct DataKey {
    aead: RandomizedNonceKey,
    mac: hmac::Key,
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(…)")
    }
}

impl DataKey {
    fn from_bytes(bytes: &[u8]) -> Result<Self, SealError> {
        // Two keys from one, so that sealing and hashing never share key material (RFC 5869 §2.3).
        let root = hmac::Key::new(hmac::HMAC_SHA256, bytes);
        let mut sealing = hmac::sign(&root, b"stepgate seal\x01").as_ref().to_vec();
        let aead =
            RandomizedNonceKey::new(&AES_256_GCM, &sealing).map_err(|_| SealError::Unopenable)?;
        sealing.zeroize();
        let mac = hmac::Key::new(
            hmac::HMAC_SHA256,
            hmac::sign(&root, b"stepgate hash\x01").as_ref(),
        );
        Ok(Self { aead, mac })
    }

    #[cfg(test)]
    pub(crate) fn for_tests(bytes: [u8; KEY_LENGTH]) -> Self {
        Self::from_bytes(&bytes).unwrap()
    }

    pub fn seal(&self, binding: Binding<'_>, plain: &[u8]) -> Result<String, SealError> {
        seal_with(&self.aead, &binding.associated_data(), plain)
    }

    pub fn open(&self, binding: Binding<'_>, sealed: &str) -> Result<Secret<Vec<u8>>, SealError> {
        open_with(&self.aead, &binding.associated_data(), sealed).map(Secret::new)
    }

    /// A keyed hash for things that must be compared but not read: codes, addresses, tokens.
    /// `purpose` keeps hashes of one use from being taken for another's.
    pub fn hash(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.mac);
        context.update(purpose.as_bytes());
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut hash = [0; 32];
        hash.copy_from_slice(context.sign().as_ref());
        hash
    }
}

/// The master key, and the data keys that it has opened.
pub struct Seal {
    master: RandomizedNonceKey,
    opened: RwLock<HashMap<Uuid, Arc<DataKey>>>,
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal(…)")
    }
}

/// A data key that is not stored yet.
#[derive(Debug)]
pub struct NewDataKey {
    pub statement: Statement,
    pub key: Arc<DataKey>,
}

impl Seal {
    pub fn new(master_key: &Secret<Vec<u8>>) -> Result<Self, SealError> {
        if master_key.expose().len() != KEY_LENGTH {
            return Err(SealError::MalformedMasterKey);
        }
        let master = RandomizedNonceKey::new(&AES_256_GCM, master_key.expose())
            .map_err(|_| SealError::MalformedMasterKey)?;
        Ok(Self {
            master,
            opened: RwLock::default(),
        })
    }

    /// Reads a master key as written in a file or variable: 32 bytes in base64url or hexadecimal.
    pub fn parse_master_key(text: &str) -> Result<Secret<Vec<u8>>, SealError> {
        let text = text.trim();
        let bytes = if text.len() == KEY_LENGTH * 2 {
            data_encoding::HEXLOWER_PERMISSIVE
                .decode(text.as_bytes())
                .ok()
        } else {
            BASE64URL_NOPAD
                .decode(text.trim_end_matches('=').as_bytes())
                .ok()
        };
        match bytes {
            Some(bytes) if bytes.len() == KEY_LENGTH => Ok(Secret::new(bytes)),
            Some(_) | None => Err(SealError::MalformedMasterKey),
        }
    }

    pub fn new_master_key() -> Secret<String> {
        let entropy: &mut dyn Entropy = &mut SystemRandom;
        Secret::new(entropy.token(KEY_LENGTH))
    }

    /// Makes the data key of a new environment, to be stored in the batch that creates it.
    pub fn new_data_key(&self, environment: Uuid, now: Timestamp) -> Result<NewDataKey, SealError> {
        let entropy: &mut dyn Entropy = &mut SystemRandom;
        let mut bytes = entropy.bytes::<KEY_LENGTH>();
        let id = Id::<DataKey>::new(now, entropy).to_string();
        let sealed = seal_with(&self.master, &format!("data key {environment}"), &bytes)?;
        let key = Arc::new(DataKey::from_bytes(&bytes)?);
        bytes.zeroize();
        let statement = data_keys::insert(data_keys::DataKey {
            environment,
            id,
            sealed,
            created_at: now,
        });
        Ok(NewDataKey { statement, key })
    }

    /// Uses a new data key before it is stored: what is stored with it must be sealed with it.
    pub fn remember(&self, environment: Uuid, key: &Arc<DataKey>) {
        self.opened
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(environment, key.clone());
    }

    /// Forgets the key of an environment that was not created, or is deleted.
    pub fn forget(&self, environment: Uuid) {
        self.opened
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&environment);
    }

    /// Whether the master key is the one that this data key was sealed with.
    pub fn check(&self, sealed: &data_keys::DataKey) -> Result<(), SealError> {
        self.open(sealed).map(|_| ())
    }

    fn open(&self, sealed: &data_keys::DataKey) -> Result<DataKey, SealError> {
        let binding = format!("data key {}", sealed.environment);
        let bytes = Secret::new(open_with(&self.master, &binding, &sealed.sealed)?);
        DataKey::from_bytes(bytes.expose())
    }

    /// The data key of an environment, from memory or the store.
    pub async fn data_key(
        &self,
        engine: &dyn Engine,
        environment: Uuid,
    ) -> Result<Arc<DataKey>, SealError> {
        if let Some(key) = self
            .opened
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&environment)
        {
            return Ok(key.clone());
        }
        let keys = data_keys::list(engine, environment).await?;
        let key = Arc::new(self.open(keys.last().ok_or(SealError::Unopenable)?)?);
        self.opened
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(environment, key.clone());
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BINDING: Binding<'_> = Binding {
        environment: Uuid::nil(),
        kind: "application",
        id: "a",
        field: "secret",
    };

    #[test]
    fn a_sealed_value_opens_only_where_it_was_sealed() {
        let key = DataKey::from_bytes(&[7; 32]).unwrap();
        let sealed = key.seal(BINDING, b"hush").unwrap();
        assert_eq!(key.open(BINDING, &sealed).unwrap().expose(), b"hush");
        assert!(key.open(Binding { id: "b", ..BINDING }, &sealed).is_err());
        assert!(
            DataKey::from_bytes(&[8; 32])
                .unwrap()
                .open(BINDING, &sealed)
                .is_err()
        );
    }

    #[test]
    fn a_hash_depends_on_its_purpose_and_on_how_the_parts_are_cut() {
        let key = DataKey::from_bytes(&[7; 32]).unwrap();
        assert_ne!(
            key.hash("code", &[b"12", b"34"]),
            key.hash("code", &[b"123", b"4"])
        );
        assert_ne!(
            key.hash("code", &[b"1234"]),
            key.hash("address", &[b"1234"])
        );
    }

    #[test]
    fn a_master_key_is_read_in_both_spellings() {
        let hexadecimal = "00".repeat(32);
        let base64url = BASE64URL_NOPAD.encode(&[0; 32]);
        for text in [hexadecimal, base64url] {
            assert_eq!(Seal::parse_master_key(&text).unwrap().expose(), &[0; 32]);
        }
        assert!(Seal::parse_master_key("short").is_err());
    }
}
