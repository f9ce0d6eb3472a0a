//! Hashing of passwords with Argon2id (RFC 9106), off the request threads and a few at a time: each
//! takes 19 MiB and most of the time of a core.

use std::fmt;

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use stepgate_domain::{entropy::Entropy, secret::Secret};

use crate::{
    cores::{Cores, WorkError},
    error::ManagementError,
    random::SystemRandom,
};

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;

/// The most that a hash made elsewhere may ask of this server.
const MOST_MEMORY_KIB: u32 = 64 * 1024;
const MOST_PASSES: u32 = 10;
const MOST_LANES: u32 = 4;

#[derive(Debug, thiserror::Error)]
pub enum HashingError {
    #[error("the password could not be hashed")]
    Failed,
    #[error(transparent)]
    NotDone(#[from] WorkError),
}

impl From<HashingError> for ManagementError {
    fn from(error: HashingError) -> Self {
        match error {
            HashingError::NotDone(error) => error.into(),
            HashingError::Failed => Self::Internal(Box::new(error)),
        }
    }
}

/// How many may wait for each core: a second or two of work.
const WAITING: usize = 64;

/// Hashes and compares. Never inside a transaction.
pub struct Passwords {
    cores: Cores,
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passwords(…)")
    }
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            cores: Cores::with_queue(WAITING),
        }
    }
}

impl Passwords {
    /// The hash in PHC string form.
    pub async fn hash(&self, password: Secret<String>) -> Result<Secret<String>, HashingError> {
        self.cores
            .run(move || {
                let salt = <dyn Entropy>::bytes::<SALT_BYTES>(&mut SystemRandom);
                hash(&password, &salt)
            })
            .await?
    }

    /// Whether this is the password of the hash. Without a hash (nobody has that name, or no
    /// password) it is not, and that takes as long.
    pub async fn matches(
        &self,
        password: Secret<String>,
        stored: Option<Secret<String>>,
    ) -> Result<bool, HashingError> {
        Ok(self
            .cores
            .run(move || {
                if let Some(stored) = stored {
                    matches(&password, &stored)
                } else {
                    std::hint::black_box(hash(&password, &[0; SALT_BYTES]).is_ok());
                    false
                }
            })
            .await?)
    }

    /// Of which of the hashes this is the password.
    pub async fn matches_each(
        &self,
        password: Secret<String>,
        stored: Vec<Secret<String>>,
    ) -> Result<Vec<bool>, HashingError> {
        if stored.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self
            .cores
            .run(move || {
                stored
                    .iter()
                    .map(|stored| matches(&password, stored))
                    .collect()
            })
            .await?)
    }
}

fn hash(password: &Secret<String>, salt: &[u8]) -> Result<Secret<String>, HashingError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| HashingError::Failed)?;
    let hash = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_with_salt(password.expose().as_bytes(), salt)
        .map_err(|_| HashingError::Failed)?;
    Ok(Secret::new(hash.to_string()))
}

/// The hash says how it was made.
fn matches(password: &Secret<String>, stored: &Secret<String>) -> bool {
    PasswordHash::new(stored.expose()).is_ok_and(|stored| {
        Argon2::default()
            .verify_password(password.expose().as_bytes(), &stored)
            .is_ok()
    })
}

/// Whether a hash made elsewhere can be compared with, at a price that this server pays.
pub fn is_acceptable(encoded: &Secret<String>) -> bool {
    let Ok(hash) = PasswordHash::new(encoded.expose()) else {
        return false;
    };
    let known = Algorithm::try_from(hash.algorithm.as_str()).is_ok();
    let version = hash.version.is_none_or(|it| Version::try_from(it).is_ok());
    let affordable = Params::try_from(&hash).is_ok_and(|params| {
        params.m_cost() <= MOST_MEMORY_KIB
            && params.t_cost() <= MOST_PASSES
            && params.p_cost() <= MOST_LANES
    });
    known && version && affordable && hash.salt.is_some() && hash.hash.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    #[tokio::test]
    async fn a_hash_says_how_it_was_made_and_matches_its_password_only() {
        let passwords = Passwords::default();
        let hash = passwords.hash(secret("correct horse")).await.unwrap();
        assert!(hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(is_acceptable(&hash));
        let other = passwords.hash(secret("correct horse")).await.unwrap();
        assert_ne!(hash.expose(), other.expose());
        let verdicts = passwords
            .matches_each(secret("correct horse"), vec![hash.clone(), secret("$x$")])
            .await;
        assert_eq!(verdicts.unwrap(), [true, false]);
        assert!(
            !passwords
                .matches(secret("wrong"), Some(hash))
                .await
                .unwrap()
        );
        assert!(!passwords.matches(secret("wrong"), None).await.unwrap());
    }

    #[test]
    fn a_hash_that_asks_too_much_is_refused() {
        let hash = |memory: u32, passes: u32| {
            format!(
                "$argon2id$v=19$m={memory},t={passes},p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAA"
            )
        };
        assert!(is_acceptable(&secret(&hash(19_456, 2))));
        for refused in [
            hash(1 << 20, 2),
            hash(19_456, 1_000),
            "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ".to_owned(),
            "$pbkdf2$x".to_owned(),
            "$argon2id$".to_owned(),
        ] {
            assert!(!is_acceptable(&secret(&refused)), "{refused}");
        }
    }
}
