//! Hashing of passwords with Argon2id (RFC 9106), off the request threads and a few at a time: each
//! takes 19 MiB and most of the time of a core.

use std::fmt;

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use stepgate_domain::{entropy::Entropy, password::prepared, secret::Secret};

use crate::{
    cores::{Cores, WorkError},
    error::ManagementError,
    random::SystemRandom,
};

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;

/// The most that a hash made elsewhere may ask of this server, whose every guess costs as much: some
/// seven times our own price, which is what widely used frameworks choose.
const MOST_MEMORY_KIB: u32 = 64 * 1024;
const MOST_PASSES: u32 = 10;
const MOST_LANES: u32 = 4;
const MOST_WORK: u32 = 64 * 1024 * 4;
/// The least that keeps guessing dear until the first sign-on makes a hash of our own.
const LEAST_WORK: u32 = 4 * 1024 * 3;
const OUR_WORK: u32 = MEMORY_KIB * PASSES;

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
    /// The hash of the prepared password, in PHC string form.
    pub async fn hash(&self, password: Secret<String>) -> Result<Secret<String>, HashingError> {
        self.cores
            .run(move || {
                let salt = <dyn Entropy>::bytes::<SALT_BYTES>(&mut SystemRandom);
                hash(&prepared(&password), &salt)
            })
            .await?
    }

    /// Whether this is the password of the hash, prepared or, for hashes made elsewhere or before
    /// passwords were prepared, as it was typed. Without a hash (nobody has that name, or no password)
    /// it is not, and that takes as long.
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
                    for form in forms(&password) {
                        std::hint::black_box(hash(&form, &[0; SALT_BYTES]).is_ok());
                    }
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

/// The forms that a typed password may have been hashed in: one, unless its letters can be written in
/// several ways.
fn forms(typed: &Secret<String>) -> Vec<Secret<String>> {
    let prepared = prepared(typed);
    let is_same = prepared.matches(typed.expose().as_bytes());
    let typed = (!is_same).then(|| typed.clone());
    std::iter::once(prepared).chain(typed).collect()
}

/// The hash says how it was made.
fn matches(password: &Secret<String>, stored: &Secret<String>) -> bool {
    PasswordHash::new(stored.expose()).is_ok_and(|stored| {
        let mut forms = forms(password).into_iter();
        forms.any(|form| {
            Argon2::default()
                .verify_password(form.expose().as_bytes(), &stored)
                .is_ok()
        })
    })
}

/// Whether guessing the password of a hash is cheaper than with our own.
pub fn is_weak(encoded: &Secret<String>) -> bool {
    let Ok(hash) = PasswordHash::new(encoded.expose()) else {
        return false;
    };
    let is_ours = hash.algorithm.as_str() == Algorithm::Argon2id.as_str()
        && hash.version == Some(Version::V0x13.into());
    let work = Params::try_from(&hash).map_or(0, |params| work(&params));
    !is_ours || work < OUR_WORK
}

fn work(params: &Params) -> u32 {
    params.m_cost().saturating_mul(params.t_cost())
}

/// Why a hash made elsewhere is not taken.
pub fn fault(encoded: &Secret<String>) -> Option<&'static str> {
    const UNKNOWN: &str = "is not an Argon2 hash in PHC string form";
    let Ok(hash) = PasswordHash::new(encoded.expose()) else {
        return Some(UNKNOWN);
    };
    let is_known = Algorithm::try_from(hash.algorithm.as_str()).is_ok()
        && hash.version.is_none_or(|it| Version::try_from(it).is_ok())
        && hash.salt.is_some()
        && hash.hash.is_some();
    let Some(params) = Params::try_from(&hash).ok().filter(|_| is_known) else {
        return Some(UNKNOWN);
    };
    if params.m_cost() > MOST_MEMORY_KIB {
        Some("asks for too much memory: m must be at most 65536")
    } else if params.t_cost() > MOST_PASSES {
        Some("asks for too many passes: t must be at most 10")
    } else if params.p_cost() > MOST_LANES {
        Some("asks for too many lanes: p must be at most 4")
    } else if work(&params) > MOST_WORK {
        Some("asks for too much work: m times t must be at most 262144")
    } else if work(&params) < LEAST_WORK {
        Some("is too weak: m times t must be at least 12288")
    } else {
        None
    }
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
        assert_eq!(fault(&hash), None);
        assert!(!is_weak(&hash));
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

    #[tokio::test]
    async fn a_password_matches_in_each_form_and_so_does_one_hashed_as_it_was_typed() {
        let passwords = Passwords::default();
        let (composed, decomposed) = (secret("Pä7-sswörd"), secret("Pa\u{308}7-sswo\u{308}rd"));
        let ours = passwords.hash(decomposed.clone()).await.unwrap();
        let foreign = hash(&decomposed, &[7; SALT_BYTES]).unwrap();
        for (password, stored, expected) in [
            (&composed, &ours, true),
            (&decomposed, &ours, true),
            (&decomposed, &foreign, true),
            (&composed, &foreign, false),
        ] {
            let verdict = passwords.matches(password.clone(), Some(stored.clone()));
            assert_eq!(verdict.await.unwrap(), expected);
        }
    }

    fn encoded(kind: &str, memory: u32, passes: u32, lanes: u32) -> Secret<String> {
        let tail = "c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAA";
        secret(&format!(
            "${kind}$v=19$m={memory},t={passes},p={lanes}${tail}"
        ))
    }

    #[test]
    fn a_hash_is_refused_by_the_name_of_what_it_asks_too_much_or_too_little_of() {
        for (memory, passes, lanes) in
            [(19_456, 2, 1), (65_536, 4, 1), (4_096, 3, 1), (7_168, 5, 1)]
        {
            assert_eq!(fault(&encoded("argon2id", memory, passes, lanes)), None);
        }
        for (memory, passes, lanes, word) in [
            (1 << 20, 1, 1, "memory"),
            (1_024, 1_000, 1, "passes"),
            (19_456, 2, 8, "lanes"),
            (65_536, 10, 4, "work"),
            (8, 1, 1, "weak"),
            (4_096, 2, 1, "weak"),
        ] {
            let fault = fault(&encoded("argon2id", memory, passes, lanes)).unwrap();
            assert!(fault.contains(word), "{fault}");
        }
        for unknown in [
            "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ",
            "$pbkdf2$x",
            "$argon2id$",
        ] {
            assert!(fault(&secret(unknown)).is_some(), "{unknown}");
        }
    }

    #[test]
    fn a_hash_is_weak_by_its_work_and_its_kind() {
        assert!(is_weak(&encoded("argon2id", 4_096, 3, 1)));
        assert!(is_weak(&encoded("argon2i", 65_536, 3, 1)));
        assert!(!is_weak(&encoded("argon2id", 65_536, 3, 4)));
        assert!(!is_weak(&encoded("argon2id", 19_456, 2, 1)));
    }
}
